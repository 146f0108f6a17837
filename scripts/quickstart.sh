#!/usr/bin/env bash
# From a fresh clone to a running backend: installs packages, builds what runs, starts all five services on 127.0.0.1:50051,
# makes an organisation, loads the demo trial, says how to go on, and keeps serving.
# usage: scripts/quickstart.sh [--once | --empty] [--kafka] [--data DIR] [--port N]
#   --once   the same in a folder of its own, loads the demo again, stops the server, verifies what it left; exits 0 only if
#            all held
#   --empty  an organisation without demo data
#   --kafka  the same on one Kafka broker, each service a process of its own (data-kafka/, ports that are free)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
once=false empty=false kafka=false data="" port=50051
while [ $# -gt 0 ]; do
  case $1 in
    --once) once=true ;;
    --empty) empty=true ;;
    --kafka) kafka=true ;;
    --data) data=$2; shift ;;
    --port) port=$2; shift ;;
    *) sed -n 2,9p "$0"; exit 2 ;;
  esac
  shift
done
if $once; then
  data=$(mktemp -d) port=0
elif [ -z "$data" ]; then
  $kafka && data=data-kafka || data=data
fi
server="" consumer=""
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  [ -z "$consumer" ] || kill -- "-$consumer" 2>/dev/null || true
  ! $kafka || { scripts/five.sh down "$data"; deploy/kafka/kafka.sh down --dir "$data/kafka"; } 2>/dev/null || true
  ! $once || rm -rf "$data"
}
trap stop EXIT
trap 'exit 130' INT TERM

timed() {  # timed NAME COMMAND…
  local start=$SECONDS
  "${@:2}" || { echo "quickstart: $1 failed" >&2; exit 1; }
  echo "quickstart: $1: $((SECONDS - start)) s"
}
preset=${TRIALOG_PRESET:-run}  # The tests run it on what they have built.
unset TRIALOG_PRESET           # The programs refuse what is no flag of theirs.
build() {
  cmake --preset "$preset" >build/configure.log || { tail -20 build/configure.log; return 1; }
  local wanted=trialog-standalone
  ! $kafka || wanted="trialog-auth trialog-inventory trialog-trials trialog-analytics trialog-audit"
  # shellcheck disable=SC2086  # Several targets.
  ninja -C "build/$preset" $wanted trialogctl >build/build.log || { grep -E 'error|FAILED' build/build.log | head -20; return 1; }
}
mkdir -p build
$kafka && packages=kafka || packages=run
timed "packages" scripts/deps.sh "$packages"
timed "build" build
bin=build/$preset/bin

[ -f "$data/keys/master.key" ] || $bin/trialogctl init --data "$data" >/dev/null
start_five() {
  deploy/kafka/kafka.sh up 1 --dir "$data/kafka" --port 0 >"$data/brokers" && address=$(scripts/five.sh up "$bin" "$data" "$(cat "$data/brokers")")
}
start_one() {
  $bin/trialog-standalone --data "$data" --address "127.0.0.1:$port" >"$data/standalone.out" 2>>"$data/standalone.log" &
  server=$!
  until grep -q '^serving on port' "$data/standalone.out"; do
    kill -0 "$server" 2>/dev/null || { tail -5 "$data/standalone.log"; exit 1; }
    read -rt 0.05 <> <(:) || true
  done
  port=$(sed -n 's/^serving on port //p' "$data/standalone.out")
  address=127.0.0.1:$port
}
if $kafka; then timed "start of Kafka and five services" start_five; else start_one; fi

credentials=$data/keys/administrator.json
if [ ! -f "$credentials" ]; then
  ( umask 077
    head -c 24 /dev/urandom | base64 | tr -d '\n' >"$data/keys/administrator.password"
    printf '{"organization":"demo","username":"administrator","password":"%s"}\n' "$(cat "$data/keys/administrator.password")" >"$credentials" )
  $bin/trialogctl init --data "$data" --server "$address" --organization demo --username administrator \
    --password_file "$data/keys/administrator.password" --display_name Administrator >/dev/null
fi
demo() {
  $bin/trialogctl demo --server "$address" --credentials "$credentials" --state "$data/demo.json" \
    --people "$data/keys/demo-people.json" --data tests/data/lung.csv --log_key "$data/keys/audit.pub"
}
$empty || timed "demo" demo
# A consumer outside, with kcat alone, of what the demo led to: every notice once. It begins with the first at each start.
notices() { docs/examples/notifier/notices.sh "$(cat "$data/brokers")" "$data/notices" "$@"; }
told() {
  rm -rf "$data/notices"
  notices -1 >"$data/notices.out" && [ -s "$data/notices.out" ] && [ -z "$(sort "$data/notices.out" | uniq -d)" ] &&
    echo "$(wc -l <"$data/notices.out") notices on trialog.trials.events, the last: $(tail -1 "$data/notices.out")"
}
if $kafka && ! $empty; then timed "a consumer" told; fi
if $once; then
  again() { demo | grep '^already loaded' >/dev/null; }
  $empty || timed "demo, a second time" again
  stopped() { $kafka && scripts/five.sh down "$data" || { kill "$server" && wait "$server"; }; }
  timed "stop" stopped
  server=""
  ! $kafka || where="--kafka_brokers $(cat "$data/brokers")"
  # shellcheck disable=SC2086  # Two words, or none.
  timed "verification" $bin/trialogctl verify --data "$data" ${where:-}
  echo "quickstart: all held"
  exit 0
fi

echo
echo "Trialog serves on $address; its data is in $data/. Stop it with Ctrl-C; start it again with the same command."
scripts/next_steps.sh "$bin" "$address" "$data" demo
if $kafka; then
  echo "Kafka: $(cat "$data/brokers"). Each service's log is in $data/run/. New notices are printed here as a consumer sees them."
  export -f notices
  export data
  setsid bash -c 'notices | sed -u "s/^/notice: /"' &
  consumer=$!
  while read -rt 3600 <> <(:) || true; do :; done
fi
wait "$server"
