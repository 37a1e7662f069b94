//! Secrets go into user-data and the image that holds it, and nowhere else.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program wrote")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use flate2::read::MultiGzDecoder;
use imgbuild::digest::Sha256;

use crate::support::oracle::oracle;
use crate::support::terminal::{on_terminal, seen};
use crate::support::workspace::{Run, Workspace};

const TOKEN: &str = "123456789:AAF1abcdefghijklmnopqrstuvwxyz012345";
const ALL: &str = "admin_password: geheim-und-lang\ngrafana_admin_password: anders-geheim\n\
                   telegram_bot_token: 123456789:AAF1abcdefghijklmnopqrstuvwxyz012345\ntelegram_chat_id: -1009876543210\n";

fn modes(workspace: &Workspace, node: &str) -> Vec<(&'static str, u32)> {
    let names = ["manifest.json", "meta-data", "network-config", "overlay.tar.gz", "seed.iso", "user-data"];
    names.map(|name| (name, workspace.permissions(&format!("out/{node}/{name}")))).to_vec()
}

#[test]
fn what_holds_secrets_is_readable_by_its_owner_alone() {
    let workspace = Workspace::with_releases().secrets(ALL);
    workspace.run(&["prmt-1", "ptrn-1"]).exit(0);
    for node in ["prmt-1", "ptrn-1"] {
        for (name, mode) in modes(&workspace, node) {
            let private = ["manifest.json", "user-data", "seed.iso"];
            let expected = if private.contains(&name) { 0o600 } else { 0o644 };
            assert_eq!(mode, expected, "{node}/{name}");
        }
    }
    let user_data = workspace.text("out/prmt-1/user-data");
    for part in
        [TOKEN, "anders-geheim", "-1009876543210", "lock_passwd: false", "hashed_passwd: \"$6$rounds="]
    {
        assert!(user_data.contains(part), "{part}");
    }
    assert!(!user_data.contains("geheim-und-lang"), "the administrator's password is hashed");
    let user_data = workspace.text("out/ptrn-1/user-data");
    assert!(!user_data.contains(TOKEN) && !user_data.contains("anders-geheim"), "ptrn-1 needs none of them");
}

#[test]
fn no_value_is_anywhere_else() {
    let workspace = Workspace::with_releases().secrets(ALL);
    let run = workspace.run(&["--all", "--color", "always"]).exit(0);
    let shown = workspace.run(&["show", "prmt-1", "user-data"]).exit(0);
    let planned = workspace.run(&["plan", "--json"]).exit(0);
    let mut places = vec![
        ("stderr".to_owned(), run.errors().into_bytes()),
        ("stdout".to_owned(), run.data().into_bytes()),
        ("show".to_owned(), shown.data().into_bytes()),
        ("plan".to_owned(), planned.data().into_bytes()),
    ];
    for folder in ["out", "cache"] {
        let files = workspace.files(folder).into_iter();
        places.extend(files.filter(|(path, _)| !path.ends_with("user-data") && !path.ends_with("seed.iso")));
    }
    assert!(places.len() > 20, "the store is looked at too");
    for (place, bytes) in places {
        let mut unpacked = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            // Layers have no end of a tar archive, but each of their gzip members is whole.
            MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
        }
        for value in ["geheim-und-lang", "anders-geheim", TOKEN, "-1009876543210"] {
            for bytes in [&bytes, &unpacked] {
                let found = bytes.windows(value.len()).any(|part| part == value.as_bytes());
                assert!(!found, "{value} is in {place}");
            }
        }
    }
}

#[test]
fn a_password_is_generated_once_and_kept() {
    let workspace = Workspace::with_releases();
    let run = workspace.run(&["prmt-1"]).exit(0);
    run.says(&["generated the secret `grafana_admin_password`, kept in secrets.yaml"]);
    let kept = workspace.text("secrets.yaml");
    let value =
        kept.strip_prefix("grafana_admin_password: \"").unwrap().strip_suffix("\"\n").unwrap().to_owned();
    assert_eq!(value.len(), 24);
    assert_eq!(workspace.permissions("secrets.yaml"), 0o600);
    assert!(workspace.text("out/prmt-1/user-data").contains(&value));
    assert_eq!(modes(&workspace, "prmt-1")[5], ("user-data", 0o600));
    let before = workspace.files("out");
    workspace.run(&["prmt-1"]).exit(0).hides("generated").hides(&value);
    assert_eq!(workspace.text("secrets.yaml"), kept);
    assert!(workspace.files("out") == before, "the same build gives the same bytes");
}

