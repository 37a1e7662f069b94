//! Errors in the secrets file: named, placed, and never with a value.
#![expect(clippy::disallowed_methods, reason = "edge: makes a folder where a file should be")]

use std::fs;

use imgbuild::profile::Password;

use super::{Workspace, assert_messages};
use crate::support::oracle::{oracle, stdout};

/// Whatever is wrong, no message has this in it.
const VALUE: &str = "hunter2";

#[test]
fn secrets_files_that_cannot_be() {
    let secrets = |text: &str| Workspace::new().secrets(text);
    let cases = [
        ("name-unknown", secrets("grafana_admin_pasword: hunter2\n")),
        ("name-far-off", secrets("Hunter2: hunter2\n")),
        ("empty", secrets("grafana_admin_password: \"\"\nadmin_password: \" \"\ntelegram_chat_id: ''\n")),
        ("no-value", secrets("grafana_admin_password:\ntelegram_chat_id:\nadmin_password: ~\n")),
        ("short", secrets("grafana_admin_password: four\n")),
        ("hash-cut", secrets("admin_password: $6$hunter2\n")),
        ("hash-foreign", secrets("admin_password: $argon2id$v=19$m=65536,t=3,p=4$hunter2$hunter2\n")),
        ("line-break", secrets("admin_password: |\n  hunter2\n")),
        ("chat-id-no-number", secrets("telegram_chat_id: \"@hunter2\"\n")),
        ("token-form", secrets("telegram_bot_token: hunter2\n")),
        ("list", secrets("- hunter2\n")),
        ("value-is-list", secrets("admin_password: [hunter2]\n")),
        ("value-is-mapping", secrets("admin_password: {hunter2: hunter2}\n")),
        ("twice", secrets("admin_password: hunter2\nadmin_password: hunter2\n")),
        ("no-yaml", secrets("admin_password: \"hunter2\n")),
        ("alias", secrets("admin_password: *hunter2\n")),
        ("no-text", Workspace::new().secrets(b"admin_password: hunter2\xff\n")),
        ("long", secrets(&format!("admin_password: hunter2{}\n", "x".repeat(5000)))),
        ("world-readable", secrets("admin_password: hunter2\n").mode("secrets.yaml", 0o644)),
        ("group-readable", secrets("admin_password: hunter2\n").mode("secrets.yaml", 0o640)),
        (
            "several",
            secrets("telegram_chat_id: hunter2\ntelegram_bot_tokn: hunter2\n").mode("secrets.yaml", 0o604),
        ),
    ];
    for (_, workspace) in &cases {
        for arguments in [&["check"][..], &["ptrn-1"], &["show", "prmt-1", "user-data"]] {
            workspace.run(arguments).exit(3).hides(VALUE);
        }
    }
    assert_messages("secrets", cases);
}

#[test]
fn a_folder_is_no_secrets_file() {
    let workspace = Workspace::new();
    fs::create_dir(workspace.path("secrets.yaml")).unwrap();
    for arguments in [&["check"][..], &["check", "--secrets", "secrets.yaml"]] {
        workspace.run(arguments).exit(3).stderr(
            "error: `secrets.yaml` is a folder, expected a secrets file\nhelp: name a text file with `--secrets FILE`\n",
        );
    }
}

#[test]
fn no_secrets_can_be_said_and_nobody_is_told_to_change_a_device() {
    let workspace = Workspace::new();
    let run = workspace.run(&["check", "--secrets", "/dev/null"]).exit(3).hides("chmod");
    run.says(&["the secret `grafana_admin_password` is missing in `/dev/null`"]);
    workspace.run(&["plan", "ptrn-1", "--secrets", "/dev/null"]).exit(0).hides("chmod");
}

#[test]
fn a_secret_of_a_component_that_is_gone_is_a_warning() {
    let workspace = Workspace::with_releases().secrets("postgres_exporter_password: hunter2\n");
    let run = workspace.run(&["check"]).exit(0);
    run.says(&["warning: unknown secret: no component declares it, so it is not used", "secrets.yaml:1:1"])
        .hides(VALUE);
    workspace.run(&["ptrn-1"]).exit(0).hides(VALUE);
    workspace.run(&["bundle", "-o", "b"]).exit(0).hides(VALUE);
}

