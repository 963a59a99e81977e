//! Numbers for how a call went. None is ever reused.

use core::ffi::{CStr, c_char};

use ltms_core::burn::ScriptErrorKind;
use ltms_core::chain::{BranchError, HeaderError, ProofError, TxError, TxOutProofError};
use ltms_core::schnorr::KeyError;
use ltms_core::wire::{AddressError, BufferTooSmall, WireError};
use ltms_core::{CapacityError, FieldError, OutputIndexError, ParseHexError, PeerIdError, Reason};

/// How a call went: a `Status`.
pub type ltms_status = i32;

macro_rules! statuses {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// How a call went. In C they are called `LTMS_` and the name in capitals.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(i32)]
        pub enum Status {
            $(#[doc = $text] $name = $code,)*
        }

        impl Status {
            /// Every status, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number in C.
            #[must_use]
            pub const fn code(self) -> ltms_status {
                self as ltms_status
            }

            /// Its name, in camel case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it means.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            fn of(code: ltms_status) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }

            fn c_name(self) -> *const c_char {
                match self { $(Self::$name => c(concat!(stringify!($name), "\0")),)* }
            }

            fn c_text(self) -> *const c_char {
                match self { $(Self::$name => c(concat!($text, "\0")),)* }
            }
        }
    };
}

const fn c(text: &'static str) -> *const c_char {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text.as_ptr(),
        Err(_) => c"".as_ptr(),
    }
}

