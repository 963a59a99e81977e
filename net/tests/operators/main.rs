//! Real `ltms node` processes, as operators run them, on 127.0.0.1.

mod faults;
mod memory;
mod process;
#[allow(dead_code, reason = "not every test needs every helper")]
#[path = "../common/raw.rs"]
mod raw;
mod signals;
mod signers;
