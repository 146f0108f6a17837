#!/usr/bin/env bash
# A real Apache Kafka (KRaft) on loopback: one broker for development, three to see fail-over.
# usage: kafka.sh up [1|3] [--secure] [--dir DIR] [--port N] [--host NAME] [--heap SIZE]
#                                       starts it, or what of it is down; prints the brokers' addresses
#        kafka.sh down [--dir DIR] [--forget]   stops exactly what `up` started; the data stays, or goes
#        kafka.sh start K [--dir DIR]           starts broker K alone, after it was stopped or killed
#        kafka.sh fetch                         fetches the broker's jars (Maven Central, pinned in pom.xml)
# DIR (default .kafka) holds nodeK/{server.properties,data,log,pid} and `brokers`. Broker K listens on N+10(K-1), its controller on
# the port behind. Port 0 takes ports that are free. Without --secure there is no TLS and no password: whoever reaches the port may
# do all. With it (secure.sh) there are TLS, a user for each service, and the rights of acls.txt. Both are on loopback alone, unless
# --host names another address of this machine, or a name of one, which the brokers' certificate is then for as well.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=4.1.0
dir=$root/.kafka port=19092 host=127.0.0.1 heap=384m forget=false secure=false
umask 077  # What a broker keeps, and its passwords, are its user's alone.
# shellcheck source-path=SCRIPTDIR source=secure.sh
. "$here/secure.sh"
usage() { sed -n 2,11p "$0"; exit 2; }

fetch() {  # fetch VERSION
  libs=${KAFKA_LIBS:-$root/.deps/kafka-$1}
  cmp -s "$here/pom.xml" "$libs/COMPLETE" && return
  command -v mvn >/dev/null || { echo "kafka.sh: maven and a Java runtime are missing: scripts/deps.sh kafka" >&2; exit 1; }
  mvn -q -B -f "$here/pom.xml" -Dkafka.version="$1" dependency:copy-dependencies -DoutputDirectory="$libs" -DincludeScope=runtime >&2
  cp "$here/pom.xml" "$libs/COMPLETE"  # Another list of jars is fetched again.
}

alive() {  # alive K: whether the process that runs broker K is ours
  local pid
  pid=$(cat "$dir/node$1/pid" 2>/dev/null) && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$dir/node$1/server.properties"
}

start() {  # start K
  local home=$dir/node$1
  alive "$1" && return
  # A daemon keeps no file of its caller open: a lock would be held for its whole life.
  ( for fd in /proc/"$BASHPID"/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-" 2>/dev/null || true; done
    exec setsid java -Xms"$(cat "$dir/heap")" -Xmx"$(cat "$dir/heap")" -XX:+UseSerialGC -Djava.awt.headless=true \
      -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
      -cp "$libs/*" kafka.Kafka "$home/server.properties" >>"$home/log" 2>&1 </dev/null ) &
  echo $! >"$home/pid"
}

free_base() {  # free_base COUNT: a port below those that the system gives out, so that ten ports from it on for each broker are free
  local base k busy
  for _ in $(seq 200); do
    base=$((10000 + RANDOM % 2000 * 10)) busy=false
    for k in $(seq 0 $(($1 * 10))); do
      ! (exec 3<>"/dev/tcp/$host/$((base + k))") 2>/dev/null || busy=true
    done
    $busy || { echo "$base"; return; }
  done
  echo "kafka.sh: no free ports" >&2
  exit 1
}

