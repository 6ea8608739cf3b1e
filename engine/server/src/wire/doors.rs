//! Who may come in: places for clients in the middle of their login, and places for sessions.
//!
//! A place for a session is taken by whoever has proved who it is; before that a client holds one of the places of the
//! login, of which one address has a part only. So strangers that say nothing keep nobody out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::sqlstate::Report;

/// A login that takes longer than this gives its place to a newcomer, where there is no other.
const UNDISTURBED: Duration = Duration::from_secs(2);

/// How many may be inside, and how many on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Sessions at a time.
    pub(crate) sessions: usize,
    /// Those of them that only superusers get.
    pub(crate) reserved: usize,
    /// Clients that may be in the middle of their login at a time.
    pub(crate) logins: usize,
    /// Those of them that may come from one address.
    pub(crate) logins_of_address: usize,
}

/// The places, and who has them.
pub(crate) struct Doors {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: usize,
    next: u64,
    /// By number, and so the oldest first.
    logins: BTreeMap<u64, Stranger>,
}

struct Stranger {
    address: IpAddr,
    since: Instant,
    leave: CancellationToken,
}

/// A place of the login, given back when dropped.
pub(crate) struct Login {
    doors: Arc<Doors>,
    number: u64,
    /// Cancelled when a newcomer got the place.
    pub(crate) leave: CancellationToken,
}

/// A place of a session, given back when dropped.
pub(crate) struct Slot {
    doors: Arc<Doors>,
}

impl Doors {
    /// All places free.
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            state: Mutex::default(),
        })
    }

    /// What the places are.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place of the login for a client that has just connected; `None` if all are taken by others who are not slow.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Login> {
        self.enter_at(peer, Instant::now())
    }

    fn enter_at(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Option<Login> {
        let address = network(peer);
        let mut state = self.lock();
        let neighbours = state
            .logins
            .iter()
            .filter(|(_, stranger)| stranger.address == address);
        // Whose place it would be, if one must be made free.
        let oldest = if neighbours.clone().count() >= self.limits.logins_of_address {
            Some(neighbours.clone().next())
        } else if state.logins.len() >= self.limits.logins {
            Some(state.logins.iter().next())
        } else {
            None
        };
        if let Some(oldest) = oldest {
            let number = oldest
                .filter(|(_, stranger)| now.duration_since(stranger.since) >= UNDISTURBED)
                .map(|(number, _)| *number)?;
            state.logins.remove(&number)?.leave.cancel();
        }
        let number = state.next;
        state.next += 1;
        let leave = CancellationToken::new();
        let stranger = Stranger {
            address,
            since: now,
            leave: leave.clone(),
        };
        state.logins.insert(number, stranger);
        drop(state);
        Some(Login {
            doors: self.clone(),
            number,
            leave,
        })
    }

    /// A place for a session of a role that has logged in.
    ///
    /// # Errors
    /// What the client is told if there is none for it.
    pub(crate) fn admit(self: &Arc<Self>, superuser: bool) -> Result<Slot, Report> {
        let mut state = self.lock();
        let free = self.limits.sessions.saturating_sub(state.sessions);
        if free == 0 {
            return Err(too_many());
        }
        if free <= self.limits.reserved && !superuser {
            return Err(Report::fatal(
                "53300",
                "remaining connection slots are reserved for non-replication superuser connections",
            ));
        }
        state.sessions += 1;
        drop(state);
        Ok(Slot { doors: self.clone() })
    }
}

/// As PostgreSQL says it.
fn too_many() -> Report {
    Report::fatal("53300", "sorry, too many clients already")
}

/// What a client is told that found no place, or lost it, before it had logged in.
pub(crate) fn crowded() -> Report {
    Report {
        detail: Some("Too many clients are in the middle of their login.".into()),
        ..too_many()
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.doors.lock().logins.remove(&self.number);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.doors.lock().sessions -= 1;
    }
}

/// Whoever has an IPv6 address has the 2⁶⁴ of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn doors() -> Arc<Doors> {
        Doors::new(Limits {
            sessions: 3,
            reserved: 1,
            logins: 3,
            logins_of_address: 2,
        })
    }

    fn from(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn the_last_places_are_for_superusers() {
        let doors = doors();
        let refusal = |superuser| doors.admit(superuser).err().map(|report| report.message);
        let first = doors.admit(false).unwrap();
        let _second = doors.admit(false).unwrap();
        assert!(refusal(false).unwrap().contains("reserved"));
        let third = doors.admit(true).unwrap();
        for superuser in [false, true] {
            assert_eq!(
                refusal(superuser).as_deref(),
                Some("sorry, too many clients already")
            );
        }
        drop(third);
        assert!(refusal(false).unwrap().contains("reserved"));
        drop(first);
        assert!(refusal(false).is_none());
    }

    #[test]
    fn an_address_has_a_part_of_the_places_and_slow_logins_make_room() {
        let doors = doors();
        let first = doors.enter(from(1)).unwrap();
        let second = doors.enter(from(1)).unwrap();
        assert!(doors.enter(from(1)).is_none());
        let other = doors.enter(from(2)).unwrap();
        assert!(doors.enter(from(3)).is_none(), "three in all");
        drop(second);
        let third = doors.enter(from(1)).unwrap();
        assert!(!first.leave.is_cancelled());
        let later = Instant::now() + UNDISTURBED;
        let fourth = doors.enter_at(from(1), later).unwrap();
        assert!(first.leave.is_cancelled() && !third.leave.is_cancelled() && !other.leave.is_cancelled());
        // The one that had to leave gives back nothing that is another's.
        drop(first);
        assert!(
            doors.enter_at(from(1), later).is_some(),
            "the oldest of its address makes room"
        );
        assert!(third.leave.is_cancelled() && !other.leave.is_cancelled());
        let _fifth = doors.enter_at(from(3), later).unwrap();
        assert!(
            doors.enter_at(from(4), later).is_some(),
            "the oldest of all makes room"
        );
        assert!(other.leave.is_cancelled() && !fourth.leave.is_cancelled());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::1").to_string(), "::1");
    }
}
