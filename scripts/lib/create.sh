# shellcheck shell=bash
# What scripts/libvirt-create and scripts/proxmox-create share: options, what a built node says of its VM, the base image.
# Needs common.sh, and the defaults of the options in `opt`. Sets what they use.
# shellcheck disable=SC2034

declare -A opt
dry_run=no node=''
# Who may write where images lie: nobody else, or sudo.
as_writer=()

# Reads the command line: a node, --dry-run, and the options that `opt` has defaults of.
parse_options() {
    local name
    while [ $# -gt 0 ]; do
        name=${1#--}
        case $1 in
        --dry-run) dry_run=yes ;;
        --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit ;;
        --*)
            [[ -v opt[$name] ]] || die "unknown option \`$1\`: see --help"
            [ $# -gt 1 ] || die "\`$1\` needs a value: see --help"
            opt[$name]=$2
            shift
            ;;
        *)
            [ -z "$node" ] || die "expected one node, got \`$node\` and \`$1\`"
            node=$1
            ;;
        esac
        shift
    done
    [ -n "$node" ] || die "missing node: see --help"
    [[ $node =~ ^[a-z0-9-]+$ ]] || die "\`$node\` is not a valid node name"
    for name in memory cpus disk; do
        [[ ${opt[$name]} =~ ^[1-9][0-9]*$ ]] || die "invalid --$name \`${opt[$name]}\`: expected a whole number above 0"
    done
}

# Finds the node's build. Sets folder, arch, shared (see read_shared) and, where the profile gives it, mac.
read_node() {
    local name digest
    folder=${opt[out]}/$node
    for name in manifest.json network-config seed.iso; do
        [ -f "$folder/$name" ] || die "\`$folder/$name\` does not exist: build the node first: imgbuild $node"
    done
    digest=$(sha256sum <"$folder/seed.iso" | cut -d ' ' -f 1)
    grep -qF "\"$digest\"" "$folder/manifest.json" ||
        die "\`$folder/seed.iso\` differs from what its build wrote: build the node again: imgbuild $node"
    arch=$(sed -n 's/^  "arch": "\([a-z0-9]*\)",\{0,1\}$/\1/p' "$folder/manifest.json")
    read_shared
    mac=$(sed -n 's/^ *macaddress: "\([0-9a-f:]*\)"$/\1/p' "$folder/network-config")
    case $arch/$(uname -m) in
    amd64/x86_64 | arm64/aarch64) ;;
    *) die "\`$node\` is built for $arch, but this machine is $(uname -m)" ;;
    esac
}

# Sets shared, the image that has the node's layers, where it shares them with others, and shared_name, its name on the
# hypervisor: many VMs have it, and a later one must not take its place.
read_shared() {
    local digest
    shared='' shared_name=''
    grep -q '^  "delivery": "shared",$' "$folder/manifest.json" || return 0
    shared=${opt[out]}/shared.iso
    [ -f "$shared" ] || die "\`$shared\`, the shared image of \`$node\`, does not exist: build it again: imgbuild $node --delivery shared"
    while read -r digest; do
        grep -qaF -e "$digest" "$shared" ||
            die "\`$shared\` does not contain a layer of \`$node\`: build all nodes again: imgbuild --all --delivery shared"
    done < <(awk '/^  "layers"/,/^  \]/' "$folder/manifest.json" | sed -n 's/^ *"sha256": "\([0-9a-f]*\)",\{0,1\}$/\1/p')
    shared_name=imgbuild-$(sha256sum <"$shared" | cut -d ' ' -f 1).iso
}

# Puts the base image into the store, verified against its pin. Sets image, its path, and image_sha256, its name there.
fetch_image() {
    local imgbuild=${IMGBUILD:-}
    [ -n "$imgbuild" ] || imgbuild=$(command -v imgbuild) || imgbuild=$(dirname "$0")/imgbuild
    if [ "$dry_run" = yes ]; then
        # shellcheck disable=SC2016 # for the shell that the commands are given to
        printf 'image=$(realpath "$(%s fetch %q --arch %s)")\n' imgbuild "${opt[image]}" "$arch"
        image=@image@ image_sha256=@sha256@
    else
        image=$("$imgbuild" fetch "${opt[image]}" --arch "$arch") || die "failed to fetch the base image"
        image=$(realpath "$image") image_sha256=${image##*/}
    fi
}

# Runs a command, or prints it.
run() {
    if [ "$dry_run" = no ]; then
        "$@" >&2
    else
        local line
        line=$(printf '%q ' "$@")
        # shellcheck disable=SC2016
        line=${line//@image@/'"$image"'} line=${line//@sha256@/'"${image##*/}"'}
        printf '%s\n' "${line% }"
    fi
}

# MODE FILE PLACE: copies a file to its place, which has it whole or not at all, whatever cuts this off. `as_writer` is who writes.
place_file() {
    run "${as_writer[@]}" install -m "$1" "$2" "$3.part"
    run "${as_writer[@]}" mv "$3.part" "$3"
}

# PLACE: puts the image that nodes share where many VMs have it. One of this digest may be there already.
place_shared() {
    local digest
    if [ -e "$1" ]; then
        digest=$(sha256sum <"$1" | cut -d ' ' -f 1)
        [ "imgbuild-$digest.iso" = "$shared_name" ] || die "\`$1\` is damaged: move it away, and check the VMs that use it"
        return
    fi
    place_file 0644 "$shared" "$1"
}

# Prints how many bytes the files have together; those that are not there have none.
bytes_of() { { stat -c %s "$@" 2>/dev/null || :; } | awk '{ sum += $1 } END { printf "%.0f\n", sum }'; }
