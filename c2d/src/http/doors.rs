//! How many connections there are, whose they are, and which one goes when there are too many.
//!
//! A client is a stranger until a request on the connection shows a good token. Strangers get
//! a moment to do so in any number that a machine can want; those that do not are few for each
//! address. Some connections are kept for holders of tokens. It is always the oldest stranger that
//! goes, never the newest: so nobody is locked out by connections that are only held open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use c2_shared::limits::{
    CONNECTIONS_KEPT, CONNECTIONS_MAX, CONNECTIONS_OF_ONE_MAX, NEW_STRANGERS_OF_ONE_MAX, STRANGERS_MAX,
    STRANGERS_OF_ONE_MAX,
};
use c2_shared::time::Mono;
use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

use crate::net::neighbourhood;
use crate::tally::{More, Tally};

/// What happens again and again at one address is one line of the log in this time.
const LOGGED_EVERY_MS: u64 = 60_000;
/// Files that c2d opens beside connections.
const OTHER_FILES: usize = 256;
/// Addresses that are told apart in the log.
const LOGGED_MAX: usize = 256;

/// All connections; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Doors(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Connections at once.
    limit: usize,
    open: Mutex<Open>,
    closed: AtomicU64,
    logged: Mutex<Option<Tally<IpAddr, String>>>,
}

/// Connections by number: those that came later have higher ones.
#[derive(Debug, Default)]
struct Open {
    last: u64,
    all: BTreeMap<u64, Entry>,
    strangers: BTreeSet<u64>,
    of_address: HashMap<IpAddr, OfAddress>,
    of_token: HashMap<Arc<str>, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Entry {
    address: IpAddr,
    token: Option<Arc<str>>,
    close: Arc<Notify>,
}

/// The strangers at one address: those that came just now, and those that had their time.
#[derive(Debug, Default)]
struct OfAddress {
    new: BTreeSet<u64>,
    settled: BTreeSet<u64>,
}

/// A connection's place among the others, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    doors: Doors,
    number: u64,
    close: Arc<Notify>,
    has_token: AtomicBool,
}

impl Default for Doors {
    /// As many as this process may open files for.
    fn default() -> Self {
        let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
        let connections = files.map_or(CONNECTIONS_MAX, |files| files.saturating_sub(OTHER_FILES));
        Self::of(connections.clamp(2 * CONNECTIONS_KEPT, CONNECTIONS_MAX))
    }
}

impl Doors {
    fn of(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, ..Shared::default() }))
    }

    /// Lets a connection in; none if there is no place, because all belong to holders of tokens.
    pub(crate) fn enter(&self, peer: IpAddr, now: Mono) -> Option<Seat> {
        let address = neighbourhood(peer);
        let close = Arc::<Notify>::default();
        let mut open = self.open();
        let (limit, strangers) = (self.0.limit, open.strangers.len());
        let full = strangers >= STRANGERS_MAX.min(limit - CONNECTIONS_KEPT) || open.all.len() >= limit;
        let gone = match (full, open.of_address.get(&address)) {
            (true, _) => Some(open.strangers.first().copied()),
            (_, Some(of)) if of.new.len() >= NEW_STRANGERS_OF_ONE_MAX => Some(of.new.first().copied()),
            _ => None,
        };
        let gone = match gone {
            Some(Some(oldest)) => open.leave(oldest),
            // Nobody may go for it.
            Some(None) => {
                drop(open);
                self.turned_away(
                    address,
                    "a connection was refused: all that c2d serves belong to holders of tokens",
                    now,
                );
                return None;
            }
            None => None,
        };
        open.last += 1;
        let number = open.last;
        open.all.insert(number, Entry { address, token: None, close: Arc::clone(&close) });
        open.strangers.insert(number);
        open.of_address.entry(address).or_default().new.insert(number);
        drop(open);
        self.close(gone, now);
        Some(Seat { doors: self.clone(), number, close, has_token: AtomicBool::new(false) })
    }

    /// How many connections there are.
    pub(crate) fn len(&self) -> usize {
        self.open().all.len()
    }

    /// How many were closed or refused for others, since the start.
    pub(crate) fn closed(&self) -> u64 {
        self.0.closed.load(Ordering::Relaxed)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, gone: Option<Entry>, now: Mono) {
        if let Some(entry) = gone {
            entry.close.notify_one();
            let what = match entry.token {
                None => format!("a connection from {} that showed no token was closed for a newer one", entry.address),
                Some(id) => format!("token {id} has more connections than c2d serves; the oldest was closed"),
            };
            self.turned_away(entry.address, &what, now);
        }
    }

    /// Counts it and says so in the log.
    fn turned_away(&self, address: IpAddr, what: &str, now: Mono) {
        self.0.closed.fetch_add(1, Ordering::Relaxed);
        self.log(address, what, now);
    }

    /// Says something of an address, once a minute at most.
    pub(crate) fn log(&self, address: IpAddr, what: &str, now: Mono) {
        let mut logged = self.0.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let logged = logged.get_or_insert_with(|| Tally::new(LOGGED_EVERY_MS, LOGGED_MAX));
        for More { times, last } in logged.due(now) {
            tracing::warn!("{times} more like this: {last}");
        }
        if let Some(what) = logged.count(neighbourhood(address), what.to_owned(), now) {
            tracing::warn!("{what}");
        }
    }
}

