//! Arguments: of the right type or a `TypeError`, of the right form and range or an `InputError`.

use std::str::FromStr;

use ltms_core::{BlockHash, IdentityId, Millis, PeerId, PublicKey, SessionId, Signature};
use ltms_core::{Timestamp, Txid};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString, PyTuple};

use crate::errors::input;
use crate::who::Source;

/// Bytes of one length.
pub(crate) fn fixed<const N: usize>(bytes: &[u8], what: &str) -> PyResult<[u8; N]> {
    let len = bytes.len();
    bytes.try_into().map_err(|_| input(format_args!("{what} is {N} bytes, not {len}")))
}

/// Hexadecimal digits of one length, in the order in which they are displayed.
fn hex<T: FromStr>(text: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let text: String = text.cast::<PyString>()?.extract()?;
    text.parse().map_err(|_| input(format_args!("{what} is 64 hexadecimal digits")))
}

/// A whole number from 0 to `most`.
fn number(value: &Bound<'_, PyAny>, what: &str, most: u64) -> PyResult<u64> {
    if !value.is_instance_of::<PyInt>() {
        let kind = value.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{what} is an int, not {kind}")));
    }
    let outside = || input(format_args!("{what} is a number from 0 to {most}"));
    let number: u64 = value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(value.py()) { outside() } else { error }
    })?;
    if number <= most { Ok(number) } else { Err(outside()) }
}

macro_rules! argument {
    ($(#[$doc:meta])* $name:ident($type:ty): |$value:ident| $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(pub(crate) $type);

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;
            fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                let $value: &Bound<'_, PyAny> = &value;
                $read.map(Self)
            }
        }
    };
}

fn bytes<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    Ok(value.cast::<PyBytes>()?.as_bytes())
}

argument!(Key(PublicKey): |value| {
    fixed(bytes(value)?, "a public key").map(PublicKey::from_bytes)
});
argument!(Sig(Signature): |value| fixed(bytes(value)?, "a signature").map(Signature::from_bytes));
argument!(Hash([u8; 32]): |value| fixed(bytes(value)?, "a hash"));
argument!(TxidText(Txid): |value| hex(value, "a txid"));
argument!(BlockText(BlockHash): |value| hex(value, "a block hash"));
argument!(
    /// As text, or the 32 bytes that it stands for.
    Identity(IdentityId): |value| match value.cast::<PyBytes>() {
        Ok(bytes) => fixed(bytes.as_bytes(), "an identity id").map(IdentityId::from_bytes),
        Err(_) => hex(value, "an identity id"),
    }
);
argument!(
    /// Milliseconds since 1970. The last one stands for "never" in the core.
    Time(Timestamp): |value| {
        let most = Timestamp::NEVER.as_millis() - 1;
        number(value, "a time in milliseconds since 1970", most).map(Timestamp::from_millis)
    }
);
argument!(Span(Millis): |value| {
    number(value, "a span in milliseconds", u64::MAX).map(Millis::new)
});
argument!(
    /// 64 bits, as in scripts.
    Wide(u64): |value| number(value, "a time in milliseconds since 1970", u64::MAX)
);
argument!(Peer(PeerId): |value| PeerId::from_bytes(bytes(value)?).map_err(input));
argument!(Session(SessionId): |value| {
    fixed(bytes(value)?, "a session id").map(SessionId::from_bytes)
});

macro_rules! numbers {
    ($($name:ident($type:ty), $what:literal, $most:expr;)*) => {
        $(argument!($name($type): |value| {
            number(value, $what, $most).map(|number| number as $type)
        });)*
    };
}

numbers! {
    Index(u32), "an output index", u32::MAX.into();
    Input(u32), "an input index", u32::MAX.into();
    Bits(u32), "a compact target", u32::MAX.into();
    Byte(u8), "a hash type", u8::MAX.into();
    Fork(u32), "a fork value", 0xff_ffff;
    Group(u32), "the tag of a group", u32::MAX.into();
    Height(u32), "a block height", i32::MAX as u64;
    Above(u32), "the height of an anchor", u32::MAX.into();
    Position(u32), "a position in a block", u32::MAX.into();
    Size(usize), "a length", u32::MAX.into();
    Counter(u64), "a counter", u64::MAX;
    Sats(u64), "an amount in satoshis", u64::MAX;
    Score(u8), "a score", 100;
    TypeNumber(u8), "a transaction type", 63;
    WireType(u16), "a transaction type", u16::MAX.into();
    Sequence(u64), "the sequence of a rotation", u64::MAX;
}

/// The values of a tuple that has one of these lengths; `what` tells the whole shape.
pub(crate) fn tuple<'a, 'py>(
    value: &'a Bound<'py, PyAny>,
    what: &str,
    lengths: &[usize],
) -> PyResult<&'a Bound<'py, PyTuple>> {
    let Ok(tuple) = value.cast::<PyTuple>() else {
        let kind = value.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{what}; not {kind}")));
    };
    if lengths.contains(&tuple.len()) {
        Ok(tuple)
    } else {
        Err(input(format_args!("{what}; not {} values", tuple.len())))
    }
}

macro_rules! tuples {
    ($($(#[$doc:meta])* $name:ident($($field:ident: $type:ty),*), $what:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;
            fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                let length = [$(stringify!($field)),*].len();
                let mut items = tuple(&value, $what, &[length])?.iter();
                $(
                    // As many as were counted.
                    let item = items.next().ok_or_else(|| input($what))?;
                    let $field = item.extract::<$type>()?;
                )*
                Ok(Self { $($field),* })
            }
        }
    )*};
}

tuples! {
    SignedTuple(key: Key, hash: Hash, signature: Sig),
        "an item is (public_key, message_hash, signature)";
    RangeTuple(least: Sats, most: Sats), "an amount is (least, most), both satoshis";
    AnchorTuple(hash: BlockText, height: Above), "an anchor is (block hash, height)";
    /// Where a burn is.
    BurnTuple(transaction: Py<PyBytes>, vout: Index, block: BlockText, position: Position,
        branch: Vec<Hash>),
        "a burn is (raw transaction, output index, block hash, position, branch)";
    /// An envelope, when it came, and where from.
    AdTuple(now: Time, source: Py<Source>, envelope: Py<PyBytes>),
        "an item is (now_ms, source, envelope)";
    SpentTuple(value: Sats, script: Py<PyBytes>), "what is spent is (satoshis, script)";
}
