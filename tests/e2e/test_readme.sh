#!/usr/bin/env bash
# Each command of README.md does what it says, and what it names is there. Its blocks are run in their order:
#
#     ```sh             in one shell at the top of a tree, beside a demo that was left running (scripts/demo --keep):
#                       ABM_CONFIG, ABM_TOKEN and PATH as the demo names them, a file devices.csv, the demo's
#                       folder evidence, and in $RUN and $SERIAL a run and a device of it
#     ```sh own         in a shell and a folder of their own, with a Redis of their own, and with the demo's
#                       simulator in the place of the API
#     ```sh containers  by scripts/container-test; here only what they name is looked for
#
# ./scripts/demo and ./scripts/test are not run here but by scripts/bare-test, in a bare system. The lines with cmake
# build this tree. Blocks of another kind (```text, ```yaml) are no commands.
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

# --- What it names is there ------------------------------------------------------------------------------
check_links() {
    local target
    while read -r target; do
        case $target in http*) continue ;; esac
        [ -e "$top/${target%%#*}" ] || fail "README.md links to $target, which is not there"
    done < <(grep -o '](\([^)]*\))' "$readme" | sed 's/^](//; s/)$//')
}

# first_column HEAD: what stands first in each row of the table whose first column is headed so.
first_column() {
    awk -F'`' -v head="| $1 |" 'index($0, head) == 1 { is_in = 1; next } !/^\|/ { is_in = 0 } is_in && NF > 2 { print $2 }' \
        "$readme"
}

check_codes() {
    local code count=0
    while read -r code; do
        grep -q "\"$code\"" "$top/common/base/err_table.h" || fail "README.md explains '$code', which is no error's code"
        count=$((count + 1))
    done < <(first_column code)
    [ "$count" -ge 20 ] || fail "README.md explains only $count codes"
}

check_settings() {
    local setting count=0
    while read -r setting; do
        grep -qF -e "| \`${setting}\`" -e "| \`${setting}." "$top/config/README.md" ||
            fail "README.md names the setting '$setting', which there is not"
        count=$((count + 1))
    done < <(first_column setting)
    [ "$count" -ge 10 ] || fail "README.md explains only $count settings"
}

check_containers() {
    local word name
    readme_commands "$readme" "sh containers" >"$work/containers"
    [ -s "$work/containers" ] || fail "README.md has no block \`\`\`sh containers"
    while read -r word; do
        [ -x "$top/$word" ] || fail "README.md names $word, which cannot be run"
    done < <(grep -o '^scripts/[a-z-]*' "$work/containers")
    for name in $(sed -n 's/^docker compose \(stop\|run --rm\) //p' "$work/containers" | sed 's/^abmctl .*/abmctl/') \
        $(grep -o '[a-z]*=[0-9]' "$work/containers" | sed 's/=.*//'); do
        grep -q "^  $name:\$" "$top/docker-compose.yml" || fail "README.md names the service $name, which there is not"
    done
}

check_links
check_codes
check_settings
check_containers

# --- The way to this place -------------------------------------------------------------------------------
readme_commands "$readme" sh >"$work/all"
for command in ./scripts/demo ./scripts/test; do
    grep -q "^$command" "$work/all" || fail "README.md does not say $command"
    [ -x "$top/$command" ] || fail "$command cannot be run"
done
grep '^cmake ' "$work/all" >"$work/build" || fail "README.md does not say how to build by hand"
(
    mkdir -p "$top/build"
    exec 9>"$top/build/.lock"
    flock 9
    cd "$top"
    bash -euo pipefail -x "$work/build" >"$work/build.log" 2>&1 9>&-
) || { tail -n 20 "$work/build.log" >&2; fail "the build by hand"; }
grep -vE '^(cmake |\./scripts/(demo|test))' "$work/all" >"$work/beside" || true
readme_commands "$readme" "sh own" >"$work/alone"
[ -s "$work/beside" ] || fail "README.md has no command beside these"
[ -s "$work/alone" ] || fail "README.md has no block \`\`\`sh own"

# --- A demo that runs, and the commands beside it --------------------------------------------------------
"$top/scripts/demo" --devices 40 --keep --dir "$work/demo" >"$work/demo.log" 2>&1 </dev/null || {
    cat "$work/demo.log" >&2
    fail "the demo that the commands need"
}
manifest=$(find "$work/demo/evidence" -name manifest-1.dsse.json | head -n 1)
simulator=http://127.0.0.1:$(cat "$work/demo/abmsim.port")

# A reader's Redis is on its usual port. That may be taken here, so these two find one on a socket instead.
mkdir "$work/instead"
for name in redis-server redis-cli; do
    command=$(PATH=$PATH:/usr/sbin command -v $name) || fail "no $name here"
    {
        echo '#!/bin/sh'
        if [ $name = redis-cli ]; then
            echo "exec $command -s \"\$TEST_SOCKET\" \"\$@\""
        else
            echo "exec $command \"\$@\" --port 0 --unixsocket \"\$TEST_SOCKET\" --unixsocketperm 700"
        fi
    } >"$work/instead/$name"
    chmod 755 "$work/instead/$name"
done

tries=0
# try_commands FOLDER FILE [NAME=VALUE...]: in a folder that looks like the top of the tree, with devices that no
# other folder has.
try_commands() {
    local folder=$work/$1 file=$work/$2 status=0
    shift 2
    tries=$((tries + 1))
    mkdir "$folder"
    ln -s "$top"/* "$folder/"
    ln -s "$work/demo/evidence" "$folder/evidence"
    printf 'serial,country\nC02README%03d,DE\nF02README%03d,JP\n' "$tries" "$tries" >"$folder/devices.csv"
    {
        echo "trap 'kill \$(jobs -p) 2>/dev/null || true' EXIT"
        cat "$file"
    } >"$file.sh"
    (cd "$folder" && env "$@" PATH="$work/instead:$PATH" timeout 300 bash -euo pipefail -x "$file.sh" >"$file.log" 2>&1 \
        </dev/null) || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$file.log" >&2
        tail -n 3 "$folder"/run/*.log >&2 2>/dev/null || true
        fail "a command of README.md ended with status $status"
    fi
}

PATH=$top/build/release/bin:$PATH try_commands top beside ABM_CONFIG="$work/demo/pipeline.yaml" ABM_TOKEN=demo-token \
    RUN="$(basename "$(dirname "$manifest")")" SERIAL=C000000001 TEST_SOCKET="$work/demo/redis.sock"
try_commands own alone ABM_TOKEN=demo-token ABM_REDIS__URL="unix://$work/own.sock" TEST_SOCKET="$work/own.sock" \
    ABM_ORGS__ACME__API__BASE_URL="$simulator"

# What they were to bring about.
grep -q 'Signature Verified Successfully' "$work/beside.log" || fail "openssl did not check the signature"
grep -qE '^assigned +2$' "$work/alone.log" || fail "two devices were to be assigned on a Redis of their own"
[ "$(find "$work/own/run/evidence" -name manifest-1.dsse.json | wc -l)" -eq 1 ] || fail "no manifest was made"
for log in "$work"/own/run/{validate,import,assign,verify,audit}.log; do
    grep -q '"event":"stopped"' "$log" || fail "$(basename "$log" .log) did not stop in order"
done
echo "README: $(cat "$work"/{beside,alone}.log | grep -c '^+ ') commands run"
