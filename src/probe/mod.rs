//! Asks the running members of a cluster for their state over HTTP (I/O).
#![expect(clippy::disallowed_methods, reason = "edge: certificates are named by the environment")]

mod reply;

use std::io::Read as _;
use std::thread;
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder, Response};
use serde_json::Value;

use crate::fetch::{CertificatePaths, TlsTrust, http_client};
pub(crate) use reply::Reply;
use reply::Seconds;

/// How long a member may take to answer, each time that it is asked. One without a leader says so
/// after 5 s and two election time-outs; a slow machine is not a dead one.
pub(crate) const TIMEOUTS: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Who is asked, and where.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// What the member is called when something is said of it.
    pub name: String,
    /// The address that is asked.
    pub url: String,
}

/// Asks the members of a cluster.
pub(crate) struct Members<'a> {
    /// A client for each time-out, in growing order.
    clients: Vec<(Duration, Client)>,
    tell: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Members<'a> {
    /// Clients that go to the members themselves, ignoring proxies. `tell` reports when it waits for a member.
    pub(crate) fn new(timeouts: &[Duration], tell: &'a (dyn Fn(&str) + Sync)) -> anyhow::Result<Self> {
        let trust = TlsTrust::new(&CertificatePaths::from_environment(|name| std::env::var_os(name)));
        let client = |timeout: &Duration| anyhow::Ok((*timeout, http_client(builder(*timeout), &trust)?));
        Ok(Self { clients: timeouts.iter().map(client).collect::<Result<_, _>>()?, tell })
    }

    /// What those reply that are asked at these addresses, all at once.
    pub(crate) fn replies<'p>(&self, probes: &'p [Probe]) -> Vec<Reply> {
        thread::scope(|scope| {
            let ask = |probe: &'p Probe| {
                let asker = thread::Builder::new().name("ask".to_owned());
                // If no thread can be started, members are asked one after the other.
                asker.spawn_scoped(scope, move || self.reply(probe)).map_err(|_| self.reply(probe))
            };
            let asked: Vec<_> = probes.iter().map(ask).collect();
            let answered = asked.into_iter().map(|one| match one {
                Ok(asker) => asker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(reply) => reply,
            });
            answered.collect()
        })
    }

    fn reply(&self, probe: &Probe) -> Reply {
        self.patiently(&probe.name, |client| {
            let answer = client.get(&probe.url).send()?;
            let status = answer.status().as_u16();
            Ok(Reply::Answered { status, body: serde_json::from_slice(&read(answer)?).ok() })
        })
    }

    /// What is answered to a POST of an empty JSON object.
    pub(crate) fn ask(&self, probe: &Probe) -> Result<Value, String> {
        let reply = self.patiently(&probe.name, |client| {
            let request = client.post(&probe.url).header("Content-Type", "application/json").body("{}");
            let answer = request.send()?;
            let status = answer.status().as_u16();
            Ok(Reply::Answered { status, body: serde_json::from_slice(&read(answer)?).ok() })
        });
        match reply {
            Reply::Answered { status: 200..=299, body: Some(body) } => Ok(body),
            Reply::Answered { status: 200..=299, body: None } => Err("the answer is not JSON".to_owned()),
            Reply::Answered { status, .. } => Err(format!("answered with status {status}")),
            other => Err(other.to_string()),
        }
    }

    /// Asks again, and longer each time, while nothing comes within the time-out.
    fn patiently(&self, name: &str, attempt: impl Fn(&Client) -> anyhow::Result<Reply>) -> Reply {
        let mut longer = self.clients.iter().skip(1);
        let mut last = Reply::Silent("not asked".to_owned());
        for (timeout, client) in &self.clients {
            last = attempt(client).unwrap_or_else(|error| Reply::failed(&error, *timeout));
            let Some((next, _)) = longer.next().filter(|_| last.is_late()) else { break };
            (self.tell)(&format!("{name}: {last}; retrying for up to {}", Seconds(*next)));
        }
        last
    }
}

/// Whether the connection or the answer is late shows by which of the time-outs is over first.
fn builder(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("imgbuild/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout.mul_f32(0.9))
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

fn read(answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    answer.take(MAX_ANSWER).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
