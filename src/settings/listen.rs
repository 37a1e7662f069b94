//! The address that `serve` listens on.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use crate::failure::Failure;

/// The default address to listen on.
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The address to listen on: the one that was named, that of the nodes' address, or one that no other machine reaches.
pub(crate) fn listen_address(listen: Option<SocketAddr>, url: Option<&str>) -> Result<SocketAddr, Failure> {
    // With https it is another server's address, which may have this one behind it.
    let authority =
        url.and_then(|url| url.strip_prefix("http://")).map(|url| url.split('/').next().unwrap_or(url));
    let Some(authority) = authority.filter(|_| listen.is_none()) else {
        return Ok(listen.unwrap_or(LOCAL));
    };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let place = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let found = place.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| Failure::Usage {
        message: format!("--url: failed to find the address of `{authority}`"),
        help: "name an address of this machine with `--listen ADDR:PORT`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_machine_reaches_what_nobody_opened() {
        let address =
            |listen: Option<&str>, url| listen_address(listen.map(|one| one.parse().unwrap()), url).ok();
        for (listen, url, expected) in [
            (None, None, Some("127.0.0.1:8080")),
            (None, Some("http://192.0.2.1:8081/below"), Some("192.0.2.1:8081")),
            (None, Some("http://[2001:db8::1]"), Some("[2001:db8::1]:80")),
            (None, Some("https://192.0.2.1"), Some("127.0.0.1:8080")),
            (Some("0.0.0.0:1"), Some("http://192.0.2.1:8081"), Some("0.0.0.0:1")),
            (None, Some("http://:80"), None),
        ] {
            assert_eq!(address(listen, url), expected.map(|one| one.parse().unwrap()), "{listen:?} {url:?}");
        }
    }
}