configure() {  # configure COUNT
  local count=$1 replicas=1 in_sync=1 k voters="" brokers="" listener=PLAINTEXT controllers=PLAINTEXT
  [ "$count" = 1 ] || { replicas=3; in_sync=2; }
  [ "$port" != 0 ] || port=$(free_base "$count")
  for k in $(seq "$count"); do
    voters+=${voters:+,}$k@$host:$((port + (k - 1) * 10 + 1))
    brokers+=${brokers:+,}$host:$((port + (k - 1) * 10))
  done
  mkdir -p "$dir"
  rm -rf "$dir"/{tls,users,clients,admin.properties} "$dir"/acls.*  # Of an `up` that did not come to its end.
  echo "$heap" >"$dir/heap"
  if $secure; then
    listener=SASL_SSL controllers=SSL
    make_certificates
    make_users "$brokers"
  fi
  head -c 16 /dev/urandom | base64 | tr '+/' 'Aa' | tr -d '=' >"$dir/cluster"  # One that begins with - is taken for a flag.
  for k in $(seq "$count"); do
    local home=$dir/node$k at=$((port + (k - 1) * 10))
    mkdir -p "$home"
    cat >"$home/server.properties" <<P
process.roles=broker,controller
node.id=$k
controller.quorum.voters=$voters
listeners=$listener://$host:$at,CONTROLLER://$host:$((at + 1))
advertised.listeners=$listener://$host:$at
controller.listener.names=CONTROLLER
inter.broker.listener.name=$listener
listener.security.protocol.map=$listener:$listener,CONTROLLER:$controllers
log.dirs=$home/data
num.network.threads=2
num.io.threads=4
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
unclean.leader.election.enable=false
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
controller.quorum.fetch.timeout.ms=1500
controller.quorum.election.timeout.ms=500
log.segment.bytes=67108864
log.index.size.max.bytes=262144
P
    ! $secure || secure_properties >>"$home/server.properties"
    # From a file, since a command line is everybody's to read and this one has the passwords.
    { echo "kafka.tools.StorageTool format -t $(cat "$dir/cluster") -c \"$home/server.properties\""
      ! $secure || scram_arguments; } >"$home/format"
    java -Xmx128m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$libs/*" "@$home/format" >"$home/format.log" 2>&1 ||
      { cat "$home/format.log" >&2; exit 1; }
    rm "$home/format"
  done
  echo "$brokers" >"$dir/brokers"
}

await() {  # until every broker is registered and answers
  local count k seen until=$((SECONDS + 120)) as=(-b "$(cut -d, -f1 "$dir/brokers")") nodes=("$dir"/node*/)
  count=${#nodes[@]}
  ! is_secure || as=(-F "$dir/clients/$super")
  while [ $SECONDS -lt $until ]; do
    seen=$(kcat "${as[@]}" -L -m 1 2>/dev/null | grep -c '^  broker ' || true)
    [ "$seen" -lt "$count" ] || return 0
    for k in $(seq "$count"); do alive "$k" || { tail -20 "$dir/node$k/log" >&2; exit 1; }; done
    read -rt 0.1 <> <(:) || true
  done
  echo "kafka.sh: the brokers do not answer; see $dir/node*/log" >&2
  exit 1
}

[ $# -gt 0 ] || usage
verb=$1 what=""
shift
if [ $# -gt 0 ] && [[ $1 != --* ]]; then what=$1; shift; fi
while [ $# -gt 0 ]; do
  case $1 in
    --dir) mkdir -p "$2"; dir=$(cd "$2" && pwd); shift ;;
    --port) port=$2; shift ;;
    --host) host=$2; shift ;;
    --secure) secure=true ;;
    --heap) heap=$2; shift ;;
    --forget) forget=true ;;
    *) usage ;;
  esac
  shift
done
case $verb in
  fetch) fetch "$version"; fetch "$secure_version" ;;
  up)
    what=${what:-1}
    [ "$what" = 1 ] || [ "$what" = 3 ] || usage
    # What was made without passwords stays without them; who asks for them must not be left to believe otherwise.
    if [ -f "$dir/brokers" ] && $secure && ! is_secure; then
      echo "kafka.sh: $dir is not secure; take another --dir, or begin again: kafka.sh down --forget" >&2
      exit 1
    fi
    if [ ! -f "$dir/brokers" ]; then
      ! $secure || version=$secure_version
    elif is_secure; then
      version=$secure_version
    fi
    fetch "$version"
    [ -f "$dir/brokers" ] || configure "$what"
    for home in "$dir"/node*/; do k=${home%/}; start "${k##*node}"; done
    await
    ! is_secure || apply_grants
    cat "$dir/brokers"
    ;;
  start)
    ! is_secure || version=$secure_version
    fetch "$version"
    start "${what:?which broker}"
    ;;
  down)
    for home in "$dir"/node*/; do
      k=${home%/} k=${k##*node}
      ! alive "$k" || kill "$(cat "$home/pid")"
    done
    for home in "$dir"/node*/; do
      k=${home%/} k=${k##*node}
      for _ in $(seq 300); do alive "$k" || break; read -rt 0.1 <> <(:) || true; done
      if alive "$k"; then kill -KILL "$(cat "$home/pid")"; fi
      rm -f "$home/pid"
    done
    ! $forget || rm -rf "$dir"/node* "$dir"/{brokers,cluster,heap,tls,users,clients,admin.properties} "$dir"/acls.*
    ;;
  *) usage ;;
esac
