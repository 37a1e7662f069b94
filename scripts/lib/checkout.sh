# shellcheck shell=bash
# The program of this checkout, for the scripts that people run it by. Needs common.sh.
# It is compiled as for tests, since that takes half as long: `cargo install --path .` and scripts/release optimise.

# Compiles imgbuild unless that was done since its sources last changed, and prints the program's path. WATCHED are further
# files and folders, whose changes count too.
compile_imgbuild() { # [WATCHED...]
    local root target stamp began
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
    target=$root/target/debug
    # As old as the sources that were read: the program itself is younger than an edit made while it was compiled.
    stamp=$target/imgbuild.checked
    if [ ! -x "$target/imgbuild" ] || [ ! -e "$stamp" ] || sources_changed "$root" "$stamp" "$@"; then
        need_rust "$root"
        install_missing cc=gcc /usr/include/stdlib.h=libc6-dev
        if [ -x "$target/imgbuild" ]; then
            say "compiling what has changed"
        else
            say "compiling imgbuild and its libraries, once: about two minutes on two cores"
        fi
        began=$(date +%s.%N)
        # The copy of this repository that is run, whatever folder the caller's own settings give to what cargo compiles.
        cargo build --locked --manifest-path "$root/Cargo.toml" --target-dir "$root/target" >&2
        touch --date="@$began" "$stamp"
    fi
    printf '%s\n' "$target/imgbuild"
}

# Whether a file that imgbuild is compiled from, or another one of WATCHED, is younger than STAMP.
sources_changed() { # ROOT STAMP [WATCHED...]
    local root=$1 stamp=$2
    shift 2
    [ -n "$(find "$root/Cargo.toml" "$root/Cargo.lock" "$root/build.rs" "$root/src" "$@" -newer "$stamp" -print -quit)" ]
}

need_rust() { # ROOT
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$1/Cargo.toml")
    found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) || found=
    if [ -z "$found" ] || ! printf '%s\n' "$needed" "$found" | sort --version-sort --check=quiet; then
        die "Rust $needed or newer is needed, found ${found:-none}: install it with rustup" \
            "(the package \`rustup\`, or https://rustup.rs), then \`rustup default stable\`"
    fi
}
