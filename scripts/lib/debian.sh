# shellcheck shell=bash
# Reads Debian suites other than the machine's own, with lists, sources and cache apart from the machine's apt.
# The archive's address and how it is reached (proxies, credentials) come from the machine's apt configuration.

DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints the machine's architecture, of those that releases are pinned for.
debian_architecture() {
    case $(dpkg --print-architecture) in
    amd64) echo amd64 ;;
    arm64) echo arm64 ;;
    *) die "unsupported architecture \`$(dpkg --print-architecture)\`: expected amd64 or arm64" ;;
    esac
}

# Prints the base addresses of the archives that the machine's apt reads, in its order.
debian_candidates() {
    if [ -n "${IMGBUILD_DEBIAN_MIRROR:-}" ]; then
        printf '%s\n' "${IMGBUILD_DEBIAN_MIRROR%/}"
    else
        apt-get --print-uris update | sed -n "s|^'\(.*\)/dists/.*/InRelease' .*|\1|p" | awk '!seen[$0]++'
    fi
}

# Makes ROOM into an apt of its own for one SUITE of the archive at URI: use it as `apt-get -c ROOM/apt.conf`.
debian_room() {
    local room=$1 uri=$2 suite=$3
    mkdir -p "$room/state/lists/partial" "$room/cache/archives/partial"
    : >"$room/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$uri" "$suite" >"$room/sources.list"
    # The machine's hooks after an update clean the machine's cache, which is not ours; its pins are not ours either.
    # Sandboxed downloads would need every folder above ROOM to be open to the user _apt.
    cat >"$room/apt.conf" <<CONF
Dir::Etc::SourceList "$room/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$room/state";
Dir::State::Status "$room/status";
Dir::Cache "$room/cache";
Acquire::Languages { "none"; };
Acquire::Retries "3";
APT::Sandbox::User "";
#clear APT::Update;
#clear DPkg;
CONF
}

# Prints the first address that serves SUITE signed by Debian. Reads release files only, no package lists.
debian_archive() {
    local suite=$1 probe uri tried=''
    [ -r "$DEBIAN_KEYRING" ] || die "\`$DEBIAN_KEYRING\` is missing: install debian-archive-keyring"
    probe=$(mktemp -d)
    while read -r uri; do
        debian_room "$probe" "$uri" "$suite"
        if apt-get -qq -c "$probe/apt.conf" -o APT::Update::Error-Mode=any \
            -o Acquire::IndexTargets::deb::Packages::DefaultEnabled=false update </dev/null 2>"$probe/errors"; then
            rm -r "$probe"
            printf '%s\n' "$uri"
            return
        fi
        tried+=$(printf '\n  %s\n' "$uri" && sed 's/^/    /' "$probe/errors")
    done < <(debian_candidates)
    rm -r "$probe"
    die "no archive of this machine's apt serves Debian \`$suite\` signed by a key of debian-archive-keyring;" \
        "on a machine that is not Debian set IMGBUILD_DEBIAN_MIRROR to a Debian archive's address;" \
        "an old keyring is mended by upgrading debian-archive-keyring. Tried:${tried:- none}"
}
