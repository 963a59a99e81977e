//! Time, and what a Gate has to tell about somebody else, or later.

use ltms_core::{Event, Posture, Reason, Timestamp};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::raw::{self, Growing};
use crate::status::ltms_status;
use crate::types::{end, ltms_identity, ltms_peer, time};

/// There is nothing to tell.
pub const LTMS_EVENT_NONE: u8 = 0;
/// Disconnect `peer` now and refuse it until `until_ms`; `reason` is what it was for.
pub const LTMS_EVENT_SANCTIONED: u8 = 1;
/// `identity` was banned for proven faults until `until_ms`; `reason` is the last of them.
pub const LTMS_EVENT_IDENTITY_BANNED: u8 = 2;
/// So many outbound peers violate windows that it must be our own doing: nobody is sanctioned for
/// that until `until_ms`.
pub const LTMS_EVENT_BREAKER_OPENED: u8 = 3;
/// Window violations are sanctioned again.
pub const LTMS_EVENT_BREAKER_CLOSED: u8 = 4;
/// The clock stepped forward by more than an hour; nothing is swept for ten minutes.
pub const LTMS_EVENT_CLOCK_STEPPED: u8 = 5;
/// `peer` comes from a banned address group: cut it off from gossip before deduplication, until it
/// proved an identity or `until_ms`, when it will be sanctioned.
pub const LTMS_EVENT_PROVE_IDENTITY: u8 = 6;
/// The address group `group` was banned until `until_ms`, because the ban table was full.
pub const LTMS_EVENT_GROUP_BANNED: u8 = 7;
/// Strangers are treated as `posture` says from now on.
pub const LTMS_EVENT_POSTURE_CHANGED: u8 = 8;
/// A burn of `identity` was accepted.
pub const LTMS_EVENT_REGISTERED: u8 = 9;
/// The row of `identity` made room in a full table; with its burn it can register again.
pub const LTMS_EVENT_DISPLACED: u8 = 10;
/// The burn of `identity` is no longer in the chain; look for it again.
pub const LTMS_EVENT_SUSPENDED: u8 = 11;
/// The burn of `identity` is in the chain again.
pub const LTMS_EVENT_RESUMED: u8 = 12;
/// The current key of `identity` changed.
pub const LTMS_EVENT_ROTATED: u8 = 13;
/// Something that this version of the interface has no number for.
pub const LTMS_EVENT_OTHER: u8 = 255;

/// Strangers are treated as the windows say.
pub const LTMS_POSTURE_NORMAL: u8 = 0;
/// A ban found no room: strangers keep one eighth of their cells until there is room again.
pub const LTMS_POSTURE_LOCKDOWN: u8 = 1;
/// The bans of the past are not known: as a lockdown, for as long as the Gate lives.
pub const LTMS_POSTURE_GUARDED: u8 = 2;

/// An effect on somebody other than the caller. What does not belong to its kind is zero.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_event {
    /// sizeof(ltms_event); set it before ltms_gate_poll_event.
    pub struct_size: u32,
    /// The tag of an address group.
    pub group: u32,
    /// When it ends, or LTMS_NEVER.
    pub until_ms: u64,
    /// One of the LTMS_EVENT numbers. More may come: ignore unknown ones.
    pub kind: u8,
    /// One of the LTMS_REASON numbers.
    pub reason: u8,
    /// One of the LTMS_POSTURE numbers.
    pub posture: u8,
    /// Zeros.
    pub reserved: [u8; 5],
    /// A peer.
    pub peer: ltms_peer,
    /// An identity.
    pub identity: ltms_identity,
}

// SAFETY: integers only, the first of which is the size.
unsafe impl Growing for ltms_event {
    const FIRST: usize = 96;
    const EMPTY: Self = Self {
        struct_size: size_of::<Self>() as u32,
        group: 0,
        until_ms: 0,
        kind: LTMS_EVENT_NONE,
        reason: 0,
        posture: 0,
        reserved: [0; 5],
        peer: ltms_peer { len: 0, bytes: [0; 39] },
        identity: ltms_identity { bytes: [0; 32] },
    };
}

