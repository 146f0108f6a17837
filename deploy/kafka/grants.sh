#!/usr/bin/env bash
# Grants what a list says (acls.txt says how it is written), by Kafka's own tool, on any Kafka. What is granted already stays as it is;
# what is no longer in the list is not taken back.
# usage: grants.sh LIST KAFKA-ACLS.SH --bootstrap-server ADDRESS --command-config FILE
set -euo pipefail
[ $# -gt 1 ] || { sed -n 2,4p "$0"; exit 2; }
list=$1
shift
while read -r principals operations kind names; do
  words=(--add --force)
  if [[ $names == *\* ]]; then words+=(--resource-pattern-type prefixed) names=${names%\*}; fi
  for each in ${principals//,/ }; do words+=(--allow-principal "User:$each"); done
  for each in ${operations//,/ }; do words+=(--operation "$each"); done
  for each in ${names//,/ }; do words+=("--$kind" "$each"); done
  "$@" "${words[@]}" </dev/null
done < <(sed 's/#.*//; /^[[:space:]]*$/d' "$list")
