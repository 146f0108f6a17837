#!/usr/bin/env bash
# Prints how to go on with a server that runs: lines that work as they stand.
# usage: scripts/next_steps.sh BIN ADDRESS DATA ORGANIZATION
#   ADDRESS  host:port, or that of each service: auth=host:port,inventory=host:port,…
#   BIN   folder of the binaries
#   DATA  the server's folder; keys/administrator.json is the administrator's, keys/demo-people.json of the demo's people, if any
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1 address=$2 data=$3 organization=$4
auth=${address%%,*} auth=${auth#*=}  # Of five addresses the first is auth's.

cat <<TXT
The administrator's password is in $data/keys/administrator.json (only you can read it). In another terminal:

  $bin/trialogctl login --server $address --credentials $data/keys/administrator.json
  $bin/trialogctl call trialog.auth.v1.AuthService/WhoAmI
  $bin/trialogctl call trialog.auth.v1.UserService/ListUsers '{"parent": "organizations/$organization", "page_size": 5}'
TXT
if [ -f "$data/keys/demo-people.json" ]; then
  cat <<TXT

The demo's people, from the technician to the patients, have their passwords in $data/keys/demo-people.json (only you can read it).
As a clinician, who sees the patients of their institution:

  $bin/trialogctl login --server $address --credentials $data/keys/demo-people.json --username provider-1
  $bin/trialogctl call trialog.trials.v1.PatientService/ListPatients '{"parent": "organizations/$organization", "page_size": 5}'
TXT
fi
grpcurl=$(command -v grpcurl || ls .deps/bin/grpcurl 2>/dev/null || true)
if [ -n "$grpcurl" ]; then
  cat <<TXT

Or with grpcurl, which learns the API from the server:

  $grpcurl -plaintext $auth list
  export TOKEN=\$($bin/trialogctl token)
  $grpcurl -plaintext -H "authorization: Bearer \$TOKEN" $auth trialog.auth.v1.AuthService/WhoAmI
TXT
fi
echo
echo "Other languages, and where to read on: README.md. The API: docs/api/."
