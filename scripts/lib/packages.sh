# shellcheck shell=bash
# The Debian packages of the programs that tests run for real: downloaded once, installed never. Needs common.sh, debian.sh.

# Downloads what the cache lacks, and prints the folder that holds every package as NAME.deb.
debian_packages() {
    # Testing has Prometheus 3, which Debian 13 does not; all else is of the guest's own suite.
    local -A suites=(
        [prometheus-node-exporter]=trixie [etcd-server]=trixie [etcd-client]=trixie
        [prometheus]=testing [promtool]=testing [prometheus-alertmanager]=trixie
    )
    local packages name rooms='' lock
    packages=$(cache_folder "packages/$(debian_architecture)")
    exec {lock}>"$packages/lock"
    flock "$lock"
    for name in "${!suites[@]}"; do
        [ -f "$packages/$name.deb" ] && continue
        rooms=${rooms:-$(mktemp -d)}
        download_package "$name" "${suites[$name]}" "$rooms" || { rm -r "$rooms" && return 1; }
        mv "$rooms/$name"/*.deb "$packages/$name.deb"
    done
    if [ -n "$rooms" ]; then rm -r "$rooms"; fi
    exec {lock}>&-
    printf '%s\n' "$packages"
}

# Downloads the package NAME of SUITE into ROOMS/NAME, reading the suite's lists where this was not done before.
download_package() {
    local name=$1 suite=$2 room=$3/$2 target=$3/$1 uri
    if [ ! -d "$room" ]; then
        uri=$(debian_archive "$suite") || return 1
        say "reading the package lists of Debian \`$suite\`"
        debian_room "$room" "$uri" "$suite"
        apt-get -qq -c "$room/apt.conf" -o APT::Update::Error-Mode=any update >&2 || return 1
    fi
    say "downloading $name"
    mkdir -p "$target"
    (cd "$target" && apt-get -qq -c "$room/apt.conf" download "$name" >&2)
}
