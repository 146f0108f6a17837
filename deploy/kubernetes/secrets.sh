#!/usr/bin/env bash
# Prints the Secrets of a site, for `kubectl apply --server-side -f -`. They are in no repository: SITE is where they are kept.
# usage: secrets.sh SITE [NAMESPACE]   (trialog)
# SITE has
#   keys/                         made by `trialogctl init --data SITE`
#   tls/SERVICE.pem, .key         what callers know each service by, from your own authority: trialog-SERVICE.NAMESPACE.svc, and
#                                 whatever else they reach it as
#   kafka/ca.pem                  whom the brokers are verified against
#   kafka/users/trialog-SERVICE   the password of each service's user, and trialog-operator's
#   peers/SERVICE.pem, .key       made here where they are missing; authority.key stays here
set -euo pipefail
umask 077
cd "$(dirname "$0")/../.."
[ $# = 1 ] || [ $# = 2 ] || { sed -n 2,10p deploy/kubernetes/secrets.sh; exit 2; }
site=$1 namespace=${2:-trialog}

secret() {  # secret NAME KEY=FILE…
  local pair
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\ntype: Opaque\ndata:\n' "$1" "$namespace"
  for pair in "${@:2}"; do printf '  %s: %s\n' "${pair%%=*}" "$(base64 -w 0 <"${pair#*=}")"; done
}

secret trialog-service-key service.key="$site/keys/service.key"
secret trialog-master-key master.key="$site/keys/master.key"
secret trialog-audit-key audit.key="$site/keys/audit.key"
# Remove it there, and the Secret, when the first organisation is made.
[ ! -f "$site/keys/init.token" ] || secret trialog-init-token init.token="$site/keys/init.token"
for service in auth inventory trials analytics audit; do
  # The names that claims carry; trials is also asked by analytics, under the name of all its replicas.
  [ -f "$site/peers/$service.pem" ] ||
    deploy/peers/certificates.sh "$site/peers" \
      --hosts "*.trialog-peers-$service.$namespace.svc,trialog-$service.$namespace.svc" "$service"
  secret "trialog-peer-$service" ca.crt="$site/peers/roots.pem" tls.crt="$site/peers/$service.pem" tls.key="$site/peers/$service.key"
  secret "trialog-tls-$service" tls.crt="$site/tls/$service.pem" tls.key="$site/tls/$service.key"
  secret "trialog-kafka-$service" ca.crt="$site/kafka/ca.pem" password="$site/kafka/users/trialog-$service"
done
secret trialog-kafka-operator ca.crt="$site/kafka/ca.pem" password="$site/kafka/users/trialog-operator"
