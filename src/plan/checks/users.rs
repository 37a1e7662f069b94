//! Checks the administrator: can log in, and has a name that is free on the node.

use super::super::inputs::Inputs;
use crate::component::Component;
use crate::diagnostic::{Diagnostic, Document, Report, Step};
use crate::guest::{IMAGE_USERS, PACKAGE_USERS};
use crate::profile::{Admin, Profile, SshKey};

/// The user that Ubuntu's image would make if the profile named none.
const OF_CLOUD_INIT: &str = "ubuntu";

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
    let help = "choose a name that is a person's alone";
    if is_of_the_image(name) || name.starts_with("systemd-") {
        let message =
            format!("`{name}` is a user or group of Ubuntu's image, it cannot be the administrator");
        report.push(document.error(&path, message, "`useradd` refuses it on the node").help(help));
    } else if name == OF_CLOUD_INIT {
        let message = format!("`{name}` is the user that Ubuntu's image has where a profile names none");
        let warning = Diagnostic::warning(message).at(&document.source, document.span(&path), "");
        report.push(warning.help("an image that has this user already keeps its password and its keys"));
    }
    let is_theirs =
        |component: &&Component| component.spec.user.as_ref().is_some_and(|user| user.name == *name);
    if let Some(component) = components.find(is_theirs) {
        let message = format!("`{name}` is the system user that `{}` runs as", component.name);
        report.push(document.error(&path, message, "it cannot be the administrator too").help(help));
    }
    login(admin, document, report);
    for (index, key) in admin.ssh_authorized_keys.iter().enumerate() {
        report_key(key, index, document, report);
    }
}

/// Whether `useradd` refuses the name: it makes a group of the same name.
fn is_of_the_image(name: &str) -> bool {
    IMAGE_USERS.contains(&name) || PACKAGE_USERS.contains(&name)
}

fn path(key: &str) -> Vec<Step> {
    vec![Step::from("system"), Step::from("admin"), Step::from(key)]
}

/// The name and the user id by themselves.
fn login(admin: &Admin, document: &Document, report: &mut Report) {
    let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_other = |c: char| is_first(c) || c.is_ascii_digit() || c == '-';
    let name = &admin.name;
    if !name.starts_with(is_first) || !name.chars().all(is_other) || name.len() > 32 {
        let message = format!("`{}` is not a valid login name", name.escape_debug());
        let label = "expected lower-case letters, digits, `-` and `_`, at most 32";
        let meant: String =
            name.to_lowercase().replace([' ', '.'], "_").chars().filter(|c| is_other(*c)).collect();
        let help = if meant.starts_with(is_first) && meant.len() <= 32 {
            format!("did you mean `{meant}`?")
        } else {
            "begin with a letter".to_owned()
        };
        report.push(document.error(&path("name"), message, label).help(help));
    }
    let Some(uid) = admin.uid else { return };
    // Whose a uid is: https://systemd.io/UIDS-GIDS/.
    let whose = match uid {
        0..1000 => "a system user's",
        61184..=65519 => "one that systemd assigns to services dynamically",
        65534 => "that of `nobody`",
        65535 | u32::MAX => "one that the kernel reads as no user",
        _ => return,
    };
    let message = format!("the uid {uid} is {whose}, not a person's");
    report.push(
        document.error(&path("uid"), message, "").help("choose a uid from 1000 to 60000, or leave it out"),
    );
}

fn report_key(line: &str, index: usize, document: &Document, report: &mut Report) {
    let path = [path("ssh_authorized_keys"), vec![Step::from(index)]].concat();
    match line.parse::<SshKey>() {
        Ok(SshKey::Good) => {}
        Ok(SshKey::ShortRsa(bits)) => {
            let message = format!("the SSH key is an RSA key of {bits} bits, fewer than 2048");
            let warning = Diagnostic::warning(message).at(&document.source, document.span(&path), "");
            report.push(warning.help("make a new one: `ssh-keygen -t ed25519`"));
        }
        Err(why) => {
            let message = "invalid public SSH key: sshd would ignore this line";
            let help = "copy a whole line of an `id_*.pub` file; options such as `from=\"10.0.0.0/8\"` may precede it";
            report.push(document.error(&path, message, why.to_string()).help(help));
        }
    }
}
