#!/usr/bin/env bash
# check-format.sh - the C code is as .clang-format says. Releases of clang-format differ in details, so only the
# one that the code was formatted with may judge it.
. "$(dirname "${BASH_SOURCE[0]}")/pipeline.sh"

release=14
cd "$top"
format=
for candidate in clang-format-$release clang-format; do
    if has "$candidate" && "$candidate" --version | grep -q "version $release\\."; then
        format=$candidate
        break
    fi
done
if [ -z "$format" ]; then
    echo "SKIP: clang-format-$release: it is not installed"
    exit 77
fi
mapfile -t files < <(find common stages tests -name '*.[ch]' | sort)
"$format" --dry-run -Werror "${files[@]}"
say "${#files[@]} files in form"
