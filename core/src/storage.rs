//! The memory of a Gate: lent by the caller, of a fixed size.

use crate::bans::BanRow;
use crate::changes::Changes;
#[cfg(feature = "alloc")]
use crate::changes::changes_len;
use crate::groups::GroupRow;
use crate::identities::IdentityRow;
use crate::keys::{KeyRow, Owner};
use crate::links::{Links, width, width_of};
use crate::outcomes::OutcomeRow;
use crate::peers::PeerRow;
use crate::strangers::Cell;
use crate::table::{Head, Place, Row, Table, TableRef};
use crate::tombstones::Tombstone;
use crate::{Capacity, PublicKey};

/// The tables, to read.
pub struct TablesRef<'a> {
    pub(crate) peers: TableRef<'a, PeerRow>,
    pub(crate) identities: TableRef<'a, IdentityRow>,
    pub(crate) tombstones: TableRef<'a, Tombstone>,
    pub(crate) keys: TableRef<'a, KeyRow>,
    pub(crate) bans: TableRef<'a, BanRow>,
    pub(crate) groups: TableRef<'a, GroupRow>,
    pub(crate) outcomes: TableRef<'a, OutcomeRow>,
    pub(crate) cells: &'a [Cell],
}

/// The tables, to change.
pub struct Tables<'a> {
    pub(crate) peers: Table<'a, PeerRow>,
    pub(crate) identities: Table<'a, IdentityRow>,
    pub(crate) tombstones: Table<'a, Tombstone>,
    pub(crate) keys: Table<'a, KeyRow>,
    pub(crate) bans: Table<'a, BanRow>,
    pub(crate) groups: Table<'a, GroupRow>,
    pub(crate) outcomes: Table<'a, OutcomeRow>,
    pub(crate) cells: &'a mut [Cell],
}

impl Tables<'_> {
    /// Takes out everything where it is: to assign empty tables would build them on the stack
    /// first. For tables that a [`crate::Gate`] is made with again.
    pub fn clear(&mut self) {
        self.clear_rows();
        self.cells.fill(Cell::FULL);
    }

    pub(crate) fn clear_rows(&mut self) {
        self.peers.clear();
        self.identities.clear();
        self.tombstones.clear();
        self.keys.clear();
        self.bans.clear();
        self.groups.clear();
        self.outcomes.clear();
    }

    /// How many rows each table has.
    pub(crate) fn capacity(&self) -> Capacity {
        let rows = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Capacity {
            peers: rows(self.peers.view().capacity()),
            identities: rows(self.identities.view().capacity()),
            tombstones: rows(self.tombstones.view().capacity()),
            keys: rows(self.keys.view().capacity()),
            bans: rows(self.bans.view().capacity()),
            groups: rows(self.groups.view().capacity()),
            cells: rows(self.cells.len()),
            outcomes: rows(self.outcomes.view().capacity()),
        }
    }
}

/// Memory for a [`crate::Gate`]: [`Inline`], [`Lent`], `Heap` (with feature `alloc`), or a `&mut` of
/// these, so that a static or boxed block is lent and never moved over the stack.
pub trait Storage {
    /// The tables, to read.
    fn tables(&self) -> TablesRef<'_>;
    /// The tables, to change.
    fn tables_mut(&mut self) -> Tables<'_>;
}

impl<S: Storage + ?Sized> Storage for &mut S {
    fn tables(&self) -> TablesRef<'_> {
        (**self).tables()
    }
    fn tables_mut(&mut self) -> Tables<'_> {
        (**self).tables_mut()
    }
}

#[cfg(feature = "alloc")]
impl<S: Storage + ?Sized> Storage for alloc::boxed::Box<S> {
    fn tables(&self) -> TablesRef<'_> {
        (**self).tables()
    }
    fn tables_mut(&mut self) -> Tables<'_> {
        (**self).tables_mut()
    }
}

