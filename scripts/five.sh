#!/usr/bin/env bash
# The five services as processes of their own, on a Kafka that runs: what `quickstart.sh --kafka` starts.
# usage: scripts/five.sh up BIN DATA BROKERS     starts what is not running; prints where each listens: auth=127.0.0.1:PORT,…
#        scripts/five.sh down DATA               stops exactly what `up` started
# DATA is made by `trialogctl init`. Its peers/ gets the certificates that the services know each other by, run/SERVICE.{pid,out,log} what each
# prints. Addresses for callers are chosen by the system; those for peers are written down in run/SERVICE.peer and stay.
set -euo pipefail
cd "$(dirname "$0")/.."
services="auth inventory trials analytics audit"
usage() { sed -n 2,7p "$0"; exit 2; }

alive() {  # alive SERVICE: whether it is ours that runs
  local pid
  pid=$(cat "$data/run/$1.pid" 2>/dev/null) && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$data/peers/$1.pem"
}

free_port() {  # one above those of kafka.sh and below those that the system gives out: nobody is given it while its server is down
  python3 - <<'END'
import random, socket, sys
for _ in range(1000):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", random.randrange(30100, 32700)))
        except OSError:
            continue
        print(probe.getsockname()[1])
        sys.exit()
sys.exit("five.sh: no free port")
END
}

up() {
  local service
  [ -f "$data/peers/roots.pem" ] || deploy/peers/certificates.sh "$data/peers"
  mkdir -p "$data/run"
  "$bin/trialogctl" topics create --kafka_brokers "$brokers" --kafka_replicas 1 >/dev/null
  for service in $services; do
    [ -f "$data/run/$service.peer" ] || echo "127.0.0.1:$(free_port)" >"$data/run/$service.peer"
  done
  for service in $services; do
    alive "$service" && continue
    rm -f "$data/run/$service.out"
    "$bin/trialog-$service" --data "$data" --address 127.0.0.1:0 --kafka_brokers "$brokers" --kafka_replicas 1 --member "$service-0" \
      --peer_address "$(cat "$data/run/$service.peer")" --peer_roots "$data/peers/roots.pem" --peer_certificate "$data/peers/$service.pem" \
      --peer_key "$data/peers/$service.key" --trials_peer "$(cat "$data/run/trials.peer")" \
      >"$data/run/$service.out" 2>>"$data/run/$service.log" </dev/null &
    echo $! >"$data/run/$service.pid"
  done
  local servers=""
  for service in $services; do
    until grep -qs '^serving on port' "$data/run/$service.out"; do
      alive "$service" || { tail -5 "$data/run/$service.log" >&2; exit 1; }
      read -rt 0.05 <> <(:) || true
    done
    servers+=${servers:+,}$service=127.0.0.1:$(sed -n 's/^serving on port //p' "$data/run/$service.out")
  done
  echo "$servers"
}

down() {
  local service
  for service in $services; do
    ! alive "$service" || kill "$(cat "$data/run/$service.pid")"
  done
  for service in $services; do
    for _ in $(seq 300); do alive "$service" || break; read -rt 0.1 <> <(:) || true; done
    if alive "$service"; then kill -KILL "$(cat "$data/run/$service.pid")"; fi
    rm -f "$data/run/$service.pid"
  done
}

case ${1:-} in
  up) [ $# = 4 ] || usage; bin=$2 brokers=$4; data=$(cd "$3" && pwd); up ;;
  down) [ $# = 2 ] || usage; data=$(cd "$2" && pwd); down ;;
  *) usage ;;
esac