#[test]
fn a_generated_password_goes_below_what_the_user_wrote() {
    let written = "# mine\nadmin_password: geheim";
    let workspace = Workspace::with_releases().secrets(written);
    workspace.run(&["prmt-1"]).exit(0);
    let kept = workspace.text("secrets.yaml");
    assert!(kept.starts_with("# mine\nadmin_password: geheim\ngrafana_admin_password: \""), "{kept}");
    let odd = Workspace::with_releases().secrets("{admin_password: geheim}\n");
    let run = odd.run(&["prmt-1"]).exit(3).hides("geheim");
    run.says(&[
        "failed to add a generated secret to `secrets.yaml`",
        "help: write one `name: value` per line there",
    ]);
    assert_eq!(odd.text("secrets.yaml"), "{admin_password: geheim}\n");
    assert!(!odd.path("out").exists());
}

#[test]
fn builds_at_once_agree_on_a_generated_password() {
    let workspace = Workspace::with_releases();
    let runs: Vec<_> =
        (0..4).map(|at| workspace.spawn(&["prmt-1", "--quiet", "--out", &format!("out{at}")])).collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    let built = |at: usize| workspace.text(&format!("out{at}/prmt-1/user-data"));
    assert!((1..4).all(|at| built(at) == built(0)));
    assert_eq!(workspace.text("secrets.yaml").lines().count(), 1);
    let left = fs::read_dir(workspace.path(".")).unwrap().count();
    assert_eq!(
        left,
        4 + ["secrets.yaml", "releases.yaml", "mirror", "cache", "state"].len(),
        "nothing is left over"
    );
}

#[test]
fn a_hash_is_taken_as_it_is_and_without_a_password_sudo_asks_none() {
    let hash = "$y$j9T$abcdefgh$GxCeQreerYP7WYNXxV9BftndBRQBXf2528rchsi.eVD";
    let workspace = Workspace::with_releases().secrets(format!("admin_password: {hash}\n"));
    workspace.run(&["ptrn-1"]).exit(0).hides(hash).hides("nobody can log in");
    let user_data = workspace.text("out/ptrn-1/user-data");
    assert!(user_data.contains(hash) && user_data.contains("sudo: \"ALL=(ALL:ALL) ALL\"\n"), "{user_data}");
    let open = Workspace::with_releases();
    open.run(&["ptrn-1"]).exit(0);
    assert!(
        open.text("out/ptrn-1/user-data")
            .contains("sudo: \"ALL=(ALL:ALL) NOPASSWD:ALL\"\n  lock_passwd: true\n")
    );
}

#[test]
fn a_file_that_is_named_must_be_there_and_is_not_generated_into() {
    let workspace = Workspace::with_releases();
    for verb in ["prmt-1", "check", "diff", "bundle"] {
        let arguments = [verb, "--secrets", "typo.yaml"];
        let arguments = [&arguments[..], if verb == "bundle" { &["-o", "b"] } else { &[] }].concat();
        let run = workspace.run(&arguments).exit(3);
        run.says(&["the secrets file `typo.yaml` does not exist", "help: check its name in `--secrets`"]);
        assert!(!workspace.path("typo.yaml").exists() && !workspace.path("out").exists());
    }
    let workspace = workspace.file("mine.yaml", "").mode("mine.yaml", 0o600);
    for verb in ["prmt-1", "check", "diff"] {
        let run = workspace.run(&[verb, "--secrets", "mine.yaml"]).exit(3);
        run.says(&["the secret `grafana_admin_password` is missing in `mine.yaml`"]);
    }
    workspace.run(&["ptrn-1", "--secrets", "mine.yaml"]).exit(0);
    assert_eq!(workspace.text("mine.yaml"), "");
    // Named or not, a file of the default name is.
    let workspace = workspace.file("here/secrets.yaml", "").mode("here/secrets.yaml", 0o600);
    workspace.run(&["prmt-1", "--secrets", "here/secrets.yaml"]).exit(0).says(&["kept in here/secrets.yaml"]);
    assert!(workspace.text("here/secrets.yaml").starts_with("grafana_admin_password: "));
}

