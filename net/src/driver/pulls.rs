//! Reading a peer's directory page by page: how far it may lead us.

use std::time::Duration;

use ltms_core::{Network, PublicKey, wire::AdHeader};
use tokio::time::Instant;

/// Pages of one peer's directory in one go: 4,096 items. The next time it begins elsewhere.
const PAGES: u8 = 64;
/// Bytes of them: two thirds of as many full pages.
const BYTES: usize = 4 << 20;
/// Time for all of them.
const TIME: Duration = Duration::from_secs(30);

/// One reading of a peer's directory. It begins at some key, goes on from the first one after the
/// last, and ends where it began.
#[derive(Debug)]
pub(super) struct Pull {
    start: Option<PublicKey>,
    after: Option<PublicKey>,
    /// Whether it has come to the end of the keys once.
    turned: bool,
    pages: u8,
    bytes: usize,
    until: Instant,
    /// Whether a page is asked for and not here yet.
    pub(super) asked: bool,
    /// Whether there was a page at all.
    pub(super) answered: bool,
    over: bool,
}

impl Pull {
    /// From the key after `start`, or from the first.
    pub(super) fn new(start: Option<PublicKey>, now: Instant) -> Self {
        Self {
            start,
            after: start,
            turned: start.is_none(),
            pages: 0,
            bytes: 0,
            until: now + TIME,
            asked: false,
            answered: false,
            over: false,
        }
    }

    /// The same from a key that nobody can foresee: directories longer than one reading are read
    /// everywhere equally often.
    pub(super) fn anywhere(now: Instant) -> Self {
        let mut key = [0; 33];
        rand::fill(&mut key[1..]);
        key[0] = 2 + u8::from(rand::random::<bool>());
        Self::new(Some(PublicKey::from_bytes(key)), now)
    }

    /// Whether its time is over.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// The key after which the next page is to be asked for, if any is.
    pub(super) fn next(&self, now: Instant) -> Option<Option<PublicKey>> {
        let on = !self.over && !self.is_late(now) && self.pages < PAGES && self.bytes < BYTES;
        on.then_some(self.after)
    }

    /// Takes note of a page. False if it is not one that was asked for: late, or its
    /// advertisements are not in the order of their keys, each after the one that was named.
    pub(super) fn turn(
        &mut self,
        network: Network,
        (claims, ads, more): (&[Vec<u8>], &[Vec<u8>], bool),
        now: Instant,
    ) -> bool {
        self.asked = false;
        self.answered = true;
        self.pages = self.pages.saturating_add(1);
        self.bytes += claims.iter().chain(ads).map(Vec::len).sum::<usize>();
        let before = self.after;
        // What cannot be read has no key; its sender pays for it like for any other.
        let keys = ads.iter().filter_map(|ad| AdHeader::read(network, ad).ok());
        let mut ordered = true;
        for key in keys.map(|header| header.author) {
            ordered &= self.after.is_none_or(|after| after < key);
            self.after = Some(key);
        }
        let round = self.turned && self.start.is_some_and(|start| self.after >= Some(start));
        if more {
            // A page that leads nowhere is the last.
            self.over = round || self.after == before;
        } else if self.turned {
            self.over = true;
        } else {
            (self.turned, self.after) = (true, None);
        }
        self.over |= !ordered;
        ordered && !self.is_late(now)
    }
}

#[cfg(test)]
mod tests {
    use ltms_core::{
        List, Millis, Signature, Timestamp,
        wire::{Advertisement, Envelope, Kind},
    };

    use super::*;

    fn key(n: u8) -> PublicKey {
        let mut bytes = [n; 33];
        bytes[0] = 2;
        PublicKey::from_bytes(bytes)
    }

