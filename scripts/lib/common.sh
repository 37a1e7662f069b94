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

# Installs packages of Debian or Ubuntu; on other systems names them.
install_packages() {
    command -v apt-get >/dev/null ||
        die "this system does not have apt-get; install with its own package manager what these Debian packages contain:" "$@"
    say "installing" "$@"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@" >&2
}

# Installs what is missing of the arguments TOOL=PACKAGE, where TOOL is a command, or the path of a file.
install_missing() {
    local tool name packages=()
    for tool; do
        name=${tool%%=*}
        # The programs of administrators are not in everybody's PATH.
        [ -e "$name" ] || PATH=$PATH:/usr/sbin:/sbin command -v "$name" >/dev/null || packages+=("${tool#*=}")
    done
    [ "${#packages[@]}" = 0 ] || install_packages "${packages[@]}"
}

# Unsets the caller's own settings of imgbuild, which must not reach tests and demonstrations.
forget_settings() {
    local name
    for name in "${!IMGBUILD_@}"; do
        case $name in IMGBUILD_TEST_CACHE | IMGBUILD_DEBIAN_MIRROR) ;; *) unset "$name" ;; esac
    done
}

# Downloads are Debian's, checked by its keys: installs what reading its archive takes.
install_debian_tools() {
    install_missing python3=python3 dpkg-deb=dpkg \
        /usr/share/keyrings/debian-archive-keyring.gpg=debian-archive-keyring
}
