//! `imgbuild serve`: answers for the folder of outputs until Ctrl-C, and tells who has fetched what.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::Notify;

use crate::failure::{Exit, Failure};
use crate::serve::{Catalogue, Client, ConnectionLimits, Served, Site, Tally, serve};
use crate::terminal::Console;

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

/// The folder of outputs, which has something to serve.
fn site(private: bool, out: &Path, console: &Console) -> Result<Site, Failure> {
    const BUILD: &str = "build first: `imgbuild --all`; or name another folder with `--out DIR`";
    let site = Site::open(out, private)
        .map_err(|error| Failure::unreadable(out, "a folder of built nodes", &error, BUILD))?;
    let catalogue = site.catalogue();
    catalogue.problems.iter().for_each(|problem| console.say(&format!("warning: {problem}")));
    if catalogue.nodes.is_empty() {
        let message = format!("no node is built in `{}`: there is nothing to serve", out.display());
        return Err(Failure::Refused { exit: Exit::Failed, message, help: BUILD.to_owned() });
    }
    let withheld = site.withheld();
    if !withheld.is_empty() {
        console.say(&format!(
            "warning: not served, because they hold secrets: {}\n\
             help: `--private` serves them too, unencrypted and to any client",
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
pub(super) fn run(listen: SocketAddr, private: bool, out: &Path, console: &Console) -> Result<(), Failure> {
    let site = site(private, out, console)?;
    let catalogue = site.catalogue();
    let listener = listener(listen)?;
    let address = listener.local_addr().context("asking for the address")?;
    let stop = Arc::new(Notify::new());
    let interrupt = Arc::clone(&stop);
    ctrlc::set_handler(move || interrupt.notify_one()).context("listening for Ctrl-C")?;
    console.talk(&format!("serving {} on http://{address}; Ctrl-C ends it", out.display()));
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
    serve(listener, site, ConnectionLimits::default(), &stop, Arc::new(report)).context("serving")?;
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