    /// An advertisement that nobody signed.
    fn ad(n: u8) -> Vec<u8> {
        let peer = crate::door::core_peer(&libp2p::PeerId::random());
        let mut types = List::new();
        types.push(1).expect("room");
        let ad = Advertisement {
            author: key(n),
            created_at: Timestamp::EPOCH,
            expires_at: Timestamp::EPOCH.saturating_add(Millis::from_hours(1)),
            peer,
            addresses: List::new(),
            types,
            amount: None,
            fee: None,
            nickname: None,
            description: None,
            authority: None,
        };
        let (mut body, mut envelope) = ([0; 1_000], vec![0; 1_000]);
        let len = ad.encode(&mut body).expect("room");
        let signature = Signature::from_bytes([1; 64]);
        let signed = Envelope { kind: Kind::Advertisement, body: &body[..len], signature };
        let len = signed.encode(&mut envelope).expect("room");
        envelope.truncate(len);
        envelope
    }

    fn turn(pull: &mut Pull, keys: &[u8], more: bool, now: Instant) -> bool {
        let ads: Vec<_> = keys.iter().map(|n| ad(*n)).collect();
        pull.turn(Network::Reg, (&[], &ads, more), now)
    }

    #[test]
    fn a_directory_is_read_round_from_where_it_began() {
        let now = Instant::now();
        let mut pull = Pull::new(Some(key(5)), now);
        assert_eq!(pull.next(now), Some(Some(key(5))));
        assert!(turn(&mut pull, &[6, 7], true, now));
        assert_eq!(pull.next(now), Some(Some(key(7))));
        assert!(turn(&mut pull, &[9], false, now));
        assert_eq!(pull.next(now), Some(None), "from the first key");
        assert!(turn(&mut pull, &[1, 2], true, now));
        assert_eq!(pull.next(now), Some(Some(key(2))));
        assert!(turn(&mut pull, &[4, 6, 7], true, now));
        assert_eq!(pull.next(now), None, "round");
        let mut pull = Pull::new(None, now);
        assert!(turn(&mut pull, &[1], false, now));
        assert_eq!(pull.next(now), None);
    }

    #[test]
    fn a_cursor_that_loops_or_stands_still_ends_it() {
        let now = Instant::now();
        for (first, second, taken) in [
            (&[3, 4][..], &[3, 4][..], false),
            (&[3, 4], &[4], false),
            (&[3, 4], &[6, 5], false),
            (&[3, 3], &[], false),
            (&[3, 4], &[], true),
        ] {
            let mut pull = Pull::new(None, now);
            let taken_first = turn(&mut pull, first, true, now);
            if taken_first {
                assert!(pull.next(now).is_some(), "{first:?}");
                assert_eq!(turn(&mut pull, second, true, now), taken, "{second:?}");
            }
            assert_eq!(pull.next(now), None, "{first:?} {second:?}");
        }
    }

    #[test]
    fn pages_without_end_and_huge_ones_end_it_and_so_does_the_time() {
        let now = Instant::now();
        let mut pull = Pull::new(None, now);
        let mut pages = 0;
        while pull.next(now).is_some() {
            pages += 1;
            assert!(turn(&mut pull, &[pages], true, now));
        }
        assert_eq!(pages, PAGES);
        let mut pull = Pull::new(None, now);
        let claims = vec![vec![0; 10_000]; 9];
        let mut pages = 0;
        while pull.next(now).is_some() {
            pages += 1;
            assert!(pull.turn(Network::Reg, (&claims, &[ad(pages)], true), now));
        }
        assert!((BYTES / 92_000..=BYTES / 90_000 + 1).contains(&usize::from(pages)), "{pages}");
        let mut pull = Pull::new(None, now);
        assert!(turn(&mut pull, &[1], true, now));
        assert_eq!(pull.next(now + TIME), None);
        assert!(!turn(&mut pull, &[2], true, now + TIME), "an answer after the deadline");
    }

    #[test]
    fn readings_begin_at_different_keys() {
        let now = Instant::now();
        let [one, other] = [Pull::anywhere(now), Pull::anywhere(now)];
        assert_ne!(one.start, other.start);
        assert!(matches!(one.start.expect("a key").as_bytes()[0], 2 | 3));
    }
}
