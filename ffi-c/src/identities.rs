//! Who is registered.

use ltms_core::Registered;

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_identity, ltms_public_key};

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

const _: () = assert!(size_of::<ltms_registered>() == 88);
