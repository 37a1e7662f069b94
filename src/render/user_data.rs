//! user-data: who the node is, who may log in, and what finds and verifies its overlay. It holds no payload.

use super::bootcmd::bootcmd;
use super::private::NodeSecrets;
use super::yaml::{Yaml, YamlDocument, YamlMap};
use crate::digest::Sha256;
use crate::layer::NamedLayer;
use crate::plan::{NodePlan, Plan};

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
    let host = YamlMap::new().with("hostname", node.name.as_str());
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
    let boot_command = bootcmd(node, overlay, &secrets.files)?;
    root = root
        .with_comment(
            "At every boot with this seed: lay down the first-boot program and its facts.",
            "bootcmd",
            vec![Yaml::from(boot_command)],
        )
        .with_comment(
            "Wait for its first try, so that `cloud-init status` agrees with its verdict.",
            "runcmd",
            vec![Yaml::from(["systemctl", "start", "imgbuild.service"].map(Yaml::from).to_vec())],
        );
    let (cluster, version) = (&plan.cluster.name, env!("CARGO_PKG_VERSION"));
    let comment = format!("{} of the cluster {cluster}, by imgbuild {version}", node.name);
    Ok(YamlDocument::cloud_config(root).with_comment(comment).to_string())
}

/// The user that people log in as, in place of the image's. `hashed_passwd` rather than `passwd`: that one cloud-init takes
/// only for a user that it makes, not for the one that a further instance finds there.
fn administrator(root: YamlMap, plan: &Plan, password: Option<&str>) -> YamlMap {
    let Some(admin) = &plan.cluster.system.admin else { return root };
    let mut user = YamlMap::new().with("name", admin.name.as_str());
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
