//! The files of a built node that its virtual machine uses.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Deserialize;

use super::MachineError;
use crate::output::{DeliveryKind, Found, IMAGE, MANIFEST, Manifest, NETWORK_CONFIG, NodeFolder, SHARED};
use crate::profile::Mac;
use crate::release::Arch;

/// A node that was built, as a machine needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct BuiltNode {
    /// The node's name.
    pub name: String,
    /// Its seed image.
    pub seed: PathBuf,
    /// The image that holds the layers which it shares with other nodes, if its seed does not hold them.
    pub shared: Option<PathBuf>,
    /// The MAC address that its network configuration asks for.
    pub mac: Option<Mac>,
}

/// The parts of a network configuration that say which card is meant.
#[derive(Deserialize)]
struct NetworkConfig {
    network: Network,
}

#[derive(Deserialize)]
struct Network {
    ethernets: std::collections::BTreeMap<String, Ethernet>,
}

#[derive(Deserialize)]
struct Ethernet {
    r#match: Match,
}

#[derive(Deserialize)]
struct Match {
    macaddress: Option<String>,
}

impl BuiltNode {
    /// Reads the folder of the node `name` below `out`.
    pub(crate) fn read(out: &Path, name: &str) -> Result<Self, MachineError> {
        let folder = out.join(name);
        let manifest = manifest(&folder, name)?;
        if manifest.arch != Arch::Amd64 {
            return Err(MachineError::Architecture { node: name.to_owned(), arch: manifest.arch });
        }
        let shared = match manifest.delivery {
            DeliveryKind::Image => None,
            DeliveryKind::Shared => Some(out.join(SHARED)),
            DeliveryKind::Http | DeliveryKind::Download => {
                return Err(MachineError::Delivery { node: name.to_owned() });
            }
        };
        let path = folder.join(NETWORK_CONFIG);
        let text = fs::read_to_string(&path).map_err(|cause| not_built(name, path.clone(), &cause))?;
        let mac = mac_address(&text).map_err(|problem| MachineError::Malformed { path, problem })?;
        let seed = folder.join(IMAGE);
        // QEMU would say it in the middle of all machines' starting.
        for image in [&seed].into_iter().chain(&shared) {
            fs::File::open(image).map_err(|cause| not_built(name, image.clone(), &cause))?;
        }
        Ok(Self { name: name.to_owned(), seed, shared, mac })
    }
}

fn manifest(folder: &Path, node: &str) -> Result<Manifest, MachineError> {
    let path = folder.join(MANIFEST);
    match NodeFolder::open(folder) {
        Ok(Some(Found::Whole(node))) => Ok(node.manifest),
        Ok(Some(Found::Unusable(problem))) => Err(MachineError::Malformed { path, problem }),
        Ok(None) => Err(MachineError::NotBuilt { node: node.to_owned(), path }),
        Err(cause) => Err(not_built(node, path, &cause)),
    }
}

fn not_built(node: &str, path: PathBuf, cause: &io::Error) -> MachineError {
    // The error names the path a second time.
    let cause = io::Error::from(cause.kind());
    match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            MachineError::NotBuilt { node: node.to_owned(), path }
        }
        io::ErrorKind::PermissionDenied => MachineError::Private { node: node.to_owned(), path },
        _ => MachineError::io(format!("reading {}", path.display()))(cause),
    }
}

/// The MAC address that a network configuration matches its first card by. `Err` says what is wrong.
fn mac_address(text: &str) -> Result<Option<Mac>, String> {
    let config: NetworkConfig = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    let first = config.network.ethernets.into_values().next();
    let mac = first.and_then(|card| card.r#match.macaddress).map(|mac| mac.parse::<Mac>());
    mac.transpose().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::mac_address;

    #[test]
    fn a_card_is_matched_by_its_address_or_by_its_name() {
        let config =
            |matched: &str| format!("network: {{version: 2, ethernets: {{lan: {{match: {matched}}}}}}}");
        let mac = mac_address(&config("{macaddress: \"52:54:00:12:34:56\"}")).unwrap();
        assert_eq!(mac.unwrap().to_string(), "52:54:00:12:34:56");
        assert_eq!(mac_address(&config("{name: en*}")), Ok(None));
        assert!(mac_address(&config("{macaddress: none}")).is_err());
        assert!(mac_address("network: {}").is_err());
    }
}