impl TablesRef<'_> {
    /// Whose a key is.
    pub(crate) fn owner(&self, key: Place) -> Owner {
        let owner = self.keys.link(key, KeyRow::OWNER);
        self.keys.get(key).map_or(Owner::Nobody, |row| row.owner(owner))
    }

    /// The current key of an identity.
    pub(crate) fn current_key(&self, identity: Place) -> PublicKey {
        let key = self.keys.get(self.identities.link(identity, IdentityRow::KEY));
        key.map_or(PublicKey::from_bytes([0; 33]), |row| row.key)
    }

    /// The key that an identity's last rotation replaced, until that was found to be final.
    pub(crate) fn previous_key(&self, identity: Place) -> Option<PublicKey> {
        let key = self.identities.link(identity, IdentityRow::PREVIOUS);
        self.keys.get(key).map(|row| row.key)
    }
}

impl Tables<'_> {
    /// All to read. Inlined, so that only what is asked for is put together.
    #[inline]
    pub(crate) fn view(&self) -> TablesRef<'_> {
        TablesRef {
            peers: self.peers.view(),
            identities: self.identities.view(),
            tombstones: self.tombstones.view(),
            keys: self.keys.view(),
            bans: self.bans.view(),
            groups: self.groups.view(),
            outcomes: self.outcomes.view(),
            cells: self.cells,
        }
    }
}

