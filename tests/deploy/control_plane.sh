#!/usr/bin/env bash
# Applies the manifests to a real control plane: admission, scheduling, volumes, disruptions. Nodes and what
# runs on them are played by kwok, so no program of ours starts. Not in CI: Kubernetes must be built for it, which takes long.
# usage: control_plane.sh BIN      as root
# BIN has etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl (1.34) and kwok (0.7). All of it runs in a network and a
# PID namespace of its own, and ends with this script.
set -euo pipefail
[ $# = 1 ] || { sed -n 2,6p "$0"; exit 2; }
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc bash "$0" "$1"
fi
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'status=$?; [ $status = 0 ] || tail -n 3 "$dir"/*.log >&2; rm -rf "$dir"; exit $status' EXIT
ip link set lo up
umask 077

say() { echo "== $* ($SECONDS s)"; }
fail() { echo "control_plane.sh: $*" >&2; exit 1; }
start() {  # start NAME ARGUMENT…
  local name=$1
  shift
  "$bin/$name" "$@" >"$dir/$name.log" 2>&1 </dev/null &
}
k() { "$bin/kubectl" --kubeconfig "$dir/kubeconfig" "$@"; }
until_true() {  # until_true SECONDS COMMAND…
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "not in time: $*"
    read -rt 0.3 <> <(:) || true
  done
}

openssl genrsa -out "$dir/accounts.key" 2048 2>/dev/null
openssl rsa -in "$dir/accounts.key" -pubout -out "$dir/accounts.pub" 2>/dev/null
token=$(openssl rand -hex 16)
echo "$token,admin,admin,system:masters" >"$dir/tokens.csv"
cat >"$dir/kubeconfig" <<K
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: here, context: {cluster: here, user: admin}}]
current-context: here
K
start etcd --data-dir "$dir/etcd" --unsafe-no-fsync
start kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
  --cert-dir="$dir" --token-auth-file="$dir/tokens.csv" --authorization-mode=Node,RBAC --service-cluster-ip-range=10.96.0.0/16 \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$dir/accounts.pub" \
  --service-account-signing-key-file="$dir/accounts.key" --endpoint-reconciler-type=none
until_true 180 k get --raw /readyz
as=(--kubeconfig="$dir/kubeconfig" --authentication-kubeconfig="$dir/kubeconfig" --authorization-kubeconfig="$dir/kubeconfig" --leader-elect=false)
start kube-controller-manager "${as[@]}" --service-account-private-key-file="$dir/accounts.key" --use-service-account-credentials=true
start kube-scheduler "${as[@]}"
until_true 60 k -n default get serviceaccount default
start kwok --kubeconfig="$dir/kubeconfig" --manage-all-nodes=true
kwok=$!
for n in 1 2 3; do
  k apply -f - >/dev/null <<N
apiVersion: v1
kind: Node
metadata: {name: node-$n, labels: {kubernetes.io/hostname: node-$n, topology.kubernetes.io/zone: zone-$n, kubernetes.io/os: linux}, annotations: {kwok.x-k8s.io/node: fake}}
status: {capacity: {cpu: "8", memory: 32Gi, pods: "50"}, allocatable: {cpu: "8", memory: 32Gi, pods: "50"}}
N
done
for n in $(seq 12); do  # Nobody makes volumes here; claims take these.
  k apply -f - >/dev/null <<V
apiVersion: v1
kind: PersistentVolume
metadata: {name: volume-$n}
spec: {capacity: {storage: 50Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /nowhere}, persistentVolumeReclaimPolicy: Retain}
V
done
say "a control plane of Kubernetes $(k version -o json | sed -n 's/.*"gitVersion": "\(.*\)".*/\1/p' | tail -1), three nodes"

site=$dir/site
mkdir -p "$site"/{keys,kafka/users}
for file in keys/{master,service,audit}.key keys/init.token kafka/ca.pem kafka/users/trialog-{auth,inventory,trials,analytics,audit,operator}; do
  openssl rand -hex 32 >"$site/$file"
done
deploy/peers/certificates.sh "$site/tls"
.deps/bin/kustomize build deploy/kubernetes/overlays/production >"$dir/production.yaml"
k create namespace trialog >/dev/null
deploy/kubernetes/secrets.sh "$site" | k apply --server-side --validate=strict -f - >/dev/null
# Warnings too are none: PodSecurity warns of what it would refuse.
k apply --validate=strict --warnings-as-errors -f "$dir/production.yaml" >"$dir/applied" 2>"$dir/warnings" || { cat "$dir/warnings" >&2; fail "not applied"; }
k create namespace kafka >/dev/null
.deps/bin/kustomize build deploy/kubernetes/acls | k apply --validate=strict --warnings-as-errors -f - >/dev/null
say "applied $(wc -l <"$dir/applied") objects, strictly"

rolled_out() {
  local service
  for service in auth inventory trials analytics audit; do k -n trialog rollout status "statefulset/trialog-$service" --timeout=120s >/dev/null; done
}
rolled_out
k -n trialog wait --for=condition=complete job/trialog-topics --timeout=60s >/dev/null
[ "$(k -n trialog get pods -l app.kubernetes.io/component=trials -o jsonpath='{.items[*].spec.nodeName}' | tr ' ' '\n' | sort -u | wc -l)" = 3 ] ||
  fail "replicas of trials share a node"
[ "$(k -n trialog get endpointslices -l kubernetes.io/service-name=trialog-peers-trials -o jsonpath='{.items[*].endpoints[*].hostname}' | wc -w)" = 3 ] ||
  fail "replicas have no names"
say "all five are there, each replica on a node of its own and with a name"

! k -n trialog run intruder --image=anything:1 --dry-run=server >/dev/null 2>&1 || fail "a pod without restrictions was let in"
evict() {  # evict POD
  printf '{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "%s", "namespace": "trialog"}}' "$1" |
    k create --raw "/api/v1/namespaces/trialog/pods/$1/eviction" -f - 2>&1
}
k -n trialog wait --for=jsonpath='{.status.disruptionsAllowed}'=1 pdb --all --timeout=60s >/dev/null
kill -STOP $kwok  # Nobody plays the nodes: what is evicted now is slow to end.
evict trialog-trials-0 >/dev/null
said=$(evict trialog-trials-1 || true)
[[ $said == *"disruption budget"* ]] || fail "two replicas of trials may go at once"
evict trialog-auth-0 >/dev/null || fail "the one replica of auth cannot be moved"
say "one replica at a time may be moved"
kill -CONT $kwok
