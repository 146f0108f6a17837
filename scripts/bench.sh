#!/usr/bin/env bash
# Builds release binaries, measures them and prints one table (docs/performance.md). Writes nothing outside the build folder
# and a temporary folder that it removes. For figures that mean something, nothing else should run on the machine.
# usage: scripts/bench.sh [--quick] [--kafka]   --kafka: on one broker and on three, too
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
slice=3s rounds=5 movements=200000 rebuilds=5 kafka=false
for option; do
  case $option in
    --quick) slice=500ms rounds=3 movements=20000 rebuilds=3 ;;
    --kafka) kafka=true ;;
    *) sed -n 4p "$0"; exit 2 ;;
  esac
done

bin=$PWD/build/release/bin
mkdir -p build
{ cmake --preset release && ninja -C build/release trialog-standalone trialogctl bench_client bench_echo bench_fold; } \
  > build/bench.log 2>&1 || { tail -40 build/bench.log; exit 1; }

# On the disk that holds the checkout, not in memory: the durable measures are about a disk.
folder=$(mktemp -d "$PWD/build/bench.XXXXXX")
clean_up() {
  local brokers
  for brokers in "$folder"/brokers-*/; do [ ! -d "$brokers" ] || deploy/kafka/kafka.sh down --forget --dir "$brokers"; done
  rm -rf "$folder"
}
trap clean_up EXIT
mkdir "$folder/server" "$folder/fold"
"$bin/trialogctl" init --data "$folder/server/data" > /dev/null
"$bin/bench_client" --bin "$bin" --folder "$folder/server" --slice "$slice" --rounds "$rounds"

# brokers COUNT: starts so many, with topics; `addresses` says where.
brokers() {
  local prefix
  addresses=$(deploy/kafka/kafka.sh up "$1" --dir "$folder/brokers-$1" --port 0)
  for prefix in bench. fold.; do
    "$bin/trialogctl" topics create --kafka_brokers "$addresses" --kafka_replicas "$1" --kafka_topic_prefix "$prefix" > /dev/null
  done
}
fold_on_kafka=()
# One after the other, so that the three are not in the way of the one.
if $kafka; then
  for count in 1 3; do
    brokers "$count"
    mkdir -p "$folder/$count"/{data,kafka}
    for data in data kafka; do "$bin/trialogctl" init --data "$folder/$count/$data" > /dev/null; done
    "$bin/bench_client" --bin "$bin" --folder "$folder/$count" --slice "$slice" --rounds "$rounds" --brokers "$addresses" \
      --replicas "$count" --rate_file "$folder/rate" | tail -n +3
    deploy/kafka/kafka.sh down --forget --dir "$folder/brokers-$count"
  done
  brokers 1
  fold_on_kafka=(--brokers "$addresses")
fi
"$bin/bench_fold" --folder "$folder/fold" --movements "$movements" --rebuilds "$rebuilds" "${fold_on_kafka[@]}" 2> /dev/null | tail -n +3
