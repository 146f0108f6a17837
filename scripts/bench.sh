#!/usr/bin/env bash
# Builds release binaries, measures them and prints one table (docs/performance.md). Writes nothing outside the build folder
# and a temporary folder that it removes. For figures that mean something, nothing else should run on the machine.
# usage: scripts/bench.sh [--quick]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
slice=3s rounds=5 movements=200000 rebuilds=5
if [ "${1:-}" = --quick ]; then slice=500ms rounds=3 movements=20000 rebuilds=3; fi

bin=$PWD/build/release/bin
mkdir -p build
{ cmake --preset release && ninja -C build/release trialog-standalone trialogctl bench_client bench_echo bench_fold; } \
  > build/bench.log 2>&1 || { tail -40 build/bench.log; exit 1; }

# On the disk that holds the checkout, not in memory: the durable measures are about a disk.
folder=$(mktemp -d "$PWD/build/bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/server" "$folder/fold"
"$bin/trialogctl" init --data "$folder/server/data" > /dev/null
"$bin/bench_client" --bin "$bin" --folder "$folder/server" --slice "$slice" --rounds "$rounds"
"$bin/bench_fold" --folder "$folder/fold" --movements "$movements" --rebuilds "$rebuilds" 2> /dev/null | tail -n +3
