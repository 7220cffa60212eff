# shellcheck shell=bash
# pipeline.sh - what the scripts of this folder share. Sourced, never run:
#
#     . "$(dirname "${BASH_SOURCE[0]}")/pipeline.sh"
#
# It sets the shell strict, and $top to the top of the project. Everything it says goes to stderr, so that
# stdout stays for results. Exit statuses are those of the executables (0, 1, 64 usage, 69, 70, 75, 77, 78).

set -euo pipefail
export LC_ALL=C
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=${0##*/}

say() { printf '%s\n' "$*" >&2; }
die() { # die STATUS WORDS...
    local status=$1
    shift
    say "$program: $*"
    exit "$status"
}

# The comment block at the head of the calling script is its help.
usage() { sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//p}}' "$0"; }
wrong_usage() { die 64 "$* (see $program --help)"; }

has() { command -v "$1" >/dev/null 2>&1; }

# Only a person at a terminal is asked anything.
is_interactive() { [ "${CI:-}" != true ] && [ -t 0 ] && [ -t 1 ]; }

as_root() { # as_root COMMAND...: as it is for root, else through sudo
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        if is_interactive; then sudo "$@"; else sudo -n "$@"; fi
    else
        die 77 "not root and no sudo here; as root run: $*"
    fi
}

cpu_count() { nproc 2>/dev/null || echo 2; }

# Numbers are asked for in more than one place: digits only, no leading zero.
is_count() { [[ $1 =~ ^[1-9][0-9]{0,8}$ ]]; }

now_s() { date +%s; }

# step WORDS COMMAND...: runs it, tells how long it took, keeps its status.
step() {
    local words=$1 began status=0
    shift
    began=$(now_s)
    say "== $words"
    "$@" || status=$?
    if [ "$status" -eq 0 ]; then
        say "== $words: done in $(($(now_s) - began)) s"
    else
        say "== $words: FAILED with status $status after $(($(now_s) - began)) s"
    fi
    return "$status"
}

# wait_until SECONDS COMMAND...: until the command is true; 1 when the time is up. A condition is polled, since
# the processes waited for are not all ours to be told by.
wait_until() {
    local end=$(($(now_s) + $1))
    shift
    until "$@"; do
        [ "$(now_s)" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# is_gone PID: true when it ended, also while it is an unreaped zombie.
is_gone() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 0
    [ -z "$state" ] || [ "$state" = Z ]
}

# stop_pid PID [SECONDS]: asks with SIGTERM, waits, and only then kills. No pid is no error.
stop_pid() {
    local pid=${1:-} grace=${2:-30}
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    if ! wait_until "$grace" is_gone "$pid"; then
        say "$program: process $pid did not end within $grace s, killed"
        kill -KILL "$pid" 2>/dev/null || true
    fi
    wait "$pid" 2>/dev/null || true
}

# build PRESET [TARGET...]: configures and builds build/PRESET. One build at a time in a tree: a second caller
# waits for the first and then finds the work done.
build() {
    local preset=$1
    shift
    mkdir -p "$top/build"
    (
        exec 9>"$top/build/.lock"
        flock 9
        cd "$top"
        cmake --preset "$preset" >"build/$preset.log" 2>&1 || { cat "build/$preset.log" >&2; exit 1; }
        cmake --build --preset "$preset" -j "$(cpu_count)" ${1+--target "$@"} >"build/$preset.log" 2>&1 9>&- ||
            { grep -v '^\[[0-9]*/[0-9]*\] [A-Z]' "build/$preset.log" >&2; exit 1; }
    )
}

# manifest_payload FILE: the signed content of a manifest, as JSON.
manifest_payload() { sed -n 's/.*"payload"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$1" | base64 -d; }

# json_number NAME: the first number under that name in the JSON on stdin. Enough for our own flat counts.
json_number() { grep -o "\"$1\"[[:space:]]*:[[:space:]]*[0-9][0-9]*" | head -n 1 | grep -o '[0-9]*$'; }

# readme_commands FILE INFO: the lines of its fenced blocks that begin with exactly ```INFO.
readme_commands() {
    awk -v fence='```' -v info="$2" '
        index($0, fence) == 1 { is_in = !is_in && $0 == fence info; next }
        is_in { print }' "$1"
}

# compose ARGUMENTS...: Compose v2 where it is installed, else docker-compose 1.29.
compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    elif has docker-compose; then
        docker-compose "$@"
    else
        die 69 "neither 'docker compose' nor docker-compose is installed: scripts/install-deps --containers"
    fi
}

# compose_run ARGUMENTS...: `compose run`, with a terminal only where there is one.
compose_run() {
    if [ -t 0 ] && [ -t 1 ]; then compose run --rm "$@"; else compose run --rm -T "$@"; fi
}

# --- Tests: counts that add up over several calls ------------------------------------------------------
passed=0 failed=0 skipped=0
failures=() # their names, with where they failed
skips=()    # name: capability

# run_ctest PRESET JOBS LABELS: the tests of these labels (a regular expression), counted one by one. The words
# of a failed test are shown, those of the others stay in build/PRESET/Testing.
run_ctest() {
    local preset=$1 jobs=$2 labels=$3 report name result capability words
    report=$top/build/$preset/junit-${labels//[^a-z]/-}.xml
    rm -f "$report"
    ctest --test-dir "$top/build/$preset" -L "^($labels)\$" -j "$jobs" --output-on-failure \
        --test-output-size-passed 65536 --output-junit "$report" >&2 </dev/null || true
    [ -s "$report" ] || { count_failed "$preset: no test of $labels ran"; return; }
    while IFS='|' read -r name result capability words; do
        case $result in
        run) passed=$((passed + 1)) ;;
        skip) count_skipped "$name" "$capability" "$words" ;;
        *) count_failed "$name ($preset)" ;;
        esac
    done < <(awk '
        function attribute(line, name) {
            if (!match(line, " " name "=\"[^\"]*\"")) return ""
            line = substr(line, RSTART, RLENGTH); sub(/^[^"]*"/, "", line); sub(/"$/, "", line); return line
        }
        /<testcase / { name = attribute($0, "name"); status = attribute($0, "status"); left = 0; why = "||" }
        /<skipped message="SKIP_RETURN_CODE/ { left = 1 }
        left && why == "||" && match($0, /SKIP: [a-z0-9-]+/) {
            why = substr($0, RSTART + 6, RLENGTH - 6) "|" substr($0, RSTART + RLENGTH)
        }
        /<\/testcase>/ { print name "|" (left ? "skip" : status) "|" why }' "$report")
}

count_failed() { # NAME
    failed=$((failed + 1))
    failures+=("$1")
}

count_skipped() { # NAME CAPABILITY WORDS: only what tests/SKIPS lists
    if grep -q "^$2[[:space:]]" "$top/tests/SKIPS" 2>/dev/null && [ -n "$2" ]; then
        skipped=$((skipped + 1))
        skips+=("$1: $2${3:-}")
    else
        count_failed "$1: left out for '$2', which tests/SKIPS does not list"
    fi
}

# run_check NAME COMMAND...: one check, counted; status 77 with a `SKIP:` line on its output leaves it out.
run_check() {
    local name=$1 log status=0 line
    shift
    log=$(mktemp)
    say "== $name"
    ("$@") >"$log" 2>&1 </dev/null || status=$?
    line=$(sed -n 's/^SKIP: //p' "$log" | head -n 1)
    cat "$log" >&2
    rm -f "$log"
    case $status in
    0) passed=$((passed + 1)) ;;
    77) count_skipped "$name" "${line%%:*}" "${line#"${line%%:*}"}" ;;
    *) count_failed "$name (status $status)" ;;
    esac
}

# show_counts: the names, then one plain line; the status says whether all went well.
show_counts() {
    local line
    for line in ${skips[@]+"${skips[@]}"}; do printf 'skipped: %s\n' "$line"; done
    for line in ${failures[@]+"${failures[@]}"}; do printf 'FAILED: %s\n' "$line"; done
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
