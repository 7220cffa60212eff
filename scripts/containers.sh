# shellcheck shell=bash
# containers.sh - a container engine and base images for the tests that need them. Sourced after pipeline.sh.
#
#   engine_start FOLDER    uses the engine that runs, else starts one of its own, all in FOLDER
#   engine_stop            ends what engine_start started, and leaves no trace of it
#   base_image SUITE       makes the image abm-base:SUITE from the distribution's packages, no registry asked
#
# An engine of our own has no default bridge and writes no firewall rule, so that it disturbs neither the host
# nor another engine: builds use the host's network, compose makes bridges of its own.

: "${top:?source pipeline.sh first}"
engine_pid=
engine_folder=

engine_serves() { docker version >/dev/null 2>&1; }

engine_start() { # FOLDER
    has docker || die 69 "no docker command: scripts/install-deps --containers"
    engine_serves && return 0
    [ "$(id -u)" -eq 0 ] || die 77 "no container engine runs, and only root can start one"
    local dockerd try
    dockerd=$(PATH=$PATH:/usr/sbin:/sbin command -v dockerd) ||
        die 69 "no dockerd here: scripts/install-deps --containers"
    engine_folder=$1/engine
    mkdir -p "$engine_folder"
    export DOCKER_HOST=unix://$engine_folder/docker.sock
    # After an unclean end the first start may give up on its containerd, and the next one serves.
    for try in 1 2 3; do
        "$dockerd" --data-root "$engine_folder/data" --exec-root "$engine_folder/exec" \
            --pidfile "$engine_folder/pid" --host "$DOCKER_HOST" \
            --bridge=none --iptables=false --ip6tables=false >"$engine_folder/log.$try" 2>&1 </dev/null &
        engine_pid=$!
        if wait_until 30 engine_serves_or_ended && engine_serves; then return 0; fi
        stop_pid "$engine_pid" 30
        engine_pid=
    done
    tail -n 20 "$engine_folder/log.3" >&2
    die 69 "the container engine does not start"
}

engine_serves_or_ended() { engine_serves || is_gone "$engine_pid"; }

engine_stop() {
    [ -n "$engine_pid" ] || return 0
    stop_pid "$engine_pid" 60
    engine_pid=
    # Mounts of the layers go with the engine; what a crash left of them would block the removal.
    local mount
    while read -r _ mount _; do
        case $mount in "$engine_folder"/*) umount "$mount" 2>/dev/null || true ;; esac
    done </proc/mounts
    rm -rf --one-file-system "$engine_folder"
}

image_exists() { docker image inspect "$1" >/dev/null 2>&1; }

# Where this machine gets its Debian packages; empty: debootstrap's own default.
debian_mirror() {
    [ -z "${ABM_MIRROR:-}" ] || { printf '%s' "$ABM_MIRROR"; return; }
    grep -qs '^ID=debian' /etc/os-release || return 0
    {
        cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '/^URIs:/ {print $2}'
        awk '$1 == "deb" {print ($2 ~ /^\[/) ? $3 : $2}' /etc/apt/sources.list 2>/dev/null
    } | grep -v security | head -n 1 || true
}

# base_tar SUITE: the path of the base system as a tar, made once and kept in build/cache.
base_tar() {
    local suite=$1 root
    local tar=$top/build/cache/base-$suite.tar
    if [ ! -s "$tar" ]; then
        [ "$(id -u)" -eq 0 ] || die 77 "making the base image of $suite takes root"
        has debootstrap || die 69 "no debootstrap: scripts/install-deps --containers"
        mkdir -p "$top/build/cache"
        root=$(mktemp -d "$top/build/cache/root.XXXXXX")
        chmod 755 "$root"
        say "making the base system of $suite"
        # shellcheck disable=SC2046 # no mirror: no argument
        debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" $(debian_mirror) \
            >"$top/build/cache/$suite.log" 2>&1 || { tail -n 20 "$top/build/cache/$suite.log" >&2; return 1; }
        base_slim "$root" && tar -C "$root" -cf "$tar.part" . && mv "$tar.part" "$tar" || return 1
        rm -rf --one-file-system "$root"
    fi
    printf '%s' "$tar"
}

# base_slim ROOT: what the slim images of a registry leave out too: manuals, translations, package caches.
base_slim() {
    cat >"$1/etc/apt/apt.conf.d/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Install-Recommends "false";
Acquire::Languages "none";
CONF
    printf 'path-exclude /usr/share/%s/*\n' man locale info doc >"$1/etc/dpkg/dpkg.cfg.d/docker"
    printf 'path-include /usr/share/doc/*/copyright\n' >>"$1/etc/dpkg/dpkg.cfg.d/docker"
    find "$1/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "$1"/usr/share/{man,locale,info}/* "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*.log
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod 755 "$1/usr/sbin/policy-rc.d"
}

base_image() { # SUITE
    local tar
    image_exists "abm-base:$1" && return 0
    tar=$(base_tar "$1") || return 1
    docker import -c 'CMD ["bash"]' "$tar" "abm-base:$1" >/dev/null
}

# image_build TARGET TAG BASE
image_build() {
    DOCKER_BUILDKIT=0 docker build --quiet --network host --build-arg "BASE=$3" --target "$1" --tag "$2" \
        --file "$top/scripts/Dockerfile" "$top" >/dev/null
}

# require_containers: leaves the test out (status 77) where no engine can be had; see tests/SKIPS.
require_containers() {
    local name
    for name in docker debootstrap jq; do
        has "$name" || skip containers "no $name: scripts/install-deps --containers"
    done
    (compose version) >/dev/null 2>&1 || skip containers "no compose: scripts/install-deps --containers"
    engine_serves || [ "$(id -u)" -eq 0 ] || skip root "no container engine runs, and only root can start one"
}

skip() { # CAPABILITY WORDS...
    local capability=$1
    shift
    echo "SKIP: $capability: $*"
    exit 77
}
