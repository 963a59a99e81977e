//! What a policy and its tables bound, and what it costs to be in their way.

use ltms_core::{Certificate, Exhaustion, GroupCount, Price, Rate};

use crate::gate::ltms_capacity;
use crate::guard::run;
use crate::held;
use crate::policy::ltms_policy;
use crate::raw::{self, Growing};
use crate::status::ltms_status;

/// What can be used in a second without end, and at once after a quiet time.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_rate {
    /// In each second without end, rounded up.
    pub per_second: u64,
    /// At once.
    pub burst: u64,
}

/// Address groups that an attacker has to have.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_group_count {
    /// IPv4 /24 or IPv6 /56.
    pub narrow: u64,
    /// IPv4 /16 or IPv6 /32 that these have to lie in, at least.
    pub wide: u64,
}

/// A burn, and what it means beside the coins that miners make in a day.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_price {
    /// What is burned, in satoshis.
    pub burn_sats: u64,
    /// Of a day's issuance in November 2025, in 1/1,000,000; UINT64_MAX if that has no number.
    pub november_2025: u64,
    /// The same at height 1,292,529.
    pub height_1_292_529: u64,
}

/// The bounds of one policy with tables of one capacity. Bounds of work and memory are never below
/// what can happen, and prices never above what an attack costs.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_certificate {
    /// sizeof(ltms_certificate).
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Bytes of the tables.
    pub tables: u64,
    /// Bytes of the Gate beside its tables.
    pub gate: u64,
    /// Connections at a time.
    pub connections: u64,
    /// Checks of signatures that fail or are pending, of the whole node.
    pub checks: ltms_rate,
    /// Signatures that one check has at most.
    pub signatures_per_check: u64,
    /// Bytes that all connections may bring to be decoded.
    pub bytes: ltms_rate,
    /// Bytes of unfinished frames of all connections.
    pub unfinished: u64,
    /// Unknown block headers asked for.
    pub lookups: ltms_rate,
    /// Address groups that can have all inbound connections.
    pub inbound: ltms_group_count,
    /// Address groups that drain strangers' cells, each advertising as often as it may, for one in
    /// a hundred, half and 99 in a hundred of the honest groups.
    pub cells: [ltms_group_count; 3],
    /// Rows of the key table that strangers may have.
    pub stranger_rows: u64,
    /// Address groups that can keep all of these rows taken.
    pub stranger_groups: ltms_group_count,
    /// How long those need to take them, in milliseconds.
    pub stranger_fill_ms: u64,
    /// The burn that displaces the lowest of an identity table full of Basic, Verified or
    /// Institutional signers.
    pub displace: [ltms_price; 3],
    /// The burn for half of the key table.
    pub half_directory: ltms_price,
    /// The burn for every row that newcomers may have in the identity table.
    pub fill_newcomers: ltms_price,
}

// SAFETY: integers only, the first of which is the size; all zeros is a value of each.
unsafe impl Growing for ltms_certificate {
    const FIRST: usize = 312;
    // SAFETY: as above.
    const EMPTY: Self = unsafe { core::mem::zeroed() };
}

impl From<Rate> for ltms_rate {
    fn from(rate: Rate) -> Self {
        Self { per_second: rate.per_second, burst: rate.burst }
    }
}

impl From<GroupCount> for ltms_group_count {
    fn from(groups: GroupCount) -> Self {
        Self { narrow: groups.narrow, wide: groups.wide }
    }
}

impl From<Exhaustion> for ltms_group_count {
    fn from(exhaustion: Exhaustion) -> Self {
        exhaustion.groups.into()
    }
}

impl From<Price> for ltms_price {
    fn from(price: Price) -> Self {
        Self {
            burn_sats: price.burn.sats(),
            november_2025: price.november_2025.unwrap_or(u64::MAX),
            height_1_292_529: price.height_1_292_529.unwrap_or(u64::MAX),
        }
    }
}

impl From<Certificate> for ltms_certificate {
    fn from(of: Certificate) -> Self {
        Self {
            tables: of.tables,
            gate: of.gate,
            connections: of.connections,
            checks: of.checks.into(),
            signatures_per_check: of.signatures_per_check,
            bytes: of.bytes.into(),
            unfinished: of.unfinished,
            lookups: of.lookups.into(),
            inbound: of.inbound.into(),
            cells: of.cells.map(Into::into),
            stranger_rows: of.stranger_rows,
            stranger_groups: of.stranger_groups.into(),
            stranger_fill_ms: of.stranger_fill.get(),
            displace: of.displace.map(Into::into),
            half_directory: of.half_directory.into(),
            fill_newcomers: of.fill_newcomers.into(),
            ..Self::EMPTY
        }
    }
}

/// What a policy bounds with tables of these sizes. `certificate->struct_size` has to be set.
///
/// Errors: LTMS_STRUCT_SIZE, LTMS_EMPTY for a policy that was never made.
/// Threads: any, while nobody sets a field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_policy_certificate(
    certificate: *mut ltms_certificate,
    policy: *const ltms_policy,
    capacity: *const ltms_capacity,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out_sized(certificate)?;
        let capacity = raw::get_sized(capacity)?.into();
        out.write(&held::get(policy)?.certificate(capacity).into());
        Ok(())
    })
}

const _: () = assert!(size_of::<ltms_certificate>() == ltms_certificate::FIRST);
