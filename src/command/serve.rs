//! `imgbuild serve`: answers for the folder of outputs until Ctrl-C, and tells who has fetched what.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::Notify;

use super::console::Console;
use super::failure::Failure;
use crate::cli::Options;
use crate::serve::{Catalogue, Client, Served, Site, Tally, serve};

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

/// Serves the folder on this address.
pub fn run(listen: SocketAddr, private: bool, options: &Options, console: &Console) -> Result<(), Failure> {
    let out = options.out.display();
    let site = Site::open(&options.out, private).with_context(|| format!("opening {out}"))?;
    let catalogue = site.catalogue();
    catalogue.problems.iter().for_each(|problem| console.say(&format!("warning: {problem}")));
    if catalogue.nodes.is_empty() {
        return Err(anyhow::anyhow!("no node is built in {out}: there is nothing to serve").into());
    }
    let withheld = site.withheld();
    if !withheld.is_empty() {
        console.say(&format!(
            "warning: not served, because they hold secrets: {}\n\
             help: `--private` serves them too, unencrypted and to whoever asks",
            withheld.join(", ")
        ));
    }
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    let address = listener.local_addr().context("asking for the address")?;
    let stop = Arc::new(Notify::new());
    let interrupt = Arc::clone(&stop);
    ctrlc::set_handler(move || interrupt.notify_one()).context("listening for Ctrl-C")?;
    console.talk(&format!("serving {out} on http://{address}; Ctrl-C ends it"));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (counting, json) = (Arc::clone(&tally), console.json);
    let report = move |served: &Served| {
        counting.lock().unwrap_or_else(PoisonError::into_inner).add(served);
        // Nodes are served whether or not anybody reads the log.
        let _ = tell(served, json);
    };
    serve(listener, site, &stop, Arc::new(report)).context("serving")?;
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
