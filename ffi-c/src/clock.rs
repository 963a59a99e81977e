//! Time for devices without a clock.

use ltms_core::{BlockHeight, ChainClock, Millis};

use crate::guard::run;
use crate::held::{self, Holder};
use crate::raw;
use crate::status::ltms_status;
use crate::types::time;

/// The time of a device without a clock, in memory of the caller's: the newest trusted header's
/// time plus what a counter has run since. For a policy whose "clock" is 1.
///
/// Trust only headers that are linked to a block which the device's owner set, never just what a
/// peer brought.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_chain_clock {
    /// For the library only.
    pub words: [u64; 6],
}

// SAFETY: nothing but words; `FITS` says that they are enough.
unsafe impl Holder for ltms_chain_clock {
    type Value = ChainClock;
    const TAG: u64 = u64::from_be_bytes(*b"ltmsclk1");
}

/// A clock that has seen no header. Make a new one after a restart.
///
/// Threads: one at a time for a clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_chain_clock_init(clock: *mut ltms_chain_clock) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        held::put(raw::out(clock)?, 0, ChainClock::new());
        Ok(())
    })
}

/// A trusted header's height and time, met when the device's counter stood at `ticks_ms`, which
/// begins at any value and only runs. `*newest` becomes 1 if it is the newest so far; others change
/// nothing and give 0.
///
/// Errors: LTMS_EMPTY for a clock that was never made.
/// Threads: one at a time for a clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_chain_clock_trust(
    clock: *mut ltms_chain_clock,
    newest: *mut u8,
    height: u32,
    time_ms: u64,
    ticks_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let newest = raw::out(newest)?;
        let clock = held::get_mut(clock)?;
        let (height, ticks) = (BlockHeight::new(height), Millis::new(ticks_ms));
        newest.write(clock.trust(height, time(time_ms), ticks).into());
        Ok(())
    })
}

/// After a restart: it is no earlier than `saved_at_ms` of the snapshot that ltms_gate_restore
/// brought back, whatever the newest header says.
///
/// Errors: LTMS_EMPTY for a clock that was never made.
/// Threads: one at a time for a clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_chain_clock_resume(
    clock: *mut ltms_chain_clock,
    saved_at_ms: u64,
    ticks_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        held::get_mut(clock)?.resume(time(saved_at_ms), Millis::new(ticks_ms));
        Ok(())
    })
}

/// The time, in milliseconds since 1970, when the counter stands at `ticks_ms`: the now_ms of the
/// other functions. Before the first header, 1970 and what the counter has run: every message lies
/// in the future then.
///
/// Errors: LTMS_EMPTY for a clock that was never made.
/// Threads: any, while nobody changes the clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_chain_clock_now(
    now_ms: *mut u64,
    clock: *const ltms_chain_clock,
    ticks_ms: u64,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let now = raw::out(now_ms)?;
        now.write(held::get(clock)?.now(Millis::new(ticks_ms)).as_millis());
        Ok(())
    })
}
