#!/usr/bin/env bash
# abmctl plan approve as people use it, and what it leaves checked by a stranger: the plan is made here by printf and
# sha256sum, the signature is verified by the very commands of stages/abmctl/README.md, with openssl alone.
# shellcheck source=scripts/pipeline.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/pipeline.sh"

ctl=${TEST_BIN:?}/abmctl
work=$(mktemp -d "${TMPDIR:-/tmp}/abm-test-plan-approve.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { die 1 "$*"; }
cd "$work"
unset ABM_CONFIG ABM_ORG # it needs no settings

# make_plan FILE OPERATOR: a plan of one device.
make_plan() {
    local front back sum
    front='{"add":[{"country":"JP","from":null,"row":1,"serial":"C02ADD000001","state":null,"to":"bp-jp"}],'
    front+='"api_version":"2.0","change":[],"complete":false,"created_at":"2026-11-24T08:17:00.123Z","dialect":"abm-v2",'
    front+='"duplicate":0,"git_commit":null,"inputs":{"mapping_sha256":null,"name":"d.csv","sha256":null},'
    front+="\"operator\":\"$2\",\"org\":\"acme\","
    back='"rejected":0,"remove":[],"unchanged":7,"version":1}'
    sum=$(printf '%s%s' "$front" "$back" | sha256sum | cut -d ' ' -f 1)
    printf '%s"plan_sha256":"%s",%s\n' "$front" "$sum" "$back" >"$1"
}

# run STATUS WORDS ARGS...: abmctl ends so and says that.
run() {
    local want=$1 words=$2 status=0
    shift 2
    "$ctl" "$@" >out 2>&1 || status=$?
    [ "$status" = "$want" ] || fail "abmctl $*: status $status, expected $want: $(cat out)"
    grep -qF -- "$words" out || fail "abmctl $*: it does not say '$words': $(cat out)"
}

"$ctl" audit keygen --out ann.key >ann.pem 2>/dev/null
"$ctl" audit keygen --out bob.key >bob.pem 2>/dev/null

# --- Approving -------------------------------------------------------------------------------------------
# A text that looks like what the commands look for.
make_plan plan.json 'x\",\"payload\":\"QQ==\",\"plan_sha256\":\"00\",'
sum=$(sed -n 's/.*,"plan_sha256":"\([0-9a-f]\{64\}\)",.*/\1/p' plan.json)
chmod 640 plan.json
run 0 "approved by Ann" plan approve --plan plan.json --key ann.key --approver Ann
for words in "+ add 1" "= unchanged 7" "plan_sha256 $sum"; do
    grep -qF -- "$words" out || fail "it does not show '$words': $(cat out)"
done
[ "$(stat -c %a plan.json)" = 640 ] || fail "the mode did not stay"
cp plan.json once.json
run 0 "has approved it already: nothing is changed" plan approve --plan plan.json --key ed25519:file:ann.key --approver Again
cmp -s plan.json once.json || fail "the second time changed the file"
ln -s plan.json link.json
run 0 '"changed":true,"approvals":2}' --json plan approve --plan link.json --key ed25519:file:bob.key --approver Bob
[ -L link.json ] || fail "the link was replaced by a file"
[ "$(grep -o '"payloadType"' plan.json | wc -l)" = 2 ] || fail "there are not two approvals"

# Of two at once none is lost.
for i in 1 2 3 4 5 6; do "$ctl" audit keygen --out "key-$i" >/dev/null 2>&1; done
pids=()
for i in 1 2 3 4 5 6; do
    "$ctl" plan approve --plan plan.json --key "key-$i" >/dev/null &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fail "one of several at once failed"; done
[ "$(grep -o '"payloadType"' plan.json | wc -l)" = 8 ] || fail "an approval was lost"
[ -z "$(find . -name '*.tmp')" ] || fail "a temporary file is left"

# --- A stranger checks -----------------------------------------------------------------------------------
awk '/^```sh$/ { is_in = 1; next } /^```$/ { is_in = 0 } is_in' "${TEST_TOP:?}/stages/abmctl/README.md" >check.sh
grep -q 'DSSEv1' check.sh || fail "README has no commands for it"
# check WHAT KEY: the commands' output in out; true where all of it is well.
check() {
    rm -rf stranger && mkdir stranger && cp "$1" stranger/plan.json && cp "$2" stranger/public.pem
    (cd stranger && sh -e ../check.sh) >out 2>&1 &&
        grep -qF 'Signature Verified Successfully' out && grep -qF 'this plan: OK' out
}
check plan.json ann.pem || fail "a stranger cannot check it: $(cat out)"
check once.json ann.pem || fail "a stranger cannot check the only one: $(cat out)"
if check plan.json bob.pem; then fail "another's key verifies it"; fi
sed 's/"to":"bp-jp"/"to":"bp-jq"/' plan.json >other.json
if check other.json ann.pem; then fail "another plan passes for the approved one"; fi

# --- What is refused -------------------------------------------------------------------------------------
run 77 "plan_sha256 is" plan approve --plan other.json --key ann.key
head -c 300 once.json >cut.json
run 77 "it was cut off" plan approve --plan cut.json --key ann.key
sed 's/,"/, "/' once.json >formatted.json
run 77 "formatted anew" plan approve --plan formatted.json --key ann.key
sed 's/"version":1/"version":2/; s/"unchanged"/"until":1,"unchanged"/' once.json >newer.json
run 77 "written by a newer version: its version is 2" plan approve --plan newer.json --key ann.key
truncate -s 1G large.json
run 65 "it has 1073741824 bytes" plan approve --plan large.json --key ann.key
: >empty.json
run 65 "it is empty" plan approve --plan empty.json --key ann.key
run 65 "it is no plan" plan approve --plan ann.pem --key ann.key
run 65 "it is a folder" plan approve --plan . --key ann.key
run 65 "No such file" plan approve --plan none.json --key ann.key
cp once.json kept.json
run 78 "--key: file:none.key: cannot open" plan approve --plan kept.json --key none.key
run 64 "--key: no signer" plan approve --plan kept.json --key smartcard:1
run 64 "--plan FILE and --key KEY are required" plan approve --plan kept.json
run 64 "without control characters" plan approve --plan kept.json --key bob.key --approver $'a\nb'
cmp -s kept.json once.json || fail "what was refused has changed the file"
if [ "$(id -u)" != 0 ]; then
    mkdir closed && cp once.json closed/ && chmod 500 closed
    run 77 "cannot write" plan approve --plan closed/once.json --key bob.key
    chmod 700 closed
fi
echo "plan approve: 8 approvals, each checked as it should be"
