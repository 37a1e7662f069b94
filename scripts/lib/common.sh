# shellcheck shell=bash
# What every script here needs: talk on stderr, root where it must be, one cache for what is slow to make.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$@"
    exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "\`$1\` needs root here: run as root, or install sudo"
    fi
}

# Makes and prints the folder NAME of the cache, where everything can be made again.
cache_folder() {
    local cache=${IMGBUILD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/imgbuild-test}
    mkdir -p "$cache/$1"
    (cd "$cache/$1" && pwd)
}

need() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || die "\`$tool\` is missing: run scripts/install-tools"
    done
}