/// Links as bytes, whatever holds them.
trait Bytes {
    fn bytes(&self) -> &[u8];
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl<const L: usize, const N: usize> Bytes for [[u8; L]; N] {
    fn bytes(&self) -> &[u8] {
        self.as_flattened()
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.as_flattened_mut()
    }
}

#[cfg(feature = "alloc")]
impl Bytes for alloc::boxed::Box<[u8]> {
    fn bytes(&self) -> &[u8] {
        self
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl Bytes for &mut [u8] {
    fn bytes(&self) -> &[u8] {
        self
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// One table's memory, whatever holds its slices.
struct Block<B, L, S, C> {
    head: Head,
    buckets: B,
    links: L,
    rows: S,
    /// See [`Changes`].
    changes: C,
}

impl<B: Bytes, L: Bytes, S, C: Bytes> Block<B, L, S, C> {
    fn view<R: Row>(&self) -> TableRef<'_, R>
    where
        S: AsRef<[R]>,
    {
        let rows = self.rows.as_ref();
        let width = width(rows.len());
        let links = width_of(self.links.bytes().len(), rows.len(), R::LINKS);
        TableRef {
            head: &self.head,
            buckets: Links::new(self.buckets.bytes(), width, 1),
            links: Links::new(self.links.bytes(), links, R::LINKS),
            rows,
        }
    }

    fn table<R: Row>(&mut self) -> Table<'_, R>
    where
        S: AsMut<[R]>,
    {
        let rows = self.rows.as_mut();
        let width = width(rows.len());
        let links = width_of(self.links.bytes().len(), rows.len(), R::LINKS);
        Table {
            head: &mut self.head,
            buckets: Links::new(self.buckets.bytes_mut(), width, 1),
            links: Links::new(self.links.bytes_mut(), links, R::LINKS),
            changes: Changes(self.changes.bytes_mut()),
            rows,
        }
    }
}

/// The memory of `N` rows, with `L` links each, of one byte. Changes are not noted.
type Array<R, const L: usize, const N: usize> =
    Block<[[u8; 1]; N], [[u8; L]; N], [R; N], [[u8; 0]; 0]>;

impl<R: Row, const L: usize, const N: usize> Array<R, L, N> {
    const EMPTY: Self = {
        assert!(N <= 255, "an Inline table has at most 255 rows, so that a link fits one byte");
        assert!(L == R::LINKS);
        let (buckets, links) = ([[0; 1]; N], [[0; L]; N]);
        Self { head: Head::EMPTY, buckets, links, rows: [const { R::VACANT }; N], changes: [] }
    };
}

/// Tables of at most 255 rows, whose sizes are known when the program is built. All zeros when empty, so that a
/// `static` one takes no room in the image.
pub struct Inline<
    const PEERS: usize,
    const IDENTITIES: usize,
    const TOMBSTONES: usize,
    const KEYS: usize,
    const BANS: usize,
    const GROUPS: usize,
    const CELLS: usize,
    const OUTCOMES: usize,
> {
    peers: Array<PeerRow, { PeerRow::LINKS }, PEERS>,
    identities: Array<IdentityRow, { IdentityRow::LINKS }, IDENTITIES>,
    tombstones: Array<Tombstone, { Tombstone::LINKS }, TOMBSTONES>,
    keys: Array<KeyRow, { KeyRow::LINKS }, KEYS>,
    bans: Array<BanRow, { BanRow::LINKS }, BANS>,
    groups: Array<GroupRow, { GroupRow::LINKS }, GROUPS>,
    outcomes: Array<OutcomeRow, { OutcomeRow::LINKS }, OUTCOMES>,
    cells: [Cell; CELLS],
}

impl<
    const P: usize,
    const I: usize,
    const T: usize,
    const K: usize,
    const B: usize,
    const G: usize,
    const C: usize,
    const O: usize,
> Inline<P, I, T, K, B, G, C, O>
{
    /// Empty tables.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            peers: Array::EMPTY,
            identities: Array::EMPTY,
            tombstones: Array::EMPTY,
            keys: Array::EMPTY,
            bans: Array::EMPTY,
            groups: Array::EMPTY,
            outcomes: Array::EMPTY,
            cells: [Cell::FULL; C],
        }
    }
}

impl<
    const P: usize,
    const I: usize,
    const T: usize,
    const K: usize,
    const B: usize,
    const G: usize,
    const C: usize,
    const O: usize,
> Default for Inline<P, I, T, K, B, G, C, O>
{
    fn default() -> Self {
        Self::new()
    }
}

/// The memory of a device (policy §11): [`Capacity::TINY`].
pub type Tiny = Inline<16, 32, 8, 48, 32, 8, 32, 4>;

/// Memory that is given out in pieces, for [`Lent`].
pub trait Memory<'a> {
    /// `count` times `vacant`, or `None` when there is not that much left. What has to be aligned
    /// most is asked for first: in memory that is aligned to 8 bytes, nothing is lost between two
    /// pieces.
    fn slice<T: Clone>(&mut self, vacant: &T, count: usize) -> Option<&'a mut [T]>;
}

/// Tables in memory that somebody else owns, of sizes chosen when the program runs.
pub struct Lent<'a> {
    peers: Slices<'a, PeerRow>,
    identities: Slices<'a, IdentityRow>,
    tombstones: Slices<'a, Tombstone>,
    keys: Slices<'a, KeyRow>,
    bans: Slices<'a, BanRow>,
    groups: Slices<'a, GroupRow>,
    outcomes: Slices<'a, OutcomeRow>,
    cells: &'a mut [Cell],
}

type Slices<'a, R> = Block<&'a mut [u8], &'a mut [u8], &'a mut [R], [[u8; 0]; 0]>;

impl<'a> Lent<'a> {
    /// Empty tables of these sizes, or `None` if there is less memory than [`Capacity::bytes`].
    pub fn new(capacity: Capacity, memory: &mut impl Memory<'a>) -> Option<Self> {
        fn rows<'a, R: Row>(rows: u32, memory: &mut impl Memory<'a>) -> Option<&'a mut [R]> {
            memory.slice(&R::VACANT, usize::try_from(rows).ok()?)
        }
        fn slices<'a, R: Row>(
            rows: &'a mut [R],
            all: &Capacity,
            memory: &mut impl Memory<'a>,
        ) -> Option<Slices<'a, R>> {
            let buckets = width(rows.len()).checked_mul(rows.len())?;
            let links = all.link_width::<R>(rows.len());
            let links = links.checked_mul(rows.len())?.checked_mul(R::LINKS)?;
            Some(Block {
                head: Head::EMPTY,
                buckets: memory.slice(&0, buckets)?,
                links: memory.slice(&0, links)?,
                rows,
                changes: [],
            })
        }
        const {
            assert!(align_of::<OutcomeRow>() <= 8);
            assert!(align_of::<GroupRow>() <= 2 && align_of::<PeerRow>() <= 2);
            assert!(align_of::<IdentityRow>() <= 2);
            assert!(align_of::<Tombstone>() == 1 && align_of::<KeyRow>() == 1);
            assert!(align_of::<BanRow>() == 1 && align_of::<Cell>() == 1);
        }
        let outcomes = rows(capacity.outcomes, memory)?;
        let groups = rows(capacity.groups, memory)?;
        let peers = rows(capacity.peers, memory)?;
        let identities = rows(capacity.identities, memory)?;
        let tombstones = rows(capacity.tombstones, memory)?;
        let keys = rows(capacity.keys, memory)?;
        let bans = rows(capacity.bans, memory)?;
        Some(Self {
            peers: slices(peers, &capacity, memory)?,
            identities: slices(identities, &capacity, memory)?,
            tombstones: slices(tombstones, &capacity, memory)?,
            keys: slices(keys, &capacity, memory)?,
            bans: slices(bans, &capacity, memory)?,
            groups: slices(groups, &capacity, memory)?,
            outcomes: slices(outcomes, &capacity, memory)?,
            cells: memory.slice(&Cell::FULL, usize::try_from(capacity.cells).ok()?)?,
        })
    }
}