#[test]
fn generating_keeps_a_link_and_an_owner() {
    let workspace = Workspace::with_releases();
    let workspace = workspace.file("mirror/all.yaml", "# mine\n").mode("mirror/all.yaml", 0o600);
    symlink("mirror/all.yaml", workspace.path("secrets.yaml")).unwrap();
    let is_root = fs::metadata(workspace.path("mirror/all.yaml")).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(workspace.path("mirror/all.yaml"), Some(1234), Some(2345)).unwrap();
    }
    workspace.run(&["prmt-1"]).exit(0);
    assert!(fs::symlink_metadata(workspace.path("secrets.yaml")).unwrap().is_symlink());
    assert!(workspace.text("mirror/all.yaml").starts_with("# mine\ngrafana_admin_password: "));
    let found = fs::metadata(workspace.path("mirror/all.yaml")).unwrap();
    assert_eq!(found.permissions().mode() & 0o7777, 0o600);
    if is_root {
        assert_eq!((found.uid(), found.gid()), (1234, 2345));
    }
    let dangling = Workspace::with_releases();
    symlink("nowhere.yaml", dangling.path("secrets.yaml")).unwrap();
    let run = dangling.run(&["prmt-1"]).exit(3);
    run.says(&["the secrets file `secrets.yaml` is a link to a file that does not exist"]);
}

#[test]
fn a_file_system_without_modes_is_refused_each_time() {
    let workspace = Workspace::with_releases();
    for folder in ["real", "stick"] {
        fs::create_dir(workspace.path(folder)).unwrap();
    }
    let Some(mut bindfs) = oracle("bindfs") else { return };
    // As vfat, exFAT and many network shares are: each file has the same mode, whatever it is asked for.
    bindfs.args(["--perms=0777", "--chmod-ignore"]).args([workspace.path("real"), workspace.path("stick")]);
    if !bindfs.output().unwrap().status.success() {
        return crate::support::oracle::skip("FUSE");
    }
    let on_stick = |arguments: &[&str]| {
        let more = ["--out", "stick/out"];
        workspace.run(&[arguments, &more].concat())
    };
    // A build in a folder there, where the secrets file would be generated.
    let generating = || {
        let mut command = workspace.bare(&["prmt-1", "--out", "../out"]);
        command.env("IMGBUILD_RELEASES", workspace.path("releases.yaml"));
        command.env("IMGBUILD_MIRROR", workspace.path("mirror")).current_dir(workspace.path("stick"));
        Run::of(&mut command)
    };
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..2 {
            let run = on_stick(&["prmt-1"]).exit(1);
            run.says(&[
                "user-data`: it holds secrets, but its file system does not keep file modes",
                "`--out DIR`",
            ]);
        }
        on_stick(&["ptrn-1"]).exit(0);
        for _ in 0..2 {
            let run = generating().exit(1);
            run.says(&["refused to write `secrets.yaml`: it holds secrets", "has `--secrets FILE`"]);
            assert!(!workspace.path("stick/secrets.yaml").exists());
        }
        let place = "stick/secrets.yaml";
        for _ in 0..2 {
            let run = workspace.run(&["check", "--secrets", place]).exit(3);
            run.says(&["the secrets file `stick/secrets.yaml` does not exist"]);
        }
        workspace.write(place, "");
        for _ in 0..2 {
            let run = workspace.run(&["prmt-1", "--secrets", place]).exit(3);
            run.says(&[
                "others can read the secrets",
                "where that changes nothing, the file system keeps no modes",
            ]);
        }
    }));
    let _ = std::process::Command::new("umount").arg(workspace.path("stick")).status();
    if let Err(failed) = tried {
        std::panic::resume_unwind(failed);
    }
}

