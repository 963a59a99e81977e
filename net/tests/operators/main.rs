//! Real `ltms node` processes, as operators run them, on 127.0.0.1.

mod faults;
mod process;
mod signals;
mod signers;
