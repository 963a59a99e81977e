//! Who signs what.

use ltms_core::{Amount, Criteria, Found};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::{flag, identity_or_zeros, ltms_identity, ltms_public_key, time};

/// What a signer must offer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_criteria {
    /// Transaction types, all of which are wanted: bit n for number n.
    pub types: u64,
    /// An amount in satoshis that must lie in the signer's range, if `has_amount` is 1.
    pub amount_sats: u64,
    /// 1 or 0.
    pub has_amount: u8,
    /// The least reputation score. Strangers have none and are found only with 0.
    pub min_score: u8,
}

impl TryFrom<&ltms_criteria> for Criteria {
    type Error = Status;
    fn try_from(criteria: &ltms_criteria) -> Result<Self, Status> {
        Ok(Self {
            types: criteria.types,
            amount: flag(criteria.has_amount)?.then_some(Amount::from_sats(criteria.amount_sats)),
            min_score: criteria.min_score,
        })
    }
}

/// A signer that was found.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_found {
    /// The identity's total burn, in satoshis.
    pub burned_sats: u64,
    /// End of the advertisement.
    pub expires_at_ms: u64,
    /// Its identity; zeros for a stranger.
    pub identity: ltms_identity,
    /// The author key.
    pub key: ltms_public_key,
    /// 0 for a stranger, else 1.
    pub has_identity: u8,
    /// The identity's score, 0 for a stranger.
    pub score: u8,
}

impl From<&Found> for ltms_found {
    fn from(found: &Found) -> Self {
        Self {
            burned_sats: found.burned.sats(),
            expires_at_ms: found.expires_at.as_millis(),
            identity: identity_or_zeros(found.identity),
            key: found.key.into(),
            has_identity: found.identity.is_some().into(),
            score: found.score,
        }
    }
}

/// The best live signers that fit, best first: at most `capacity` of them, and at most 8 in the
/// library for devices. `*count` becomes how many there are.
///
/// Errors: LTMS_VALUE, LTMS_OUT_OF_MEMORY.
/// Threads: one at a time for a Gate. Passes over the directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_find(
    gate: *mut ltms_gate,
    found: *mut ltms_found,
    capacity: usize,
    count: *mut usize,
    now_ms: u64,
    criteria: *const ltms_criteria,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, count) = (raw::room(found, capacity)?, raw::out(count)?);
        let criteria = raw::get(criteria)?.try_into()?;
        #[cfg(feature = "std")]
        let mut places = {
            let mut places = alloc::vec::Vec::new();
            places.try_reserve_exact(capacity).map_err(|_| Status::OutOfMemory)?;
            places.resize(capacity, Found::default());
            places
        };
        #[cfg(feature = "std")]
        let places = places.as_mut_slice();
        #[cfg(not(feature = "std"))]
        let mut places = [Found::default(); 8];
        #[cfg(not(feature = "std"))]
        let places = places.get_mut(..capacity.min(8)).unwrap_or_default();
        let given = with(gate, |gate| Ok(gate.find(time(now_ms), &criteria, places)))?;
        out.iter_mut().zip(places.iter().take(given)).for_each(|(to, found)| {
            to.write(found.into());
        });
        count.write(given);
        Ok(())
    })
}

/// The live advertisement of a key.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_find_key(
    gate: *mut ltms_gate,
    found: *mut ltms_found,
    now_ms: u64,
    key: *const ltms_public_key,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, key) = (raw::out(found)?, raw::get(key)?.into());
        let given =
            with(gate, |gate| gate.find_key(time(now_ms), &key).ok_or(Status::CapacityUnknown))?;
        out.write((&given).into());
        Ok(())
    })
}

const _: () = {
    assert!(size_of::<ltms_criteria>() == 24);
    assert!(size_of::<ltms_found>() == 88);
};
