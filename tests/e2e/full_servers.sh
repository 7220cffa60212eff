#!/usr/bin/env bash
# The integration tests against each server that is served besides the one installed here: redis 8 and valkey 8.1 of
# Debian 13, valkey 8.0 of the backports of Debian 12. Each comes from the distribution's packages into a folder of its
# own and runs from there by that folder's own loader and libraries, so nothing is installed.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/pipeline.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/containers.sh"

[ "$(id -u)" -eq 0 ] || skip root "only root can make a base system"
has debootstrap || skip packages "no debootstrap: scripts/install-deps --containers"

work=$(mktemp -d "${TMPDIR:-/tmp}/abm-servers.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM

# root SUITE [SUITE]: unpacks the base system, with a further suite's packages at hand.
root() {
    local tar root=$work/${2:-$1}
    [ ! -d "$root" ] || return 0
    tar=$(base_tar "$1") || return 1
    mkdir "$root"
    tar -C "$root" -xf "$tar"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    if [ $# -gt 1 ]; then sed "s/ $1 / $2 /" "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/more.list"; fi
    in_root "$root" apt-get -qq update || skip packages "the packages of ${2:-$1} cannot be fetched"
}

in_root() { # ROOT COMMAND...
    chroot "$1" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:2}" </dev/null >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log" >&2; return 1; }
}

# server NAME PROGRAM PACKAGE SUITE [FURTHER SUITE]
server() {
    local root=$work/${5:-$4} run=$work/$1 libraries
    root "${@:4}" || return 1
    in_root "$root" apt-get -qq install -y --no-install-recommends ${5:+-t "$5"} "$3" || return 1
    libraries=$root/usr/lib/$(uname -m)-linux-gnu
    cat >"$run" <<SH
#!/bin/sh
exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/$2" "\$@"
SH
    chmod 755 "$run"
    say "$1: $("$run" --version)"
    REDIS_SERVER=$run ctest --test-dir "$TEST_BIN/.." --label-regex '^integration$' --output-on-failure
}

status=0
step "redis 8" server redis-8 redis-server redis-server trixie || status=1
step "valkey 8.1" server valkey-8.1 valkey-server valkey-server trixie || status=1
step "valkey 8.0" server valkey-8.0 valkey-server valkey-server bookworm bookworm-backports || status=1
exit "$status"
