//! Who is registered.

use ltms_core::{OwnedKey, Registered};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_identity, ltms_public_key, page};

/// A registered identity.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_registered {
    /// How often its key was rotated.
    pub sequence: u64,
    /// Its total burn, in satoshis.
    pub burned_sats: u64,
    /// The height of its registration.
    pub height: u32,
    /// How well that is known: one of the LTMS_EVIDENCE numbers.
    pub evidence: u8,
    /// 1 if the burn is out of the chain at present.
    pub suspended: u8,
    /// Its reputation score, 0 to 100.
    pub score: u8,
    /// The identity.
    pub identity: ltms_identity,
    /// Its current key.
    pub key: ltms_public_key,
}

impl From<Registered> for ltms_registered {
    fn from(registered: Registered) -> Self {
        Self {
            sequence: registered.sequence,
            burned_sats: registered.burned.sats(),
            height: registered.height.get(),
            evidence: registered.class as u8,
            suspended: registered.suspended.into(),
            score: registered.score,
            identity: registered.id.into(),
            key: registered.key.into(),
        }
    }
}

/// The registered identity of this id.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_identity(
    gate: *mut ltms_gate,
    registered: *mut ltms_registered,
    identity: *const ltms_identity,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, id) = (raw::out(registered)?, raw::get(identity)?.into());
        let found = with(gate, |gate| gate.identity(&id).ok_or(Status::CapacityUnknown))?;
        out.write(found.into());
        Ok(())
    })
}

/// The registered identity whose current key this is.
///
/// Errors: LTMS_CAPACITY_UNKNOWN if there is none.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_resolve_identity(
    gate: *mut ltms_gate,
    registered: *mut ltms_registered,
    key: *const ltms_public_key,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, key) = (raw::out(registered)?, raw::get(key)?.into());
        let found = with(gate, |gate| gate.resolve_identity(&key).ok_or(Status::CapacityUnknown))?;
        out.write(found.into());
        Ok(())
    })
}

/// The registered identities, in pages: those from the place `from` in the table on, as many as fit
/// into `capacity`. `*count` becomes how many those are, and `*next` the place from which the next
/// page goes on; the first begins at 0, and a page that is not full is the last. An identity that
/// stays meanwhile is met once.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_identities(
    gate: *mut ltms_gate,
    identities: *mut ltms_registered,
    capacity: usize,
    count: *mut usize,
    next: *mut u32,
    from: u32,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (room, count) = (raw::room(identities, capacity)?, raw::out(count)?);
        let next = raw::out(next)?;
        let (listed, behind) = with(gate, |gate| {
            let mut behind = from;
            let rows = gate.identities(from).map(|(place, registered)| {
                behind = place.saturating_add(1);
                registered
            });
            Ok((page(room, rows), behind))
        })?;
        count.write(listed);
        next.write(behind);
        Ok(())
    })
}

/// A key that takes a slot of its identity.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_owned_key {
    /// When its newest advertisement ends or was withdrawn.
    pub ends_ms: u64,
    /// The key.
    pub key: ltms_public_key,
    /// 1 if it is the identity's current key.
    pub current: u8,
    /// Zeros.
    pub reserved: [u8; 6],
}

impl From<OwnedKey> for ltms_owned_key {
    fn from(owned: OwnedKey) -> Self {
        Self {
            ends_ms: owned.ends.as_millis(),
            key: owned.key.into(),
            current: owned.current.into(),
            reserved: [0; 6],
        }
    }
}

/// The keys that take a slot of an identity, all but the first `skip`: as many as fit into
/// `capacity`, and how many those are to `*count`. None for an identity that is not known.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_owned_keys(
    gate: *mut ltms_gate,
    keys: *mut ltms_owned_key,
    capacity: usize,
    count: *mut usize,
    identity: *const ltms_identity,
    skip: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (room, count) = (raw::room(keys, capacity)?, raw::out(count)?);
        let id = raw::get(identity)?.into();
        count.write(with(gate, |gate| Ok(page(room, gate.owned_keys(&id).skip(skip))))?);
        Ok(())
    })
}

const _: () = assert!(size_of::<ltms_owned_key>() == 48);
const _: () = assert!(size_of::<ltms_registered>() == 88);
