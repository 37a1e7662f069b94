//! `scripts/proxmox-create` against programs that record what they are asked in place of Proxmox' own.

use std::fs;

use imgbuild::digest::Sha256;

use super::{Run, Workspace, arch, built, recorder, script, stored, untouched, writers};

/// Proxmox' VMs, as files: `vms`, and of the one that matters `config` and `status`.
const QM: &str = "list\tcat vms
config*\tcat config
status*\tcat status
create*\techo \"$2 ptrn-1 stopped\" >>vms; echo 'status: stopped' >status; printf '%s\\n' \
'ide2: local:iso/ptrn-1-seed.iso,media=cdrom' 'scsi0: local-lvm:vm-108-disk-0,size=3584M' >config
set*\techo 'scsi0: local-lvm:vm-108-disk-0,size=3584M' >>config
resize*\tsed -i 's/size=.*/size=20G/' config
start*\techo 'status: running' >status
";
const ANSWERS: [(&str, &str); 4] = [
    ("qm", QM),
    (
        "pvesm",
        "status --storage local-lvm --content images\techo local-lvm lvmthin active 9 1 99999 11%\n\
         status --storage local --content iso\techo local dir active 9 1 99999 11%\n\
         status --storage full*\techo full dir active 9 9 0 100%\n\
         status --storage off*\techo off dir inactive 0 0 0 N/A\n\
         status*\tfalse\n\
         path local:iso/ptrn-1-seed.iso\techo images/ptrn-1-seed.iso\n\
         path local:iso/imgbuild-*\techo images/${2#*/}\n",
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
    let mut workspace = built().file("vms", format!("VMID NAME STATUS\n{vms}")).file("resources", cluster);
    for (name, answers) in ANSWERS {
        workspace = recorder(workspace, name, answers);
    }
    writers(workspace)
}

/// What was run of that which changes something.
fn changes(workspace: &Workspace) -> Vec<String> {
    let record = workspace.text("record");
    fs::remove_file(workspace.path("record")).unwrap();
    let reads = [
        "qm list",
        "qm config",
        "qm status",
        "install ",
        "mv ",
        "pvesm status",
        "pvesm path",
        "pvesh get",
        "ip link show",
    ];
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
    workspace.write("vms", "VMID NAME STATUS\n");
    Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1", "--id", "9001"])).exit(0);
    assert_eq!(changes(&workspace), commands(&stored(&workspace), "9001"));
}

#[test]
fn the_commands_are_printed_and_nothing_is_done() {
    let workspace = host("", "[]");
    let before = untouched(&workspace);
    let run = Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1", "--dry-run"])).exit(0);
    let install = "install -m 0600 out/ptrn-1/seed.iso images/ptrn-1-seed.iso.part";
    let name = "mv images/ptrn-1-seed.iso.part images/ptrn-1-seed.iso";
    let [create, resize, start] = commands("\"$image\"", "108").map(|line| line.replace(',', "\\,"));
    let fetch = format!("image=$(realpath \"$(imgbuild fetch ubuntu --arch {})\")", arch());
    run.stdout(&[&fetch, install, name, &create, &resize, &start].map(|line| format!("{line}\n")).concat());
    assert!(changes(&workspace).is_empty() && untouched(&workspace) == before);
}

const OURS: &str = "ide2: local:iso/ptrn-1-seed.iso,media=cdrom\n";

#[test]
fn what_is_there_is_left_alone() {
    for (vms, config, cluster, code, message) in [
        (
            "107 ptrn-1 running\n",
            OURS,
            "[]",
            0,
            "`ptrn-1` exists already and runs, as VM 107; nothing was done\n",
        ),
        ("106 ptrn-1 running\n", "ide2: none\n", "[]", 1, "another VM, 106, is called `ptrn-1`\n"),
        (
            "107 ptrn-1 stopped\n",
            "ide2: local:iso/ptrn-1-seed.iso,media=cdrom\nlock: create\n",
            "[]",
            1,
            "VM 107, `ptrn-1`, is locked (`create`): wait until its task has ended; if the task was interrupted: qm unlock 107\n",
        ),
        (
            "",
            "",
            "[{\"name\":\"ptrn-1\",\"node\":\"b\"}]",
            1,
            "a VM of another host in this Proxmox cluster is called `ptrn-1`\n",
        ),
    ] {
        let workspace = host(vms, cluster).file("config", config).file("status", "status: running\n");
        let before = untouched(&workspace);
        let mut command = script(&workspace, "proxmox-create", &["ptrn-1"]);
        Run::of(&mut command).exit(code).stdout("").stderr(&format!("proxmox-create: {message}"));
        assert!(changes(&workspace).is_empty() && untouched(&workspace) == before, "{message}");
    }
}

#[test]
fn whatever_fails_is_ended_by_the_next_run() {
    let create = || commands("IMAGE", "108");
    for (fails, done) in
        [("install -m 0600*", 0), ("mv *", 0), ("qm create*", 0), ("qm resize*", 1), ("qm start*", 2)]
    {
        let workspace = host("", "[]").file("fail", fails);
        let run = || Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"]));
        run().exit(1).hides("has started");
        assert!(!workspace.path("fail").exists(), "{fails}: it has failed");
        let _ = changes(&workspace);
        run().exit(0).says(&["`ptrn-1` has started as VM 108"]);
        let expected = create().map(|line| line.replace("IMAGE", &stored(&workspace)));
        assert_eq!(changes(&workspace), expected[done..], "{fails}: what is left to be done, and no more");
        assert_eq!(workspace.text("vms").matches("ptrn-1").count(), 1, "{fails}");
        assert!(workspace.text("config").contains("size=20G\n"), "{fails}");
        assert_eq!(workspace.text("status"), "status: running\n", "{fails}");
        assert!(workspace.read("images/ptrn-1-seed.iso") == workspace.read("out/ptrn-1/seed.iso"), "{fails}");
        run().exit(0).says(&["exists already and runs, as VM 108; nothing was done"]);
        assert!(changes(&workspace).is_empty());
    }
    // The import was cut off, and left a VM without a disk.
    let workspace =
        host("107 ptrn-1 stopped\n", "[]").file("config", OURS).file("status", "status: stopped\n");
    Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"])).exit(0);
    let disk = format!("--scsi0 local-lvm:0,import-from={} ", stored(&workspace));
    let seed = "--ide2 local:iso/ptrn-1-seed.iso,media=cdrom";
    let expected = [
        format!("qm set 107 {disk}{seed} --boot order=scsi0"),
        "qm resize 107 scsi0 20G".into(),
        "qm start 107".into(),
    ];
    assert_eq!(changes(&workspace), expected);
    // A disk that is larger than was asked for stays.
    let config = format!("{OURS}scsi0: local-lvm:vm-107-disk-0,size=64G\n");
    let workspace =
        host("107 ptrn-1 stopped\n", "[]").file("config", config).file("status", "status: stopped\n");
    Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"])).exit(0);
    assert_eq!(changes(&workspace), ["qm start 107"]);
}

#[test]
fn what_is_missing_is_found_before_anything_is_done() {
    let workspace = host("", "[]");
    for (arguments, message) in [
        (&["--bridge", "vmbr1"][..], "unknown bridge `vmbr1` on this host: see --bridge\n"),
        (&["--storage", "ceph"], "no active storage `ceph` for images"),
        (&["--storage", "off"], "no active storage `off` for images"),
        (&["--seeds", "full"], "the storage `full` has room for 0 bytes, `out/ptrn-1/seed.iso` needs "),
        (&["--id", "107"], "the number 107 is taken: see --id\n"),
        (&["--image", "debian"], "unknown release `debian`"),
    ] {
        let mut command = script(&workspace, "proxmox-create", &[&["ptrn-1"], arguments].concat());
        Run::of(&mut command).exit(1).stdout("").says(&[message]);
        assert!(changes(&workspace).is_empty(), "{message}");
    }
    assert!(!workspace.path("images/ptrn-1-seed.iso").exists());
    let answers = workspace.path("bin/qm.answers");
    fs::write(&answers, format!("create*\tfalse\n{}", fs::read_to_string(&answers).unwrap())).unwrap();
    Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"])).exit(1).hides("has started");
    assert_eq!(changes(&workspace).len(), 1, "nothing follows on what failed");
}

#[test]
fn a_node_that_shares_its_layers_gets_their_image_too() {
    let workspace = host("", "[]");
    workspace.run(&["--all", "--quiet", "--delivery", "shared"]).exit(0);
    let shared = workspace.read("out/shared.iso");
    let name = format!("imgbuild-{}.iso", Sha256::of(&shared));
    for _ in 0..2 {
        workspace.write("vms", "VMID NAME STATUS\n");
        Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"])).exit(0);
        let [create, ..] = commands(&stored(&workspace), "108");
        let both = format!("ptrn-1-seed.iso,media=cdrom --ide0 local:iso/{name},media=cdrom ");
        assert_eq!(changes(&workspace)[0], create.replace("ptrn-1-seed.iso,media=cdrom ", &both));
        assert!(workspace.read(&format!("images/{name}")) == shared);
    }
    fs::write(workspace.path("images").join(&name), &shared[1..]).unwrap();
    workspace.write("vms", "VMID NAME STATUS\n");
    let damaged = Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"])).exit(1);
    damaged.says(&[&format!("`images/{name}` is damaged: move it away")]);
    let _ = changes(&workspace);
    fs::write(workspace.path("out/shared.iso"), "another").unwrap();
    Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"]))
        .exit(1)
        .says(&["`out/shared.iso` does not contain a layer of `ptrn-1`: build all nodes again"]);
    fs::remove_file(workspace.path("out/shared.iso")).unwrap();
    Run::of(&mut script(&workspace, "proxmox-create", &["ptrn-1"]))
        .exit(1)
        .says(&["`out/shared.iso`, the shared image of `ptrn-1`, does not exist"]);
    assert!(!workspace.path("record").exists(), "nothing was asked of Proxmox");
}
