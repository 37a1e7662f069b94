//! `NO_PROXY` (pure): the servers that are asked without a proxy. The rules are curl's, with the ports of Go and wget.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

/// The servers that are reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bypass(Vec<Entry>);

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// The only port that it is about.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// `*`.
    All,
    /// An address, or all of a network.
    Network(IpNet),
    /// A host, and every host below it.
    Domain(String),
}

impl Bypass {
    /// Reads a list whose entries have commas or space between them.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        Self(entries.map(Entry::parse).collect())
    }

    /// Whether a server is asked without a proxy.
    pub(super) fn covers(&self, server: &Url) -> bool {
        let Some(host) = server.host_str() else { return false };
        let host = plain(host);
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let port = server.port_or_known_default();
        self.0.iter().any(|entry| {
            (entry.port.is_none() || entry.port == port)
                && match &entry.hosts {
                    Hosts::All => true,
                    Hosts::Network(network) => address.is_some_and(|address| network.contains(&address)),
                    Hosts::Domain(domain) => {
                        address.is_none() && host.strip_suffix(domain.as_str()).is_some_and(ends_a_label)
                    }
                }
        })
    }
}

/// Whether the text before a domain is empty, or ends with a dot.
fn ends_a_label(before: &str) -> bool {
    before.is_empty() || before.ends_with('.')
}

impl Entry {
    fn parse(entry: &str) -> Self {
        if let Some(hosts) = Hosts::parse(entry) {
            return Self { hosts, port: None };
        }
        if let Some((host, port)) = entry.rsplit_once(':')
            && let (Ok(port), Some(hosts)) = (port.parse(), Hosts::parse(host))
        {
            return Self { hosts, port: Some(port) };
        }
        Self { hosts: Hosts::Domain(plain(entry)), port: None }
    }
}

impl Hosts {
    /// A host without a port; `None` if it has one, or is of another form.
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = address.parse::<IpAddr>() {
            return Some(Self::Network(address.into()));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Some(Self::Network(network));
        }
        let domain = text.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(text);
        let domain = plain(domain.trim_start_matches('.'));
        (!domain.is_empty() && !domain.contains(':')).then_some(Self::Domain(domain))
    }
}

/// A host as it is compared: in lower case, without the dot that ends a full name.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_found_by_name_address_network_and_port() {
        for (list, covered, others) in [
            ("*", &["http://h", "http://10.0.0.1:8080", "https://[::1]"][..], &[][..]),
            ("other, *", &["http://h", "http://10.0.0.1"], &[]),
            ("*:8443", &["http://h:8443", "http://10.0.0.1:8443"], &["http://h"]),
            (
                "corp.test",
                &["http://corp.test", "http://a.b.CORP.test", "http://corp.test."],
                &["http://xcorp.test", "http://corp.test.evil"],
            ),
            (".corp.test", &["http://a.corp.test", "http://corp.test"], &["http://xcorp.test"]),
            ("*.corp.test", &["http://a.corp.test"], &["http://xcorp.test"]),
            ("corp.test.", &["http://a.corp.test"], &[]),
            ("h:80", &["http://h", "http://a.h:80"], &["https://h", "http://h:81"]),
            ("h:443 g", &["https://h", "http://g:1"], &["http://h"]),
            ("10.0.0.1", &["http://10.0.0.1:99"], &["http://10.0.0.2", "http://110.0.0.1"]),
            ("10.0.0.1:99", &["http://10.0.0.1:99"], &["http://10.0.0.1"]),
            ("10.0.0.0/8,", &["http://10.1.2.3"], &["http://11.0.0.1", "http://10.test"]),
            ("::1", &["http://[::1]:99"], &["http://[::2]"]),
            ("[::1]:99", &["http://[::1]:99"], &["http://[::1]"]),
            ("[::1]", &["http://[::1]"], &[]),
            ("fd00::/8", &["http://[fd12::1]"], &["http://[fe80::1]"]),
            ("0.1", &[], &["http://10.0.0.1"]),
            (" , ,", &[], &["http://h"]),
        ] {
            let bypass = Bypass::parse(list);
            for url in covered {
                assert!(bypass.covers(&Url::parse(url).unwrap()), "{list}: {url}");
            }
            for url in others {
                assert!(!bypass.covers(&Url::parse(url).unwrap()), "{list}: {url}");
            }
        }
    }
}
