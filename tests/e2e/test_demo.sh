#!/usr/bin/env bash
# The demo runs twice at once, each in a folder of its own; ends with 0; leaves no process; and its evidence
# holds for a stranger, who has the public key and the openssl command alone.
# shellcheck source=scripts/pipeline.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/pipeline.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/abm-test-demo.XXXXXX")
pids=()
cleanup() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do stop_pid "$pid" 60; done
    rm -rf "$work"
}
trap cleanup EXIT
fail() { die 1 "$*"; }

for copy in one two; do
    "$top/scripts/demo" --devices 200 --dir "$work/$copy" >"$work/$copy.log" 2>&1 </dev/null &
    pids+=($!)
done
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
pids=()
if [ "$status" -ne 0 ]; then
    tail -n 40 "$work"/*.log >&2
    fail "a demo ended with status $status"
fi

# Nothing of it runs on: every process that it starts has the folder in its command line or environment.
for process in /proc/[0-9]*; do
    if tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -q "^ABM_CONFIG=$work/" ||
        tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q "$work/[a-z]*/redis"; then
        fail "still running: $(tr '\0' ' ' <"$process/cmdline")"
    fi
done

# DSSE: the signature is over "DSSEv1 LENGTH TYPE LENGTH PAYLOAD".
check_signature() { # FOLDER
    local folder=$1 manifest type
    manifest=$(find "$folder/evidence" -name manifest-1.dsse.json)
    [ -n "$manifest" ] || fail "no manifest in $folder/evidence"
    type=application/vnd.abm.audit-manifest+json
    manifest_payload "$manifest" >"$folder/payload"
    [ -s "$folder/payload" ] || fail "the manifest has no payload"
    { printf 'DSSEv1 %d %s %d ' ${#type} "$type" "$(wc -c <"$folder/payload")"; cat "$folder/payload"; } >"$folder/signed"
    sed -n 's/.*"sig"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$manifest" | base64 -d >"$folder/signature"
    ABM_CONFIG=$folder/pipeline.yaml "$top/build/release/bin/abmctl" audit pubkey >"$folder/key.pem" ||
        fail "no public key"
    openssl pkeyutl -verify -pubin -inkey "$folder/key.pem" -rawin -in "$folder/signed" \
        -sigfile "$folder/signature" >&2 || fail "openssl does not take the signature"
    # And one changed byte is noticed, or the check above would prove nothing.
    sed 's/"assigned":190/"assigned":191/' "$folder/signed" >"$folder/forged"
    if cmp -s "$folder/signed" "$folder/forged"; then fail "the payload does not say 190 assigned"; fi
    if openssl pkeyutl -verify -pubin -inkey "$folder/key.pem" -rawin -in "$folder/forged" \
        -sigfile "$folder/signature" >/dev/null 2>&1; then
        fail "openssl takes a forged manifest"
    fi
}
check_signature "$work/one"
check_signature "$work/two"

# The folder of an earlier demo is used anew; one that is something else is left alone.
echo mine >"$work/one/notes"
"$top/scripts/demo" --devices 20 --dir "$work/one" >"$work/again.log" 2>&1 </dev/null || {
    tail -n 40 "$work/again.log" >&2
    fail "a second demo in the same folder"
}
[ "$(cat "$work/one/notes")" = mine ] || fail "a file that is not the demo's was removed"
mkdir "$work/other"
echo mine >"$work/other/file"
status=0
"$top/scripts/demo" --dir "$work/other" >"$work/other.log" 2>&1 </dev/null || status=$?
[ "$status" -eq 65 ] || fail "a folder that is not empty: status $status, expected 65"
echo "demo: all checks passed"
