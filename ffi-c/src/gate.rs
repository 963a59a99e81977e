//! Gates: their memory, and who is in a call.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use ltms_core::{Capacity, Gate, Lent, Memory, Seed};

use crate::guard::{Result, run};
use crate::held;
use crate::policy::ltms_policy;
use crate::raw::{self, Growing};
use crate::status::{Status, ltms_status};
use crate::types::pick;

/// Tables for a device of 16 KiB.
pub const LTMS_CAPACITY_TINY: u8 = 0;
/// Tables for a small node, or a test: half a megabyte.
pub const LTMS_CAPACITY_SMALL: u8 = 1;
/// Tables for a node: at most 64 MiB.
pub const LTMS_CAPACITY_NODE: u8 = 2;

/// How many rows each table has.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_capacity {
    /// sizeof(ltms_capacity).
    pub struct_size: u32,
    /// Peers that are connected or have something counted against them.
    pub peers: u32,
    /// Identities.
    pub identities: u32,
    /// Identities without a row of which something is remembered.
    pub tombstones: u32,
    /// Author keys, which is also the directory.
    pub keys: u32,
    /// Bans of peers; a quarter of the rows is the operator's.
    pub bans: u32,
    /// Address groups that peers were banned from. A quarter of `bans` is enough.
    pub groups: u32,
    /// Cells of strangers' windows.
    pub cells: u32,
    /// Pairs of signers whose outcomes were counted.
    pub outcomes: u32,
}

// SAFETY: integers only, the first of which is the size.
unsafe impl Growing for ltms_capacity {
    const FIRST: usize = 36;
    const EMPTY: Self = Self {
        struct_size: size_of::<Self>() as u32,
        peers: 0,
        identities: 0,
        tombstones: 0,
        keys: 0,
        bans: 0,
        groups: 0,
        cells: 0,
        outcomes: 0,
    };
}

impl From<Capacity> for ltms_capacity {
    fn from(rows: Capacity) -> Self {
        Self {
            peers: rows.peers,
            identities: rows.identities,
            tombstones: rows.tombstones,
            keys: rows.keys,
            bans: rows.bans,
            groups: rows.groups,
            cells: rows.cells,
            outcomes: rows.outcomes,
            ..Self::EMPTY
        }
    }
}

impl From<ltms_capacity> for Capacity {
    fn from(rows: ltms_capacity) -> Self {
        Self {
            peers: rows.peers,
            identities: rows.identities,
            tombstones: rows.tombstones,
            keys: rows.keys,
            bans: rows.bans,
            groups: rows.groups,
            cells: rows.cells,
            outcomes: rows.outcomes,
        }
    }
}

/// A Gate. Only the functions look inside.
///
/// One thread at a time is in a call with a Gate; another one gets LTMS_BUSY meanwhile. A call
/// takes microseconds, so a mutex around it is enough.
#[repr(C, align(8))]
pub struct ltms_gate {
    state: AtomicU32,
    /// Bytes from the heap, beginning with this; 0 for memory of the caller's.
    heap: usize,
    gate: MaybeUninit<Gate<Lent<'static>>>,
}

/// `state` of a Gate that may be used.
pub(crate) const READY: u32 = u32::from_be_bytes(*b"LTMS");
/// … that a thread is in a call with.
const BUSY: u32 = u32::from_be_bytes(*b"LTMB");
/// … that a call failed in the middle of.
const BROKEN: u32 = u32::from_be_bytes(*b"LTMX");

/// The Gate itself; its tables follow.
const HEAD: usize = size_of::<ltms_gate>();

/// Leaves a Gate, or a table of sessions, when a call ends, however it ends.
pub(crate) struct Guard<'a> {
    state: &'a AtomicU32,
    after: u32,
}

impl Guard<'_> {
    /// The call ends well.
    pub(crate) fn done(mut self) {
        self.after = READY;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.state.store(self.after, Ordering::Release);
    }
}

/// Enters a Gate, if nobody else is in it.
///
/// # Safety
/// If not NULL, there has to be memory as large as a Gate at `gate`.
unsafe fn enter<'a>(gate: *mut ltms_gate) -> Result<Guard<'a>> {
    // SAFETY: the same promise; only the state is touched, which is atomic.
    let state: &AtomicU32 = unsafe {
        raw::get(gate.cast::<MaybeUninit<ltms_gate>>())?;
        &(*gate).state
    };
    occupy(state)
}