/// Tables on the heap, of sizes chosen when the program runs.
#[cfg(feature = "alloc")]
pub struct Heap {
    peers: Boxed<PeerRow>,
    identities: Boxed<IdentityRow>,
    tombstones: Boxed<Tombstone>,
    keys: Boxed<KeyRow>,
    bans: Boxed<BanRow>,
    groups: Boxed<GroupRow>,
    outcomes: Boxed<OutcomeRow>,
    cells: alloc::boxed::Box<[Cell]>,
}

#[cfg(feature = "alloc")]
type BoxedBytes = alloc::boxed::Box<[u8]>;
#[cfg(feature = "alloc")]
type Boxed<R> = Block<BoxedBytes, BoxedBytes, alloc::boxed::Box<[R]>, BoxedBytes>;

#[cfg(feature = "alloc")]
impl Heap {
    /// Empty tables of these sizes; the only allocation there will ever be.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self::with(capacity, false)
    }

    /// The same, which also notes which rows change, for [`crate::Gate::take_rows`]: a bit for each
    /// row on top of [`Capacity::bytes`].
    #[must_use]
    pub fn noting_changes(capacity: Capacity) -> Self {
        Self::with(capacity, true)
    }

    fn with(capacity: Capacity, noting: bool) -> Self {
        fn boxed<R: Row>(all: &Capacity, rows: u32, noting: bool) -> Boxed<R> {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            let links = all.link_width::<R>(rows).saturating_mul(R::LINKS);
            let buckets = width(rows).saturating_mul(rows);
            Block {
                head: Head::EMPTY,
                buckets: alloc::vec![0; buckets].into_boxed_slice(),
                links: alloc::vec![0; links.saturating_mul(rows)].into_boxed_slice(),
                rows: alloc::vec![R::VACANT; rows].into_boxed_slice(),
                changes: alloc::vec![0; if noting { changes_len(rows) } else { 0 }].into(),
            }
        }
        let cells = usize::try_from(capacity.cells).unwrap_or(usize::MAX);
        Self {
            peers: boxed(&capacity, capacity.peers, noting),
            identities: boxed(&capacity, capacity.identities, noting),
            tombstones: boxed(&capacity, capacity.tombstones, noting),
            keys: boxed(&capacity, capacity.keys, noting),
            bans: boxed(&capacity, capacity.bans, noting),
            groups: boxed(&capacity, capacity.groups, noting),
            outcomes: boxed(&capacity, capacity.outcomes, noting),
            cells: alloc::vec![Cell::FULL; cells].into_boxed_slice(),
        }
    }
}

macro_rules! storage {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> Storage for $type {
            #[inline]
            fn tables(&self) -> TablesRef<'_> {
                TablesRef {
                    peers: self.peers.view(),
                    identities: self.identities.view(),
                    tombstones: self.tombstones.view(),
                    keys: self.keys.view(),
                    bans: self.bans.view(),
                    groups: self.groups.view(),
                    outcomes: self.outcomes.view(),
                    cells: &self.cells[..],
                }
            }
            fn tables_mut(&mut self) -> Tables<'_> {
                Tables {
                    peers: self.peers.table(),
                    identities: self.identities.table(),
                    tombstones: self.tombstones.table(),
                    keys: self.keys.table(),
                    bans: self.bans.table(),
                    groups: self.groups.table(),
                    outcomes: self.outcomes.table(),
                    cells: &mut self.cells[..],
                }
            }
        }
    };
}

storage!(['a] Lent<'a>);
#[cfg(feature = "alloc")]
storage!([] Heap);
storage!(
    [const P: usize, const I: usize, const T: usize, const K: usize, const B: usize, const G: usize, const C: usize, const O: usize]
    Inline<P, I, T, K, B, G, C, O>
);