statuses! {
    Ok = 0, "done";

    Null = 1, "a pointer that has to lead somewhere is NULL";
    Length = 2, "a length that no memory has, or that is not the one called for";
    Alignment = 3, "a pointer is not aligned for what it points to";
    StructSize = 4, "struct_size is not set, or unknown fields are";
    Value = 5, "a number or flag is none of those that are called for";
    Empty = 6, "there is no value there: never made, or already used";
    Busy = 7, "another thread is in a call with this Gate";
    OtherGate = 8, "a ticket of another Gate";
    BufferTooSmall = 9, "the buffer or memory is too small";
    OutOfMemory = 10, "there is no memory left";
    Panic = 11, "the library failed; the Gate can no longer be used";
    UnknownName = 12, "there is nothing of that name";
    Text = 13, "text is not UTF-8";
    Hex = 14, "not so many hexadecimal digits";
    PeerId = 15, "not a peer id";
    OutputIndex = 16, "an output index above 255 has no identity";
    PolicyInvalid = 17, "the policy makes no sense; ltms_policy_validate names the field";
    Unlisted = 18, "an error that has no number in this version";

    KeyPrefix = 20, "a compressed public key begins with 02 or 03";
    KeyOffCurve = 21, "the public key is not on the curve";
    KeyOutOfRange = 22, "the secret key is zero or not below the group order";
    KeyOther = 23, "the secret key is not that of the author";

    ScriptTooLong = 40, "the script is longer than 223 bytes";
    ScriptNotOpReturn = 41, "the script does not begin with OP_RETURN";
    ScriptNotAPush = 42, "an operation of the script pushes no bytes";
    ScriptNonShortestPush = 43, "a push is not in its shortest form";
    ScriptTruncated = 44, "the script ends too early";
    ScriptPrefix = 45, "the script's prefix is not LTMS";
    ScriptVersion = 46, "the script's version is not 1";
    ScriptKeyLength = 47, "the script's key has not 33 bytes";
    ScriptKeyPrefix = 48, "the script's key does not begin with 02 or 03";
    ScriptKeyOffCurve = 49, "the script's key is not on the curve";
    ScriptPushLength = 50, "a push has the length of neither a time nor a purpose";
    ScriptTime = 51, "the script's time is not a plain decimal number";
    ScriptTimeOverflow = 52, "the script's time is too large";
    ScriptUnknownPurpose = 53, "the script's purpose is unknown";
    ScriptTrailingBytes = 54, "something follows the script's last push";

    TxTruncated = 60, "the transaction ends too early";
    TxNonCanonicalSize = 61, "a count or length in the transaction is not in its shortest form";
    TxSizeTooLarge = 62, "a count or length in the transaction is too large";
    TxValueOutOfRange = 63, "an output is not an amount of money";
    TxSumOutOfRange = 64, "the outputs together are more money than exists";
    TxTrailingBytes = 65, "bytes follow the transaction";

    SighashNoInput = 66, "the transaction has no input of this index";
    SighashSpentOutputs = 67, "there is not one spent output for every input";
    SighashNoOutput = 68, "there is no output that goes with the input";

    HeaderLength = 70, "a block header is 160 bytes";
    HeaderReserved = 71, "the header's reserved field is not zero";
    HeaderVersion = 72, "the header's version is not 1";
    HeaderBlockSize = 73, "the header's block is too large";
    HeaderHeight = 74, "the header's height is negative";
    TargetNegative = 75, "the target is negative";
    TargetZero = 76, "no hash is below the target";
    TargetOverflow = 77, "the target has more than 256 bits";

    BranchTooDeep = 80, "the branch is deeper than 32 levels";
    BranchIndex = 81, "no leaf of a tree of this depth has this index";
    BranchMissingLeft = 82, "a left node of the branch is missing";

    ProofTruncated = 90, "the proof ends too early";
    ProofForm = 91, "unknown form of proof";
    ProofLinks = 92, "the proof does not end with whole links";
    ProofTxSize = 93, "no block has a transaction of this size";
    ProofCoinbase = 94, "the transaction is a coinbase";
    ProofOtherTransaction = 95, "the proof is of another transaction";
    ProofNoOutput = 96, "the transaction has no such output";
    ProofRoot = 97, "the transaction is not in the block";
    ProofHeight = 98, "the heights of block and anchor do not fit the links";
    ProofAnchor = 99, "the links do not lead to the anchor";
    ProofWork = 100, "a block lacks work";

    TxOutProofTruncated = 110, "the proof ends too early";
    TxOutProofCount = 111, "a count is too large or not in its shortest form";
    TxOutProofTrailingBytes = 112, "bytes follow the proof";
    TxOutProofLeaves = 113, "no block has this number of leaves";
    TxOutProofTooFewHashes = 114, "the tree lacks hashes";
    TxOutProofUnusedHashes = 115, "the tree has no place for some hashes";
    TxOutProofTooFewFlags = 116, "the tree lacks flags";
    TxOutProofUnusedFlags = 117, "the tree has no node for some flags";
    TxOutProofFlaggedTxhash = 118, "a txhash is flagged instead of a txid";
    TxOutProofEqualSiblings = 119, "two neighbours in the tree are equal";
    TxOutProofRoot = 120, "the tree is not that of the header";
    TxOutProofRepeated = 121, "the transaction is flagged twice";
    TxOutProofOtherTransaction = 122, "the proof is not of this transaction";

    WireOversize = 130, "the envelope is larger than the protocol allows";
    WireUnknownKind = 131, "unknown kind of message";
    WireWrongKind = 132, "a message of another kind than is called for";
    WireUnknownField = 133, "unknown field of a body";
    WireShape = 134, "not of the shape that the format calls for";
    WireMissingField = 135, "a required field is missing";
    WireNoAuthority = 136, "a delegation without an identity";
    WireTypeOrder = 137, "transaction types do not ascend";
    WireAmountRange = 138, "the least amount is above the largest";
    WireNotDeterministic = 139, "not the deterministic encoding";
    WireText = 140, "a text is too long or has invisible characters";
    WireSigners = 141, "not two to fifteen signers in order, of whom one announces";
    AddressTooLong = 145, "an address is too long";
    AddressForm = 146, "an address is not of a known form";
    AddressOtherPeer = 147, "an address names another peer";
    AddressUnreachable = 148, "an address is not globally reachable";

    CapacityPeers = 160, "every row of the peer table belongs to a connected peer";
    CapacityBans = 161, "the operator's quarter of the ban table is full";
    CapacityUnknown = 162, "no such identity or key is known";

    SnapshotNotEmpty = 170, "the Gate is not empty";
    SnapshotNotASnapshot = 171, "not a snapshot of this kind";
    SnapshotTooNew = 172, "a snapshot that this version cannot read";
    SnapshotLength = 173, "not as long as the snapshot says";
    SnapshotDamaged = 174, "the snapshot is damaged";
    SnapshotOtherNetwork = 175, "a snapshot of another network";
    SnapshotOtherSeed = 176, "a snapshot made under another seed";
    SnapshotUnknownSection = 177, "a section of the snapshot is not known and may not be skipped";
    SnapshotSection = 178, "a section of the snapshot is missing or misshapen";
    SnapshotRecord = 179, "a record of the snapshot is none that a Gate writes";
    SnapshotNoRoom = 180, "no room for what may not be dropped";
    SnapshotSeal = 181, "the seal does not hold";
    SnapshotReplayed = 182, "an older snapshot was given";

    RecordHeader = 190, "not the header of a recording";
    RecordFormat = 191, "a recording in a format that this version does not read";
    RecordPolicyHash = 192, "the recording's policy is not the one that its hash names";
    RecordCapacity = 193, "a table of the recording has more than 2^20 rows";
    RecordUnreadable = 194, "not a record of this version";
    RecordTicket = 195, "no call before this one handed out its ticket";
}