/// Marks what this is the state of as in use, if it is not yet.
pub(crate) fn occupy(state: &AtomicU32) -> Result<Guard<'_>> {
    #[cfg(target_has_atomic = "32")]
    let entered = state.compare_exchange(READY, BUSY, Ordering::Acquire, Ordering::Relaxed);
    // One core without such an instruction: only an interrupt could come between.
    #[cfg(not(target_has_atomic = "32"))]
    let entered = match state.load(Ordering::Acquire) {
        READY => {
            state.store(BUSY, Ordering::Relaxed);
            Ok(READY)
        }
        other => Err(other),
    };
    match entered {
        Ok(_) => Ok(Guard { state, after: BROKEN }),
        Err(BUSY) => Err(Status::Busy),
        Err(BROKEN) => Err(Status::Panic),
        Err(_) => Err(Status::Empty),
    }
}

/// Calls `body` with the Gate, if nobody else is in it.
///
/// # Safety
/// As for [`enter`].
pub(crate) unsafe fn with<T>(
    gate: *mut ltms_gate,
    body: impl FnOnce(&mut Gate<Lent<'static>>) -> Result<T>,
) -> Result<T> {
    // SAFETY: the same promise. Whoever entered is alone, and then there is a Gate.
    unsafe {
        let guard = enter(gate)?;
        let done = body((*gate).gate.assume_init_mut());
        guard.done();
        done
    }
}

/// Gives out memory from its beginning on.
struct Arena {
    next: *mut u8,
    left: usize,
}

impl Memory<'static> for Arena {
    fn slice<T: Clone>(&mut self, vacant: &T, count: usize) -> Option<&'static mut [T]> {
        let len = count.checked_mul(size_of::<T>())?;
        self.left = self.left.checked_sub(len)?;
        let first = self.next.cast::<T>();
        if !first.is_aligned() {
            return None;
        }
        // SAFETY: `len` bytes were left, which nobody else was given. "Static" is as long as the
        // caller leaves its memory to the Gate.
        unsafe {
            self.next = self.next.add(len);
            for row in 0..count {
                first.add(row).write(vacant.clone());
            }
            Some(core::slice::from_raw_parts_mut(first, count))
        }
    }
}

fn size(capacity: Capacity) -> Result<usize> {
    let tables = usize::try_from(capacity.bytes()).map_err(|_| Status::Length)?;
    let all = tables.checked_add(HEAD).ok_or(Status::Length)?;
    isize::try_from(all).map_err(|_| Status::Length)?;
    Ok(all)
}

/// Makes a Gate at the beginning of memory that is large enough, aligned and unused.
unsafe fn init(
    memory: *mut u8,
    heap: usize,
    capacity: Capacity,
    policy: *const ltms_policy,
    seed: *const u8,
) -> Result<*mut ltms_gate> {
    // SAFETY: the promise of both callers.
    unsafe {
        let policy = *held::get(policy)?;
        let seed = Seed::new(*raw::array(seed)?);
        policy.validate().map_err(|_| Status::PolicyInvalid)?;
        let mut arena = Arena { next: memory.add(HEAD), left: size(capacity)? - HEAD };
        let tables = Lent::new(capacity, &mut arena).ok_or(Status::BufferTooSmall)?;
        let made = Gate::new(tables, policy, seed).map_err(|_| Status::PolicyInvalid)?;
        let gate = memory.cast::<ltms_gate>();
        gate.write(ltms_gate { state: AtomicU32::new(READY), heap, gate: MaybeUninit::new(made) });
        Ok(gate)
    }
}

/// One of the LTMS_CAPACITY presets. `capacity->struct_size` has to be set.
///
/// Errors: LTMS_VALUE, LTMS_STRUCT_SIZE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_capacity_preset(
    capacity: *mut ltms_capacity,
    preset: u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let capacity = raw::out_sized(capacity)?;
        let preset = pick(preset, &[Capacity::TINY, Capacity::SMALL, Capacity::NODE])?;
        capacity.write(&preset.into());
        Ok(())
    })
}

