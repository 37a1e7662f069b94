//! Disks that are full or cannot be written to, one case a row: with what the program ends, what it says, what has a name
//! after that, and that it succeeds without cleaning once the disk is mended.

use std::process::Command;

use imgbuild::audit::audit;

use crate::support::child::has_tool;
use crate::support::small::{archive, small_with};
use crate::support::workspace::{Run, Workspace};

/// One case, in the shell's words; `disk` is a file system of its own with 1 MiB.
struct Case {
    /// What is done before.
    given: &'static str,
    /// What is run.
    run: &'static str,
    /// Its exit code.
    code: i32,
    /// What it says.
    says: &'static [&'static str],
    /// The files that have names on the disk after that, all of them by their folder.
    left: &'static str,
    /// What is whole when it ran again on a mended disk.
    whole: &'static str,
}

const FULL: &[&str] = &["No space left on device", "help: free disk space"];
const READ_ONLY: &[&str] = &["Read-only file system", "help: "];

const CASES: [Case; 16] = [
    Case {
        // Full while downloading.
        given: "leave 100",
        run: "imgbuild fetch --store disk/store",
        code: 1,
        says: FULL,
        left: "",
        whole: "store",
    },
    Case {
        // Full while a release is taken apart.
        given: "XDG_CACHE_HOME=$PWD/disk imgbuild fetch; leave 100",
        run: "XDG_CACHE_HOME=$PWD/disk imgbuild one",
        code: 1,
        says: FULL,
        left: "1 imgbuild/sha256",
        whole: "imgbuild",
    },
    Case {
        // Full while its layer is compressed.
        given: "XDG_CACHE_HOME=$PWD/disk imgbuild fetch; leave 400",
        run: "XDG_CACHE_HOME=$PWD/disk imgbuild one",
        code: 1,
        says: FULL,
        left: "1 imgbuild/sha256",
        whole: "imgbuild",
    },
    Case {
        // Full while an overlay is joined.
        given: "leave 100",
        run: "imgbuild one --out disk/out",
        code: 1,
        says: FULL,
        left: "",
        whole: "out/one",
    },
    Case {
        // Full while an image is written.
        given: "leave 400",
        run: "imgbuild one --out disk/out",
        code: 1,
        says: FULL,
        left: "",
        whole: "out/one",
    },
    Case {
        // Full at the second node: the first has no name either.
        given: "leave 660",
        run: "imgbuild --all --out disk/out",
        code: 1,
        says: FULL,
        left: "",
        whole: "out/two",
    },
    Case {
        // Full when there is an older build.
        given: "imgbuild two --out disk/out; leave 20",
        run: "imgbuild two --out disk/out --source-date-epoch 1",
        code: 1,
        says: FULL,
        left: "6 out/two",
        whole: "out/two",
    },
    Case {
        // No room for one name more.
        given: "mount -o remount,nr_inodes=4 disk",
        run: "imgbuild one --out disk/out",
        code: 1,
        says: FULL,
        left: "",
        whole: "out/one",
    },
    Case {
        given: "leave 100",
        run: "imgbuild bundle -o disk/bundle",
        code: 1,
        says: FULL,
        left: "",
        whole: "bundle",
    },
    Case {
        given: "leave 100",
        run: "imgbuild bundle -o disk/bundle --split 32K",
        code: 1,
        says: FULL,
        left: "",
        whole: "bundle.parts.json",
    },
    Case {
        // A store that has the artifacts is only read.
        given: "imgbuild fetch --store disk/store; mount -o remount,ro disk",
        run: "imgbuild one --store disk/store --out other",
        code: 0,
        says: &[],
        left: "1 store/sha256",
        whole: "store",
    },
    Case {
        // A store that lacks one has to be written to.
        given: "mkdir disk/store; mount -o remount,ro disk",
        run: "imgbuild fetch --store disk/store",
        code: 1,
        says: &["Read-only file system", "name a writable store with `--store DIR`"],
        left: "",
        whole: "store",
    },
    Case {
        // A cache that has everything is only read.
        given: "XDG_CACHE_HOME=$PWD/disk imgbuild one; mount -o remount,ro disk",
        run: "XDG_CACHE_HOME=$PWD/disk imgbuild one --out other",
        code: 0,
        says: &[],
        left: "1 imgbuild/derived/joined\n1 imgbuild/derived/records\n1 imgbuild/derived/sha256\n1 imgbuild/sha256",
        whole: "imgbuild",
    },
    Case {
        // What it lacks is made and not kept.
        given: "XDG_CACHE_HOME=$PWD/disk imgbuild fetch; mount -o remount,ro disk",
        run: "XDG_CACHE_HOME=$PWD/disk imgbuild one",
        code: 0,
        says: &["warning: the cache of layers is not used", "Read-only file system"],
        left: "1 imgbuild/sha256",
        whole: "imgbuild",
    },
    Case {
        given: "imgbuild one --out disk/out; mount -o remount,ro disk",
        run: "imgbuild one --out disk/out",
        code: 1,
        says: READ_ONLY,
        left: "6 out/one",
        whole: "out/one",
    },
    Case {
        given: "mount -o remount,ro disk",
        run: "imgbuild bundle -o disk/bundle",
        code: 1,
        says: READ_ONLY,
        left: "",
        whole: "bundle",
    },
];

/// Runs a case; `$1` is what is done before, `$2` what is run, the rest the program and its options.
const SCRIPT: &str = r#"
given=$1 run=$2 program=$3
shift 3
options=$*
imgbuild() { "$program" "$@" --quiet $options; }
# Fills the disk but for so many KiB.
leave() { dd if=/dev/zero of=disk/ballast bs=1k count=$((1024 - $1 - $(du -sk disk | cut -f1))) status=none; }
set -e
mkdir disk
mount -t tmpfs -o size=1024k tmpfs disk
eval "$given"
set +e
eval "$run"
code=$?
set -e
# Staged files, locks and downloads that go on later have no final name.
(cd disk && find . -type f -printf '%P\n' | grep -vE '^ballast$|/lock/|/partial/|CACHEDIR|\.lock$' |
    sed 's,/[^/]*$,,' | sort | uniq -c | sed 's/^ *//') >left || true
mount -o remount,rw,size=64m,nr_inodes=0 disk
rm -f disk/ballast
eval "$run" >/dev/null 2>&1 || exit 99
[ "$(find disk -name '.imgbuild-*' -o -path '*/tmp/*')" = '' ] || exit 98
cp -r disk kept
exit $code
"#;

#[test]
fn a_disk_that_takes_no_more_harms_nothing() {
    if !has_tool("unshare", &["--user", "--map-root-user", "--mount", "true"]) {
        return;
    }
    // A program that no compression makes smaller, of 256 KiB.
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    });
    let archive = archive(&noise.take(256 << 10).collect::<Vec<_>>());
    for case in &CASES {
        let workspace = small_with(&archive);
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--user",
            "--map-root-user",
            "--mount",
            "bash",
            "-c",
            SCRIPT,
            "bash",
            case.given,
            case.run,
        ]);
        check(case, &workspace, Run::of(&mut workspace.command_of(unshare, &[])));
    }
}

#[track_caller]
fn check(case: &Case, workspace: &Workspace, run: Run) {
    run.exit(case.code).says(case.says);
    assert_eq!(workspace.text("left").trim_end(), case.left, "{}", case.run);
    assert_eq!(audit(&workspace.path("kept").join(case.whole)).unwrap().faults, [], "{}", case.run);
}
