//! `libltms`: [`ltms_core`] for C and C++.
//!
//! Every function checks its pointers, converts, calls the core once and converts back: nothing is
//! decided here. `include/ltms.h` is written from this crate; it is the documentation of the
//! interface, and begins with the rules that hold for every function.
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(non_camel_case_types)]
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
// What a caller has to keep is the same for all of them, and stands at the top of the header.
#![allow(clippy::missing_safety_doc)]

#[cfg(feature = "std")]
extern crate alloc;

mod ads;
mod advertisement;
mod announcements;
mod bans;
mod blocks;
mod burn;
mod certificate;
mod chain;
mod claim_tickets;
mod claims;
mod clock;
mod connections;
mod directory;
mod events;
mod gate;
mod guard;
mod held;
mod hello;
mod identities;
mod limits;
mod messages;
mod metrics;
mod operator;
mod policy;
mod raw;
#[cfg(feature = "std")]
mod replay;
mod schnorr;
mod sessions;
mod standing;
mod state;
mod status;
mod types;

pub use ads::*;
pub use advertisement::*;
pub use announcements::*;
pub use bans::*;
pub use blocks::*;
pub use burn::*;
pub use certificate::*;
pub use chain::*;
pub use claim_tickets::*;
pub use claims::*;
pub use clock::*;
pub use connections::*;
pub use directory::*;
pub use events::*;
pub use gate::*;
pub use hello::*;
pub use identities::*;
pub use limits::*;
pub use messages::*;
pub use metrics::*;
pub use operator::*;
pub use policy::*;
#[cfg(feature = "std")]
pub use replay::*;
pub use schnorr::*;
pub use sessions::*;
pub use standing::*;
pub use state::*;
pub use status::*;
pub use types::*;

/// Nothing here panics. What would be one is a defect, and a device has nobody to tell it to.
#[cfg(not(feature = "std"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