/// Bytes that a Gate with tables of these sizes needs, itself included. Its memory has to be
/// aligned to 8 bytes.
///
/// Errors: LTMS_STRUCT_SIZE; LTMS_LENGTH if that is more than there can be.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_size(
    bytes: *mut usize,
    capacity: *const ltms_capacity,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let bytes = raw::out(bytes)?;
        bytes.write(size(raw::get_sized(capacity)?.into())?);
        Ok(())
    })
}

/// Makes a Gate in memory of the caller's: `memory_len` bytes at `memory`, aligned to 8 and as many
/// as ltms_gate_size says. Nothing is allocated, then or later. The memory is the Gate's until
/// ltms_gate_free, and may not be moved or copied.
///
/// `seed` is 16 bytes from the system's randomness, kept secret, and the same after a restart:
/// whoever knows it can choose ids that collide, and a snapshot can be read under no other.
///
/// Errors: LTMS_ALIGNMENT, LTMS_BUFFER_TOO_SMALL, LTMS_POLICY_INVALID, LTMS_EMPTY for a policy that
/// was never made, LTMS_STRUCT_SIZE.
/// Threads: one at a time for a memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_init(
    gate: *mut *mut ltms_gate,
    memory: *mut c_void,
    memory_len: usize,
    capacity: *const ltms_capacity,
    policy: *const ltms_policy,
    seed: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let gate = raw::out(gate)?;
        raw::out(memory.cast::<ltms_gate>())?;
        let capacity = raw::get_sized(capacity)?.into();
        if memory_len < size(capacity)? {
            return Err(Status::BufferTooSmall);
        }
        gate.write(init(memory.cast(), 0, capacity, policy, seed)?);
        Ok(())
    })
}

/// Makes a Gate on the heap: one allocation, and none later. `seed` is as for ltms_gate_init. The
/// library for devices has no such function.
///
/// Errors: LTMS_OUT_OF_MEMORY, LTMS_POLICY_INVALID, LTMS_EMPTY for a policy that was never made,
/// LTMS_STRUCT_SIZE.
/// Ownership: the caller's, until ltms_gate_free.
/// Threads: any.
#[cfg(feature = "std")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_new(
    gate: *mut *mut ltms_gate,
    capacity: *const ltms_capacity,
    policy: *const ltms_policy,
    seed: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let gate = raw::out(gate)?;
        let capacity = raw::get_sized(capacity)?.into();
        let len = size(capacity)?;
        let layout = layout(len)?;
        let memory = alloc::alloc::alloc(layout);
        if memory.is_null() {
            return Err(Status::OutOfMemory);
        }
        match init(memory, len, capacity, policy, seed) {
            Ok(made) => gate.write(made),
            Err(status) => {
                alloc::alloc::dealloc(memory, layout);
                return Err(status);
            }
        };
        Ok(())
    })
}

#[cfg(feature = "std")]
fn layout(len: usize) -> Result<alloc::alloc::Layout> {
    let layout = alloc::alloc::Layout::from_size_align(len, align_of::<ltms_gate>());
    layout.map_err(|_| Status::Length)
}

/// Ends a Gate: wipes what is secret in it, gives back memory of the heap's, and sets `*gate` to
/// NULL. A `*gate` that is NULL already is fine. A Gate that failed (LTMS_PANIC) can be freed, too.
///
/// Errors: LTMS_BUSY if another thread is in a call with it; nothing happens then.
/// Threads: one at a time for a Gate, and none afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_free(gate: *mut *mut ltms_gate) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let slot = raw::out(gate)?.assume_init_mut();
        let at = *slot;
        if at.is_null() {
            return Ok(());
        }
        match enter(at) {
            Ok(guard) => core::mem::forget(guard),
            Err(Status::Panic) => {}
            Err(status) => return Err(status),
        }
        let heap = (*at).heap;
        // Volatile, so that it is not left out because nobody reads it again.
        for byte in 0..HEAD {
            ptr::write_volatile(at.cast::<u8>().add(byte), 0);
        }
        #[cfg(feature = "std")]
        if heap != 0 {
            alloc::alloc::dealloc(at.cast(), layout(heap)?);
        }
        #[cfg(not(feature = "std"))]
        let _ = heap;
        *slot = ptr::null_mut();
        Ok(())
    })
}

const _: () = assert!(align_of::<ltms_gate>() == 8);
