//! What the running members of a cluster say of themselves, over HTTP (I/O).
#![expect(clippy::disallowed_methods, reason = "edge: certificates are named by the environment")]

use std::io::Read as _;
use std::thread;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder, Response};
use serde_json::Value;

use crate::store::{CertificatePaths, Trust, http_client};

/// How long a member may take to be reached: it is on the network of who asks, or cannot be asked.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take to answer. A member without a leader says so after some seconds.
const ANSWER: Duration = Duration::from_secs(15);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// How a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It says that it is well.
    Well,
    /// It answers otherwise, with this status.
    Ill(u16),
    /// It does not answer, for this reason.
    Silent(String),
}

/// Asks the members of a cluster.
#[derive(Debug)]
pub struct Members {
    client: Client,
}

impl Members {
    /// A client that goes to the members themselves, whatever proxy leads elsewhere.
    pub fn new() -> anyhow::Result<Self> {
        let trust = Trust::new(&CertificatePaths::from_environment(|name| std::env::var_os(name)));
        Ok(Self { client: http_client(builder(), &trust)? })
    }

    /// How those are that answer at these addresses, all asked at once.
    pub fn pulses<'u>(&self, urls: &'u [String]) -> Vec<Pulse> {
        thread::scope(|scope| {
            let ask = |url: &'u String| {
                let asker = thread::Builder::new().name("ask".to_owned());
                // Where there is no thread to be had, one is asked after the other.
                asker.spawn_scoped(scope, move || self.pulse(url)).map_err(|_| self.pulse(url))
            };
            let asked: Vec<_> = urls.iter().map(ask).collect();
            let answered = asked.into_iter().map(|one| match one {
                Ok(asker) => asker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(pulse) => pulse,
            });
            answered.collect()
        })
    }

    fn pulse(&self, url: &str) -> Pulse {
        match self.client.get(url).send() {
            Ok(answer) if answer.status().is_success() => Pulse::Well,
            Ok(answer) => Pulse::Ill(answer.status().as_u16()),
            Err(error) => Pulse::Silent(reason(error)),
        }
    }

    /// What is answered to a POST of an empty JSON object.
    pub fn ask(&self, url: &str) -> Result<Value, String> {
        let request = self.client.post(url).header("Content-Type", "application/json").body("{}");
        let answer = request.send().and_then(Response::error_for_status).map_err(reason)?;
        let mut bytes = Vec::new();
        answer.take(MAX_ANSWER).read_to_end(&mut bytes).map_err(reason)?;
        serde_json::from_slice(&bytes).map_err(|error| format!("the answer is no JSON: {error}"))
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("imgbuild/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

/// The innermost cause: the outer ones repeat the address.
fn reason(error: impl Into<anyhow::Error>) -> String {
    error.into().root_cause().to_string()
}
