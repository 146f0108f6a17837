#!/usr/bin/env bash
# Checks what no compiler does: the form of every source file (clang-format 14) and, of the files that changed since a base,
# what clang-tidy 19 says (.clang-tidy) and whether golden files only grew.
# usage: scripts/lint.sh [--format] [--base REF | --all]
#   --format    the form alone; needs no build
#   --base REF  clang-tidy on files changed since REF (main when not given)
#   --all       clang-tidy on all files: minutes
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
format_only=false all=false base=main
while [ $# -gt 0 ]; do
  case $1 in
    --format) format_only=true ;;
    --all) all=true ;;
    --base) base=$2; shift ;;
    *) sed -n 2,7p "$0"; exit 2 ;;
  esac
  shift
done

# In an unpacked archive there is no git to ask.
sources() { git ls-files '*.cc' '*.h' 2>/dev/null || find platform services tests -name '*.cc' -o -name '*.h'; }
sources | xargs clang-format-14 --dry-run --Werror
! $format_only || exit 0

changed_goldens=$(git diff --numstat "$base" -- '*testdata/*' '*.golden' | awk '$2 > 0 {print $3}' | grep -E 'golden|testdata/(events/|declarations|tables)' || true)
if [ -n "$changed_goldens" ]; then
  echo "golden files may only grow (docs/formats/README.md): $changed_goldens"
  exit 1
fi

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
