//! Time-outs and retries of a fetch.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::{Cause, Pace};

/// Consecutive tries without progress after which a fetch fails.
const TRIES: usize = 5;

/// So many new bytes make a try worth another: then the count of tries begins anew. A large file comes through a
/// line that breaks again and again, and the number of tries stays bounded by the file's size.
pub(super) const MIN_PROGRESS: u64 = 1024 * 1024;

/// How long a fetch waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// For a connection, TLS handshake included.
    pub connect: Duration,
    /// For the next bytes.
    pub stall: Duration,
    /// The least speed of what comes.
    pub pace: Pace,
    /// Before the second try; doubled before each that follows, and up to as much again by chance, so that many
    /// builds that failed at once do not return at once. The default makes 4.5 to 9 seconds for all five tries.
    pub pause: Duration,
    /// For a server that says with Retry-After how long; one that asks for more is not awaited.
    pub retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            // A modem's speed for four downloads at once.
            pace: Pace { bytes: 1000, window: Duration::from_mins(1) },
            pause: Duration::from_millis(300),
            retry_after: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// The pauses between tries.
    pub(super) fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::new().with_min_delay(self.pause).with_max_times(TRIES - 1).with_jitter().build()
    }

    /// The pause before the next try after `cause`, `planned` unless the server asks for more; `None` if there is
    /// no point in another try.
    pub(super) fn before_next(&self, cause: &Cause, planned: Duration) -> Option<Duration> {
        let asked = match cause {
            Cause::Status { retry_after, .. } | Cause::ProxyRefused { retry_after, .. } => {
                retry_after.unwrap_or_default()
            }
            _ => Duration::ZERO,
        };
        (cause.may_pass() && asked <= self.retry_after).then(|| planned.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_take_at_most_nine_seconds_of_pauses() {
        for _ in 0..100 {
            let pauses: Vec<_> = RetryPolicy::default().pauses().collect();
            assert_eq!(pauses.len(), TRIES - 1);
            let sum: Duration = pauses.iter().sum();
            assert!((4.5..=9.0).contains(&sum.as_secs_f32()), "{sum:?}");
        }
    }
}
