//! user-data: who the node is, who may log in, and the program that applies the overlay. It holds no payload.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::private::{NodeSecrets, PrivateContent};
use super::yaml::{Document, Map, Yaml};
use crate::digest::Sha256;
use crate::layer::NamedLayer;
use crate::plan::{Format, NodePlan, Plan};

const PROGRAM: &str = include_str!("first_boot/bootstrap.sh");
const UNIT: &str = include_str!("first_boot/imgbuild.service");
const BOOTCMD: &str = include_str!("first_boot/bootcmd.sh.j2");

/// The line that ends every here-document of the boot command.
pub(super) const END: &str = "IMGBUILD_END";

/// What user-data says of the overlay.
#[derive(Clone, Debug)]
pub struct OverlayFacts {
    /// Its digest.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// What its files need on the node's disk, in KiB.
    pub room_kib: u64,
    /// The layers that it is joined of, where it does not come as one file.
    pub layers: Vec<NamedLayer>,
    /// The address below which the layers are, by their digests.
    pub layers_url: Option<String>,
}

impl OverlayFacts {
    /// Stands for those of an overlay that is not built.
    pub const UNKNOWN: Self =
        Self { sha256: Sha256::ZEROS, size: 0, room_kib: 0, layers: Vec::new(), layers_url: None };
}

/// The user-data of a node. `Err` says, without a value, why the boot command cannot be written.
pub fn user_data(
    plan: &Plan,
    node: &NodePlan,
    overlay: &OverlayFacts,
    secrets: &NodeSecrets,
) -> Result<String, String> {
    let system = &plan.cluster.system;
    let host = Map::new().with("hostname", node.name.as_str());
    let mut root = host.with("preserve_hostname", false).with("manage_etc_hosts", false);
    if let Some(zone) = &system.timezone {
        root = root.with("timezone", zone.as_str());
    }
    root = administrator(root, plan, secrets.password.as_deref());
    if system.upgrade {
        root = root
            .with("package_update", true)
            .with("package_upgrade", true)
            .with("package_reboot_if_required", true);
    }
    let bootcmd = bootcmd(node, overlay, &secrets.files)?;
    root = root
        .with_comment(
            "At every boot that has this seed: lay down the program that applies the overlay, and what it must know.",
            "bootcmd",
            vec![Yaml::from(bootcmd)],
        )
        .with_comment(
            "Wait for its first try, so that `cloud-init status` agrees with its verdict.",
            "runcmd",
            vec![Yaml::from(["systemctl", "start", "imgbuild.service"].map(Yaml::from).to_vec())],
        );
    let (cluster, version) = (&plan.cluster.name, env!("CARGO_PKG_VERSION"));
    let comment = format!("{} of the cluster {cluster}, by imgbuild {version}", node.name);
    Ok(Document::cloud_config(root).with_comment(comment).to_string())
}

/// The user that people log in as, in place of the image's. `hashed_passwd` rather than `passwd`: that one cloud-init takes
/// only for a user that it makes, not for the one that a further instance finds there.
fn administrator(root: Map, plan: &Plan, password: Option<&str>) -> Map {
    let Some(admin) = &plan.cluster.system.admin else { return root };
    let mut user = Map::new().with("name", admin.name.as_str());
    if let Some(uid) = admin.uid {
        user = user.with("uid", i64::from(uid));
    }
    let groups = vec![Yaml::from("adm"), Yaml::from("sudo")];
    user = user.with("groups", groups).with("shell", "/bin/bash");
    user = match password {
        Some(hash) => {
            user.with("sudo", "ALL=(ALL:ALL) ALL").with("lock_passwd", false).with("hashed_passwd", hash)
        }
        None => user.with("sudo", "ALL=(ALL:ALL) NOPASSWD:ALL").with("lock_passwd", true),
    };
    if !admin.ssh_authorized_keys.is_empty() {
        let keys: Vec<_> = admin.ssh_authorized_keys.iter().map(|key| Yaml::from(key.as_str())).collect();
        user = user.with("ssh_authorized_keys", keys);
    }
    root.with("users", vec![Yaml::from(user)]).with("ssh_pwauth", false)
}

fn bootcmd(node: &NodePlan, overlay: &OverlayFacts, private: &[PrivateContent]) -> Result<String, String> {
    let overlay = context! {
        sha256 => overlay.sha256.to_string(),
        size => overlay.size,
        room_kib => overlay.room_kib,
        urls => node.overlay_urls.clone(),
        layers => overlay.layers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        layers_url => overlay.layers_url.as_deref().unwrap_or_default(),
    };
    let values = context! {
        program => &*SHORT_PROGRAM, unit => UNIT, node => node.name.as_str(), overlay,
        sysext => node.format == Format::Sysext,
        private => Value::from(Serde(private)),
    };
    let text = ENVIRONMENT.get_template("bootcmd").and_then(|template| template.render(values));
    // What is private must not come out with the error.
    let mut text = text.map_err(|error| error.kind().to_string())?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The program as user-data has it, and what writes the boot command: the same for every node.
static SHORT_PROGRAM: LazyLock<String> = LazyLock::new(|| without_comments(PROGRAM));
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("sh", quoted);
    environment.add_template("bootcmd", BOOTCMD).expect("the template is our own");
    environment
});

/// The program less the lines that are comments, a tenth of it: user-data has little room. What shellcheck is told stays.
fn without_comments(program: &str) -> String {
    let is_comment = |line: &str| {
        let line = line.trim();
        line == "#" || line.starts_with("# ") && !line.starts_with("# shellcheck ")
    };
    program.split_inclusive('\n').filter(|line| !is_comment(line)).collect()
}

/// A text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{PROGRAM, quoted, without_comments};

    #[test]
    fn comments_go_and_code_stays() {
        let text = "#!/bin/bash\n# Why.\n#\n\t# how\nrun # so\n\t# shellcheck disable=SC1\necho '\n#x'\n";
        let rest = "#!/bin/bash\nrun # so\n\t# shellcheck disable=SC1\necho '\n#x'\n";
        assert_eq!(without_comments(text), rest);
        let program = without_comments(PROGRAM);
        assert!(program.starts_with("#!/bin/bash\nset -euf") && program.ends_with("\nwait_for_health\n"));
    }

    #[test]
    fn a_text_is_one_word_of_a_shell() {
        for (text, word) in [("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'")] {
            assert_eq!(quoted(text), word);
        }
    }
}
