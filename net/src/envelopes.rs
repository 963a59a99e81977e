//! The signed bytes behind the directory: what is served to others as it was received.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque, hash_map::Entry},
    ops::Bound,
};

use ltms_core::{
    IdentityId, Network, PublicKey,
    wire::{AdHeader, BurnClaim, Kind},
};

use crate::{
    behaviour::streams::{PAGE_BYTES, PAGE_ITEMS, Response},
    history::History,
    store::Kept,
};

/// Bytes that the envelopes of the directory may have together: as much as the node's whole
/// core state. Over it the newest is not kept, so it is not served here either.
const MAX_BYTES: usize = 64 << 20;

/// Withdrawals of one identity that are served: as many as the least has keys (policy §5), so that
/// a directory cannot be filled with what is not there.
const WITHDRAWALS: usize = 10;

/// Advertisements by author key, and the history of each identity.
#[derive(Debug, Default)]
pub(crate) struct Envelopes {
    ads: BTreeMap<PublicKey, Ad>,
    /// The keys under which each identity has withdrawn something, the newest last.
    withdrawn: HashMap<IdentityId, VecDeque<PublicKey>>,
    histories: HashMap<IdentityId, History>,
    bytes: usize,
    /// What changed since a store last asked; none if there is no store.
    changed: Option<HashSet<Kept>>,
}

/// The newest message of a key.
#[derive(Debug)]
struct Ad {
    identity: Option<IdentityId>,
    kind: Kind,
    envelope: Vec<u8>,
}

impl Envelopes {
    /// Notes from now on what changes, for a store.
    pub(crate) fn note_changes(&mut self) {
        self.changed = Some(HashSet::new());
    }

    /// What a store kept: the claims of each identity in their order, and advertisements.
    pub(crate) fn restored(network: Network, kept: Vec<(Kept, Vec<u8>)>) -> Self {
        let mut envelopes = Self::default();
        for (kept, envelope) in kept {
            match kept {
                Kept::Claims(id) => envelopes.put_claim(id, envelope),
                Kept::Session(_) => {}
                Kept::Ad(key) => {
                    let Ok(header) = AdHeader::read(network, &envelope) else { continue };
                    let identity = header.authority.map(|authority| authority.identity);
                    match header.kind {
                        Kind::Withdrawal => envelopes.put_withdrawal(key, identity, envelope),
                        _ => envelopes.put_ad(key, identity, envelope),
                    }
                }
            }
        }
        envelopes
    }

    fn note(&mut self, kept: Kept) {
        if let Some(changed) = &mut self.changed {
            changed.insert(kept);
        }
    }

    /// Whether anything changed since [`Envelopes::take_changes`].
    pub(crate) fn has_changes(&self) -> bool {
        self.changed.as_ref().is_some_and(|changed| !changed.is_empty())
    }

    /// What is kept now of everything that changed since the last time, or of everything.
    pub(crate) fn take_changes(&mut self, all: bool) -> Vec<(Kept, Vec<Vec<u8>>)> {
        let Some(changed) = &mut self.changed else { return Vec::new() };
        let mut changed = std::mem::take(changed);
        if all {
            changed = self.ads.keys().copied().map(Kept::Ad).collect();
            changed.extend(self.histories.keys().copied().map(Kept::Claims));
        }
        let now = |kept| match kept {
            Kept::Ad(key) => self.ads.get(&key).map(|ad| vec![ad.envelope.clone()]),
            Kept::Claims(id) => self.histories.get(&id).map(History::all),
            Kept::Session(_) => None,
        };
        changed.into_iter().map(|kept| (kept, now(kept).unwrap_or_default())).collect()
    }

    /// Keeps the newest advertisement of a key.
    pub(crate) fn put_ad(
        &mut self,
        key: PublicKey,
        identity: Option<IdentityId>,
        envelope: Vec<u8>,
    ) {
        self.put(key, Ad { identity, kind: Kind::Advertisement, envelope });
    }

    /// Keeps a withdrawal in the place of what it ends, so that whoever comes later learns of it:
    /// the newest ones of an identity. Those of strangers are for their own peers.
    pub(crate) fn put_withdrawal(
        &mut self,
        key: PublicKey,
        identity: Option<IdentityId>,
        envelope: Vec<u8>,
    ) {
        let Some(id) = identity else { return self.remove(&key) };
        if !self.put(key, Ad { identity, kind: Kind::Withdrawal, envelope }) {
            return;
        }
        let keys = self.withdrawn.entry(id).or_default();
        keys.push_back(key);
        if keys.len() > WITHDRAWALS
            && let Some(oldest) = keys.front().copied()
        {
            self.remove(&oldest);
        }
    }

    /// False if there is no room.
    fn put(&mut self, key: PublicKey, ad: Ad) -> bool {
        self.remove(&key);
        self.note(Kept::Ad(key));
        let fits = self.bytes + ad.envelope.len() <= MAX_BYTES;
        if fits {
            self.bytes += ad.envelope.len();
            self.ads.insert(key, ad);
        }
        fits
    }

