//! The signed bytes behind the directory: what is served to others as it was received.

use std::collections::{BTreeMap, HashMap};

use ltms_core::{IdentityId, PublicKey};

use crate::behaviour::streams::{PAGE_BYTES, PAGE_ITEMS, Response};

/// Bytes that the envelopes of the directory may have together: as much as the node's whole
/// core state. Over it the newest is not kept, so it is not served here either.
const MAX_BYTES: usize = 64 << 20;

/// Advertisements by author key and claims by identity.
#[derive(Debug, Default)]
pub(crate) struct Envelopes {
    ads: BTreeMap<PublicKey, Ad>,
    claims: HashMap<IdentityId, Vec<u8>>,
    bytes: usize,
}

#[derive(Debug)]
struct Ad {
    identity: Option<IdentityId>,
    envelope: Vec<u8>,
}

impl Envelopes {
    /// Keeps the newest advertisement of a key.
    pub(crate) fn put_ad(
        &mut self,
        key: PublicKey,
        identity: Option<IdentityId>,
        envelope: Vec<u8>,
    ) {
        self.remove_ad(&key);
        if self.bytes + envelope.len() <= MAX_BYTES {
            self.bytes += envelope.len();
            self.ads.insert(key, Ad { identity, envelope });
        }
    }

    /// Forgets the advertisement of a key.
    pub(crate) fn remove_ad(&mut self, key: &PublicKey) {
        if let Some(ad) = self.ads.remove(key) {
            self.bytes -= ad.envelope.len();
        }
    }

    /// Keeps the claim of a registered identity.
    pub(crate) fn put_claim(&mut self, id: IdentityId, envelope: Vec<u8>) {
        if self.bytes + envelope.len() <= MAX_BYTES && !self.claims.contains_key(&id) {
            self.bytes += envelope.len();
            self.claims.insert(id, envelope);
        }
    }

    /// Keeps another claim in the place of one that was kept.
    pub(crate) fn replace_claim(&mut self, id: IdentityId, envelope: Vec<u8>) {
        if let Some(old) = self.claims.remove(&id) {
            self.bytes -= old.len();
            self.put_claim(id, envelope);
        }
    }

    /// The advertisement of a key.
    #[must_use]
    pub(crate) fn ad(&self, key: &PublicKey) -> Option<&[u8]> {
        self.ads.get(key).map(|ad| ad.envelope.as_slice())
    }

    /// The claim of an identity.
    #[must_use]
    pub(crate) fn claim(&self, id: &IdentityId) -> Option<&[u8]> {
        self.claims.get(id).map(Vec::as_slice)
    }

    /// Drops what is no longer listed or registered.
    pub(crate) fn retain(
        &mut self,
        mut listed: impl FnMut(&PublicKey) -> bool,
        mut registered: impl FnMut(&IdentityId) -> bool,
    ) {
        self.ads.retain(|key, _| listed(key));
        self.claims.retain(|id, _| registered(id));
        let ads = self.ads.values().map(|ad| ad.envelope.len()).sum::<usize>();
        self.bytes = ads + self.claims.values().map(Vec::len).sum::<usize>();
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
        for (key, ad) in &self.ads {
            if after.is_some_and(|after| *key <= after) || !listed(key) {
                continue;
            }
            let id = ad.identity.filter(|id| !told.contains(id));
            let claim = id.and_then(|id| self.claims.get(&id));
            let cost = ad.envelope.len() + claim.map_or(0, Vec::len);
            let items = claims.len() + ads.len() + 1 + usize::from(claim.is_some());
            if items > PAGE_ITEMS || bytes + cost > PAGE_BYTES {
                more = true;
                break;
            }
            bytes += cost;
            told.extend(id);
            claims.extend(claim.cloned());
            ads.push(ad.envelope.clone());
        }
        Response::Directory { claims, ads, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> PublicKey {
        let mut bytes = [n; 33];
        bytes[0] = 2;
        PublicKey::from_bytes(bytes)
    }

    #[test]
    fn pages_follow_each_other_and_bring_each_claim_once() {
        let mut envelopes = Envelopes::default();
        let id = IdentityId::from_bytes([9; 32]);
        envelopes.put_claim(id, vec![1; 300]);
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
