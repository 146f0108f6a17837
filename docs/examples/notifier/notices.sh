#!/usr/bin/env bash
# Follows the notices of every organisation with kcat alone: prints the name of each, once, in order for each organisation. Headers tell
# enough for that; nothing is decoded.
# usage: notices.sh BROKERS STATE [-1] [KCAT-OPTION]…
#   STATE  folder with a file for each partition, whose last line tells the next offset and the last ce_sequence
#   -1     ends at the end of the topic instead of waiting for more
# A record that is no event of ours is laid aside on trialog.consumer.notices.aside: its value, and where the rest of it stands. Of repeats,
# which come after failures, the sequence tells.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 2,8p "$0"; exit 2; }
brokers=$1 state=$2
shift 2
end=()
if [ "${1:-}" = -1 ]; then end=(-e); shift; fi
options=("$@")
topic=${TOPIC_PREFIX:-trialog.}trials.events aside=${TOPIC_PREFIX:-trialog.}consumer.notices.aside
kind=trialog.trials.v1.NotificationCreated
export LC_ALL=C
mkdir -p "$state"

header() {  # header VARIABLE NAME FORM HEADERS: its value, if it is of that form
  [[ ,$4, =~ ,$2=([^,]*), ]] && [[ ${BASH_REMATCH[1]} =~ ^$3$ ]] && printf -v "$1" %s "${BASH_REMATCH[0]}"
}

lay_aside() {  # lay_aside PARTITION OFFSET
  local value=$state/$1.value length from=(-H "aside_topic=$topic" -H "aside_partition=$1" -H "aside_offset=$2")
  local read=(kcat -b "$brokers" -C -q -t "$topic" -p "$1" -o "$2" -c 1) write=(kcat -b "$brokers" -P -t "$aside" -X message.max.bytes=100000000)
  length=$("${read[@]}" -f '%S' "${options[@]}")
  if [ "$length" -gt 0 ]; then  # A whole file is one record, whatever is in it.
    "${read[@]}" -f '%s' "${options[@]}" >"$value"
    "${write[@]}" -k "$1/$2" "${from[@]}" "${options[@]}" "$value"
    rm "$value"
  else
    echo "$1/$2=" | "${write[@]}" -K = -Z "${from[@]}" "${options[@]}"
  fi
  echo "notices.sh: laid aside: partition $1, offset $2" >&2
}

follow() {  # follow PARTITION
  local last="" next=0 offset headers line sequence type subject mark count=0
  if [ -f "$state/$1" ]; then
    # Who was killed may have left half a line.
    read -r next last < <(grep -E '^[0-9]+ ([0-9]{20}\.[0-9]{6})?$' "$state/$1" | tail -1) || true
  fi
  # Headers may have lines of their own: a record ends with a line that nobody could know.
  mark=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  while IFS=$'\t' read -r offset headers; do
    while read -r line && [ "$line" != "$mark" ]; do headers+=$'\n'$line; done
    if ! { header sequence ce_sequence '[0-9]{20}\.[0-9]{6}' "$headers" && header type ce_type '[A-Za-z0-9_.]+' "$headers" &&
      header subject ce_subject '[A-Za-z0-9_.~/-]+' "$headers"; }; then
      lay_aside "$1" "$offset"
    elif [[ $sequence > $last ]]; then
      last=$sequence
      [ "$type" != $kind ] || printf '%s\n' "$subject"
    fi
    # Written after what it tells of: who is killed between the two prints one line again.
    if [ $((count++ % 1000)) = 0 ]; then
      printf '%s %s\n' "$((offset + 1))" "$last" >"$state/$1.new"
      mv "$state/$1.new" "$state/$1"
    else
      printf '%s %s\n' "$((offset + 1))" "$last" >>"$state/$1"
    fi
  done < <(exec kcat -b "$brokers" -C -q -u -t "$topic" -p "$1" -o "$next" "${end[@]}" -f '%o\t%h\n'"$mark"'\n' "${options[@]}")
  wait $!  # How kcat ended.
}

followers=()
for partition in {0..11}; do
  follow "$partition" &
  followers+=($!)
done
failed=0
for follower in "${followers[@]}"; do wait "$follower" || failed=1; done
exit $failed
