//! `scripts/libvirt-create` against libvirt's own test driver, which starts no VM.

use std::fs;
use std::process::Command;

use imgbuild::digest::Sha256;

use super::{IMAGE, Run, Workspace, arch, built, built_with, recorder, script, untouched, writers};
use crate::support::oracle::oracle;

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
        &format!("install -m 0600 out/ptrn-1/seed.iso {images}/ptrn-1-seed.iso.part"),
        &format!("mv {images}/ptrn-1-seed.iso.part {images}/ptrn-1-seed.iso"),
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
    for part in ["<name>ptrn-1</name>", "52:54:00:12:34:56", "<memory>2097152</memory>", "ptrn-1-seed.iso"] {
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
        .stderr("libvirt-create: `ptrn-1` exists already, its state is: running; nothing was done\n");
    Run::of(&mut with("another.xml")).exit(1).stderr("libvirt-create: another VM is called `ptrn-1`\n");
    assert!(untouched(&workspace) == before);
    let workspace = workspace.file("images/ptrn-1.qcow2", "data");
    let message = "/ptrn-1.qcow2` exists without a VM `ptrn-1`: it may hold data, so move it away first\n";
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
            "unknown bridge `no-such-bridge` on this machine: see --network\n",
        ),
        (&["--network", "network=none"], "libvirt does not have an active network `none`: see --network"),
        (&["--network", "br0"], "invalid --network `br0`: expected `bridge=NAME` or `network=NAME`\n"),
        (&["--images", "nowhere"], "the folder `nowhere` does not exist: see --images\n"),
        (&["--connect", "test:///nowhere.xml"], "failed to connect to test:///nowhere.xml: see --connect\n"),
        (&["--image", "debian"], "unknown release `debian`"),
        (
            &["--out", "elsewhere"],
            "`elsewhere/ptrn-1/manifest.json` does not exist: build the node first: imgbuild ptrn-1\n",
        ),
        (&["--disk", "20G"], "invalid --disk `20G`: expected a whole number above 0\n"),
        (&["--disks", "20"], "unknown option `--disks`: see --help\n"),
        (&["--disk"], "`--disk` needs a value: see --help\n"),
        (&["ptrn-2"], "expected one node, got `ptrn-1` and `ptrn-2`\n"),
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
        "`out/ptrn-1/seed.iso` differs from what its build wrote: build the node again: imgbuild ptrn-1\n",
    ]);
}

#[test]
fn a_node_that_shares_its_layers_gets_their_image_too() {
    let workspace = built();
    workspace.run(&["--all", "--quiet", "--delivery", "shared"]).exit(0);
    let shared = workspace.read("out/shared.iso");
    let name = format!("imgbuild-{}.iso", Sha256::of(&shared));
    let Some(mut command) = create(&workspace, &["--dry-run"]) else { return };
    let printed = Run::of(&mut command).exit(0).data();
    let images = images(&workspace);
    let seed = format!("--disk path={images}/ptrn-1-seed.iso\\,device=cdrom ");
    let both = format!("{seed}--disk path={images}/{name}\\,device=cdrom\\,readonly=on ");
    assert!(printed.contains(&both), "{printed}");
    assert!(printed.contains(&format!("install -m 0644 out/shared.iso {images}/{name}.part\n")), "{printed}");
    Run::of(&mut create(&workspace, &[]).unwrap()).exit(0).says(&["Domain creation completed."]);
    assert!(workspace.read(&format!("images/{name}")) == shared);
    assert_eq!(workspace.permissions(&format!("images/{name}")), 0o644);
    // Others have it too, so that it is there already.
    let printed = Run::of(&mut create(&workspace, &["--dry-run"]).unwrap()).exit(0).data();
    assert!(printed.contains(&both) && !printed.contains("out/shared.iso"), "{printed}");
}

/// libvirt with its VMs as files: `vms`, and of the one that matters `domstate`. virt-install makes the disk as the real one does.
fn recorded(image: &[u8]) -> Workspace {
    let workspace = built_with(image).file("vms", "").file("domstate", "");
    let workspace = recorder(
        workspace,
        "virsh",
        "*list --all --name\tcat vms\n*domblklist*\techo \" hda $(realpath images)/ptrn-1-seed.iso\"\n*domstate*\tcat domstate\n\
         *net-info*\techo 'Active: yes'\n*start*\techo running >domstate\n*resume*\techo running >domstate\n",
    );
    let make = "qemu-img create -q -f qcow2 -F qcow2 -b $(echo $PWD/images/imgbuild-*.qcow2) images/ptrn-1.qcow2 20M";
    // Where the VM does not start it is defined all the same, or the disk is left, or neither.
    let answers = format!(
        "*\t{make}; case $(cat how 2>/dev/null) in cut) rm how; exit 1 ;; off) rm how; echo ptrn-1 >vms; echo 'shut off' >domstate; \
         exit 1 ;; esac; echo ptrn-1 >vms; echo running >domstate\n"
    );
    writers(recorder(workspace, "virt-install", &answers))
}

/// An empty image that qemu-img made; `None` where there is none.
fn image() -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    let mut qemu_img = oracle("qemu-img")?;
    Run::of(qemu_img.args(["create", "-q", "-f", "qcow2"]).arg(&path).arg("8M")).exit(0);
    Some(fs::read(path).unwrap())
}

#[test]
fn whatever_fails_is_ended_by_the_next_run() {
    let Some(image) = image() else { return };
    let create = |workspace: &Workspace| {
        let own = ["ptrn-1", "--images", "images", "--network", "network=default"];
        Run::of(&mut script(workspace, "libvirt-create", &own))
    };
    for (fails, how) in [
        ("install -m 0644*", ""),
        ("mv *imgbuild-*", ""),
        ("install -m 0600*", ""),
        ("mv *ptrn-1-seed*", ""),
        ("virt-install*", ""),
        ("none", "cut"),
        ("none", "off"),
    ] {
        let workspace = recorded(&image).file("fail", fails);
        if !how.is_empty() {
            fs::remove_file(workspace.path("fail")).unwrap();
            workspace.write("how", how);
        }
        create(&workspace).exit(1).hides("has started");
        assert!(
            !workspace.path("fail").exists() && !workspace.path("how").exists(),
            "{fails} {how}: it has failed"
        );
        create(&workspace).exit(0).says(&["`ptrn-1` has started"]);
        assert_eq!(
            (workspace.text("vms"), workspace.text("domstate")),
            ("ptrn-1\n".into(), "running\n".into()),
            "{fails} {how}"
        );
        assert!(workspace.read("images/ptrn-1-seed.iso") == workspace.read("out/ptrn-1/seed.iso"), "{fails}");
        assert!(workspace.path("images/ptrn-1.qcow2").exists());
        create(&workspace).exit(0).says(&["exists already, its state is: running; nothing was done"]);
    }
    // What a VM has written to is nobody's to remove.
    let workspace = recorded(&image).file("how", "cut");
    create(&workspace).exit(1);
    let mut write = oracle("qemu-io").unwrap();
    let written =
        write.args(["-c", "write 1M 64k"]).arg(workspace.path("images/ptrn-1.qcow2")).output().unwrap();
    assert!(written.status.success());
    let before = workspace.read("images/ptrn-1.qcow2");
    create(&workspace).exit(1).says(&["it may hold data, so move it away first"]);
    assert!(workspace.read("images/ptrn-1.qcow2") == before);
}