/// The default cluster with a component that has one private file.
fn private(path: &str, template: &str) -> Workspace {
    let spec = format!(
        "description: a component of a test\neverywhere: true\nsecrets:\n  word: {{description: a word}}\n\
         private:\n  - {{path: /etc/{path}, needs: [word]}}\n"
    );
    Workspace::new()
        .component("p/component.yaml", spec)
        .component(&format!("p/private/etc/{path}.j2"), template)
        .secrets("word: \"hunter2: {\"\n")
}

#[test]
fn private_files_that_fail_tell_no_value() {
    let cases = [
        ("private-yaml", private("p.yaml", "a: 1\nword: {{ secrets.word }}\n")),
        ("private-json", private("p.json", "{\"word\": {{ secrets.word }}}\n")),
        ("private-undefined", private("p.conf", "{{ secrets.wrod }}\n")),
        ("private-syntax", private("p.conf", "{{ secrets.word }\n")),
        ("private-kind", private("p.conf", "{{ secrets.word + 1 }}\n")),
        ("private-key", private("p.conf", "{{ {}[secrets.word] }}\n")),
        ("private-include", private("p.conf", "{% include secrets.word %}\n")),
        ("private-filter", private("p.conf", "{{ secrets.word | int }}\n")),
        ("private-end", private("p.conf", "{{ secrets.word }}\nIMGBUILD_END\n")),
    ];
    for (_, workspace) in &cases {
        workspace.run(&["ptrn-1"]).exit(3).hides(VALUE);
        workspace.run(&["check"]).exit(3).hides(VALUE);
    }
    assert_messages("private", cases);
}

/// What crypt(3) of this machine, which is libxcrypt as Ubuntu's is, gives back as it was with another hash, is a hash; what
/// begins like one and does not come back is neither that nor a password in clear.
#[test]
fn hashes_are_what_crypt_checks() {
    let Some(mut perl) = oracle("perl") else { return };
    let settings = [
        "$1$abcdefgh$",
        "$1$$",
        "$2a$05$abcdefghijklmnopqrstuu",
        "$2b$04$abcdefghijklmnopqrstuu",
        "$2x$05$abcdefghijklmnopqrstuu",
        "$2y$05$abcdefghijklmnopqrstuu",
        "$3$",
        "$5$salt$",
        "$5$rounds=1000$saltsaltsaltsalt$",
        "$6$salt$",
        "$6$rounds=99999$a-salt$",
        "$7$CU..../....abcdefgh",
        "$y$j75$abcdefgh",
        "$gy$j75$abcdefgh",
        "$sha1$40$abcdefgh",
        "$md5$abcdefgh$",
        "$md5,rounds=4999$abcdefgh$$",
        "$md5$abcdefgh$x",
        "_J9..abcd",
        // Not these.
        "$2$05$abcdefghijklmnopqrstuu",
        "$2b$03$abcdefghijklmnopqrstuu",
        "$5$rounds=999$salt$",
        "$6$rounds=01000$salt$",
        "$6$rounds=9999999999$salt$",
        "$6$saltsaltsaltsalts$",
        "$6$sa:lt$",
        "$6$a!salt$",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$",
        "$apr1$abcdefgh$",
    ];
    // What crypt(3) gives begins with the setting, but for an end that only says how it goes on.
    let script = "for my $s (@ARGV) { my $h = crypt('geheim', $s); \
                  print(defined $h && $h !~ /^\\*/ && index($h, $s =~ s/x$//r) == 0 ? $h : '-', \"\\n\") }";
    let told = stdout(perl.args(["-e", script]).args(settings));
    for (setting, hash) in settings.into_iter().zip(told.lines()) {
        let is_one = hash != "-";
        let text = if is_one { hash.to_owned() } else { format!("{setting}{}", "a".repeat(86)) };
        let read = Password::read(&text);
        assert_eq!(read == Ok(Password::Hash(&text)), is_one, "{setting}: {hash}");
        assert_eq!(read.is_err(), !is_one, "{setting}: {hash}");
    }
    assert_eq!(told.lines().filter(|hash| *hash == "-").count(), 10);
}
