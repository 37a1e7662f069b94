//! The minimum speed of a download: a server that sends a byte now and then cannot block it for ever.

use std::io::{self, Read};
use std::time::{Duration, Instant};

/// The least that a server sends, as curl's `--speed-limit` and `--speed-time` have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes a second.
    pub bytes: u32,
    /// The time over which they are counted.
    pub window: Duration,
}

/// It sent less.
#[derive(Debug, thiserror::Error)]
#[error("too slow")]
pub(super) struct TooSlow;

/// A reader that fails when its sender is slower than a pace. Only the time in which bytes are awaited counts.
pub(super) struct Paced<R> {
    inner: R,
    pace: Pace,
    waited: Duration,
    received: u64,
}

impl<R> Paced<R> {
    pub(super) fn new(inner: R, pace: Pace) -> Self {
        Self { inner, pace, waited: Duration::ZERO, received: 0 }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let asked = Instant::now();
        let count = self.inner.read(buffer)?;
        self.waited += asked.elapsed();
        self.received += count as u64;
        if self.waited >= self.pace.window {
            let least = u128::from(self.pace.bytes) * self.waited.as_millis() / 1000;
            // The end of the stream does not count as slow.
            if count > 0 && u128::from(self.received) < least {
                return Err(io::Error::other(TooSlow));
            }
            (self.waited, self.received) = (Duration::ZERO, 0);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Gives so many bytes at a time, each time after a while.
    struct Slow(usize, Duration);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            thread::sleep(self.1);
            buffer[..self.0].fill(0);
            Ok(self.0)
        }
    }

    fn reads(slow: Slow, pace: Pace, pause: Duration) -> usize {
        let mut paced = Paced::new(slow, pace);
        let mut buffer = [0; 64];
        (0..20)
            .take_while(|_| {
                thread::sleep(pause);
                paced.read(&mut buffer).is_ok()
            })
            .count()
    }

    #[test]
    fn a_drip_ends_and_a_slow_reader_is_no_slow_sender() {
        let (pace, drip) =
            (Pace { bytes: 1000, window: Duration::from_millis(100) }, Duration::from_millis(25));
        let drips = reads(Slow(1, drip), pace, Duration::ZERO);
        assert!((1..=4).contains(&drips), "{drips}");
        assert_eq!(reads(Slow(64, Duration::ZERO), pace, drip), 20);
        assert_eq!(reads(Slow(1, Duration::ZERO), pace, drip), 20, "nobody waited for these bytes");
    }
}
