//! The signed bytes behind the directory: what is served to others as it was received.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
};

use ltms_core::{
    IdentityId, Network, PublicKey,
    wire::{AdHeader, BurnClaim},
};

use crate::{
    behaviour::streams::{HISTORY_ITEMS, PAGE_BYTES, PAGE_ITEMS, Response},
    store::Kept,
};

/// Bytes that the envelopes of the directory may have together: as much as the node's whole
/// core state. Over it the newest is not kept, so it is not served here either.
const MAX_BYTES: usize = 64 << 20;

/// Advertisements by author key, and the history of each identity.
#[derive(Debug, Default)]
pub(crate) struct Envelopes {
    ads: BTreeMap<PublicKey, Ad>,
    histories: HashMap<IdentityId, Vec<Vec<u8>>>,
    bytes: usize,
    /// What changed since a store last asked; none if there is no store.
    changed: Option<HashSet<Kept>>,
}

#[derive(Debug)]
struct Ad {
    identity: Option<IdentityId>,
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
                Kept::Ad(key) => {
                    let header = AdHeader::read(network, &envelope);
                    let authority = header.ok().and_then(|header| header.authority);
                    envelopes.put_ad(key, authority.map(|authority| authority.identity), envelope);
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
            Kept::Claims(id) => self.histories.get(&id).cloned(),
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
        self.remove_ad(&key);
        self.note(Kept::Ad(key));
        if self.bytes + envelope.len() <= MAX_BYTES {
            self.bytes += envelope.len();
            self.ads.insert(key, Ad { identity, envelope });
        }
    }

    /// Forgets the advertisement of a key.
    pub(crate) fn remove_ad(&mut self, key: &PublicKey) {
        if let Some(ad) = self.ads.remove(key) {
            self.bytes -= ad.envelope.len();
            self.note(Kept::Ad(*key));
        }
    }

    /// Keeps a claim that was accepted: a registration in the first place of its identity's
    /// history, a rotation in the place of its sequence, where it ends what stood there and
    /// after it. Credits are told once and not kept.
    pub(crate) fn put_claim(&mut self, id: IdentityId, envelope: Vec<u8>) {
        let place = match BurnClaim::read(&envelope) {
            Ok((BurnClaim::Registration(_), _)) => 0,
            Ok((BurnClaim::Rotation(claim), _)) => {
                usize::try_from(claim.sequence).unwrap_or(usize::MAX)
            }
            _ => return,
        };
        let history = self.histories.entry(id).or_default();
        if place > history.len() || self.bytes + envelope.len() > MAX_BYTES {
            return;
        }
        // A registration that moved to another block keeps its rotations.
        let rotations =
            if place == 0 && !history.is_empty() { history.split_off(1) } else { Vec::new() };
        self.bytes -= history.drain(place..).map(|old| old.len()).sum::<usize>();
        self.bytes += envelope.len();
        history.push(envelope);
        history.extend(rotations);
        self.note(Kept::Claims(id));
    }

    /// The advertisement of a key.
    #[must_use]
    pub(crate) fn ad(&self, key: &PublicKey) -> Option<&[u8]> {
        self.ads.get(key).map(|ad| ad.envelope.as_slice())
    }

    /// The keys whose advertisements name this identity.
    pub(crate) fn keys_of(&self, id: &IdentityId) -> impl Iterator<Item = &PublicKey> {
        self.ads.iter().filter(|(_, ad)| ad.identity == Some(*id)).map(|(key, _)| key)
    }

    /// The registration claim of an identity.
    #[must_use]
    pub(crate) fn claim(&self, id: &IdentityId) -> Option<&[u8]> {
        self.histories.get(id)?.first().map(Vec::as_slice)
    }

    /// An identity's registration and rotations, as much as fits a frame.
    #[must_use]
    pub(crate) fn history(&self, id: &IdentityId) -> Response {
        let history = self.histories.get(id).map(Vec::as_slice).unwrap_or_default();
        let mut bytes = 0;
        let fitting = history.iter().take(HISTORY_ITEMS).take_while(|envelope| {
            bytes += envelope.len();
            bytes <= PAGE_BYTES
        });
        Response::History(fitting.cloned().collect())
    }

    /// Drops what is no longer listed or registered.
    pub(crate) fn retain(
        &mut self,
        mut listed: impl FnMut(&PublicKey) -> bool,
        mut registered: impl FnMut(&IdentityId) -> bool,
    ) {
        let mut gone = Vec::new();
        self.ads.retain(|key, _| listed(key) || lost(&mut gone, Kept::Ad(*key)));
        self.histories.retain(|id, _| registered(id) || lost(&mut gone, Kept::Claims(*id)));
        gone.into_iter().for_each(|gone| self.note(gone));
        let ads = self.ads.values().map(|ad| ad.envelope.len()).sum::<usize>();
        self.bytes = ads + self.histories.values().flatten().map(Vec::len).sum::<usize>();
    }

    /// The page of live advertisements that follows `after`, with the claims of their identities.
    pub(crate) fn page(
        &self,
        after: Option<PublicKey>,
        mut listed: impl FnMut(&PublicKey) -> bool,
    ) -> Response {
        let (mut claims, mut ads, mut more) = (Vec::<Vec<u8>>::new(), Vec::new(), false);
        let mut bytes = 0;
        let mut told = Vec::new();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        for (key, ad) in self.ads.range((from, Bound::Unbounded)) {
            if !listed(key) {
                continue;
            }
            let id = ad.identity.filter(|id| !told.contains(id));
            // Rotations are asked for by whoever finds that it lacks them.
            let claim = id.and_then(|id| self.claim(&id));
            let cost = ad.envelope.len() + claim.map_or(0, <[u8]>::len);
            let items = claims.len() + ads.len() + 1 + usize::from(claim.is_some());
            if items > PAGE_ITEMS || bytes + cost > PAGE_BYTES {
                more = true;
                break;
            }
            bytes += cost;
            told.extend(id);
            claims.extend(claim.map(<[u8]>::to_vec));
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
            let page = envelopes.page(after, |key| key.as_bytes()[1] != 50);
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
        let page = envelopes.page(None, |_| true);
        assert!(page.fits());
        let Response::Directory { ads, more, .. } = page else { panic!("a page") };
        assert!(more && ads.len() == 9, "{}", ads.len());
    }

    #[test]
    fn replacing_and_dropping_keeps_the_sum() {
        let mut envelopes = Envelopes::default();
        envelopes.put_ad(key(1), None, vec![0; 500]);
        envelopes.put_ad(key(1), None, vec![0; 300]);
        assert_eq!(envelopes.bytes, 300);
        envelopes.retain(|_| false, |_| false);
        assert_eq!((envelopes.bytes, envelopes.ad(&key(1))), (0, None));
    }
}
