#!/usr/bin/env bash
# Runs every fuzzer of tests/fuzz under libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer (clang 19), one after
# the other. What they find is kept in build/fuzz/findings; what they learn, in build/fuzz/corpus for the next run.
# usage: scripts/fuzz.sh [SECONDS a fuzzer, 60] [NAME…]      NAME as in tests/fuzz: filter, access_token, …
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
seconds=${1:-60}
[ $# -gt 0 ] && shift
scripts/deps.sh fuzz
mkdir -p build
cmake --preset fuzz >build/fuzz-configure.log || { tail -20 build/fuzz-configure.log; exit 1; }
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  mapfile -t names < <(sed -n 's/^trialog_fuzzer(\([a-z_]*\).*/\1/p' tests/fuzz/CMakeLists.txt)
fi
ninja -C build/fuzz "${names[@]/#/fuzz_}" >build/fuzz-build.log || { grep -E 'error|FAILED' build/fuzz-build.log | head -20; exit 1; }

findings=build/fuzz/findings
mkdir -p "$findings"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export ASAN_SYMBOLIZER_PATH=${ASAN_SYMBOLIZER_PATH:-/usr/bin/llvm-symbolizer-19}
failed=()
for name in "${names[@]}"; do
  program=build/fuzz/bin/fuzz_$name corpus=build/fuzz/corpus/$name kept=tests/fuzz/corpus/$name
  mkdir -p "$corpus"
  TRIALOG_FUZZ_WRITE_SEEDS=$corpus "$program" >/dev/null
  folders=("$corpus")
  [ ! -d "$kept" ] || folders+=("$kept")
  if "$program" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 -max_len=65536 -print_final_stats=1 \
      -artifact_prefix="$findings/$name-" "${folders[@]}" >"$findings/$name.log" 2>&1; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: */runs /p' "$findings/$name.log"), $(grep -c . < <(ls "$corpus")) inputs"
  else
    echo "$name: FOUND something: $findings/$name.log"
    failed+=("$name")
  fi
done
[ ${#failed[@]} -eq 0 ] || { echo "found by: ${failed[*]}. Each find gets an input in tests/fuzz/corpus/NAME."; exit 1; }
