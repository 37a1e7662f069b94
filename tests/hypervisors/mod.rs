//! `scripts/libvirt-create` and `scripts/proxmox-create`: what they check, what they run, and that they leave alone what is
//! there.
#![expect(clippy::disallowed_methods, reason = "edge: runs scripts among programs of its own")]

mod libvirt;
mod proxmox;

use std::path::Path;
use std::process::Command;

use imgbuild::digest::Sha256;

use super::support::workspace::{Run, Workspace};

const PROFILE: &str = include_str!("../../profiles/patroni.yaml");
const IMAGE: &[u8] = b"stands for a cloud image";

/// This machine's architecture: the scripts make VMs of no other.
fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

/// Records what it is asked, and answers as `$0.answers` says: lines of a pattern, a tab, and a command. What the file `fail`
/// has a pattern of fails, once.
const RECORDER: &str = "#!/bin/sh
echo \"${0##*/} $*\" >>\"$RECORD\"
if [ -e fail ]; then
case \"${0##*/} $*\" in $(cat fail)) rm fail; exit 1 ;; esac
fi
while IFS='\t' read -r pattern answer; do
case $* in $pattern) eval \"$answer\"; exit ;; esac
done <\"$0.answers\"
";

/// The workspace with a recorder in place of this program.
fn recorder(workspace: Workspace, name: &str, answers: &str) -> Workspace {
    let path = format!("bin/{name}");
    workspace.file(&path, RECORDER).mode(&path, 0o755).file(&format!("{path}.answers"), answers)
}

/// The same with what writes files: recorded, and done.
fn writers(mut workspace: Workspace) -> Workspace {
    for name in ["install", "mv"] {
        workspace = recorder(workspace, name, &format!("*\t/usr/bin/{name} \"$@\"\n"));
    }
    workspace
}

/// A folder with a built ptrn-1, and a mirror that has a base image.
fn built() -> Workspace {
    built_with(IMAGE)
}

/// The same with this base image.
fn built_with(image: &[u8]) -> Workspace {
    let arch = arch();
    let workspace = Workspace::with_releases().option("--arch", arch);
    let pin = format!(
        "  ubuntu:\n    version: \"1\"\n    url: https://images.invalid/ubuntu-{{{{ arch }}}}.img\n    artifacts:\n      \
         {arch}: {{sha256: {}, source: synthetic}}\n",
        Sha256::of(image)
    );
    let pins = workspace.text("releases.yaml") + &pin;
    let profile = PROFILE.replace("{name: ptrn-1,", "{name: ptrn-1, mac: \"52:54:00:12:34:56\",");
    let workspace = workspace
        .releases(pins)
        .profile(profile)
        .file(&format!("mirror/images.invalid/ubuntu-{arch}.img"), image)
        .file("images/.keep", "")
        .file("bin/.keep", "");
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    workspace
}

/// A script with the workspace's programs before those of the system.
fn script(workspace: &Workspace, name: &str, arguments: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
    let mut command = Command::new("bash");
    let imgbuild = Path::new(env!("CARGO_BIN_EXE_imgbuild"));
    let folders = [workspace.path("bin"), imgbuild.parent().unwrap().to_owned()];
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path))).unwrap();
    command.arg(script).args(arguments).current_dir(workspace.path(".")).env_clear().env("PATH", path);
    for (name, value) in [
        ("IMGBUILD_RELEASES", "releases.yaml"),
        ("IMGBUILD_MIRROR", "mirror"),
        ("IMGBUILD_STORE", "store"),
        ("RECORD", "record"),
    ] {
        command.env(name, value);
    }
    command.env("HOME", workspace.path("."));
    command
}

/// The path of the base image in the store.
fn stored(workspace: &Workspace) -> String {
    let path = workspace.path("store/sha256").canonicalize().unwrap().join(Sha256::of(IMAGE).to_string());
    path.display().to_string()
}

/// Everything but what the script may write.
fn untouched(workspace: &Workspace) -> Vec<(String, Vec<u8>)> {
    let mut files = workspace.files(".");
    files.retain(|(path, _)| path != "record");
    files
}
