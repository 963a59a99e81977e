//! The output script of a burn.
//!
//! `OP_RETURN push("LTMS") push(01) push(key) [push(time)] [push(purpose ‖ identity)]`, every
//! push in its shortest direct form, so that one burn has one script (policy §6).

use core::fmt;

use super::Purpose;
use crate::reader::Reader;
use crate::schnorr::{KeyError, VerifyingKey};
use crate::{IdentityId, PublicKey};

/// What marks an output as ours.
const PREFIX: &[u8; 4] = b"LTMS";
/// The only version.
const VERSION: &[u8; 1] = &[1];

const OP_RETURN: u8 = 0x6a;
const OP_PUSHDATA1: u8 = 0x4c;
const OP_PUSHDATA2: u8 = 0x4d;
const OP_PUSHDATA4: u8 = 0x4e;
const OP_16: u8 = 0x60;

/// The bytes of a script.
pub type Script = heapless::Vec<u8, { BurnScript::MAX_LEN }>;

/// What a burn's script says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurnScript {
    /// A key on the curve; which one depends on the purpose.
    pub public_key: PublicKey,
    /// When the burner says it was made, in milliseconds since the Unix epoch. Nothing depends
    /// on it.
    pub timestamp_ms: Option<u64>,
    /// What the burn is for and whose it is; none for a registration, which has no identity yet.
    pub purpose: Option<(Purpose, IdentityId)>,
}

impl BurnScript {
    /// The longest script that the chain takes in an output of this kind (lotusd, `standard.h`).
    pub const MAX_LEN: usize = 223;

    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] for anything but the one form that [`BurnScript::build`] writes.
    pub fn parse(script: &[u8]) -> Result<Self, ScriptError> {
        parse(script).map_err(|kind| ScriptError { kind, older_sdk_reads: older_sdk_reads(script) })
    }

    /// Writes the script. It is read back as the same burn if the key is on the curve.
    #[must_use]
    pub fn build(&self) -> Script {
        let mut script = Script::new();
        // At most 1 + 5 + 2 + 34 + 21 + 34 bytes, far below the capacity.
        let _ = script.push(OP_RETURN);
        let mut push = |data: &[u8]| {
            let len = u8::try_from(data.len()).unwrap_or(0);
            let _ = script.push(len);
            let _ = script.extend_from_slice(data);
        };
        push(PREFIX);
        push(VERSION);
        push(self.public_key.as_bytes());
        if let Some(ms) = self.timestamp_ms {
            push(Decimal::new(ms).as_bytes());
        }
        if let Some((purpose, identity)) = self.purpose {
            let mut data = [purpose.code(); 33];
            let [_, id @ ..] = &mut data;
            *id = *identity.as_bytes();
            push(&data);
        }
        script
    }
}

/// Why a script is no burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScriptErrorKind {
    /// More than [`BurnScript::MAX_LEN`] bytes.
    TooLong,
    /// The first operation is not OP_RETURN, or there is none.
    NotOpReturn,
    /// An operation that does not push bytes, such as OP_1.
    NotAPush,
    /// A push in a longer form than its length needs.
    NonShortestPush,
    /// The script ends within or before a push.
    Truncated,
    /// The prefix is not `LTMS`.
    Prefix,
    /// The version is not the byte 1.
    Version,
    /// The key has not 33 bytes.
    KeyLength,
    /// The key does not begin with 2 or 3.
    KeyPrefix,
    /// No point of the curve has the key's x.
    KeyOffCurve,
    /// A push after the key is neither a time (1 to 20 bytes) nor a purpose (33 bytes).
    PushLength,
    /// The time is not a decimal number without leading zeros.
    Time,
    /// The time is above `u64::MAX`.
    TimeOverflow,
    /// A purpose that this version does not know.
    UnknownPurpose,
    /// Bytes or operations after the last push that may stand there.
    TrailingBytes,
}

impl fmt::Display for ScriptErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the script is longer than 223 bytes",
            Self::NotOpReturn => "the script does not begin with OP_RETURN",
            Self::NotAPush => "an operation pushes no bytes",
            Self::NonShortestPush => "a push is not in its shortest form",
            Self::Truncated => "the script ends too early",
            Self::Prefix => "the prefix is not LTMS",
            Self::Version => "the version is not 1",
            Self::KeyLength => "the key has not 33 bytes",
            Self::KeyPrefix => "the key does not begin with 02 or 03",
            Self::KeyOffCurve => "the key is not on the curve",
            Self::PushLength => "a push has the length of neither a time nor a purpose",
            Self::Time => "the time is not a plain decimal number",
            Self::TimeOverflow => "the time is too large",
            Self::UnknownPurpose => "the purpose is unknown",
            Self::TrailingBytes => "something follows the last push",
        })
    }
}

/// A script that is no burn, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptError {
    kind: ScriptErrorKind,
    older_sdk_reads: bool,
}

impl ScriptError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> ScriptErrorKind {
        self.kind
    }

    /// Whether lotus-sdk would have read prefix, version and a key out of it all the same, so
    /// that somebody may have burned money in this form.
    #[must_use]
    pub const fn older_sdk_reads(&self) -> bool {
        self.older_sdk_reads
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older = if self.older_sdk_reads { " (older software reads it)" } else { "" };
        write!(f, "{}{older}", self.kind)
    }
}

impl core::error::Error for ScriptError {}

