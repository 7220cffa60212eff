#!/usr/bin/env bash
# check-tidy.sh - clang-tidy over common/ and stages/, as .clang-tidy says, and cppcheck over the same and the
# simulator. Every finding is an error.
#
#   scripts/check-tidy.sh tidy|cppcheck
. "$(dirname "${BASH_SOURCE[0]}")/pipeline.sh"

cd "$top"
case ${1:-} in
tidy)
    [ -s build/release/compile_commands.json ] || build release
    # Headers are judged through the files that include them. One file a process: of two, release 14 takes the
    # va_list of the second for uninitialized.
    find common stages -name '*.c' -print0 | sort -z |
        xargs -0 -n 1 -P "$(cpu_count)" clang-tidy --quiet -p build/release --warnings-as-errors='*'
    ;;
cppcheck)
    mkdir -p build/cppcheck
    # varFuncNullUB: NULL is a pointer on every system that POSIX describes. readdir, getpwuid: a folder's stream
    # is used by one thread; abmctl has one. ctuuninitvar: it takes what a function fills in for what it reads.
    cppcheck --enable=warning,performance,portability --std=c11 --library=posix --inline-suppr --quiet \
        --error-exitcode=1 --cppcheck-build-dir=build/cppcheck -j "$(cpu_count)" -D_GNU_SOURCE \
        --suppress=varFuncNullUB --suppress=readdirCalled --suppress=getpwuidCalled --suppress=ctuuninitvar \
        --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
        -Icommon -Itests common stages tests/sim tests/harness
    ;;
*) wrong_usage "tidy or cppcheck" ;;
esac
