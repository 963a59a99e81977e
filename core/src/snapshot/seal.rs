//! A snapshot under a seal, for a device whose host keeps the file.

use hmac::Mac;

use super::{Restored, SnapshotError};
use crate::hash::hmac;
use crate::storage::Storage;
use crate::wire::BufferTooSmall;
use crate::{Gate, Timestamp};

const MAGIC: [u8; 8] = *b"LTMSSEAL";
const FRONT_LEN: usize = 16;
const TAG_LEN: usize = 32;

/// How many bytes a seal adds to a snapshot: a magic, a counter and an HMAC-SHA-256.
pub const SEAL_LEN: usize = FRONT_LEN + TAG_LEN;

impl<S: Storage> Gate<S> {
    /// Writes a snapshot that only who has `key` can make or change, as long as
    /// [`Gate::snapshot_len`] and [`SEAL_LEN`] together. It is not encrypted.
    ///
    /// `counter` is to grow with every snapshot, and what it was last to be kept where the host
    /// cannot set it back: otherwise the host brings back a state from before somebody was banned.
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn write_snapshot_sealed(
        &self,
        key: &[u8; 32],
        counter: u64,
        out: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        let len = self.snapshot_len().checked_add(SEAL_LEN).ok_or(BufferTooSmall)?;
        let out = out.get_mut(..len).ok_or(BufferTooSmall)?;
        let (sealed, tag) = out.split_last_chunk_mut::<TAG_LEN>().ok_or(BufferTooSmall)?;
        let (front, snapshot) =
            sealed.split_first_chunk_mut::<FRONT_LEN>().ok_or(BufferTooSmall)?;
        let bytes = MAGIC.into_iter().chain(counter.to_le_bytes());
        front.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        self.write_snapshot(snapshot)?;
        *tag = hmac(key, &[sealed]).finalize().into_bytes().into();
        Ok(len)
    }

    /// Like [`Gate::restore`], for what [`Gate::write_snapshot_sealed`] wrote with the same key and
    /// a counter of `at_least` or more.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing has changed then.
    pub fn restore_sealed(
        &mut self,
        now: Timestamp,
        key: &[u8; 32],
        at_least: u64,
        bytes: &[u8],
    ) -> Result<Restored, SnapshotError> {
        let (counter, snapshot) = unseal(key, at_least, bytes)?;
        let restored = self.restore(now, snapshot)?;
        Ok(Restored { counter: Some(counter), ..restored })
    }
}

/// The counter and what was sealed.
pub(crate) fn unseal<'a>(
    key: &[u8; 32],
    at_least: u64,
    bytes: &'a [u8],
) -> Result<(u64, &'a [u8]), SnapshotError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(SnapshotError::NotASnapshot);
    }
    let (sealed, tag) = bytes.split_last_chunk::<TAG_LEN>().ok_or(SnapshotError::Length)?;
    let (_, rest) = sealed.split_at_checked(MAGIC.len()).ok_or(SnapshotError::Length)?;
    let (counter, snapshot) = rest.split_first_chunk().ok_or(SnapshotError::Length)?;
    // Takes as long for any tag.
    hmac(key, &[sealed]).verify(tag.into()).map_err(|_| SnapshotError::Seal)?;
    let counter = u64::from_le_bytes(*counter);
    if counter < at_least {
        return Err(SnapshotError::Replayed { counter });
    }
    Ok((counter, snapshot))
}
