//! What can be wrong with a message, and with a buffer to write one to.

use core::fmt;

use super::AddressError;
use crate::Reason;

/// Why bytes are not a message, in the order in which they are judged (`docs/wire.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// Longer than [`crate::size::ENVELOPE`].
    Oversize,
    /// A kind that this version does not know, or does not read yet.
    UnknownKind,
    /// A known kind in a place where another is expected.
    WrongKind,
    /// A body field that this version does not know.
    UnknownField,
    /// Not CBOR, or not of the type, size, count or range that is called for.
    Shape,
    /// A required field is missing.
    MissingField,
    /// A delegation without the identity that gave it.
    NoAuthority,
    /// Transaction types that do not ascend strictly.
    TypeOrder,
    /// A range whose minimum is above its maximum.
    AmountRange,
    /// Not the one deterministic encoding of its content.
    NotDeterministic,
    /// An address that nobody could dial, or that names another peer.
    Address(AddressError),
    /// Text too long, or with characters that are not shown.
    Text,
    /// Fewer than two signers or more than [`crate::size::SIGNERS`], not in order, or none that
    /// announces.
    Signers,
}

impl WireError {
    /// The reason to decide by.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Oversize => Reason::Oversize,
            Self::UnknownKind | Self::UnknownField => Reason::Unsupported,
            Self::Address(_) => Reason::Address,
            Self::Text => Reason::Text,
            Self::WrongKind
            | Self::Shape
            | Self::MissingField
            | Self::NoAuthority
            | Self::TypeOrder
            | Self::AmountRange
            | Self::Signers
            | Self::NotDeterministic => Reason::Malformed,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oversize => "envelope is larger than the protocol allows",
            Self::UnknownKind => "unknown kind of message",
            Self::WrongKind => "message of another kind than expected here",
            Self::UnknownField => "unknown body field",
            Self::Shape => "not of the shape that the format calls for",
            Self::MissingField => "a required field is missing",
            Self::NoAuthority => "delegation without an identity",
            Self::TypeOrder => "transaction types do not ascend",
            Self::AmountRange => "least amount is above the largest",
            Self::NotDeterministic => "not the deterministic encoding",
            Self::Address(error) => return error.fmt(f),
            Self::Signers => "not two to fifteen signers in order, of whom one announces",
            Self::Text => "text is too long or has invisible characters",
        })
    }
}

impl core::error::Error for WireError {}

impl From<AddressError> for WireError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<minicbor::decode::Error> for WireError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Shape
    }
}

/// The buffer is too small for what was to be written; its content is unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BufferTooSmall;

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("buffer is too small")
    }
}

impl core::error::Error for BufferTooSmall {}
