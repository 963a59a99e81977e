//! The policy that a Gate decides by.

use core::ffi::c_char;

use ltms_core::Policy;

use crate::guard::run;
use crate::held::{self, Holder};
use crate::raw;
use crate::status::{Status, ltms_status};
use crate::types::{network, pick};

/// The policy of the network: what every number is unless it is set.
pub const LTMS_POLICY_LOTUS_V1: u8 = 0;
/// The same, but a registration waits for 144 confirmations.
pub const LTMS_POLICY_CAUTIOUS: u8 = 1;

/// A policy, in memory of the caller's. Only the functions look inside; copying it is fine.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_policy {
    /// For the library only.
    pub words: [u64; 112],
}

// SAFETY: nothing but words; `FITS` says that they are enough.
unsafe impl Holder for ltms_policy {
    type Value = Policy;
    const TAG: u64 = u64::from_be_bytes(*b"ltmspol1");
}

/// Makes one of the LTMS_POLICY presets for one of the LTMS_NETWORK chains.
///
/// Errors: LTMS_VALUE.
/// Threads: one at a time for a policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_policy_preset(
    policy: *mut ltms_policy,
    preset: u8,
    network_number: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let policy = raw::out(policy)?;
        let preset = pick(preset, &[Policy::LOTUS_V1, Policy::CAUTIOUS])?;
        held::put(policy, 0, preset.on(network(network_number)?));
        Ok(())
    })
}

/// Sets a field by its name, of `name_len` bytes: "keys.stranger", "freshness.future" (times are
/// milliseconds), "burns.top_up" (amounts are satoshis), "windows.connection.interval_us",
/// "windows.connection.burst", "enforce.windows" (0 on, 1 observe), "clock" (0 system, 1 chain).
/// The operator's guide lists all.
///
/// Errors: LTMS_UNKNOWN_NAME; LTMS_VALUE for a number that the field cannot have. Whether the
/// whole makes sense says ltms_policy_validate.
/// Threads: one at a time for a policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_policy_set(
    policy: *mut ltms_policy,
    name: *const c_char,
    name_len: usize,
    value: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let policy = held::get_mut(policy)?;
        Ok(policy.set_number(raw::text(name, name_len)?, value)?)
    })
}

/// Reads a field by its name, as ltms_policy_set sets it.
///
/// Errors: LTMS_UNKNOWN_NAME.
/// Threads: any, while nobody sets a field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_policy_get(
    value: *mut u64,
    policy: *const ltms_policy,
    name: *const c_char,
    name_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let value = raw::out(value)?;
        let number = held::get(policy)?.number(raw::text(name, name_len)?);
        value.write(number.ok_or(Status::UnknownName)?);
        Ok(())
    })
}

/// Whether the policy makes sense: LTMS_OK, or LTMS_POLICY_INVALID and the name of the field that
/// does not fit, ended by a zero, in the 64 bytes at `field`, which may be NULL.
///
/// Threads: any, while nobody sets a field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_policy_validate(
    policy: *const ltms_policy,
    field: *mut c_char,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let Err(error) = held::get(policy)?.validate() else { return Ok(()) };
        if !field.is_null() {
            let mut name = [0; 64];
            name.iter_mut().take(63).zip(error.field().bytes()).for_each(|(to, byte)| *to = byte);
            raw::out(field.cast::<[u8; 64]>())?.write(name);
        }
        Err(Status::PolicyInvalid)
    })
}

/// SHA-256 of the policy's one encoding, 32 bytes: the same on every machine, another for every
/// other policy.
///
/// Threads: any, while nobody sets a field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_policy_hash(
    hash: *mut u8,
    policy: *const ltms_policy,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let hash = raw::out(hash.cast::<[u8; 32]>())?;
        hash.write(held::get(policy)?.hash());
        Ok(())
    })
}
