#!/usr/bin/env bash
# check-headers.sh - each header compiles alone, under gcc and clang, with all warnings as errors.
. "$(dirname "${BASH_SOURCE[0]}")/pipeline.sh"

cd "$top"
compilers=()
for compiler in gcc clang; do
    if has "$compiler"; then compilers+=("$compiler"); fi
done
[ ${#compilers[@]} -gt 0 ] || die 69 "no compiler: scripts/install-deps"

read -r -a libraries < <(pkg-config --cflags hiredis libcurl libcjson yaml-0.1 libsodium libcrypto libpcre2-8 \
    libmicrohttpd cmocka)
mapfile -t headers < <(find common stages tests -name '*.h' | sort)
[ ${#headers[@]} -gt 0 ] || die 70 "no header found"

bad=0
for header in "${headers[@]}"; do
    for compiler in "${compilers[@]}"; do
        # Included twice, so that a missing guard shows; as a file of its own folder would include it.
        printf '#include "%s"\n' "$top/$header" "$top/$header" |
            "$compiler" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
                -Wundef -Icommon -Itests -I"${header%/*}" "${libraries[@]}" -fsyntax-only -x c - ||
            { say "$header: does not compile alone under $compiler"; bad=$((bad + 1)); }
    done
done
say "${#headers[@]} headers under ${compilers[*]}, $bad failures"
[ "$bad" -eq 0 ]
