//! Writing a snapshot.

use core::borrow::Borrow;

use super::codec::{Codec, Count, Put, Record};
use super::crc::crc32c;
use super::{Contest, MAGIC, SUM_LEN, SectionHead, Stored, header};
use crate::bans::BanRow;
use crate::gate::Node;
use crate::groups::GroupRow;
use crate::hash::Seed;
use crate::identities::IdentityRow;
use crate::keys::KeyRow;
use crate::outcomes::OutcomeRow;
use crate::peers::{PeerRow, domain};
use crate::storage::Storage;
use crate::strangers::Cell;
use crate::tombstones::Tombstone;
use crate::wire::BufferTooSmall;
use crate::{Gate, Timestamp};

/// What the seed makes of the magic.
pub(super) fn seed_check(seed: &Seed) -> u64 {
    seed.hash(domain::SNAPSHOT, &MAGIC)
}

impl<S: Storage> Gate<S> {
    /// How many bytes [`Gate::write_snapshot`] needs at present.
    #[must_use]
    pub fn snapshot_len(&self) -> usize {
        let mut count = Count(SUM_LEN);
        header(self.rules.policy.network, 0, 0).fields(&mut count);
        self.sections(&mut count);
        count.0
    }

    /// Writes everything that has to outlive a restart to the start of `out`, and returns how many
    /// bytes that are: identities, keys, bans, what is counted against peers, and the chain's end.
    /// Connections, sessions and counters end with the process.
    ///
    /// The snapshot can only be read with the same seed, which is not in it.
    ///
    /// ```
    /// use ltms_core::{Gate, Heap, Capacity, PeerId, Policy, Reason, Seed, Subject, Timestamp};
    ///
    /// let gate = || Gate::new(Heap::new(Capacity::SMALL), Policy::LOTUS_V1, Seed::new([7; 16]));
    /// let now = Timestamp::from_millis(1_795_400_000_000);
    /// let peer = Subject::Peer(PeerId::from_bytes(&[&[0x12, 0x20][..], &[5; 32]].concat())?);
    /// let mut before = gate()?;
    /// before.ban(now, &peer, None, Reason::Malformed)?;
    ///
    /// let mut file = vec![0; before.snapshot_len()];
    /// before.write_snapshot(&mut file)?;
    ///
    /// let mut after = gate()?;
    /// assert_eq!(after.restore(now, &file)?.bans, 1);
    /// assert_eq!(after.standing(now, &peer).decision.reason, Reason::Blacklisted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BufferTooSmall`] if `out` is shorter than [`Gate::snapshot_len`].
    pub fn write_snapshot(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let len = self.snapshot_len();
        let out = out.get_mut(..len).ok_or(BufferTooSmall)?;
        let length = u32::try_from(len).map_err(|_| BufferTooSmall)?;
        let mut put = Put(&mut *out);
        header(self.policy().network, seed_check(&self.rules.seed), length).fields(&mut put);
        self.sections(&mut put);
        let (summed, end) = out.split_last_chunk_mut::<SUM_LEN>().ok_or(BufferTooSmall)?;
        *end = crc32c(summed.iter().copied()).to_le_bytes();
        Ok(len)
    }

    /// All sections, in the order of their numbers.
    fn sections(&self, codec: &mut dyn Codec) {
        let (tables, node) = (self.storage.tables(), &self.node);
        let cells = u32::try_from(tables.cells.len()).unwrap_or(u32::MAX);
        section::<PeerRow, _, _>(codec, || tables.peers.iter());
        section::<Node, _, _>(codec, || core::iter::once((cells, node)));
        section::<OutcomeRow, _, _>(codec, || tables.outcomes.iter());
        section::<IdentityRow, _, _>(codec, || tables.identities.iter());
        section::<Cell, _, _>(codec, || {
            (0..).zip(tables.cells).filter(|(_, cell)| **cell != Cell::FULL)
        });
        section::<KeyRow, _, _>(codec, || {
            let keys = tables.keys.iter();
            keys.map(|(place, row)| (tables.keys.link(place, KeyRow::OWNER), row))
        });
        section::<BanRow, _, _>(codec, || tables.bans.iter());
        section::<GroupRow, _, _>(codec, || {
            tables.groups.iter().filter(|(_, row)| row.until != Timestamp::EPOCH)
        });
        section::<Contest, _, _>(codec, || {
            let identities = tables.identities.iter().map(|(place, _)| place);
            identities
                .filter_map(|place| Some((place, Contest { key: tables.previous_key(place)? })))
        });
        section::<Tombstone, _, _>(codec, || tables.tombstones.iter());
    }
}

/// A section of these rows, with their numbers.
fn section<R: Stored, B: Borrow<R>, I: Iterator<Item = (u32, B)>>(
    codec: &mut dyn Codec,
    rows: impl Fn() -> I,
) {
    let count = u32::try_from(rows().count()).unwrap_or(u32::MAX);
    let size = u16::try_from(size::<R>()).unwrap_or(u16::MAX);
    SectionHead { section: R::SECTION, size, count }.fields(codec);
    for (mut number, row) in rows() {
        if R::NUMBERED {
            number.fields(codec);
        }
        row.borrow().clone().fields(codec);
    }
}

/// Bytes of a record.
pub(super) fn size<R: Stored>() -> usize {
    let mut count = Count::default();
    if R::NUMBERED {
        0u32.fields(&mut count);
    }
    let mut blank = R::BLANK;
    blank.fields(&mut count);
    count.0
}
