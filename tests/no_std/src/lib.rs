//! Builds only where ltms-core links neither std nor, without its `alloc` feature, an allocator:
//! std would bring a second panic handler, and `alloc` would ask for a global allocator.
#![no_std]

use ltms_core::{Policy, hash};

/// Whether the admission policy works here: 0, or the number of the first check that failed.
#[unsafe(no_mangle)]
pub extern "C" fn ltms_no_std_check() -> i32 {
    // SHA-256 of "abc", FIPS 180-4 example 1.
    if hash::sha256(&[b"a", b"bc"])[..4] != [0xba, 0x78, 0x16, 0xbf] {
        return 1;
    }
    if Policy::LOTUS_V1.validate().is_err() {
        return 2;
    }
    let mut broken = Policy::LOTUS_V1;
    broken.keys.basic = 0;
    if broken.validate().map_err(|error| error.field()) != Err("keys.basic") {
        return 3;
    }
    #[cfg(feature = "serde")]
    {
        use ltms_core::Millis;
        use serde::{Deserialize, de::value};

        let minute = value::U64Deserializer::<value::Error>::new(60_000);
        if Millis::deserialize(minute) != Ok(Millis::from_mins(1)) {
            return 4;
        }
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// What a program that wants the `alloc` feature must bring; this one has nothing to give.
#[cfg(feature = "alloc")]
mod heap {
    use core::alloc::{GlobalAlloc, Layout};

    struct Empty;

    // SAFETY: a null pointer is the documented answer of an allocator that is out of memory, so
    // nothing is ever given back.
    unsafe impl GlobalAlloc for Empty {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            core::ptr::null_mut()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static HEAP: Empty = Empty;
}
