//! Asks the system for the addresses of a name, on a thread that the system may refuse: the client's own way would panic then.

use std::io;
use std::net::ToSocketAddrs as _;
use std::thread;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

/// The system's resolver.
pub(super) struct DnsResolver;

impl Resolve for DnsResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (answer, answered) = oneshot::channel();
        let ask = move || {
            // Who asked may have given up.
            let _ = answer.send((name.as_str(), 0).to_socket_addrs());
        };
        let asked = thread::Builder::new().name("resolver".to_owned()).spawn(ask);
        Box::pin(async move {
            asked?;
            let addresses = answered.await.map_err(|_| io::Error::other("the resolver ended early"))??;
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