impl From<Event> for ltms_event {
    fn from(event: Event) -> Self {
        let of = |kind: u8| Self { kind, ..Self::EMPTY };
        let about = |kind: u8, id: ltms_core::IdentityId| Self { identity: id.into(), ..of(kind) };
        let timed = |kind: u8, until: Option<Timestamp>, reason: Reason| Self {
            until_ms: end(until),
            reason: reason.code(),
            ..of(kind)
        };
        match event {
            Event::Sanctioned { peer, until, reason } => {
                Self { peer: peer.into(), ..timed(LTMS_EVENT_SANCTIONED, until, reason) }
            }
            Event::IdentityBanned { identity, until, reason } => Self {
                identity: identity.into(),
                ..timed(LTMS_EVENT_IDENTITY_BANNED, Some(until), reason)
            },
            Event::BreakerOpened { until } => {
                timed(LTMS_EVENT_BREAKER_OPENED, Some(until), Reason::Unjudged)
            }
            Event::BreakerClosed => of(LTMS_EVENT_BREAKER_CLOSED),
            Event::ClockStepped => of(LTMS_EVENT_CLOCK_STEPPED),
            Event::ProveIdentity { peer, until } => Self {
                peer: peer.into(),
                ..timed(LTMS_EVENT_PROVE_IDENTITY, Some(until), Reason::Unjudged)
            },
            Event::GroupBanned { group, until } => {
                Self { group, ..timed(LTMS_EVENT_GROUP_BANNED, Some(until), Reason::Unjudged) }
            }
            Event::PostureChanged(posture) => {
                Self { posture: posture.into(), ..of(LTMS_EVENT_POSTURE_CHANGED) }
            }
            Event::Registered(id) => about(LTMS_EVENT_REGISTERED, id),
            Event::Displaced(id) => about(LTMS_EVENT_DISPLACED, id),
            Event::Suspended(id) => about(LTMS_EVENT_SUSPENDED, id),
            Event::Resumed(id) => about(LTMS_EVENT_RESUMED, id),
            Event::Rotated(id) => about(LTMS_EVENT_ROTATED, id),
            _ => of(LTMS_EVENT_OTHER),
        }
    }
}

/// The next thing that the Gate has to tell; LTMS_EVENT_NONE if there is nothing. Ask after every
/// other call until then. To ask late costs only promptness: there is no queue that could overflow.
/// `event->struct_size` has to be set.
///
/// Errors: LTMS_STRUCT_SIZE.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_poll_event(
    gate: *mut ltms_gate,
    event: *mut ltms_event,
    now_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let to = raw::out_sized(event)?;
        let event = with(gate, |gate| Ok(gate.poll_event(time(now_ms))))?;
        to.write(&event.map_or(ltms_event::EMPTY, ltms_event::from));
        Ok(())
    })
}

/// When ltms_gate_handle_timeout wants to be called next, in milliseconds since the Unix epoch, or
/// LTMS_NEVER. It may be earlier after any other call.
///
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_next_deadline(
    gate: *mut ltms_gate,
    deadline_ms: *mut u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let deadline = raw::out(deadline_ms)?;
        deadline.write(end(Some(with(gate, |gate| Ok(gate.poll_timeout()))?)));
        Ok(())
    })
}

/// Applies the sanctions that are due and sweeps out what has ended, if it is time; calling it
/// early does nothing. `*swept` becomes 1 if rows were swept: call it again then.
///
/// Threads: one at a time for a Gate. A sweep passes over all tables.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_handle_timeout(
    gate: *mut ltms_gate,
    swept: *mut u8,
    now_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let swept = raw::out(swept)?;
        swept.write(with(gate, |gate| Ok(gate.handle_timeout(time(now_ms))))?.into());
        Ok(())
    })
}

const _: () = {
    assert!(size_of::<ltms_event>() == 96);
    assert!(core::mem::offset_of!(ltms_event, until_ms) == 8);
    assert!(core::mem::offset_of!(ltms_event, peer) == 24);
    assert!(core::mem::offset_of!(ltms_event, identity) == 64);
    assert!(Posture::Normal as u8 == LTMS_POSTURE_NORMAL);
    assert!(Posture::Lockdown as u8 == LTMS_POSTURE_LOCKDOWN);
    assert!(Posture::Guarded as u8 == LTMS_POSTURE_GUARDED);
};
