#!/usr/bin/env bash
# Builds everything and runs every test that CI runs. The last line says how many passed and failed.
# usage: scripts/test.sh [--preset release|debug|asan|tsan] [--kafka-all] [--faults]
# Under the sanitizers the simulation runs fewer seeds, and the client tests, whose time limits are those of a server at
# full speed, are left out. On Kafka a part of the client tests is run again; with --kafka-all every one. What clients of three
# brokers and many replicas see while these are killed and stand still (tests/kafka/README.md) is one short run; with --faults
# ten of a minute, and nothing may take longer than is promised.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
faults=()
preset=release kafka_tests="test_access.py test_at_rest.py test_audit.py test_biobank.py test_data_capture.py test_medication.py test_notices.py test_request_id.py test_watch.py"
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=$2; shift ;;
    --kafka-all) kafka_tests=. ;;
    --faults) faults=(--fault_runs 10 --fault_seconds 60 --fault_limits) ;;
    *) sed -n 3,8p "$0"; exit 2 ;;
  esac
  shift
done
mkdir -p build
failed_steps=0

# step NAME COMMAND…: runs it, prints how long it took.
step() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    echo "== $name: $((SECONDS - start)) s"
  else
    echo "== $name: FAILED after $((SECONDS - start)) s"
    failed_steps=$((failed_steps + 1))
    return 1
  fi
}

lint_protos() {
  local version=1.75.0 tool=.deps/buf/node_modules/.bin/buf
  command -v npm >/dev/null || { echo "npm is missing"; return 1; }
  if [ "$($tool --version 2>/dev/null)" != "$version" ]; then
    mkdir -p .deps/buf
    npm install --silent --no-audit --no-fund --prefix .deps/buf "@bufbuild/buf@$version" || return 1
  fi
  $tool lint
}

python_environment() {
  [ -x .venv/bin/python ] || python3 -m venv .venv || return 1
  .venv/bin/python -m pip install -q --disable-pip-version-check -r tests/clients/requirements.txt
}

configure() {
  cmake --preset "$preset" >build/configure.log || { tail -20 build/configure.log; return 1; }
}

# The same tests with the servers' logs on a broker.
client_tests_on_kafka() {
  local brokers files=() file passed
  brokers=$(deploy/kafka/kafka.sh up 1 --dir build/kafka-clients --port 0) || return 1
  for file in $kafka_tests; do files+=("tests/clients/$file"); done
  .venv/bin/python -m pytest -q "${files[@]}" --kafka "$brokers" --junitxml=build/pytest-on-kafka.xml --build "build/$preset"
  passed=$?
  deploy/kafka/kafka.sh down --dir build/kafka-clients --forget
  return $passed
}

quick_start() {
  TRIALOG_PRESET=$preset scripts/quickstart.sh --once >build/quickstart.log || { tail -20 build/quickstart.log; return 1; }
}

# The product's full shape: all of the above again on Kafka in five processes, with the same figures.
quick_start_on_kafka() {
  TRIALOG_PRESET=$preset scripts/quickstart.sh --kafka --once >build/quickstart-kafka.log || { tail -20 build/quickstart-kafka.log; return 1; }
  grep -q 'log-rank' build/quickstart.log && diff <(figures build/quickstart.log) <(figures build/quickstart-kafka.log)
}
figures() { grep -E ' median |log-rank' "$1"; }

# How often each fault fired and each death was died: what passes says it too, since a fault that never fires proves nothing.
fault_counts() {
  echo "== faults"
  awk '/^[0-9]+\/[0-9]+ Testing: / {wanted = $3 ~ /^(simulation|fault_kill|fault_power)$/}
       wanted && / seeds from |^(clients|processes|log): |^killed at | commands acknowledged/ {print "  " $0}' \
    "build/$preset/Testing/Temporary/LastTest.log"
}

finish() {
  python3 scripts/count_tests.py "build/$preset/Testing/Temporary/LastTest.log" "$failed_steps" build/pytest*.xml
  exit $?
}
rm -f build/pytest*.xml "build/$preset/Testing/Temporary/LastTest.log"

step "dependencies" scripts/deps.sh test || finish
step "proto lint" lint_protos
step "source format" scripts/lint.sh --format
step "golden files" scripts/lint.sh --golden
step "private names" python3 scripts/check_units.py
step "configure" configure || finish
step "build" ninja -C "build/$preset" -k 0 all bench_client bench_echo bench_fold || finish
step "unit and integration tests" ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" --no-tests=error
fault_counts
if [ "$preset" != asan ] && [ "$preset" != tsan ]; then
  step "quick start, once" quick_start
  step "quick start on Kafka, once" quick_start_on_kafka
  step "client environment" python_environment && {
    step "client tests" .venv/bin/python -m pytest -q tests/clients --junitxml=build/pytest.xml --build "build/$preset"
    step "client tests on Kafka" client_tests_on_kafka
    step "deployment" .venv/bin/python -m pytest -q tests/deploy --junitxml=build/pytest-deploy.xml --build "build/$preset"
    step "processes on Kafka" .venv/bin/python -m pytest -q tests/kafka "${faults[@]}" --junitxml=build/pytest-kafka.xml --build "build/$preset"
  }
fi
finish