/// Nothing that others can read has a digest of what depends on secrets, and no message: it would help to guess them.
#[test]
fn no_digest_of_secrets_is_for_others() {
    let workspace = Workspace::with_releases().secrets(ALL);
    let mut said = Vec::new();
    for arguments in [
        &["prmt-1"][..],
        &["verify", "out/prmt-1"],
        &["verify", "out/prmt-1", "--json"],
        &["sbom", "prmt-1"],
        &["plan", "prmt-1", "--json"],
    ] {
        let run = workspace.run(arguments).exit(0);
        said.push((arguments.join(" "), run.data() + &run.errors()));
    }
    let manifest = workspace.text("out/prmt-1/manifest.json");
    let secret = ["user-data", "seed.iso"].map(|name| workspace.read(&format!("out/prmt-1/{name}")));
    let digests = secret.each_ref().map(|bytes| Sha256::of(bytes).to_string());
    let sizes = secret.each_ref().map(|bytes| format!("\"size\": {}", bytes.len()));
    assert!(digests.iter().chain(&sizes).all(|fact| manifest.contains(fact)), "{manifest}");
    for (name, bytes) in workspace.files("out").into_iter().chain(workspace.files("cache")) {
        let path = ["out", "cache"]
            .map(|root| workspace.path(root).join(&name))
            .into_iter()
            .find(|path| path.exists());
        if fs::metadata(path.unwrap()).unwrap().permissions().mode() & 0o044 != 0 {
            said.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(said.len() > 12);
    for (place, text) in said {
        for fact in digests.iter().chain(&sizes) {
            assert!(!text.contains(fact), "{fact} is in {place}");
        }
    }
    // What is damaged is named without them too.
    let mut file = fs::OpenOptions::new().append(true).open(workspace.path("out/prmt-1/user-data")).unwrap();
    file.write_all(b"# more\n").unwrap();
    for arguments in [&["verify", "out/prmt-1"][..], &["verify", "out/prmt-1", "--json"]] {
        let run = workspace.run(arguments).exit(4).hides(&digests[0]);
        run.says(&["`user-data` is damaged: its digests are not shown"]);
    }
}

#[test]
fn no_value_is_seen_on_a_terminal() {
    let workspace = Workspace::with_releases().secrets(ALL);
    let see = |workspace: &Workspace, arguments: &[&str], code: i32, part: &str| {
        let Some((bytes, exit)) = on_terminal(&workspace.command(arguments)) else { return };
        let seen = seen(&bytes);
        assert!(exit == code && seen.contains(part), "{arguments:?} gave {exit}\n{seen}");
    };
    see(&workspace, &["--all", "--color", "always"], 0, "fetched");
    see(&workspace, &["--all", "--json"], 0, "\"outputs\"");
    see(&workspace, &["verify", "out/prmt-1"], 0, "intact");
    see(&workspace, &["verify", "out/prmt-1/seed.iso", "--json"], 0, "\"kind\"");
    see(&workspace, &["inspect", "out/prmt-1"], 0, "user-data");
    see(&workspace, &["show", "prmt-1", "user-data"], 0, "<secret telegram_bot_token>");
    see(&workspace, &["plan", "--json"], 0, "private");
    see(&workspace, &["check"], 0, "all is well");
    let workspace = workspace.secrets(ALL.replace("anders-geheim", "noch-geheimer"));
    see(&workspace, &["diff", "prmt-1", "--color", "always"], 6, "<another secret>");
    see(&workspace, &["prmt-1"], 0, "out/prmt-1");
    let mut file = fs::OpenOptions::new().append(true).open(workspace.path("out/prmt-1/user-data")).unwrap();
    file.write_all(b"# geheim-und-lang\n").unwrap();
    see(&workspace, &["verify", "out/prmt-1"], 4, "`user-data` is damaged");
    let workspace = workspace.secrets("telegram_bot_tokn: hunter2\nadmin_password: $6$hunter2\n");
    see(&workspace, &["check", "--color", "always"], 3, "secrets.yaml:2:");
}

#[test]
fn what_reaches_a_node_only_as_another_instance_is_said() {
    let workspace = Workspace::with_releases().secrets(ALL);
    workspace.run(&["prmt-1"]).exit(0).hides("--reprovision");
    let workspace = workspace.secrets(ALL.replace("anders-geheim", "noch-geheimer"));
    workspace.run(&["prmt-1"]).exit(0).hides("--reprovision");
    let workspace = workspace.secrets(ALL.replace("geheim-und-lang", "anders-und-lang"));
    workspace.run(&["prmt-1"]).exit(0).says(&[
        "prmt-1: `users` changed: cloud-init applies that once per instance, so a node that has booted takes it up only \
         after `imgbuild prmt-1 --reprovision`",
    ]);
    let workspace = workspace.secrets(ALL);
    workspace.run(&["prmt-1", "--reprovision"]).exit(0).hides("once per instance");
}

#[test]
fn a_key_without_a_password_is_said_to_be_root() {
    let profile = include_str!("../../profiles/patroni.yaml");
    let keys = "ssh_authorized_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleA a\"]";
    let with_key = profile.replace("ssh_authorized_keys: []", keys);
    assert_ne!(with_key, profile);
    let workspace = Workspace::with_releases().profile(with_key);
    let line = "`vasya` uses sudo without a password: no secret `admin_password`\n";
    workspace.run(&["ptrn-1"]).exit(0).says(&[line]);
    workspace.secrets("admin_password: geheim-und-lang\n").run(&["ptrn-1"]).exit(0).hides("uses sudo");
}

#[test]
fn a_password_of_nobody_is_a_warning() {
    let profile = include_str!("../../profiles/patroni.yaml");
    let start = profile.find("  admin:").unwrap();
    let end = start + profile[start..].find("\n\n").unwrap();
    let without = format!("{}{}", &profile[..start], &profile[end..]);
    let workspace = Workspace::with_releases().profile(without).secrets("admin_password: geheim-und-lang\n");
    for arguments in [&["check"][..], &["ptrn-1"]] {
        let line = "warning: the secret `admin_password` is not used: the profile has no administrator";
        workspace.run(arguments).exit(0).says(&[line]);
    }
}
