//! Misbehaviour and reputation: two numbers that never mix.
//!
//! Misbehaviour is what a peer or key did to the protocol and ends in a sanction; reputation is
//! how signing sessions with an identity went and only ranks it.

mod misbehavior;
mod reputation;

pub use misbehavior::{Graylisting, Tally};
pub use reputation::{Failure, Reputation};
