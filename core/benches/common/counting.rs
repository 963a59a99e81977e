//! The system's allocator, counting: what "allocates nothing" is tested with.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Calls of this thread that asked for memory, until now.
pub(crate) fn calls() -> u64 {
    CALLS.get()
}

/// Bytes that this thread has been given and has not returned.
pub(crate) fn bytes() -> u64 {
    BYTES.get()
}

fn note(layout: &Layout) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get().wrapping_add(layout.size() as u64));
}

// SAFETY: every call is passed on unchanged; the counts need no memory and have no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(&layout);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(&layout);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(&layout);
        BYTES.set(BYTES.get().wrapping_sub(2 * layout.size() as u64).wrapping_add(size as u64));
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get().wrapping_sub(layout.size() as u64));
        unsafe { System.dealloc(pointer, layout) }
    }
}
