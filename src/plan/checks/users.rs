//! Checks the administrator: a person who can log in, under a name that nobody else on the node has.

use super::super::resolve::Inputs;
use crate::component::Component;
use crate::diagnostic::{Document, Report, Step};
use crate::profile::{Admin, Profile};

/// The users and groups that every Debian and Ubuntu has, and that `useradd` would refuse (base-passwd 3.6, `passwd.master`
/// and `group.master`).
const OF_THE_SYSTEM: [&str; 41] = [
    "_apt", "adm", "audio", "backup", "bin", "cdrom", "daemon", "dialout", "dip", "disk", "fax", "floppy",
    "games", "irc", "kmem", "list", "lp", "mail", "man", "news", "nobody", "nogroup", "operator", "plugdev",
    "proxy", "root", "sasl", "shadow", "src", "staff", "sudo", "sync", "sys", "tape", "tty", "users", "utmp",
    "uucp", "video", "voice", "www-data",
];

/// The administrator, beside the system users of these components of the cluster.
pub(in crate::plan) fn administrator<'c>(
    inputs: &Inputs<'_>,
    profile: &Profile,
    mut components: impl Iterator<Item = &'c Component>,
    report: &mut Report,
) {
    let (document, Some(admin)) = (&inputs.profile.document, &profile.system.admin) else { return };
    let path = path("name");
    let name = &admin.name;
    let help = "choose a name of its own, and a uid from 1000 on";
    if OF_THE_SYSTEM.contains(&name.as_str()) {
        let message = "the administrator is a person, not a system user";
        report.push(document.error(&path, message, "every system has this user or group").help(help));
    }
    let is_theirs =
        |component: &&Component| component.spec.user.as_ref().is_some_and(|user| user.name == *name);
    if let Some(component) = components.find(is_theirs) {
        let message = format!("`{name}` is the system user that `{}` runs as", component.name);
        report.push(document.error(&path, message, "it cannot be the administrator too").help(help));
    }
    alone(admin, document, report);
}

fn path(key: &str) -> Vec<Step> {
    vec![Step::from("system"), Step::from("admin"), Step::from(key)]
}

/// What can be said without the components.
fn alone(admin: &Admin, document: &Document, report: &mut Report) {
    let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_other = |c: char| is_first(c) || c.is_ascii_digit() || c == '-';
    let name = &admin.name;
    if !name.starts_with(is_first) || !name.chars().all(is_other) || name.len() > 32 {
        let message = format!("`{}` is no login name", name.escape_debug());
        let label = "expected lower-case letters, digits, `-` and `_`, at most 32";
        report.push(document.error(&path("name"), message, label));
    }
    if admin.uid.is_some_and(|uid| uid < 1000) {
        let message = "the administrator is a person, not a system user";
        report.push(document.error(&path("uid"), message, "").help("choose a uid from 1000 on"));
    }
    for (index, key) in admin.ssh_authorized_keys.iter().enumerate() {
        if let Err(why) = ssh_key(key) {
            let path = [path("ssh_authorized_keys"), vec![Step::from(index)]].concat();
            let help = "copy a line of an `id_*.pub` file";
            report.push(document.error(&path, "this is no public SSH key", why).help(help));
        }
    }
}

/// A line of `authorized_keys` (sshd(8)): options may stand first, then the type and the key in base64.
fn ssh_key(line: &str) -> Result<(), &'static str> {
    if line.chars().any(char::is_control) {
        return Err("expected one line");
    }
    if line.contains("PRIVATE KEY") {
        return Err("this is a private key: keep it to yourself");
    }
    let is_type =
        |word: &&str| ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|start| word.starts_with(start));
    let mut words = line.split_whitespace().skip_while(|word| !is_type(word));
    let key = words.nth(1).ok_or("expected a type such as `ssh-ed25519` and the key")?;
    let is_base64 = key.len() >= 16 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    if is_base64 { Ok(()) } else { Err("the key is not in base64") }
}