/// `from!(Error: Variant => Status, …)`; the core may have more variants in later versions.
macro_rules! from {
    ($($error:ident: $($variant:ident => $status:ident),*;)*) => {$(
        impl From<$error> for Status {
            fn from(error: $error) -> Self {
                match error {
                    $($error::$variant => Self::$status,)*
                    #[allow(unreachable_patterns)]
                    _ => Self::Unlisted,
                }
            }
        }
    )*};
}

from! {
    KeyError: Prefix => KeyPrefix, OffCurve => KeyOffCurve, OutOfRange => KeyOutOfRange;
    FieldError: Unknown => UnknownName, OutOfRange => Value;
    ScriptErrorKind: TooLong => ScriptTooLong, NotOpReturn => ScriptNotOpReturn,
        NotAPush => ScriptNotAPush, NonShortestPush => ScriptNonShortestPush,
        Truncated => ScriptTruncated, Prefix => ScriptPrefix, Version => ScriptVersion,
        KeyLength => ScriptKeyLength, KeyPrefix => ScriptKeyPrefix,
        KeyOffCurve => ScriptKeyOffCurve, PushLength => ScriptPushLength, Time => ScriptTime,
        TimeOverflow => ScriptTimeOverflow, UnknownPurpose => ScriptUnknownPurpose,
        TrailingBytes => ScriptTrailingBytes;
    TxError: Truncated => TxTruncated, NonCanonicalSize => TxNonCanonicalSize,
        SizeTooLarge => TxSizeTooLarge, ValueOutOfRange => TxValueOutOfRange,
        SumOutOfRange => TxSumOutOfRange, TrailingBytes => TxTrailingBytes;
    HeaderError: Length => HeaderLength, Reserved => HeaderReserved, Version => HeaderVersion,
        BlockSize => HeaderBlockSize, Height => HeaderHeight;
    BranchError: TooDeep => BranchTooDeep, Index => BranchIndex, MissingLeft => BranchMissingLeft;
    CapacityError: Peers => CapacityPeers, Bans => CapacityBans, Unknown => CapacityUnknown;
    AddressError: TooLong => AddressTooLong, Form => AddressForm, OtherPeer => AddressOtherPeer,
        Unreachable => AddressUnreachable;
}

impl From<ProofError> for Status {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Truncated => Self::ProofTruncated,
            ProofError::Form => Self::ProofForm,
            ProofError::Branch(error) => error.into(),
            ProofError::Header(error) => error.into(),
            ProofError::Tx(error) => error.into(),
            ProofError::Links => Self::ProofLinks,
            ProofError::TxSize => Self::ProofTxSize,
            ProofError::Coinbase => Self::ProofCoinbase,
            ProofError::OtherTransaction => Self::ProofOtherTransaction,
            ProofError::NoOutput => Self::ProofNoOutput,
            ProofError::Root => Self::ProofRoot,
            ProofError::Height => Self::ProofHeight,
            ProofError::Anchor => Self::ProofAnchor,
            ProofError::Work => Self::ProofWork,
            _ => Self::Unlisted,
        }
    }
}