    /// Forgets what a key has said.
    fn remove(&mut self, key: &PublicKey) {
        let Some(ad) = self.ads.remove(key) else { return };
        self.bytes -= ad.envelope.len();
        self.note(Kept::Ad(*key));
        if let Some(id) = ad.identity.filter(|_| ad.kind == Kind::Withdrawal)
            && let Entry::Occupied(mut keys) = self.withdrawn.entry(id)
        {
            keys.get_mut().retain(|withdrawn| withdrawn != key);
            if keys.get().is_empty() {
                keys.remove();
            }
        }
    }

    /// Keeps a claim that was accepted in its place of its identity's history.
    pub(crate) fn put_claim(&mut self, id: IdentityId, envelope: Vec<u8>) {
        if self.bytes + envelope.len() > MAX_BYTES {
            return;
        }
        let history = self.histories.entry(id).or_default();
        let before = history.bytes();
        history.put(envelope);
        self.bytes = self.bytes + history.bytes() - before;
        self.note(Kept::Claims(id));
    }

    /// The advertisement of a key.
    #[must_use]
    pub(crate) fn ad(&self, key: &PublicKey) -> Option<&[u8]> {
        let ad = self.ads.get(key).filter(|ad| ad.kind == Kind::Advertisement)?;
        Some(&ad.envelope)
    }

    /// The keys whose advertisements name this identity.
    pub(crate) fn keys_of(&self, id: &IdentityId) -> impl Iterator<Item = &PublicKey> {
        self.ads.iter().filter(|(_, ad)| ad.identity == Some(*id)).map(|(key, _)| key)
    }

    /// The registration claim of an identity.
    #[must_use]
    pub(crate) fn claim(&self, id: &IdentityId) -> Option<&[u8]> {
        self.histories.get(id)?.registration()
    }

    /// Whether it is a credit that is kept.
    #[must_use]
    pub(crate) fn has_credit(&self, envelope: &[u8]) -> bool {
        let Ok((BurnClaim::Credit(claim), _)) = BurnClaim::read(envelope) else { return false };
        self.histories.get(&claim.identity).is_some_and(|history| history.has(envelope))
    }

    /// An identity's history, as much as fits a frame.
    #[must_use]
    pub(crate) fn history(&self, id: &IdentityId) -> Response {
        Response::History(self.histories.get(id).map(History::told).unwrap_or_default())
    }

    /// Drops what is no longer listed or registered.
    pub(crate) fn retain(
        &mut self,
        mut served: impl FnMut(&PublicKey, Kind) -> bool,
        mut registered: impl FnMut(&IdentityId) -> bool,
    ) {
        let over = |(key, ad): (&PublicKey, &Ad)| (!served(key, ad.kind)).then_some(*key);
        for key in self.ads.iter().filter_map(over).collect::<Vec<_>>() {
            self.remove(&key);
        }
        let mut gone = Vec::new();
        self.histories.retain(|id, _| registered(id) || lost(&mut gone, Kept::Claims(*id)));
        gone.into_iter().for_each(|gone| self.note(gone));
        let ads = self.ads.values().map(|ad| ad.envelope.len()).sum::<usize>();
        self.bytes = ads + self.histories.values().map(History::bytes).sum::<usize>();
    }

    /// The page of live advertisements and of withdrawals that follows `after`, with the claims of their identities.
    pub(crate) fn page(
        &self,
        after: Option<PublicKey>,
        mut served: impl FnMut(&PublicKey, Kind) -> bool,
    ) -> Response {
        let (mut claims, mut ads, mut more) = (Vec::<Vec<u8>>::new(), Vec::new(), false);
        let mut bytes = 0;
        let mut told = Vec::new();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        for (key, ad) in self.ads.range((from, Bound::Unbounded)) {
            if !served(key, ad.kind) {
                continue;
            }
            let id = ad.identity.filter(|id| !told.contains(id));
            // Rotations are asked for by whoever finds that it lacks them.
            let history = id.and_then(|id| self.histories.get(&id));
            let proof: Vec<_> = history.into_iter().flat_map(History::proof).collect();
            let cost = ad.envelope.len() + proof.iter().map(|claim| claim.len()).sum::<usize>();
            let items = claims.len() + ads.len() + 1 + proof.len();
            if items > PAGE_ITEMS || bytes + cost > PAGE_BYTES {
                more = true;
                break;
            }
            bytes += cost;
            told.extend(id);
            claims.extend(proof.into_iter().map(<[u8]>::to_vec));
            ads.push(ad.envelope.clone());
        }
        Response::Directory { claims, ads, more }
    }
}

/// Notes what is not kept any longer.
fn lost(gone: &mut Vec<Kept>, kept: Kept) -> bool {
    gone.push(kept);
    false
}

#[cfg(test)]
mod tests {
    use ltms_core::Network;

    use super::*;
    use crate::chain::DevChain;
    use crate::claim::{find_registration, registration_envelope};

