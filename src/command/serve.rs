//! `imgbuild serve`: answers for the folder of outputs until Ctrl-C, and tells who has fetched what.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::Notify;

use crate::cli::Options;
use crate::failure::{Exit, Failure};
use crate::serve::{Catalogue, Client, Limits, Served, Site, Tally, serve};
use crate::terminal::Console;

/// Where to listen if nobody says where.
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A request as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    address: String,
    method: &'a str,
    path: &'a str,
    status: u16,
    bytes: u64,
}

/// What an address has fetched, as a line of JSON.
#[derive(Serialize)]
struct Fetched<'a> {
    address: String,
    #[serde(flatten)]
    client: &'a Client,
}

/// The address to listen on: the one that was named, that of the nodes' address, or one that no other machine reaches.
pub fn address(listen: Option<SocketAddr>, url: Option<&str>) -> Result<SocketAddr, Failure> {
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

/// The folder of outputs, which has something to serve.
fn site(private: bool, options: &Options, console: &Console) -> Result<Site, Failure> {
    const BUILD: &str = "build first: `imgbuild --all`; or name another folder with `--out DIR`";
    let site = Site::open(&options.out, private)
        .map_err(|error| Failure::unreadable(&options.out, "a folder of built nodes", &error, BUILD))?;
    let catalogue = site.catalogue();
    catalogue.problems.iter().for_each(|problem| console.say(&format!("warning: {problem}")));
    if catalogue.nodes.is_empty() {
        let message = format!("no node is built in `{}`: there is nothing to serve", options.out.display());
        return Err(Failure::Refused { exit: Exit::Failed, message, help: BUILD.to_owned() });
    }
    let withheld = site.withheld();
    if !withheld.is_empty() {
        console.say(&format!(
            "warning: not served, because they hold secrets: {}\n\
             help: `--private` serves them too, unencrypted and to whoever asks",
            withheld.join(", ")
        ));
    }
    Ok(site)
}

/// Takes an address.
fn listener(listen: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).map_err(|error| Failure::Refused {
        exit: Exit::Failed,
        message: format!("failed to listen on {listen}: {}", error.kind()),
        help: "name an address of this machine and a port that is free with `--listen ADDR:PORT`".to_owned(),
    })
}

/// Serves the folder on this address.
pub fn run(listen: SocketAddr, private: bool, options: &Options, console: &Console) -> Result<(), Failure> {
    let site = site(private, options, console)?;
    let catalogue = site.catalogue();
    let listener = listener(listen)?;
    let address = listener.local_addr().context("asking for the address")?;
    let stop = Arc::new(Notify::new());
    let interrupt = Arc::clone(&stop);
    ctrlc::set_handler(move || interrupt.notify_one()).context("listening for Ctrl-C")?;
    console.talk(&format!("serving {} on http://{address}; Ctrl-C ends it", options.out.display()));
    if address.ip().is_loopback() {
        console
            .talk("only this machine reaches it; `--listen ADDR:PORT` or `--url URL` opens it to a network");
    }
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (counting, json) = (Arc::clone(&tally), console.json);
    let report = move |served: &Served| {
        counting.lock().unwrap_or_else(PoisonError::into_inner).add(served);
        // Nodes are served whether or not anybody reads the log.
        let _ = tell(served, json);
    };
    serve(listener, site, Limits::default(), &stop, Arc::new(report)).context("serving")?;
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(summarise(&tally, catalogue, json)?)
}

fn tell(served: &Served, json: bool) -> io::Result<()> {
    let Served { address, method, path, status, bytes, item: _ } = served;
    if json {
        let address = address.to_string();
        return Console::line_json(&Line { address, method, path, status: *status, bytes: *bytes });
    }
    Console::lines(&format!("{address} {method} {path} {status} {bytes}\n"))
}

/// Tells which address has fetched what, and which nodes have fetched nothing.
fn summarise(tally: &Tally, catalogue: Catalogue, json: bool) -> io::Result<()> {
    for (address, client) in tally.clients() {
        if json {
            Console::line_json(&Fetched { address: address.to_string(), client })?;
        } else {
            Console::lines(&format!("{address} {client}\n"))?;
        }
    }
    let missing: Vec<_> = tally.missing(catalogue.nodes).into_iter().collect();
    if json || missing.is_empty() {
        return Ok(());
    }
    Console::lines(&format!("nothing was fetched for {}\n", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_machine_reaches_what_nobody_opened() {
        let address = |listen: Option<&str>, url| address(listen.map(|one| one.parse().unwrap()), url).ok();
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
