//! Secrets go into user-data and the image that holds it, and nowhere else.
#![expect(clippy::disallowed_methods, reason = "edge: looks at what the program wrote")]

use std::fs;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use crate::support::workspace::Workspace;

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
            let expected = if ["user-data", "seed.iso"].contains(&name) { 0o600 } else { 0o644 };
            assert_eq!(mode, expected, "{node}/{name}");
        }
    }
    let user_data = workspace.text("out/prmt-1/user-data");
    for part in [TOKEN, "anders-geheim", "-1009876543210", "lock_passwd: false", "passwd: \"$6$rounds="] {
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
        "no generated secret can be added to `secrets.yaml`",
        "help: write one `name: value` a line there",
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
    let hash = "$6$rounds=5000$saltsalt$abcdefghijk";
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
