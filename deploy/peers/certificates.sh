#!/usr/bin/env bash
# Certificates that our services know each other by: a small authority of their own, and for each service a certificate that
# names it (spiffe://trialog/SERVICE) and the hosts that it is reached by. For development and small sites; larger ones have
# their own authority issue the same.
# usage: certificates.sh DIR [--hosts NAME[,NAME…]] [--days N] [SERVICE…]   (localhost,127.0.0.1; 825 days; all five)
# DIR gets roots.pem, SERVICE.pem and SERVICE.key (mode 0600). The authority's key stays in DIR/authority.key: keep it apart,
# whoever has it can be any service. What is there already stays; certificates are made anew with the authority that is there.
set -euo pipefail
umask 077
[ $# -gt 0 ] && [[ $1 != --* ]] || { sed -n 2,8p "$0"; exit 2; }
dir=$1 hosts=localhost,127.0.0.1 days=825 services=()
shift
while [ $# -gt 0 ]; do
  case $1 in
    --hosts) hosts=$2; shift ;;
    --days) days=$2; shift ;;
    --*) sed -n 2,8p "$0"; exit 2 ;;
    *) services+=("$1") ;;
  esac
  shift
done
[ ${#services[@]} -gt 0 ] || services=(auth inventory trials analytics audit)
mkdir -p "$dir"
if [ ! -f "$dir/authority.key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Trialog services" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign" \
    -keyout "$dir/authority.key" -out "$dir/roots.pem" 2>/dev/null
fi
names=""
for host in ${hosts//,/ }; do
  kind=DNS
  [[ $host =~ ^[0-9.]+$|: ]] && kind=IP
  names+=,$kind:$host
done
for service in "${services[@]}"; do
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$service" -keyout "$dir/$service.key.new" \
    -out "$dir/$service.csr" 2>/dev/null
  openssl x509 -req -in "$dir/$service.csr" -CA "$dir/roots.pem" -CAkey "$dir/authority.key" -days "$days" -out "$dir/$service.pem.new" \
    -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=URI:spiffe://trialog/%s%s\n' "$service" "$names") 2>/dev/null
  mv "$dir/$service.key.new" "$dir/$service.key"
  mv "$dir/$service.pem.new" "$dir/$service.pem"
  rm "$dir/$service.csr"
done
