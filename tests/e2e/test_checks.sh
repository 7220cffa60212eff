#!/usr/bin/env bash
# The checks see what they are for: a tree with one wrong include of each kind, and counts that do not hide a
# test that was left out without leave.
# shellcheck source=scripts/pipeline.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/pipeline.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/abm-test-checks.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { die 1 "$*"; }

# row WHAT FILE INCLUDE VERDICT: a tree that holds this one line.
row() {
    local verdict=ok
    rm -rf "$work/tree"
    mkdir -p "$work/tree"/{common,stages,tests}
    mkdir -p "$work/tree/$(dirname "$2")"
    printf '#include %s\n' "$3" >"$work/tree/$2"
    "$top/scripts/check-layers.sh" "$work/tree" >/dev/null 2>&1 || verdict=bad
    [ "$verdict" = "$4" ] || fail "$1: $2 with $3 is $verdict, expected $4"
}
row "own layer" common/http/http.c '"http/link.h"' ok
row "a layer below" common/http/http.c '"base/err.h"' ok
row "a layer above" common/base/err.c '"http/http.h"' bad
row "a layer beside" common/http/http.c '"queue/redis.h"' bad
row "the queue knows no device" common/queue/settle.h '"domain/outcome.h"' bad
row "the skeleton knows no cryptography" common/stage/stage.c '"crypto/secret.h"' bad
row "the skeleton knows no API" common/stage/stage.c '"abm/client.h"' bad
row "no layer named" common/base/err.c '"err.h"' bad
row "a folder that is no layer" common/misc/x.c '"base/err.h"' bad
row "a stage and the layers" stages/assign/assign.c '"abm/client.h"' ok
row "what stages share" stages/assign/assign.c '"../portal.h"' ok
row "another stage" stages/assign/assign.c '"../import/import.h"' bad
row "hiredis at home" common/queue/redis.c '<hiredis/hiredis.h>' ok
row "hiredis elsewhere" common/stage/stage.c '<hiredis/hiredis.h>' bad
row "curl in a stage" stages/assign/assign.c '<curl/curl.h>' bad
row "cJSON elsewhere" common/domain/plan.c '<cjson/cJSON.h>' bad
row "libcrypto at home" common/crypto/jwt.c '<openssl/evp.h>' ok
row "libcrypto elsewhere" common/evidence/dsse.c '<openssl/evp.h>' bad
row "libmicrohttpd in the simulator" tests/sim/server.c '<microhttpd.h>' ok
row "libmicrohttpd in a test" tests/unit/http/test_http.c '<microhttpd.h>' bad
row "a system header" common/base/err.c '<stdio.h>' ok

# A subshell each, since the counters are the shell's.
counts() { (
    "$@" >/dev/null 2>&1
    show_counts 2>/dev/null | tail -n 1
) || true; }
left_out() { echo "SKIP: $1: not here" && exit 77; }
say_it() { run_check example left_out "$1"; }
[ "$(counts run_check good true)" = "1 passed, 0 failed, 0 skipped" ] || fail "a check that passes"
[ "$(counts run_check bad false)" = "0 passed, 1 failed, 0 skipped" ] || fail "a check that fails"
[ "$(counts say_it containers)" = "0 passed, 0 failed, 1 skipped" ] || fail "a capability of the list"
[ "$(counts say_it moonlight)" = "0 passed, 1 failed, 0 skipped" ] || fail "a capability that is not in the list"
[ "$(counts say_it '')" = "0 passed, 1 failed, 0 skipped" ] || fail "no capability"
echo "checks: all rows as expected"
