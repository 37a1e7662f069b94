//! The reply of a member: a response, a refusal, or a time-out.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    /// An HTTP response.
    Answered {
        /// Its status.
        status: u16,
        /// Its body, if that is JSON.
        body: Option<Value>,
    },
    /// The machine is there, and nothing listens.
    Refused,
    /// No connection came about, for this reason.
    Silent(String),
    /// No connection came about within this time: the machine is off, or far too slow.
    Late(Duration),
    /// It took the connection, and did not answer within this time: it is slow, not dead.
    Slow(Duration),
    /// It took the connection, and this came of it.
    Broken(String),
}

impl Reply {
    /// The reply for a request that failed, with this time-out.
    pub(super) fn failed(error: &anyhow::Error, timeout: Duration) -> Self {
        let request = error.chain().find_map(|cause| cause.downcast_ref::<reqwest::Error>());
        let (connecting, timed_out) =
            request.map_or((false, false), |request| (request.is_connect(), request.is_timeout()));
        let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        let timed_out = timed_out || io == Some(ErrorKind::TimedOut);
        let reason = || error.root_cause().to_string();
        match (connecting, timed_out) {
            (true, _) if io == Some(ErrorKind::ConnectionRefused) => Self::Refused,
            (true, true) => Self::Late(timeout),
            (true, false) => Self::Silent(reason()),
            (false, true) => Self::Slow(timeout),
            (false, false) => Self::Broken(reason()),
        }
    }

    /// Whether nothing came in time, so that asking longer may help.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self, Self::Late(_) | Self::Slow(_))
    }
}

/// As the end of a line that begins with the member's name.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status, .. } => write!(f, "answers with status {status}"),
            Self::Refused => f.write_str("connection refused: the machine is up, and nothing listens there"),
            Self::Silent(why) => write!(f, "not reachable: {why}"),
            Self::Late(time) => write!(f, "timeout: no connection within {}", Seconds(*time)),
            Self::Slow(time) => {
                write!(f, "timeout: connected, but no response within {}", Seconds(*time))
            }
            Self::Broken(why) => write!(f, "the connection failed: {why}"),
        }
    }
}

/// A time, in seconds.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f32())
    }
}
