#!/usr/bin/env bash
# check-layers.sh - holds every #include against the layers and the homes of the libraries (DESIGN.md, Layout).
#
#   scripts/check-layers.sh [TOP]      TOP: another tree than this one, for the test of this check
#
# base <- crypto, queue, http, domain <- abm, evidence, secrets <- stages; base, queue, http, domain <- stage <- stages.
# A library has one home. A stage does not include another stage.
. "$(dirname "${BASH_SOURCE[0]}")/pipeline.sh"

tree=${1:-$top}
cd "$tree"
bad=0

# What a layer may include besides itself.
declare -A may=(
    [base]=''
    [crypto]='base'
    [queue]='base'
    [http]='base'
    [domain]='base'
    [abm]='base crypto queue http domain'
    [evidence]='base crypto queue http domain'
    [secrets]='base crypto queue http domain'
    [stage]='base queue http domain'
)
# Library header -> where it may be included: folders, or single files.
homes='
hiredis/     common/queue tests/bench tests/fuzz
curl/        common/http
microhttpd.h common/http tests/sim tests/harness
yaml.h       common/base
cjson/       common/base tests/bench
sodium.h     common/crypto
openssl/ssl.h common/queue/tls.c common/http/probe.c
openssl/     common/crypto tests/sim common/queue/tls.c common/http/probe.c
p11-kit/     common/crypto
pcre2.h      common/domain
csv.h        common/domain
cmocka.h     tests
'

complain() {
    say "$1: $2"
    bad=$((bad + 1))
}

check_quoted() { # FILE LINE INCLUDED
    local file=$1 place=$1:$2 included=$3 layer other
    case $file in
    common/*)
        layer=${file#common/}
        layer=${layer%%/*}
        [ -n "${may[$layer]+x}" ] || { complain "$place" "common/$layer is no layer that check-layers.sh knows"; return; }
        case $included in
        */*) other=${included%%/*} ;;
        *) complain "$place" "\"$included\": name the layer, as in \"$layer/$included\""; return ;;
        esac
        [ "$other" = "$layer" ] && return
        [[ " ${may[$layer]} " == *" $other "* ]] ||
            complain "$place" "$layer may not include \"$included\": it may include ${may[$layer]:-nothing}"
        ;;
    stages/*)
        case $included in
        */*) other=${included%%/*} ;;
        *) return ;;
        esac
        case $other in
        ..) [[ $included =~ ^\.\./[^/]+$ ]] || complain "$place" "a stage does not include another: \"$included\"" ;;
        *) [ -n "${may[$other]+x}" ] || complain "$place" "\"$included\" is in no layer" ;;
        esac
        ;;
    esac
}

check_library() { # FILE LINE INCLUDED
    local file=$1 prefix places place
    while read -r prefix places; do
        if [ -z "$prefix" ] || [[ $3 != "$prefix"* ]]; then continue; fi
        for place in $places; do
            [[ $file == "$place" || $file == "$place"/* ]] && return
        done
        complain "$file:$2" "<$3> may be included only in $places"
        return
    done <<<"$homes"
}

count=0
while IFS=: read -r file line text; do
    count=$((count + 1))
    case $text in
    *\"*) text=${text#*\"} && check_quoted "$file" "$line" "${text%%\"*}" ;;
    *\<*) text=${text#*<} && check_library "$file" "$line" "${text%%>*}" ;;
    esac
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.c' --include='*.h' common stages tests)

[ "$count" -gt 0 ] || die 70 "no #include found: is $tree the project?"
if [ "$bad" -gt 0 ]; then
    say "$bad of $count includes break the layers"
    exit 1
fi
say "$count includes, all within the layers"
