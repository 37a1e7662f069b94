//! Limits the number of connections (pure): one address cannot use up those of all others.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much a client may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How many connections are open at once.
    pub connections: usize,
    /// How many of them one address may have. Nodes behind a router share one; those that find it taken come again.
    pub of_address: usize,
    /// How often it is looked whether a client reads.
    pub window: Duration,
    /// How many bytes it must take meanwhile.
    pub least: u64,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { connections: 400, of_address: 64, window: Duration::from_secs(30), least: 32 * 1024 }
    }
}

/// The open connections, by client address.
#[derive(Clone, Debug)]
pub(super) struct ConnectionSlots {
    limits: ConnectionLimits,
    taken: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// A connection's place, free again when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    places: ConnectionSlots,
    client: IpAddr,
}

impl ConnectionSlots {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, taken: Arc::default() }
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn take(&self, address: IpAddr) -> Option<ConnectionSlot> {
        let client = client(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&client).copied().unwrap_or(0);
        if own >= self.limits.of_address || taken.values().sum::<usize>() >= self.limits.connections {
            return None;
        }
        taken.insert(client, own + 1);
        Some(ConnectionSlot { places: self.clone(), client })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

/// Who has an address: with IPv6, a machine has all those of its network (RFC 4291, section 2.5.4: 64 bits).
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let limits = ConnectionLimits { connections: 5, of_address: 2, ..ConnectionLimits::default() };
        let places = ConnectionSlots::new(limits);
        let take = |address: &str| places.take(address.parse().unwrap());
        let first = [take("10.0.0.1"), take("10.0.0.1"), take("::ffff:10.0.0.1")];
        assert_eq!(first.each_ref().map(Option::is_some), [true, true, false]);
        let second =
            [take("2001:db8::1"), take("2001:db8::2:0:0:1"), take("2001:db8::3"), take("2001:db8:0:1::1")];
        assert_eq!(second.each_ref().map(Option::is_some), [true, true, false, true]);
        assert!(take("10.0.0.2").is_none(), "all are taken");
        drop(first);
        let again = [take("10.0.0.1"), take("10.0.0.2"), take("10.0.0.3")];
        assert_eq!(again.each_ref().map(Option::is_some), [true, true, false]);
        drop((second, again));
        assert!(places.taken.lock().unwrap().is_empty(), "nothing is kept of who has gone");
    }
}