    /// The envelope of a recorded registration.
    fn registration() -> Vec<u8> {
        let (chain, key) = (DevChain::recorded().unwrap(), DevChain::recorded_key(0).unwrap());
        let included = chain.registration_of(&key.public_key()).unwrap();
        let (vout, ..) = find_registration(&included.raw).unwrap();
        registration_envelope(Network::Reg, &included, vout, &key).unwrap()
    }

    #[test]
    fn what_is_no_claim_is_not_kept_and_a_rotation_needs_what_comes_before_it() {
        let mut envelopes = Envelopes::default();
        let id = IdentityId::from_bytes([9; 32]);
        envelopes.put_claim(id, vec![1; 300]);
        assert_eq!(envelopes.claim(&id), None);
        envelopes.put_claim(id, registration());
        envelopes.put_claim(id, registration());
        assert_eq!(envelopes.history(&id), Response::History(vec![registration()]));
        assert_eq!(envelopes.bytes, registration().len());
    }

    fn key(n: u8) -> PublicKey {
        let mut bytes = [n; 33];
        bytes[0] = 2;
        PublicKey::from_bytes(bytes)
    }

    #[test]
    fn pages_follow_each_other_and_bring_each_claim_once() {
        let mut envelopes = Envelopes::default();
        let id = IdentityId::from_bytes([9; 32]);
        envelopes.put_claim(id, registration());
        for n in 0..100 {
            envelopes.put_ad(key(n), Some(id), vec![n; 200]);
        }
        let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
        loop {
            let page = envelopes.page(after, |key, _| key.as_bytes()[1] != 50);
            assert!(page.fits());
            let Response::Directory { claims, ads, more } = page else { panic!("a page") };
            assert_eq!(claims.len(), 1);
            seen.extend(ads.iter().map(|ad| ad[0]));
            pages += 1;
            if !more {
                break;
            }
            after = ads.last().map(|ad| key(ad[0]));
        }
        assert_eq!(seen, (0..100).filter(|n| *n != 50).collect::<Vec<_>>());
        assert_eq!(pages, 2);
    }

    #[test]
    fn a_page_of_large_items_fits_the_frame() {
        let mut envelopes = Envelopes::default();
        for n in 0..20 {
            envelopes.put_ad(key(n), None, vec![n; 10_000]);
        }
        let page = envelopes.page(None, |_, _| true);
        assert!(page.fits());
        let Response::Directory { ads, more, .. } = page else { panic!("a page") };
        assert!(more && ads.len() == 9, "{}", ads.len());
    }

    #[test]
    fn the_newest_ten_withdrawals_of_an_identity_are_served_in_the_place_of_what_they_end() {
        let mut envelopes = Envelopes::default();
        let id = Some(IdentityId::from_bytes([9; 32]));
        envelopes.note_changes();
        for n in 0..12 {
            envelopes.put_ad(key(n), id, vec![n; 300]);
            envelopes.put_withdrawal(key(n), id, vec![n; 200]);
        }
        envelopes.put_ad(key(11), id, vec![11; 300]);
        envelopes.put_withdrawal(key(3), id, vec![33; 200]);
        envelopes.put_withdrawal(key(20), None, vec![20; 200]);
        let Response::Directory { ads, .. } = envelopes.page(None, |_, _| true) else { panic!() };
        let served: Vec<_> = ads.iter().map(|ad| (ad[0], ad.len())).collect();
        let mut expected: Vec<_> = (2..11).map(|n| (n, 200)).chain([(11, 300)]).collect();
        expected[1].0 = 33;
        assert_eq!(served, expected);
        assert_eq!(envelopes.bytes, 9 * 200 + 300);
        assert_eq!(
            (envelopes.ad(&key(2)), envelopes.ad(&key(11)).map(<[u8]>::len)),
            (None, Some(300))
        );
        envelopes.put_withdrawal(key(12), id, vec![12; 200]);
        envelopes.put_withdrawal(key(13), id, vec![13; 200]);
        let Response::Directory { ads, .. } =
            envelopes.page(None, |_, kind| kind == Kind::Withdrawal)
        else {
            panic!()
        };
        assert_eq!(
            ads.iter().map(|ad| ad[0]).collect::<Vec<_>>(),
            [33, 4, 5, 6, 7, 8, 9, 10, 12, 13]
        );
        envelopes.retain(|_, kind| kind != Kind::Withdrawal, |_| true);
        assert_eq!((envelopes.bytes, envelopes.withdrawn.len()), (300, 0));
    }

    #[test]
    fn replacing_and_dropping_keeps_the_sum() {
        let mut envelopes = Envelopes::default();
        envelopes.put_ad(key(1), None, vec![0; 500]);
        envelopes.put_ad(key(1), None, vec![0; 300]);
        assert_eq!(envelopes.bytes, 300);
        envelopes.retain(|_, _| false, |_| false);
        assert_eq!((envelopes.bytes, envelopes.ad(&key(1))), (0, None));
    }
}
