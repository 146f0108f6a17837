#!/usr/bin/env bash
# Follows one organisation's or all notices with kcat alone: prints the name of each, once, in order for each organisation. Headers tell
# enough for that; nothing is decoded.
# usage: notices.sh BROKERS STATE [-1] [KCAT-OPTION]…
#   STATE  folder: the last ce_sequence and the next offset of each partition
#   -1     ends at the end of the topic instead of waiting for more
# A record that is no event is laid aside on trialog.consumer.notices.aside. Of repeats, which come after failures, the sequence tells.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 2,8p "$0"; exit 2; }
brokers=$1 state=$2
shift 2
end=()
if [ "${1:-}" = -1 ]; then end=(-e); shift; fi
topic=${TOPIC_PREFIX:-trialog.}trials.events aside=${TOPIC_PREFIX:-trialog.}consumer.notices.aside
kind=trialog.trials.v1.NotificationCreated
mkdir -p "$state"

header() { [[ ,$2, =~ ,$1=([^,]*), ]] && echo "${BASH_REMATCH[1]}"; }  # header NAME HEADERS

lay_aside() {  # lay_aside PARTITION OFFSET: its bytes as they are
  kcat -b "$brokers" -C -q -t "$topic" -p "$1" -o "$2" -c 1 -f '%s' "${options[@]}" |
    kcat -b "$brokers" -P -t "$aside" -H "aside_partition=$1" -H "aside_offset=$2" "${options[@]}"
}

follow() {  # follow PARTITION
  local last="" next=0 offset headers sequence
  [ ! -f "$state/$1" ] || read -r next last <"$state/$1"
  while IFS=$'\t' read -r offset headers; do
    if ! sequence=$(header ce_sequence "$headers") || ! header ce_type "$headers" >/dev/null; then
      lay_aside "$1" "$offset"
    elif [[ $sequence > $last ]]; then
      last=$sequence
      [ "$(header ce_type "$headers")" != $kind ] || printf '%s\n' "$(header ce_subject "$headers")"
    fi
    # Written after what it tells of: who is killed between the two prints one line again.
    printf '%s %s\n' "$((offset + 1))" "$last" >"$state/$1.new"
    mv "$state/$1.new" "$state/$1"
  done < <(kcat -b "$brokers" -C -q -u -t "$topic" -p "$1" -o "$next" "${end[@]}" -f '%o\t%h\n' "${options[@]}")
}

options=("$@")
export LC_ALL=C
followers=()
for partition in {0..11}; do
  follow "$partition" &
  followers+=($!)
done
failed=0
for follower in "${followers[@]}"; do wait "$follower" || failed=1; done
exit $failed
