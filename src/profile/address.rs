//! Parses addresses and subnets, with errors that quote them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};

use crate::diagnostic::HELP;

/// An IP address.
struct Address(IpAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(|_| {
            D::Error::custom(format!(
                "`{}` is not a valid IP address{HELP}{}",
                text.escape_debug(),
                help_of_address(&text)
            ))
        })
    }
}

pub(super) fn subnet<'de, D: Deserializer<'de>>(from: D) -> Result<IpNet, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "`{}` is not a valid subnet{HELP}{}",
            text.escape_debug(),
            help_of_subnet(&text)
        ))
    })
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

/// How to write what was meant as an address.
fn help_of_address(text: &str) -> String {
    if let Some((address, _)) = text.split_once('/')
        && address.parse::<IpAddr>().is_ok()
    {
        return format!("did you mean `{address}`? Write the prefix length only in `network.subnet`");
    }
    if let Some(address) = without_zeros(text) {
        return format!("did you mean `{address}`? Some programs read numbers with a leading zero as octal");
    }
    if text.starts_with('[') || text.contains('%') {
        return "write an IPv6 address without brackets and without the name of an interface".to_owned();
    }
    if text.parse::<std::net::SocketAddr>().is_ok() {
        return "write the address without a port".to_owned();
    }
    "write one such as `192.168.2.10`; names are not looked up".to_owned()
}

/// How to write what was meant as a subnet.
fn help_of_subnet(text: &str) -> String {
    let Some((address, length)) = text.split_once('/') else {
        return match text.parse() {
            Ok(IpAddr::V4(_)) => format!("add its prefix length, such as `{text}/24`"),
            Ok(IpAddr::V6(_)) => format!("add its prefix length, such as `{text}/64`"),
            Err(_) => "write a subnet with a prefix length, such as `192.168.2.0/24`".to_owned(),
        };
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return match without_zeros(address) {
            Some(address) => format!("did you mean `{address}/{length}`?"),
            None => "write a subnet with a prefix length, such as `192.168.2.0/24`".to_owned(),
        };
    };
    if let Ok(mask) = length.parse::<IpAddr>() {
        return match ipnet::ip_mask_to_prefix(mask) {
            Ok(length) => {
                format!("did you mean `{address}/{length}`? Write a prefix length instead of a netmask")
            }
            Err(_) => format!("`{mask}` is not a netmask; write a prefix length, such as `/24`"),
        };
    }
    let most = if address.is_ipv4() { 32 } else { 128 };
    format!("a prefix length is a number from 0 to {most}")
}

/// The IPv4 address whose numbers have leading zeros here.
fn without_zeros(text: &str) -> Option<IpAddr> {
    let parts: Vec<_> = text.split('.').map(|part| part.trim_start_matches('0')).collect();
    let parts: Vec<_> = parts.into_iter().map(|part| if part.is_empty() { "0" } else { part }).collect();
    parts.join(".").parse().ok().filter(IpAddr::is_ipv4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_on_is_what_was_meant() {
        for (text, help) in [
            ("10.20.0.12/24", "did you mean `10.20.0.12`?"),
            ("010.20.0.11", "did you mean `10.20.0.11`?"),
            ("[fd00::1]", "without brackets"),
            ("10.0.0.1:80", "without a port"),
            ("dns.local", "names are not looked up"),
        ] {
            assert!(help_of_address(text).contains(help), "{text}: {}", help_of_address(text));
        }
        for (text, help) in [
            ("10.20.0.0/255.255.255.0", "did you mean `10.20.0.0/24`?"),
            ("10.20.0.0/255.0.255.0", "is not a netmask"),
            ("10.20.0.0/33", "from 0 to 32"),
            ("fd00::/129", "from 0 to 128"),
            ("10.20.0.0", "such as `10.20.0.0/24`"),
            ("fd00::", "such as `fd00::/64`"),
            ("10.020.0.0/24", "did you mean `10.20.0.0/24`?"),
            ("lan", "such as `192.168.2.0/24`"),
        ] {
            assert!(help_of_subnet(text).contains(help), "{text}: {}", help_of_subnet(text));
        }
    }
}
