#!/usr/bin/env bash
# Checks what no compiler does: the form of every source file (clang-format 14) and, of the files that changed since a base,
# what clang-tidy 19 says (.clang-tidy) and whether golden files only grew.
# usage: scripts/lint.sh [--format | --golden] [--base REF | --all]
#   --format    the form alone; needs no build
#   --golden    the golden files alone, since REF; without it, since the branch left main, or since the last commit on main
#   --base REF  clang-tidy on files changed since REF (main when not given)
#   --all       clang-tidy on all files: minutes
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
format_only=false golden_only=false all=false base=
while [ $# -gt 0 ]; do
  case $1 in
    --format) format_only=true ;;
    --golden) golden_only=true ;;
    --all) all=true ;;
    --base) base=$2; shift ;;
    *) sed -n 2,8p "$0"; exit 2 ;;
  esac
  shift
done

# The commit before what is being worked on; nothing in an unpacked archive or a clone of one commit.
last_base() {
  local main
  main=$(git merge-base HEAD main 2>/dev/null || git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -n "$main" ] && [ "$main" != "$(git rev-parse HEAD)" ]; then
    echo "$main"
  else
    git rev-parse --verify --quiet HEAD~1 2>/dev/null || true
  fi
}

check_goldens() {  # check_goldens BASE
  local changed
  changed=$(git diff --numstat "$1" -- '*testdata/*' '*.golden' | awk '$2 > 0 {print $3}' | grep -E 'golden|testdata/(events/|declarations|tables)' || true)
  [ -n "$changed" ] || return 0
  echo "golden files may only grow (docs/formats/README.md): $changed"
  return 1
}

if $golden_only; then
  base=${base:-$(last_base)}
  [ -n "$base" ] || { echo "no history to compare golden files with"; exit 0; }
  check_goldens "$base"
  exit
fi
base=${base:-main}

# In an unpacked archive there is no git to ask.
sources() { git ls-files '*.cc' '*.h' 2>/dev/null || find platform services tests -name '*.cc' -o -name '*.h'; }
sources | xargs clang-format-14 --dry-run --Werror
! $format_only || exit 0

check_goldens "$base"

scripts/deps.sh lint
# Without precompiled headers, which clang-tidy would have to build first.
cmake --preset fuzz -B build/lint -DTRIALOG_LIBFUZZER=OFF -DTRIALOG_SANITIZE= -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >build/lint.log ||
  { tail -20 build/lint.log; exit 1; }
ninja -C build/lint generated_protos >>build/lint.log || { tail -20 build/lint.log; exit 1; }
if $all; then
  mapfile -t files < <(git ls-files 'platform/*.cc' 'services/*.cc' 'tests/*.cc')
else
  mapfile -t files < <(git diff --name-only --diff-filter=AMR "$base" -- 'platform/*.cc' 'services/*.cc' 'tests/*.cc')
fi
# Files that no target builds (other platforms, tools) have no command.
known=()
for file in "${files[@]}"; do grep -qF "\"$PWD/$file\"" build/lint/compile_commands.json && known+=("$file"); done
[ ${#known[@]} -eq 0 ] || printf '%s\n' "${known[@]}" | xargs -n 1 -P "$(nproc)" clang-tidy-19 -p build/lint --quiet --warnings-as-errors='*'
echo "lint: ${#known[@]} files"
