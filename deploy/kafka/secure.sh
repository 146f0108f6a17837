#!/usr/bin/env bash
# Sourced by kafka.sh: what `up --secure` adds. Clients and brokers speak SASL/SCRAM-SHA-512 over TLS; controllers know each other
# by certificate, since the passwords are in the log that they have yet to elect a leader for. DIR gets
#   tls/ca.pem       whom clients verify the brokers against
#   tls/broker.pem   the brokers' one certificate and its key
#   users/NAME       the password of each user (acls.txt names them)
#   clients/NAME     the same user's settings, as `kcat -F` reads them
# shellcheck disable=SC2154,SC2034  # `dir`, `here`, `host` and `libs` are kafka.sh's; it reads `secure_version`.
# Not the plain mode's version: the librdkafka of Debian 12 (2.0.2; all before 2.6.1) answers SCRAM with a nonce that is not the
# one it was given, which Kafka 3.9 overlooks and Kafka 4 refuses as invalid credentials. The tool below has another name in 4.
secure_version=3.9.2
super=trialog-broker  # Brokers among themselves, and whoever changes rights.

is_secure() { [ -f "$dir/tls/ca.pem" ]; }

grants() { sed 's/#.*//; /^[[:space:]]*$/d' "$here/acls.txt" | tr -s ' '; }

users() { grants | cut -d' ' -f1 | tr ',' '\n' | sort -u; }

make_certificates() (
  mkdir -p "$dir/tls"
  cd "$dir/tls" || exit
  trap '[ -f ca.pem ] || cat openssl.log >&2' EXIT
  case $host in
    127.0.0.1) also="" ;;
    *[!0-9.]*) also=,DNS:$host ;;
    *) also=,IP:$host ;;
  esac
  new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -x509 "${new_key[@]}" -days 825 -subj "/CN=Trialog Kafka CA" -addext keyUsage=critical,keyCertSign \
    -keyout ca.key -out ca.new 2>openssl.log
  openssl req "${new_key[@]}" -subj "/CN=$super" -keyout broker.key -out broker.csr 2>>openssl.log
  # A broker is the client of another one, and of the controllers.
  openssl x509 -req -in broker.csr -CA ca.new -CAkey ca.key -set_serial 1 -days 825 -out broker.crt 2>>openssl.log -extfile <(
    printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth,clientAuth \
      "subjectAltName=IP:127.0.0.1,DNS:localhost$also"
  )
  cat broker.key broker.crt ca.new >broker.pem
  # With the CA's key anybody could be a controller; nothing is left for it to sign.
  rm ca.key broker.key broker.crt broker.csr openssl.log
  mv ca.new ca.pem
)

make_users() {  # make_users BROKERS
  local user
  mkdir -p "$dir/users" "$dir/clients"
  for user in "$super" $(users); do
    head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d '=' >"$dir/users/$user"
    cat >"$dir/clients/$user" <<P
bootstrap.servers=$1
security.protocol=SASL_SSL
ssl.ca.location=$dir/tls/ca.pem
sasl.mechanism=SCRAM-SHA-512
sasl.username=$user
sasl.password=$(cat "$dir/users/$user")
P
  done
  # The same for the tools that come with Kafka.
  cat >"$dir/admin.properties" <<P
bootstrap.servers=$1
security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.pem
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=$(login "$super")
P
}

login() {  # login USER
  echo "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"$1\" password=\"$(cat "$dir/users/$1")\";"
}

secure_properties() {  # what a broker's settings say beside those of the plain one
  cat <<P
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$(login "$super")
ssl.keystore.type=PEM
ssl.keystore.location=$dir/tls/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.pem
ssl.enabled.protocols=TLSv1.3
listener.name.controller.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:$super;User:CN=$super
P
}

scram_arguments() {  # the users, as the formatting of a broker's storage takes them
  local user
  for user in "$super" $(users); do
    echo "--add-scram SCRAM-SHA-512=[name=$user,password=$(cat "$dir/users/$user")]"
  done
}

change_grants() {  # change_grants --add|--remove <LINES
  local principals operations kind names words archive=$libs/acls.jsa shared
  while read -r principals operations kind names; do
    words=("$1" --force)
    if [[ $names == *\* ]]; then words+=(--resource-pattern-type prefixed) names=${names%\*}; fi
    for principals in ${principals//,/ }; do words+=(--allow-principal "User:$principals"); done
    for operations in ${operations//,/ }; do words+=(--operation "$operations"); done
    for names in ${names//,/ }; do words+=("--$kind" "$names"); done
    # The tool takes one grant at a time, and most of its time to load its classes: the first to run leaves them for the others.
    shared=-XX:SharedArchiveFile=$archive
    [ -f "$archive" ] || shared=-XX:ArchiveClassesAtExit=$archive.$$
    java -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$shared" -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$libs/*" \
      kafka.admin.AclCommand --bootstrap-server "$(cat "$dir/brokers")" --command-config "$dir/admin.properties" \
      "${words[@]}" </dev/null >"$dir/acls.log" 2>&1 || { cat "$dir/acls.log" >&2; exit 1; }
    [ -f "$archive" ] || mv "$archive.$$" "$archive" || true
  done
}

# Makes the brokers' rights those of acls.txt; what was granted of an earlier list and is no longer in it is taken back.
apply_grants() {
  local user wrong operation="(Read|Write|Create|Describe|DescribeConfigs)" name="[a-z.-]+"
  # All of it is read before any of it is granted.
  wrong=$(grants | grep -vE "^$name(,$name)* $operation(,$operation)* (topic|group) ($name(,$name)*|$name\*) ?$") || true
  [ -z "$wrong" ] || { printf 'kafka.sh: acls.txt: not a grant:\n%s\n' "$wrong" >&2; exit 1; }
  touch "$dir/acls.granted"
  ! cmp -s <(grants) "$dir/acls.granted" || return 0
  for user in $(users); do
    [ -f "$dir/users/$user" ] ||
      { echo "kafka.sh: acls.txt names $user, made after $dir was; begin again: kafka.sh down --forget" >&2; exit 1; }
  done
  grants | sort | comm -13 - <(sort "$dir/acls.granted") | change_grants --remove
  # Before the first is granted: if this ends in between, the next time takes back what the list then has no more.
  { cat "$dir/acls.granted"; grants; } | sort -u >"$dir/acls.new"
  mv "$dir/acls.new" "$dir/acls.granted"
  { grants | grep -v '^trialog-operator '; grants | grep '^trialog-operator '; } | change_grants --add
  await_grants
  grants >"$dir/acls.granted"
}

# A broker learns of a grant after it was answered. It learns of all in their order: once it no longer tells the operator, who is
# granted his rights last, that a topic is not his to ask for, it knows them all.
await_grants() {
  local broker until=$((SECONDS + 60))
  for broker in $(tr ',' ' ' <"$dir/brokers"); do
    while [ $SECONDS -lt $until ]; do
      if kcat -F "$dir/clients/trialog-operator" -X bootstrap.servers="$broker" -L -t trialog.auth.log -m 5 2>/dev/null |
        grep '"trialog.auth.log"' | grep -v 'authorization failed' >/dev/null; then
        continue 2
      fi
      read -rt 0.1 <> <(:) || true
    done
    echo "kafka.sh: $broker does not learn of the grants" >&2
    exit 1
  done
}
