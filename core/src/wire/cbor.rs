//! Deterministic CBOR: decode with minicbor, which is lenient, then encode again and compare.

use minicbor::encode::write::Cursor;
use minicbor::encode::{Error, Write};
use minicbor::{Decoder, Encoder};

use super::{BufferTooSmall, WireError};
use crate::{PeerId, Timestamp};

/// What writing to `W` gives.
pub(crate) type Written<W> = Result<(), Error<<W as Write>::Error>>;

/// A value with exactly one encoding.
pub(crate) trait Encoding {
    /// Writes the encoding.
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W>;

    /// Writes the encoding to the start of `out` and returns its length.
    fn encode_to(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut encoder = Encoder::new(Cursor::new(out));
        self.write(&mut encoder).map_err(|_| BufferTooSmall)?;
        Ok(encoder.writer().position())
    }

    /// Whether `bytes` are the encoding.
    fn check(&self, bytes: &[u8]) -> Result<(), WireError> {
        let mut encoder = Encoder::new(Compare { rest: bytes });
        self.write(&mut encoder).map_err(|_| WireError::NotDeterministic)?;
        let Compare { rest } = encoder.into_writer();
        if rest.is_empty() { Ok(()) } else { Err(WireError::NotDeterministic) }
    }
}

/// A writer that takes only what already stands there.
struct Compare<'a> {
    rest: &'a [u8],
}

/// Other bytes stand there.
struct Differs;

impl Write for Compare<'_> {
    type Error = Differs;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Differs> {
        self.rest = self.rest.strip_prefix(bytes).ok_or(Differs)?;
        Ok(())
    }
}

/// Hands the fields of a body to `field` in the order in which they stand.
pub(super) fn fields<'b>(
    body: &'b [u8],
    mut field: impl FnMut(u64, &mut Decoder<'b>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut decoder = Decoder::new(body);
    let count = decoder.map()?.ok_or(WireError::Shape)?;
    for _ in 0..count {
        let key = decoder.u64()?;
        field(key, &mut decoder)?;
    }
    Ok(())
}

/// The head of an array of definite length.
pub(super) fn array(decoder: &mut Decoder<'_>) -> Result<u64, WireError> {
    decoder.array()?.ok_or(WireError::Shape)
}

/// The head of an array of exactly `len` items.
pub(super) fn array_of(decoder: &mut Decoder<'_>, len: u64) -> Result<(), WireError> {
    if array(decoder)? == len { Ok(()) } else { Err(WireError::Shape) }
}

/// A byte string of exactly `N` bytes.
pub(super) fn bytes<const N: usize>(decoder: &mut Decoder<'_>) -> Result<[u8; N], WireError> {
    decoder.bytes()?.try_into().map_err(|_| WireError::Shape)
}

/// A time before [`Timestamp::NEVER`].
pub(super) fn time(decoder: &mut Decoder<'_>) -> Result<Timestamp, WireError> {
    let ms = decoder.u64()?;
    if ms < Timestamp::NEVER.as_millis() {
        Ok(Timestamp::from_millis(ms))
    } else {
        Err(WireError::Shape)
    }
}

/// A peer id of one of the known forms.
pub(super) fn peer_id(decoder: &mut Decoder<'_>) -> Result<PeerId, WireError> {
    PeerId::from_bytes(decoder.bytes()?).map_err(|_| WireError::Shape)
}