impl Open {
    fn leave(&mut self, number: u64) -> Option<Entry> {
        let entry = self.all.remove(&number)?;
        self.strangers.remove(&number);
        self.forget_stranger(number, entry.address);
        if let Some(token) = &entry.token
            && let Some(of) = self.of_token.get_mut(token)
        {
            of.remove(&number);
            if of.is_empty() {
                self.of_token.remove(token);
            }
        }
        Some(entry)
    }

    fn forget_stranger(&mut self, number: u64, address: IpAddr) {
        if let Some(of) = self.of_address.get_mut(&address) {
            of.new.remove(&number);
            of.settled.remove(&number);
            if of.new.is_empty() && of.settled.is_empty() {
                self.of_address.remove(&address);
            }
        }
    }
}

impl Seat {
    /// Resolves when the connection must end for the sake of others.
    pub(crate) async fn must_go(&self) {
        self.close.notified().await;
    }

    /// Its moment is over: if no token was shown, it is one of a few now.
    pub(crate) fn settle(&self, now: Mono) {
        let mut open = self.doors.open();
        let Some(address) = open.all.get(&self.number).filter(|entry| entry.token.is_none()).map(|entry| entry.address)
        else {
            return;
        };
        let Some(of) = open.of_address.get_mut(&address) else { return };
        if of.new.remove(&self.number) {
            of.settled.insert(self.number);
        }
        let gone = (of.settled.len() > STRANGERS_OF_ONE_MAX).then(|| of.settled.first().copied()).flatten();
        let gone = gone.and_then(|oldest| open.leave(oldest));
        drop(open);
        self.doors.close(gone, now);
    }

