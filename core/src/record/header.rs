//! The first record: what the Gate was made of.

use super::field::{self, Field};
use crate::Capacity;
use crate::Policy;
use crate::hash::Seed;

/// The first item of every recording.
pub(super) const NAME: &str = "ltms recording";
/// The version of the format.
pub(super) const FORMAT: u8 = 1;
/// What it is made of: name, format, version of this crate, policy, its hash, seed, capacity.
pub(super) const ITEMS: u64 = 7;

pub(super) fn write(policy: &Policy, seed: &Seed, capacity: &Capacity, out: &mut dyn FnMut(&[u8])) {
    field::write(out, |to| {
        to.array(ITEMS)?.str(NAME)?.u8(FORMAT)?.str(env!("CARGO_PKG_VERSION"))?;
        to.bytes_len(field::len(|to| policy.put(to)))?.ok()
    });
    field::write(out, |to| policy.put(to));
    field::write(out, |to| {
        policy.hash().put(to)?;
        seed.as_bytes().put(to)?;
        capacity.put(to)
    });
}