fn parse(script: &[u8]) -> Result<BurnScript, ScriptErrorKind> {
    use ScriptErrorKind as Kind;

    if script.len() > BurnScript::MAX_LEN {
        return Err(Kind::TooLong);
    }
    let mut reader = Reader::new(script);
    if reader.array() != Some([OP_RETURN]) {
        return Err(Kind::NotOpReturn);
    }
    if read_push(&mut reader)? != PREFIX {
        return Err(Kind::Prefix);
    }
    if read_push(&mut reader)? != VERSION {
        return Err(Kind::Version);
    }
    let key = read_push(&mut reader)?.try_into().map_err(|_| Kind::KeyLength)?;
    let public_key = PublicKey::from_bytes(key);
    VerifyingKey::parse(&public_key).map_err(|error| match error {
        KeyError::Prefix => Kind::KeyPrefix,
        _ => Kind::KeyOffCurve,
    })?;

    let mut burn = BurnScript { public_key, timestamp_ms: None, purpose: None };
    while !reader.rest().is_empty() {
        // Nothing may follow a purpose, and only a purpose a time.
        if burn.purpose.is_some() {
            return Err(Kind::TrailingBytes);
        }
        match *read_push(&mut reader)? {
            [code, ref identity @ ..] if identity.len() == 32 => {
                let purpose = Purpose::from_code(code).ok_or(Kind::UnknownPurpose)?;
                let identity = identity.try_into().map_err(|_| Kind::PushLength)?;
                burn.purpose = Some((purpose, IdentityId::from_bytes(identity)));
            }
            ref digits if (1..=Decimal::MAX_LEN).contains(&digits.len()) => {
                if burn.timestamp_ms.is_some() {
                    return Err(Kind::TrailingBytes);
                }
                burn.timestamp_ms = Some(parse_decimal(digits)?);
            }
            _ => return Err(Kind::PushLength),
        }
    }
    Ok(burn)
}

/// The bytes of a push in its shortest direct form.
fn read_push<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ScriptErrorKind> {
    use ScriptErrorKind as Kind;

    let [opcode] = reader.array().ok_or(Kind::Truncated)?;
    let (len, least) = match opcode {
        1..OP_PUSHDATA1 => (opcode.into(), 1),
        // Scripts of at most 223 bytes have no push that needs more than one byte of length.
        OP_PUSHDATA1 => (u8::from_le_bytes(read_len(reader)?).into(), OP_PUSHDATA1.into()),
        OP_PUSHDATA2 => (u16::from_le_bytes(read_len(reader)?).into(), 0x100),
        OP_PUSHDATA4 => (u32::from_le_bytes(read_len(reader)?), 0x1_0000),
        _ => return Err(Kind::NotAPush),
    };
    if len < least {
        return Err(Kind::NonShortestPush);
    }
    reader.take(len as usize).ok_or(Kind::Truncated)
}

fn read_len<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], ScriptErrorKind> {
    reader.array().ok_or(ScriptErrorKind::Truncated)
}

/// One to twenty digits, no leading zeros but for zero itself.
fn parse_decimal(digits: &[u8]) -> Result<u64, ScriptErrorKind> {
    if matches!(digits, [b'0', _, ..]) {
        return Err(ScriptErrorKind::Time);
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10).ok_or(ScriptErrorKind::Time)?;
        number
            .checked_mul(10)
            .and_then(|number| number.checked_add(digit.into()))
            .ok_or(ScriptErrorKind::TimeOverflow)
    })
}

/// The canonical decimal form of a number.
struct Decimal {
    digits: [u8; Self::MAX_LEN],
    start: usize,
}

impl Decimal {
    /// Digits of `u64::MAX`.
    const MAX_LEN: usize = 20;

    fn new(mut number: u64) -> Self {
        let mut decimal = Self { digits: [b'0'; Self::MAX_LEN], start: Self::MAX_LEN };
        for digit in decimal.digits.iter_mut().rev() {
            *digit = b'0'.saturating_add((number % 10) as u8);
            decimal.start = decimal.start.saturating_sub(1);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        decimal
    }

    fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }
}

/// Whether lotus-sdk (0.2.0 and before) would have taken a key out of the script: it asks for
/// pushes only, the prefix, the version pushed as a byte, and 33 bytes that begin with 02 or 03 in
/// *whatever* is pushed after that, put together.
fn older_sdk_reads(script: &[u8]) -> bool {
    fn read_chunk<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
        let [opcode] = reader.array()?;
        let len = match opcode {
            1..OP_PUSHDATA1 => opcode.into(),
            OP_PUSHDATA1 => u8::from_le_bytes(reader.array()?).into(),
            OP_PUSHDATA2 => u16::from_le_bytes(reader.array()?).into(),
            OP_PUSHDATA4 => u32::from_le_bytes(reader.array()?),
            // OP_0 and the small numbers are pushes without bytes to it.
            0..=OP_16 => 0,
            _ => return None,
        };
        reader.take(len as usize)
    }

    let mut reader = Reader::new(script);
    if script.len() > BurnScript::MAX_LEN || reader.array() != Some([OP_RETURN]) {
        return false;
    }
    if read_chunk(&mut reader) != Some(PREFIX) || read_chunk(&mut reader) != Some(VERSION) {
        return false;
    }
    let (mut len, mut first) = (0_usize, None);
    while !reader.rest().is_empty() {
        let Some(chunk) = read_chunk(&mut reader) else { return false };
        len = len.saturating_add(chunk.len());
        first = first.or(chunk.first());
    }
    len >= 33 && matches!(first, Some(2 | 3))
}

#[cfg(test)]
mod tests;