    /// A request on it showed a good token. Of one token there are so many connections at most; those of
    /// c2d's own machine share one, and are not counted.
    pub(crate) fn prove(&self, token: &Arc<str>, near: bool, now: Mono) {
        if self.has_token.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut open = self.doors.open();
        let Some(entry) = open.all.get_mut(&self.number) else { return };
        entry.token = Some(Arc::clone(token));
        let address = entry.address;
        open.strangers.remove(&self.number);
        open.forget_stranger(self.number, address);
        if near {
            return;
        }
        let of = open.of_token.entry(Arc::clone(token)).or_default();
        of.insert(self.number);
        let gone = (of.len() > CONNECTIONS_OF_ONE_MAX).then(|| of.first().copied()).flatten();
        let gone = gone.and_then(|oldest| open.leave(oldest));
        drop(open);
        self.doors.close(gone, now);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(self.doors.open().leave(self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Mono = Mono(0);

    /// As where many files may be open, whatever may be here.
    fn wide() -> Doors {
        Doors::of(4_096)
    }

    fn address(n: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + n).to_be_bytes())
    }

    fn is_closed(seat: &Seat) -> bool {
        !seat.doors.open().all.contains_key(&seat.number)
    }

    fn open(seats: &[Seat]) -> Vec<usize> {
        seats.iter().enumerate().filter(|(_, seat)| !is_closed(seat)).map(|(n, _)| n).collect()
    }

    #[test]
    fn of_strangers_at_one_address_the_oldest_go() {
        let doors = wide();
        let other = doors.enter(address(2), NOW).unwrap();
        let token: Arc<str> = "t".into();
        let holder = doors.enter(address(1), NOW).unwrap();
        holder.prove(&token, false, NOW);
        let seats: Vec<Seat> = (0..40).map(|_| doors.enter(address(1), NOW).unwrap()).collect();
        assert_eq!(open(&seats).len(), 40, "each has a moment to show a token");
        seats.iter().for_each(|seat| seat.settle(NOW));
        assert_eq!(open(&seats), (40 - STRANGERS_OF_ONE_MAX..40).collect::<Vec<_>>());
        assert!(!is_closed(&other) && !is_closed(&holder));
        assert_eq!(doors.closed(), 40 - STRANGERS_OF_ONE_MAX as u64);
        // One that shows a token makes room.
        seats[39].prove(&token, false, NOW);
        let next = doors.enter(address(1), NOW).unwrap();
        next.settle(NOW);
        assert_eq!(open(&seats), (40 - STRANGERS_OF_ONE_MAX..40).collect::<Vec<_>>());
        drop((seats, next, holder, other));
        let left = doors.open();
        assert!(left.all.is_empty() && left.strangers.is_empty() && left.of_address.is_empty());
        assert!(left.of_token.is_empty());
    }

    #[test]
    fn new_ones_of_one_address_are_bounded_too() {
        let doors = wide();
        let seats: Vec<Seat> =
            (0..NEW_STRANGERS_OF_ONE_MAX + 5).map(|_| doors.enter(address(1), NOW).unwrap()).collect();
        assert_eq!(open(&seats), (5..NEW_STRANGERS_OF_ONE_MAX + 5).collect::<Vec<_>>());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let doors = wide();
        let address = |n: u16| IpAddr::from([0xfd00, 1, 2, 3, 0, 0, 0, n]);
        let seats: Vec<Seat> = (0..40).map(|n| doors.enter(address(n), NOW).unwrap()).collect();
        seats.iter().for_each(|seat| seat.settle(NOW));
        assert_eq!(open(&seats).len(), STRANGERS_OF_ONE_MAX);
    }

    #[test]
    fn holders_of_tokens_have_connections_in_reserve() {
        const LIMIT: usize = 1_000;
        let doors = Doors::of(LIMIT);
        let many = u32::try_from(LIMIT).unwrap() + 500;
        let strangers: Vec<Seat> = (0..many).map(|n| doors.enter(address(n), NOW).unwrap()).collect();
        assert_eq!(doors.len(), LIMIT - CONNECTIONS_KEPT);
        let mut holders = Vec::new();
        for n in 0..many {
            let Some(seat) = doors.enter(address(n), NOW) else { break };
            seat.prove(&n.to_string().into(), false, NOW);
            holders.push(seat);
        }
        assert_eq!((open(&strangers).len(), doors.len()), (0, LIMIT));
        assert_eq!(open(&holders).len(), LIMIT, "no holder goes for another, and none for a stranger");
    }

    #[test]
    fn strangers_are_few_wherever_many_may_come() {
        let doors = Doors::of(CONNECTIONS_MAX);
        let many = u32::try_from(STRANGERS_MAX).unwrap() + 500;
        let seats: Vec<Seat> = (0..many).map(|n| doors.enter(address(n), NOW).unwrap()).collect();
        assert_eq!(open(&seats), (500..STRANGERS_MAX + 500).collect::<Vec<_>>());
        assert!(Doors::default().0.limit >= 2 * CONNECTIONS_KEPT);
    }

    #[test]
    fn one_token_takes_some_connections_only() {
        let doors = wide();
        let token: Arc<str> = "t".into();
        let prove = |near| {
            let seat = doors.enter(address(1), NOW).unwrap();
            seat.prove(&token, near, NOW);
            seat
        };
        let seats: Vec<Seat> = (0..CONNECTIONS_OF_ONE_MAX + 3).map(|_| prove(false)).collect();
        assert_eq!(open(&seats), (3..CONNECTIONS_OF_ONE_MAX + 3).collect::<Vec<_>>());
        let near: Vec<Seat> = (0..CONNECTIONS_OF_ONE_MAX + 3).map(|_| prove(true)).collect();
        assert_eq!(open(&near).len(), CONNECTIONS_OF_ONE_MAX + 3, "all programs of this machine share it");
    }
}
