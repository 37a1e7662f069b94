//! Who has fetched what (pure): an address belongs to a node if it has fetched a file of that node only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::body::Served;

/// What one address has fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Client {
    /// The nodes that it is, by what it has fetched; more than one behind a router that hides them.
    pub nodes: BTreeSet<String>,
    /// The names of what it has fetched to the end, by path: a download that goes on may have begun at another server.
    pub whole: BTreeMap<String, String>,
    /// Those of what it has in part.
    pub part: BTreeMap<String, String>,
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if !self.nodes.is_empty() {
            write!(f, "is {}, ", list(self.nodes.iter().collect()))?;
        }
        match self.whole.len() {
            0 => f.write_str("has no complete file")?,
            _ => write!(f, "has {}", list(self.whole.values().collect()))?,
        }
        if !self.part.is_empty() {
            write!(f, ", in part {}", list(self.part.values().collect()))?;
        }
        Ok(())
    }
}

/// The maximum of addresses that are kept: an IPv6 network has more than fit in memory.
const CLIENTS: usize = 4096;

/// All that was fetched, by address.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    clients: BTreeMap<IpAddr, Client>,
}

impl Tally {
    /// Takes account of a request.
    pub fn add(&mut self, served: &Served) {
        let Some((item, start)) = served.item.as_ref().filter(|_| served.method == "GET") else { return };
        if self.clients.len() >= CLIENTS && !self.clients.contains_key(&served.address) {
            return;
        }
        let client = self.clients.entry(served.address).or_default();
        client.nodes.extend(item.node.clone());
        // By the one path that it has, whatever was asked for: `//layers/...` is the same, and there is no end of such.
        let (path, name) = (item.path.clone(), item.name.clone());
        if start + served.bytes >= item.size {
            client.part.remove(&path);
            client.whole.insert(path, name);
        } else if !client.whole.contains_key(&path) {
            client.part.insert(path, name);
        }
    }

    /// What each address has fetched.
    pub fn clients(&self) -> &BTreeMap<IpAddr, Client> {
        &self.clients
    }

    /// Those of `nodes` that no client was identified as.
    pub fn missing(&self, mut nodes: BTreeSet<String>) -> BTreeSet<String> {
        nodes.retain(|node| !self.clients.values().any(|client| client.nodes.contains(node)));
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::serve::Item;

    fn served(address: &str, name: &str, node: Option<&str>, start: u64, bytes: u64) -> Served {
        let node = node.map(str::to_owned);
        let path = format!("/layers/{name}");
        let item = Item { path: path.clone(), name: name.to_owned(), node, size: 100, sha256: Sha256::ZEROS };
        Served {
            address: address.parse().unwrap(),
            method: "GET".to_owned(),
            path,
            status: 206,
            bytes,
            item: Some((item, start)),
        }
    }

    #[test]
    fn an_address_is_the_node_whose_layer_it_has_fetched() {
        let mut tally = Tally::default();
        tally.add(&served("10.0.0.1", "etcd", None, 0, 40));
        tally.add(&served("10.0.0.2", "etcd", None, 0, 40));
        tally.add(&served("10.0.0.1", "etcd", None, 40, 60));
        tally.add(&Served { path: "///layers/etcd".to_owned(), ..served("10.0.0.1", "etcd", None, 0, 1) });
        tally.add(&served("10.0.0.1", "one", Some("one"), 0, 100));
        tally.add(&Served { item: None, ..served("10.0.0.3", "gone", None, 0, 9) });
        tally.add(&Served { method: "HEAD".to_owned(), ..served("10.0.0.3", "two", Some("two"), 0, 0) });
        let told: Vec<_> =
            tally.clients().iter().map(|(address, client)| format!("{address} {client}")).collect();
        assert_eq!(told, ["10.0.0.1 is one, has etcd, one", "10.0.0.2 has no complete file, in part etcd"]);
        assert_eq!(tally.clients()[&"10.0.0.1".parse::<IpAddr>().unwrap()].whole.len(), 2);
        for number in 0..2 * CLIENTS {
            tally.add(&served(&format!("2001:db8::{number:x}"), "etcd", None, 0, 9));
        }
        assert_eq!(tally.clients().len(), CLIENTS);
        let nodes = ["one", "two"].map(str::to_owned).into();
        assert_eq!(tally.missing(nodes), ["two".to_owned()].into());
    }
}
