//! Addresses and subnets as people write them, with errors that name them.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};

/// An IP address.
struct Address(IpAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        parsed(&text, "IP address").map(Self)
    }
}

pub(super) fn subnet<'de, D: Deserializer<'de>>(from: D) -> Result<IpNet, D::Error> {
    let text = String::deserialize(from)?;
    parsed(&text, "subnet with a prefix length, such as 192.168.2.0/24")
}

pub(super) fn one<'de, D: Deserializer<'de>>(from: D) -> Result<IpAddr, D::Error> {
    Address::deserialize(from).map(|address| address.0)
}

pub(super) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<IpAddr>, D::Error> {
    let address = Option::<Address>::deserialize(from)?;
    Ok(address.map(|address| address.0))
}

pub(super) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpAddr>, D::Error> {
    let addresses = Vec::<Address>::deserialize(from)?;
    Ok(addresses.into_iter().map(|address| address.0).collect())
}

fn parsed<T: FromStr, E: Error>(text: &str, what: &str) -> Result<T, E> {
    text.parse().map_err(|_| E::custom(format!("`{}` is no {what}", text.escape_debug())))
}
