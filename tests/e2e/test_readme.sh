#!/usr/bin/env bash
# Each command of README.md does what it says. Its blocks ```sh are run in order, in one shell at the top of a tree,
# beside a demo that was left running (scripts/demo --keep): ABM_CONFIG, ABM_TOKEN and PATH as the demo names them,
# a file devices.csv, and in $RUN and $SERIAL a run and a device of it. Not run here are
#
#     git clone, cd, ./scripts/demo and ./scripts/test     the way to this place; scripts/bare-test runs them
#     blocks ```sh containers                              scripts/container-test runs them
#
# A block of another kind (```text, ```yaml) is no command.
#
#   test_readme.sh [FILE]      FILE: another README, for trying this out
# shellcheck source=scripts/pipeline.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/pipeline.sh"

readme=${1:-$top/README.md}
work=$(mktemp -d "${TMPDIR:-/tmp}/abm-test-readme.XXXXXX")
cleanup() {
    if [ -e "$work/demo/stop" ]; then bash "$work/demo/stop" || true; fi
    rm -rf "$work"
}
trap cleanup EXIT
fail() { die 1 "$*"; }

[ -s "$readme" ] || fail "README.md is not written"
if grep -qE '^```(bash|console|shell)' "$readme"; then fail "README.md has commands that are in no block \`\`\`sh"; fi

# The way to this place: what it names is there.
readme_commands "$readme" sh | grep -E '^(git clone|cd |\./scripts/(demo|test))' >"$work/way" || true
while read -r word _; do
    case $word in ./scripts/*) [ -x "$top/$word" ] || fail "README.md names $word, which cannot be run" ;; esac
done <"$work/way"
for command in ./scripts/demo ./scripts/test; do
    grep -q "^$command" "$work/way" || fail "README.md does not say $command"
done
readme_commands "$readme" sh | grep -vE '^(git clone|cd |\./scripts/(demo|test))' >"$work/commands" || true
[ -s "$work/commands" ] || fail "README.md has no command beside these"

"$top/scripts/demo" --devices 40 --keep --dir "$work/demo" >"$work/demo.log" 2>&1 </dev/null || {
    cat "$work/demo.log" >&2
    fail "the demo that the commands need"
}
mkdir "$work/top"
ln -s "$top"/* "$work/top/"
printf 'serial,country\nC02README001,DE\nF02README002,JP\n' >"$work/top/devices.csv"
export ABM_CONFIG=$work/demo/pipeline.yaml ABM_TOKEN=demo-token PATH=$top/build/release/bin:$PATH
manifest=$(find "$work/demo/evidence" -name manifest-1.dsse.json | head -n 1)
RUN=$(basename "$(dirname "$manifest")")
export RUN SERIAL=C000000001

status=0
(cd "$work/top" && timeout 300 bash -euo pipefail -x "$work/commands" >"$work/log" 2>&1 </dev/null) || status=$?
if [ "$status" -ne 0 ]; then
    tail -n 40 "$work/log" >&2
    fail "a command of README.md ended with status $status"
fi
echo "README: $(grep -c '^+ ' "$work/log") commands run"