impl From<TxOutProofError> for Status {
    fn from(error: TxOutProofError) -> Self {
        match error {
            TxOutProofError::Truncated => Self::TxOutProofTruncated,
            TxOutProofError::Header(error) => error.into(),
            TxOutProofError::Count => Self::TxOutProofCount,
            TxOutProofError::TrailingBytes => Self::TxOutProofTrailingBytes,
            TxOutProofError::Leaves => Self::TxOutProofLeaves,
            TxOutProofError::TooFewHashes => Self::TxOutProofTooFewHashes,
            TxOutProofError::UnusedHashes => Self::TxOutProofUnusedHashes,
            TxOutProofError::TooFewFlags => Self::TxOutProofTooFewFlags,
            TxOutProofError::UnusedFlags => Self::TxOutProofUnusedFlags,
            TxOutProofError::FlaggedTxhash => Self::TxOutProofFlaggedTxhash,
            TxOutProofError::EqualSiblings => Self::TxOutProofEqualSiblings,
            TxOutProofError::Root => Self::TxOutProofRoot,
            TxOutProofError::Repeated => Self::TxOutProofRepeated,
            TxOutProofError::OtherTransaction => Self::TxOutProofOtherTransaction,
            _ => Self::Unlisted,
        }
    }
}

impl From<WireError> for Status {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Oversize => Self::WireOversize,
            WireError::UnknownKind => Self::WireUnknownKind,
            WireError::WrongKind => Self::WireWrongKind,
            WireError::UnknownField => Self::WireUnknownField,
            WireError::Shape => Self::WireShape,
            WireError::MissingField => Self::WireMissingField,
            WireError::NoAuthority => Self::WireNoAuthority,
            WireError::TypeOrder => Self::WireTypeOrder,
            WireError::AmountRange => Self::WireAmountRange,
            WireError::NotDeterministic => Self::WireNotDeterministic,
            WireError::Address(error) => error.into(),
            WireError::Text => Self::WireText,
            WireError::Signers => Self::WireSigners,
            _ => Self::Unlisted,
        }
    }
}

macro_rules! from_only {
    ($($error:ty => $status:ident;)*) => {$(
        impl From<$error> for Status {
            fn from(_: $error) -> Self {
                Self::$status
            }
        }
    )*};
}

from_only! {
    BufferTooSmall => BufferTooSmall;
    ParseHexError => Hex;
    PeerIdError => PeerId;
    OutputIndexError => OutputIndex;
    core::ffi::FromBytesWithNulError => Text;
}

/// The name of a status, as in `LTMS_SCRIPT_TRUNCATED` without the prefix and in camel case:
/// "ScriptTruncated". Text of the library's, ended by a zero, never NULL; "" for a number that is
/// no status.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn ltms_status_name(status: ltms_status) -> *const c_char {
    Status::of(status).map_or(c"".as_ptr(), Status::c_name)
}

/// What a status means, in a few words of English. Text of the library's, ended by a zero, never
/// NULL; "" for a number that is no status.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn ltms_status_text(status: ltms_status) -> *const c_char {
    Status::of(status).map_or(c"".as_ptr(), Status::c_text)
}

/// The stable name of a reason, as in logs and metrics: "too-soon". Text of the library's, ended by
/// a zero, never NULL; "" for a number that is no reason.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn ltms_strreason(reason: u8) -> *const c_char {
    self::reason(reason).map_or(c"", Reason::as_c_str).as_ptr()
}

/// The library's version, such as "0.1.0": text of the library's, ended by a zero. Compare it with
/// LTMS_VERSION to find that a program runs with another library than it was built with.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn ltms_version() -> *const c_char {
    c(concat!(env!("CARGO_PKG_VERSION"), "\0"))
}

/// The reason with this number.
pub(crate) fn reason(code: u8) -> core::result::Result<Reason, Status> {
    Reason::ALL.iter().copied().find(|reason| reason.code() == code).ok_or(Status::Value)
}
