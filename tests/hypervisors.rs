//! `scripts/libvirt-create` and `scripts/proxmox-create`: what they check, what they run, and that they leave alone what is
//! there. libvirt's own test driver takes the commands of the first; those of the second are recorded by programs that stand
//! for Proxmox'.
#![expect(clippy::disallowed_methods, reason = "edge: runs scripts among programs of its own")]

use std::fs;
use std::path::Path;
use std::process::Command;

use imgbuild::digest::Sha256;

use super::support::oracle::oracle;
use super::support::workspace::{Run, Workspace};

const PROFILE: &str = include_str!("../profiles/patroni.yaml");
const IMAGE: &[u8] = b"stands for a cloud image";

/// This machine's architecture: the scripts make VMs of no other.
fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

/// A folder with a built ptrn-1, and a mirror that has a base image.
fn built() -> Workspace {
    let arch = arch();
    let workspace = Workspace::with_releases().option("--arch", arch);
    let pin = format!(
        "  ubuntu:\n    version: \"1\"\n    url: https://images.invalid/ubuntu-{{{{ arch }}}}.img\n    artifacts:\n      \
         {arch}: {{sha256: {}, source: synthetic}}\n",
        Sha256::of(IMAGE)
    );
    let pins = workspace.text("releases.yaml") + &pin;
    let profile = PROFILE.replace("{name: ptrn-1,", "{name: ptrn-1, mac: \"52:54:00:12:34:56\",");
    let workspace = workspace
        .releases(pins)
        .profile(profile)
        .file(&format!("mirror/images.invalid/ubuntu-{arch}.img"), IMAGE)
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
    command.arg(script).args(arguments).current_dir(workspace.path(".")).env("PATH", path);
    for (name, value) in [
        ("IMGBUILD_RELEASES", "releases.yaml"),
        ("IMGBUILD_MIRROR", "mirror"),
        ("IMGBUILD_STORE", "store"),
        ("RECORD", "record"),
    ] {
        command.env(name, value);
    }
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

mod libvirt {
    use super::*;

    /// libvirt's test driver, whose state lives as long as its connection; `None` where it is not installed.
    fn create(workspace: &Workspace, arguments: &[&str]) -> Option<Command> {
        oracle("virsh").and(oracle("virt-install"))?;
        let own = ["--connect", "test:///default", "--images", "images", "--network", "network=default"];
        Some(script(workspace, "libvirt-create", &[&["ptrn-1"], &own[..], arguments].concat()))
    }

    /// The folder of images, as the script calls it.
    fn images(workspace: &Workspace) -> String {
        workspace.path("images").canonicalize().unwrap().display().to_string()
    }

    #[test]
    fn a_vm_is_made_from_image_and_seed() {
        let workspace = built();
        let Some(mut command) = create(&workspace, &[]) else { return };
        Run::of(&mut command).exit(0).says(&[
            "Domain creation completed.",
            "libvirt-create: `ptrn-1` has started; its console: virsh --connect test:///default console ptrn-1\n",
        ]);
        let base = format!("images/imgbuild-{}.qcow2", Sha256::of(IMAGE));
        assert_eq!(workspace.read(&base), IMAGE);
        assert_eq!(workspace.read("images/ptrn-1-seed.iso"), workspace.read("out/ptrn-1/seed.iso"));
        assert_eq!(
            (workspace.permissions(&base), workspace.permissions("images/ptrn-1-seed.iso")),
            (0o644, 0o600)
        );
        // The driver has forgotten the VM, which is as if the first run had been cut off before its last command.
        Run::of(&mut create(&workspace, &[]).unwrap()).exit(0).says(&["Domain creation completed."]);
        fs::write(workspace.path(&base), "damaged").unwrap();
        Run::of(&mut create(&workspace, &[]).unwrap()).exit(1).says(&[&base, "` is damaged: move it away"]);
    }

    #[test]
    fn the_commands_are_printed_and_give_a_valid_domain() {
        let workspace = built();
        let dry = ["--dry-run", "--memory", "2048", "--cpus", "1", "--disk", "9"];
        let Some(mut command) = create(&workspace, &dry) else { return };
        let before = untouched(&workspace);
        let printed = Run::of(&mut command).exit(0).stderr("").data();
        assert!(untouched(&workspace) == before, "nothing is written");
        let images = images(&workspace);
        let arguments = format!(
            "--memory 2048 --vcpus 1 --osinfo linux2022 --import \
             --disk path={images}/ptrn-1.qcow2\\,size=9\\,backing_store={images}/imgbuild-\"${{image##*/}}\".qcow2\\,backing_format=qcow2 \
             --disk path={images}/ptrn-1-seed.iso\\,device=cdrom --network network=default\\,mac=52:54:00:12:34:56 \
             --graphics none --console pty --noautoconsole"
        );
        let expected = [
            &format!("image=$(realpath \"$(imgbuild fetch ubuntu --arch {})\")", arch()),
            &format!("install -m 0644 \"$image\" {images}/imgbuild-\"${{image##*/}}\".qcow2.part"),
            &format!(
                "mv {images}/imgbuild-\"${{image##*/}}\".qcow2.part {images}/imgbuild-\"${{image##*/}}\".qcow2"
            ),
            &format!("install -m 0600 out/ptrn-1/seed.iso {images}/ptrn-1-seed.iso"),
            &format!("virt-install --connect test:///default --name ptrn-1 {arguments}"),
        ];
        assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
        let by_hand = format!("{} --print-xml", printed.trim_end());
        let mut command = create(&workspace, &[]).unwrap();
        let environment: Vec<_> =
            command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
        command = Command::new("bash");
        command.args(["-euc", &by_hand]).current_dir(workspace.path(".")).envs(environment);
        let xml = Run::of(&mut command).exit(0);
        assert_eq!(workspace.read(&format!("images/imgbuild-{}.qcow2", Sha256::of(IMAGE))), IMAGE);
        let workspace = workspace.file("domain.xml", xml.data());
        for part in
            ["<name>ptrn-1</name>", "52:54:00:12:34:56", "<memory>2097152</memory>", "ptrn-1-seed.iso"]
        {
            assert!(xml.data().contains(part), "{part}: {}", xml.data());
        }
        if let Some(mut validate) = oracle("xmllint").and(oracle("virt-xml-validate")) {
            Run::of(validate.arg(workspace.path("domain.xml")).arg("domain")).exit(0);
        }
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let workspace = built();
        if create(&workspace, &[]).is_none() {
            return;
        }
        let domain = |seed: &str| {
            format!(
                "<node><domain type='test'><name>ptrn-1</name><memory>8192</memory><os><type>hvm</type></os>\
                 <devices><disk type='file' device='cdrom'><source file='{seed}'/><target dev='hda'/></disk></devices>\
                 </domain></node>"
            )
        };
        let ours = domain(&format!("{}/ptrn-1-seed.iso", images(&workspace)));
        let workspace = workspace.file("ours.xml", ours).file("another.xml", domain("/other.iso"));
        let before = untouched(&workspace);
        let with = |state: &str| {
            let uri = format!("test://{}", workspace.path(state).display());
            create(&workspace, &["--connect", &uri]).unwrap()
        };
        Run::of(&mut with("ours.xml"))
            .exit(0)
            .stdout("")
            .stderr("libvirt-create: `ptrn-1` is there already; nothing was done\n");
        Run::of(&mut with("another.xml")).exit(1).stderr("libvirt-create: another VM is called `ptrn-1`\n");
        assert!(untouched(&workspace) == before);
        let workspace = workspace.file("images/ptrn-1.qcow2", "data");
        let message =
            "/ptrn-1.qcow2` is there, and no VM `ptrn-1`: it may hold data, so move it away first\n";
        Run::of(&mut create(&workspace, &[]).unwrap()).exit(1).says(&[message]);
        assert_eq!(workspace.text("images/ptrn-1.qcow2"), "data");
    }

    #[test]
    fn what_is_missing_is_found_before_anything_is_done() {
        let workspace = built();
        if create(&workspace, &[]).is_none() {
            return;
        }
        let before = untouched(&workspace);
        for (arguments, message) in [
            (
                &["--network", "bridge=no-such-bridge"][..],
                "this machine has no bridge `no-such-bridge`: see --network\n",
            ),
            (&["--network", "network=none"], "libvirt has no active network `none`: see --network"),
            (&["--network", "br0"], "--network is `bridge=NAME` or `network=NAME`, not `br0`\n"),
            (&["--images", "nowhere"], "there is no folder `nowhere`: see --images\n"),
            (&["--connect", "test:///nowhere.xml"], "no connection to test:///nowhere.xml: see --connect\n"),
            (&["--image", "debian"], "there is no release `debian`"),
            (
                &["--out", "elsewhere"],
                "there is no `elsewhere/ptrn-1/manifest.json`: build the node first: imgbuild ptrn-1\n",
            ),
            (&["--disk", "20G"], "--disk is a whole number above 0, not `20G`\n"),
            (&["--disks", "20"], "there is no option `--disks`: see --help\n"),
            (&["--disk"], "`--disk` needs a value: see --help\n"),
            (&["ptrn-2"], "`ptrn-1` and `ptrn-2`, where one node is expected\n"),
        ] {
            let run = Run::of(&mut create(&workspace, arguments).unwrap()).exit(1).stdout("");
            run.says(&[message]);
        }
        let mut after = untouched(&workspace);
        after.retain(|(path, _)| !path.starts_with("store/"));
        assert!(after == before);
        fs::write(workspace.path("out/ptrn-1/seed.iso"), "another").unwrap();
        let run = Run::of(&mut create(&workspace, &[]).unwrap()).exit(1);
        run.says(&[
            "`out/ptrn-1/seed.iso` is not what its build wrote: build the node again: imgbuild ptrn-1\n",
        ]);
    }
}

mod proxmox {
    use super::*;

    /// Records what it is asked, and answers as `$0.answers` says: lines of a pattern, a tab, and a command.
    const RECORDER: &str = "#!/bin/sh
echo \"${0##*/} $*\" >>\"$RECORD\"
while IFS='\t' read -r pattern answer; do
    case $* in $pattern) eval \"$answer\"; exit ;; esac
done <\"$0.answers\"
";
    const ANSWERS: [(&str, &str); 4] = [
        (
            "qm",
            "list\tcat vms\nconfig 107\techo ide2: local:iso/ptrn-1-seed.iso,media=cdrom\nconfig*\techo ide2: none\n",
        ),
        (
            "pvesm",
            "status --storage local-lvm --content images\techo local-lvm lvmthin active 9 1 99999 11%\n\
             status --storage local --content iso\techo local dir active 9 1 99999 11%\n\
             status --storage full*\techo full dir active 9 9 0 100%\n\
             status --storage off*\techo off dir inactive 0 0 0 N/A\n\
             status*\tfalse\n\
             path local:iso/ptrn-1-seed.iso\techo images/ptrn-1-seed.iso\n",
        ),
        (
            "pvesh",
            "get /cluster/resources*\tcat resources\nget /cluster/nextid --vmid 107\tfalse\n\
             get /cluster/nextid --vmid*\techo 9001\nget /cluster/nextid\techo 108\n",
        ),
        ("ip", "link show dev vmbr0\ttrue\nlink*\tfalse\n"),
    ];

    /// A host with these VMs, as `qm list` shows them, and those of its cluster.
    fn host(vms: &str, cluster: &str) -> Workspace {
        let mut workspace =
            built().file("vms", format!("VMID NAME STATUS\n{vms}")).file("resources", cluster);
        for (name, answers) in ANSWERS {
            workspace = workspace.file(&format!("bin/{name}"), RECORDER).mode(&format!("bin/{name}"), 0o755);
            workspace = workspace.file(&format!("bin/{name}.answers"), answers);
        }
        workspace
    }

    /// What was run of that which changes something.
    fn changes(workspace: &Workspace) -> Vec<String> {
        let record = workspace.text("record");
        fs::remove_file(workspace.path("record")).unwrap();
        let reads = ["qm list", "qm config", "pvesm status", "pvesm path", "pvesh get", "ip link show"];
        let is_read = |line: &&str| reads.iter().any(|read| line.starts_with(read));
        record.lines().filter(|line| !is_read(line)).map(str::to_owned).collect()
    }

    fn commands(image: &str, vm: &str) -> [String; 3] {
        let options = format!(
            "--name ptrn-1 --ostype l26 --memory 4096 --cores 2 --cpu host --net0 virtio=52:54:00:12:34:56,bridge=vmbr0 \
             --scsihw virtio-scsi-pci --serial0 socket --vga serial0 --scsi0 local-lvm:0,import-from={image} \
             --ide2 local:iso/ptrn-1-seed.iso,media=cdrom --boot order=scsi0"
        );
        [format!("qm create {vm} {options}"), format!("qm resize {vm} scsi0 20G"), format!("qm start {vm}")]
    }

    #[test]
    fn a_vm_is_made_from_image_and_seed() {
        let workspace = host("100 other running\n", "[{\"name\":\"other\"}]");
        let mut command = script(&workspace, "proxmox-create", &["ptrn-1"]);
        Run::of(&mut command)
            .exit(0)
            .stdout("")
            .says(&["`ptrn-1` has started as VM 108; its console: qm terminal 108\n"]);
        assert_eq!(changes(&workspace), commands(&stored(&workspace), "108"));
        assert_eq!(workspace.read("images/ptrn-1-seed.iso"), workspace.read("out/ptrn-1/seed.iso"));
        assert_eq!(workspace.permissions("images/ptrn-1-seed.iso"), 0o600);
        Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1", "--id", "9001"])).exit(0);
        assert_eq!(changes(&workspace), commands(&stored(&workspace), "9001"));
    }

    #[test]
    fn the_commands_are_printed_and_nothing_is_done() {
        let workspace = host("", "[]");
        let before = untouched(&workspace);
        let run = Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1", "--dry-run"])).exit(0);
        let install = "install -m 0600 out/ptrn-1/seed.iso images/ptrn-1-seed.iso";
        let [create, resize, start] = commands("\"$image\"", "108").map(|line| line.replace(',', "\\,"));
        let fetch = format!("image=$(realpath \"$(imgbuild fetch ubuntu --arch {})\")", arch());
        run.stdout(&[&fetch, install, &create, &resize, &start].map(|line| format!("{line}\n")).concat());
        assert!(changes(&workspace).is_empty() && untouched(&workspace) == before);
    }

    #[test]
    fn what_is_there_is_left_alone() {
        for (vms, cluster, code, message) in [
            ("107 ptrn-1 stopped\n", "[]", 0, "`ptrn-1` is there already, as VM 107; nothing was done\n"),
            ("106 ptrn-1 running\n", "[]", 1, "another VM, 106, is called `ptrn-1`\n"),
            (
                "",
                "[{\"name\":\"ptrn-1\",\"node\":\"b\"}]",
                1,
                "a VM of another host in this Proxmox cluster is called `ptrn-1`\n",
            ),
        ] {
            let workspace = host(vms, cluster);
            let before = untouched(&workspace);
            let mut command = script(&workspace, "proxmox-create", &["ptrn-1"]);
            Run::of(&mut command).exit(code).stdout("").stderr(&format!("proxmox-create: {message}"));
            assert!(changes(&workspace).is_empty() && untouched(&workspace) == before, "{message}");
        }
    }

    #[test]
    fn what_is_missing_is_found_before_anything_is_done() {
        let workspace = host("", "[]");
        for (arguments, message) in [
            (&["--bridge", "vmbr1"][..], "this host has no bridge `vmbr1`: see --bridge\n"),
            (&["--storage", "ceph"], "there is no active storage `ceph` that takes images"),
            (&["--storage", "off"], "there is no active storage `off` that takes images"),
            (&["--seeds", "full"], "the storage `full` has room for 0 bytes, `out/ptrn-1/seed.iso` needs "),
            (&["--id", "107"], "the number 107 is taken: see --id\n"),
            (&["--image", "debian"], "there is no release `debian`"),
        ] {
            let mut command = script(&workspace, "proxmox-create", &[&["ptrn-1"], arguments].concat());
            Run::of(&mut command).exit(1).stdout("").says(&[message]);
            assert!(changes(&workspace).is_empty(), "{message}");
        }
        assert!(!workspace.path("images/ptrn-1-seed.iso").exists());
        let answers = workspace.path("bin/qm.answers");
        fs::write(&answers, fs::read_to_string(&answers).unwrap() + "create*\tfalse\n").unwrap();
        Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"])).exit(1).hides("has started");
        assert_eq!(changes(&workspace).len(), 1, "nothing follows on what failed");
    }
}
