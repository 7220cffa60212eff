#!/usr/bin/env bash
# What common/crypto makes is taken by the openssl command, and what that makes by common/crypto: ES256 tokens,
# requests and certificates, and server tokens (.p7m) in every form that openssl cms writes.
# shellcheck source=scripts/pipeline.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/pipeline.sh"

tool=${TEST_BIN:-$top/build/debug/bin}/../tests/stub-crypto
work=$(mktemp -d "${TMPDIR:-/tmp}/abm-test-openssl.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { die 1 "$*"; }
cd "$work"

# expect WHAT WANT COMMAND...: what it prints, stderr too, has the words in it.
expect() {
    local what=$1 want=$2 got
    shift 2
    got=$("$@" 2>&1) || fail "$what: status $?: $got"
    case $got in *"$want"*) ;; *) fail "$what: no '$want' in: $got" ;; esac
    say "$what: ok"
}
# refused WHAT WANT COMMAND...: the same of what must not succeed.
refused() {
    local what=$1 want=$2 got
    shift 2
    if got=$("$@" 2>&1); then fail "$what: it was taken: $got"; fi
    case $got in *"$want"*) ;; *) fail "$what: no '$want' in: $got" ;; esac
    say "$what: refused, ok"
}

from_base64url() { # TEXT: its bytes on stdout
    local text=$1
    while [ $((${#text} % 4)) -ne 0 ]; do text+='='; done
    printf '%s' "$text" | tr '_-' '/+' | base64 -d
}
to_base64url() { base64 -w 0 | tr '/+' '_-' | tr -d '='; }

# JWS has r and s, 32 bytes each; openssl wants them as DER.
to_der() { # TOKEN FILE
    local hex
    hex=$(from_base64url "${1##*.}" | od -An -v -tx1 | tr -d ' \n')
    [ ${#hex} -eq 128 ] || fail "a signature of $((${#hex} / 2)) bytes"
    printf 'asn1=SEQUENCE:pair\n[pair]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "${hex:0:64}" "${hex:64}" >pair
    openssl asn1parse -genconf pair -noout -out "$2"
}

say "== ES256: ours, by openssl dgst"
claims='{"iss":"69a6de70","iat":1795508220,"exp":1795509420,"aud":"appstoreconnect-v1"}'
"$tool" ec-key >ours.p8
openssl ecparam -name prime256v1 -genkey -out sec1.pem   # EC PARAMETERS, then SEC1
openssl pkcs8 -topk8 -nocrypt -in sec1.pem -out pkcs8.pem
for key in ours.p8 sec1.pem pkcs8.pem; do
    openssl pkey -in "$key" -pubout -out public.pem
    for _ in 1 2 3 4 5 6 7 8; do
        token=$("$tool" jwt "$key" 2X9R4HXF34 "$claims")
        to_der "$token" signature
        printf '%s' "${token%.*}" >signed
        got=$(openssl dgst -sha256 -verify public.pem -signature signature signed) || fail "openssl: $got"
        [ "$got" = "Verified OK" ] || fail "openssl says: $got"
    done
    say "a token by $key: $got"
    [ "$(from_base64url "${token%%.*}")" = '{"alg":"ES256","kid":"2X9R4HXF34","typ":"JWT"}' ] || fail "another header"
    payload=${token#*.}
    [ "$(from_base64url "${payload%.*}")" = "$claims" ] || fail "other claims"
    printf '%sx' "${token%.*}" >signed
    if openssl dgst -sha256 -verify public.pem -signature signature signed >/dev/null 2>&1; then
        fail "openssl takes an altered token"
    fi
done

say "== ES256: openssl's, by us"
head=$(printf '{"alg":"ES256"}' | to_base64url).$(printf '%s' "$claims" | to_base64url)
for _ in 1 2 3 4 5 6 7 8; do
    printf '%s' "$head" | openssl dgst -sha256 -sign sec1.pem -out signature
    # r and s without the zero that makes them positive, and with those that DER leaves out
    raw=$(openssl asn1parse -inform DER -in signature | sed -n 's/.*INTEGER *:\(.*\)/\1/p' |
        while read -r number; do printf '%64s' "$number" | tr ' ' 0; done)
    [ ${#raw} -eq 128 ] || fail "r and s: $raw"
    token=$head.$(printf '%b' "$(printf '%s' "$raw" | sed 's/../\\x&/g')" | to_base64url)
    expect "a token by openssl" '' "$tool" verify public.pem "$token"
done
openssl pkey -in ours.p8 -pubout -out other.pem
refused "by another key" "jwt: the signature is not that of the key" "$tool" verify other.pem "$token"
der=$(openssl dgst -sha256 -sign sec1.pem <<<"$head" | to_base64url)
refused "a signature left in DER" "not DER" "$tool" verify public.pem "$head.$der"

say "== keys that are refused"
openssl ecparam -name secp384r1 -genkey -noout -out p384.pem
openssl pkcs8 -topk8 -in sec1.pem -passout pass:secret -out encrypted.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
refused "P-384" "it is on another curve" "$tool" jwt p384.pem kid "$claims"
refused "an encrypted key" "the key is encrypted" "$tool" jwt encrypted.pem kid "$claims"
refused "RSA" "it is a key of another kind" "$tool" jwt rsa.pem kid "$claims"

say "== requests and certificates: ours, by openssl"
"$tool" rsa-key >key.pem
expect "the key" "Key is valid" openssl pkey -in key.pem -check -noout
"$tool" csr key.pem "staging" >csr.pem
expect "the request" "verify OK" openssl req -in csr.pem -verify -noout
expect "its subject" "O = Example Ltd, CN = staging" openssl req -in csr.pem -noout -subject -nameopt oneline
openssl req -in csr.pem -noout -pubkey >requested.pem
openssl pkey -in key.pem -pubout -out public.pem
cmp requested.pem public.pem || fail "the request has another key"
openssl rsa -in rsa.pem -traditional -out pkcs1.pem 2>/dev/null
"$tool" csr pkcs1.pem "staging" >csr.pem
expect "a request for a key in PKCS#1" "verify OK" openssl req -in csr.pem -verify -noout
"$tool" certificate key.pem "abm" >certificate.pem
text=$(openssl x509 -in certificate.pem -noout -text -nameopt oneline)
for words in "Version: 3" "Public-Key: (2048 bit)" "sha256WithRSAEncryption" "CA:FALSE" "Key Encipherment" \
    "Issuer: O = Example Ltd, CN = abm"; do
    expect "the certificate has $words" "$words" printf '%s' "$text"
done
expect "it holds 729 days from now" "will not expire" openssl x509 -in certificate.pem -noout -checkend $((729 * 86400))
if openssl x509 -in certificate.pem -noout -checkend $((731 * 86400)) >/dev/null; then fail "it holds longer"; fi
# A self-signed certificate is trusted as it stands; -check_ss_sig looks at its signature all the same.
expect "its signature" "certificate.pem: OK" openssl verify -check_ss_sig -partial_chain -trusted certificate.pem \
    certificate.pem

say "== server tokens: openssl's, by us"
want='{"consumer_key":"CK_0011","consumer_secret":"CS_0011","access_token":"AT_0011","access_secret":"AS_0011"}'
printf 'Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n%s\r\n%s\r\n%s\r\n%s\r\n' \
    '-----BEGIN MESSAGE-----' "${want:0:30}" "${want:30}" '-----END MESSAGE-----' >inside
encrypt() { openssl cms -encrypt -binary -in inside -out token.p7m "$@" certificate.pem; }
opened() { # WHAT
    local got
    got=$("$tool" server-token key.pem certificate.pem token.p7m) || fail "$1: not opened"
    [ "$got" = "$want" ] || fail "$1: $got"
    say "$1: ok"
}
for cipher in -aes128 -aes256 -des3; do
    for form in DER PEM SMIME; do
        encrypt "$cipher" -outform "$form"
        opened "$cipher $form"
        encrypt "$cipher" -outform "$form" -stream
        if [ $form = DER ]; then
            expect "it has indefinite lengths" "l=inf" openssl asn1parse -inform DER -in token.p7m
        fi
        opened "$cipher $form -stream"
    done
done
openssl smime -encrypt -binary -aes128 -in inside -out token.p7m certificate.pem
opened "openssl smime"
encrypt -aes128 -keyid
opened "named by the key"
openssl cms -encrypt -binary -aes128 -in inside -out token.p7m -recip certificate.pem -keyopt rsa_padding_mode:oaep
opened "RSA-OAEP"

"$tool" certificate key.pem "abm" >newer.pem
encrypt -aes128
serial=$(openssl x509 -in certificate.pem -noout -serial)
refused "for the certificate before" "was made for another certificate (serial number ${serial#*=})" \
    "$tool" server-token key.pem newer.pem token.p7m
refused "with another key" "the certificate is that of another key" \
    "$tool" server-token rsa.pem certificate.pem token.p7m
openssl cms -sign -binary -nodetach -in inside -signer certificate.pem -inkey key.pem -out token.p7m
refused "signed, not encrypted" "holds nothing that is encrypted" "$tool" server-token key.pem certificate.pem token.p7m
echo "openssl: all as expected"
