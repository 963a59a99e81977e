//! The board and its emulator: start and end, output by semihosting, a count of instructions, and
//! how deep the stack went. All that is unsafe is here.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

unsafe extern "C" {
    static mut __data_start: u32;
    static mut __data_end: u32;
    static __data_from: u32;
    static mut __bss_start: u32;
    static mut __bss_end: u32;
    static __stack_top: u32;
}

/// What the processor reads first: where the stack begins, and what to run on reset and on each of
/// the fourteen exceptions after it.
#[repr(C)]
struct Vectors {
    stack: *const u32,
    reset: unsafe extern "C" fn() -> !,
    faults: [extern "C" fn() -> !; 14],
}

// SAFETY: never written.
unsafe impl Sync for Vectors {}

#[used]
#[unsafe(link_section = ".vectors")]
static VECTORS: Vectors = Vectors { stack: &raw const __stack_top, reset, faults: [fault; 14] };

/// # Safety
/// For the processor to call, once.
#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    // SAFETY: the symbols are link.ld's, and nothing else runs yet.
    unsafe {
        let (start, end) = (&raw mut __data_start, &raw mut __data_end);
        ptr::copy_nonoverlapping(&raw const __data_from, start, end.offset_from(start) as usize);
        let (start, end) = (&raw mut __bss_start, &raw mut __bss_end);
        ptr::write_bytes(start, 0, end.offset_from(start) as usize);
    }
    crate::main();
    exit(0)
}

extern "C" fn fault() -> ! {
    print("fault");
    exit(2)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    print("panic");
    exit(3)
}

/// Asks whoever holds the board's debugger for something.
fn semihost(operation: usize, argument: *const u8) {
    // SAFETY: each of the operations below reads its argument and writes nothing but r0.
    unsafe { asm!("bkpt 0xab", inlateout("r0") operation => _, in("r1") argument) };
}

/// Ends the program, and the emulator with this code.
pub fn exit(code: u32) -> ! {
    // SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit.
    let block = [0x20026, code];
    loop {
        semihost(0x20, block.as_ptr().cast());
    }
}

/// Writes a text.
pub fn print(text: &str) {
    // SYS_WRITEC.
    text.as_bytes().iter().for_each(|byte| semihost(0x03, byte));
}

/// Memory that lives as long as the program and is lent once.
pub struct Static<T>(UnsafeCell<T>, AtomicBool);

// SAFETY: `lend` gives it away only once.
unsafe impl<T> Sync for Static<T> {}

impl<T> Static<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value), AtomicBool::new(false))
    }

    #[allow(clippy::mut_from_ref)]
    pub fn lend(&'static self) -> &'static mut T {
        if self.1.swap(true, Ordering::Relaxed) {
            print("lent twice");
            exit(4);
        }
        // SAFETY: nobody else has it.
        unsafe { &mut *self.0.get() }
    }
}

/// What a call took.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Bytes of the stack, from where it was called.
    pub stack: u32,
    /// Instructions, as far as the timer's steps tell.
    pub instructions: u32,
}

const TIMER: *mut u32 = 0xe000_e010 as *mut u32;
const LONGEST: u32 = 0x00ff_ffff;
const PAINT: u32 = 0xa5a5_a5a5;

/// Starts the timer that counts processor cycles down. Emulated with `-icount shift=0`, an
/// instruction takes a nanosecond, and a step of this timer as many of them as [`step`] finds.
pub fn start_timer() {
    // SAFETY: SysTick's registers: reload value, current value, control.
    unsafe {
        TIMER.add(1).write_volatile(LONGEST);
        TIMER.add(2).write_volatile(0);
        TIMER.write_volatile(0b101);
    }
}

fn timer() -> u32 {
    // SAFETY: SysTick's current value.
    unsafe { TIMER.add(2).read_volatile() }
}

/// Instructions of one step of the timer, by a loop of known length.
pub fn step() -> u32 {
    const TURNS: u32 = 1_000_000;
    let before = timer();
    // SAFETY: two instructions a turn; changes nothing but its register and the flags.
    unsafe { asm!("1: subs {0}, #1", "bne 1b", inout(reg) TURNS => _) };
    let steps = before.wrapping_sub(timer()) & LONGEST;
    (2 * TURNS + steps / 2) / steps
}

/// What `call` takes, in a stack that was painted before.
#[inline(never)]
pub fn measure(step: u32, call: &mut dyn FnMut()) -> Cost {
    let end = (&raw mut __bss_end).cast_const();
    let top: *const u32;
    // SAFETY: what lies below the stack pointer belongs to nobody, since there are no interrupts.
    unsafe {
        asm!(
            "mov {top}, sp",
            "1: cmp {at}, {top}",
            "it lo",
            "strlo {paint}, [{at}], #4",
            "blo 1b",
            at = inout(reg) end => _,
            top = out(reg) top,
            paint = in(reg) PAINT,
        );
    }
    let before = timer();
    call();
    let steps = before.wrapping_sub(timer()) & LONGEST;
    let mut at = end;
    // SAFETY: all of this is RAM. A word that happens to be left as painted is not the last one.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    Cost { stack: (top as u32).wrapping_sub(at as u32), instructions: steps.saturating_mul(step) }
}
