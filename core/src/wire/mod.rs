//! Every signed body on the wire (`docs/wire.md`).
//!
//! Bodies are deterministic CBOR with integer keys: one value has one encoding, and anything else
//! is refused. Decoding checks what every node can check alone, without clock or table; nothing is
//! allocated, and what is long stays borrowed from the message.

mod ad;
mod address;
mod authority;
mod burn;
pub(crate) mod cbor;
mod claim;
mod envelope;
mod error;
mod header;
mod hello;
mod session;
mod signed;
mod text;

pub use ad::*;
pub use address::*;
pub use authority::*;
pub use burn::IncludedBurn;
pub use claim::*;
pub use envelope::*;
pub use error::*;
pub use header::*;
pub use hello::*;
pub use session::*;
pub use signed::*;
pub use text::*;
