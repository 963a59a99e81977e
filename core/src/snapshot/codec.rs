//! The fields of a record, described once for both directions, so that what is written and what is
//! read cannot differ.

use crate::packed::{Flags, Packed};
use crate::reader::Reader;
use crate::time::Seconds;
use crate::{BlockHash, BlockHeight, IdentityId, PublicKey, Reason, Timestamp};

/// Goes over the fields of a record, in the order of the file.
pub(crate) trait Codec {
    /// Writes these bytes, or reads others in their place.
    fn bytes(&mut self, bytes: &mut [u8]);
    /// What was read is nothing that a Gate writes.
    fn refuse(&mut self) {}
}

/// Something with a fixed place in the file: integers are little-endian, and their width is that
/// of the next whole 8, 16, 32 or 64 bits.
pub(crate) trait Record {
    /// Hands every field to `codec`.
    fn fields(&mut self, codec: &mut dyn Codec);
}

/// The fields of a record in the order of the file; `not` those that are derived from others or end
/// with the process. A field that is missing here does not compile.
macro_rules! record {
    ($type:ty: $($field:ident),+ $(; not $($derived:ident),+)?) => {
        impl $crate::snapshot::Record for $type {
            fn fields(&mut self, codec: &mut dyn $crate::snapshot::Codec) {
                let Self { $($field,)+ $($($derived: _,)+)? } = self;
                $($crate::snapshot::Record::fields($field, codec);)+
            }
        }
    };
}
pub(crate) use record;

/// One of a few values, by its code.
pub(crate) fn one_of<T: Copy>(
    value: &mut T,
    all: &[T],
    code: impl Fn(T) -> u8,
    codec: &mut dyn Codec,
) {
    let mut found = code(*value);
    found.fields(codec);
    match all.iter().find(|one| code(**one) == found) {
        Some(one) => *value = *one,
        None => codec.refuse(),
    }
}

macro_rules! integer {
    ($($type:ty)+) => {$(
        impl Record for $type {
            fn fields(&mut self, codec: &mut dyn Codec) {
                let mut bytes = self.to_le_bytes();
                codec.bytes(&mut bytes);
                *self = Self::from_le_bytes(bytes);
            }
        }
    )+};
}
integer!(u8 u16 u32 u64);

impl<const N: usize> Record for Packed<N> {
    fn fields(&mut self, codec: &mut dyn Codec) {
        if let (true, Ok(mut value)) = (N <= 4, u32::try_from(self.get())) {
            value.fields(codec);
            *self = Self::new(value.into());
        } else {
            let mut value = self.get();
            value.fields(codec);
            *self = Self::new(value);
        }
    }
}

impl Record for Flags {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut bits = self.bits();
        bits.fields(codec);
        *self = Self::of(bits);
    }
}

impl Record for bool {
    fn fields(&mut self, codec: &mut dyn Codec) {
        one_of(self, &[false, true], u8::from, codec);
    }
}

impl<T: Record, const N: usize> Record for [T; N] {
    fn fields(&mut self, codec: &mut dyn Codec) {
        self.iter_mut().for_each(|item| item.fields(codec));
    }
}

/// What stands where there is nothing.
pub(crate) trait Zero {
    const ZERO: Self;
}

impl<T: Record + Zero + Copy> Record for Option<T> {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let (mut there, mut value) = (self.is_some(), self.unwrap_or(T::ZERO));
        there.fields(codec);
        value.fields(codec);
        *self = there.then_some(value);
    }
}

impl Record for Timestamp {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut millis = self.as_millis();
        millis.fields(codec);
        *self = Self::from_millis(millis);
    }
}

impl Record for Seconds {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut time = self.time();
        time.fields(codec);
        *self = Self::of(time);
    }
}

impl Record for BlockHeight {
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut height = self.get();
        height.fields(codec);
        *self = Self::new(height);
    }
}

macro_rules! named_bytes {
    ($($type:ty)+) => {$(
        impl Record for $type {
            fn fields(&mut self, codec: &mut dyn Codec) {
                let mut bytes = *self.as_bytes();
                codec.bytes(&mut bytes);
                *self = Self::from_bytes(bytes);
            }
        }
    )+};
}
named_bytes!(IdentityId PublicKey BlockHash);

impl Record for Reason {
    /// One that is not known here is of a later version, and only explains.
    fn fields(&mut self, codec: &mut dyn Codec) {
        let mut code = self.code();
        code.fields(codec);
        let known = Self::ALL.iter().find(|reason| reason.code() == code);
        *self = known.copied().unwrap_or_default();
    }
}

/// Counts bytes.
#[derive(Default)]
pub(super) struct Count(pub(super) usize);

impl Codec for Count {
    fn bytes(&mut self, bytes: &mut [u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

/// Writes to the front of a buffer that is known to be long enough.
pub(super) struct Put<'a>(pub(super) &'a mut [u8]);

impl Codec for Put<'_> {
    fn bytes(&mut self, bytes: &mut [u8]) {
        if let Some((front, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(bytes.len())
        {
            front.copy_from_slice(bytes);
            self.0 = rest;
        }
    }
}

/// Reads from the front of a record. What an older version did not write is zero.
pub(super) struct Take<'a> {
    pub(super) rest: Reader<'a>,
    pub(super) refused: bool,
}

impl<'a> Take<'a> {
    pub(super) const fn new(record: &'a [u8]) -> Self {
        Self { rest: Reader::new(record), refused: false }
    }
}

impl Codec for Take<'_> {
    fn bytes(&mut self, bytes: &mut [u8]) {
        match self.rest.take(bytes.len()) {
            Some(read) => bytes.copy_from_slice(read),
            None => bytes.fill(0),
        }
    }

    fn refuse(&mut self) {
        self.refused = true;
    }
}
