//! Where a Gate's memory is: allocated once, and little of it on the stack.

mod calls;
#[path = "../../benches/common/counting.rs"]
mod counting;
#[expect(dead_code, reason = "every program uses a part")]
#[path = "../../benches/common/made.rs"]
mod made;
mod stack;

use std::sync::Mutex;

use calls::Inputs;
use ltms_core::*;
use made::{POLICY, START, connection};

/// Small enough for every rule of full tables to be met.
const TINY: Capacity = Capacity {
    peers: 12,
    identities: 4,
    tombstones: 2,
    keys: 16,
    bans: 24,
    groups: 4,
    cells: 8,
    outcomes: 2,
};
type Tiny = Inline<12, 4, 2, 16, 24, 4, 8, 2>;

const SEED: Seed = Seed::new([5; 16]);

fn allocate_nothing<S: Storage>(storage: S) {
    let mut gate = Gate::new(storage, POLICY, SEED).unwrap();
    let mut count = 0;
    calls::all(&mut gate, &Inputs::new(), &mut |name, call| {
        let before = counting::calls();
        call();
        assert_eq!(counting::calls(), before, "{name} allocates");
        count += 1;
    });
    assert!(count > 30);
}

#[test]
fn no_call_of_a_gate_allocates() {
    static BLOCK: Mutex<Tiny> = Mutex::new(Tiny::new());
    allocate_nothing(&mut *BLOCK.lock().unwrap());
    allocate_nothing(Heap::new(TINY));
}

#[test]
fn a_snapshot_is_written_and_restored_without_allocating() {
    let gate = |capacity| Gate::new(Heap::new(capacity), POLICY, SEED).unwrap();
    let mut first = gate(TINY);
    for number in 0..8 {
        let connection = connection(number, number as u32);
        first.connected(START, &connection).unwrap();
        let source = Source::direct(connection.peer);
        (0..50).for_each(|_| _ = first.malformed(START, &source, Reason::Malformed, b"x"));
    }
    let key = [1; 32];
    let mut file = vec![0; first.snapshot_len() + SEAL_LEN];
    let (mut same, mut smaller) = (gate(TINY), gate(Capacity { bans: 4, peers: 4, ..TINY }));
    let before = counting::calls();
    first.write_snapshot_sealed(&key, 1, &mut file).unwrap();
    let whole = same.restore_sealed(START, &key, 1, &file).unwrap();
    let part = smaller.restore_sealed(START, &key, 1, &file).unwrap();
    file[100] ^= 1;
    assert_eq!(same.restore_sealed(START, &key, 1, &file), Err(SnapshotError::Seal));
    assert_eq!(counting::calls(), before);
    assert_eq!((whole.bans, part.bans), (8, 3));
}

#[test]
fn a_device_s_whole_gate_fits_16_kib() {
    let whole = size_of::<Gate<ltms_core::Tiny>>();
    println!("Gate<Tiny>: {whole} bytes");
    assert!(whole <= 16 << 10);
    let certified = POLICY.certificate(Capacity::TINY);
    assert!(whole as u64 >= certified.tables + certified.gate);
}

#[test]
fn tables_on_the_heap_take_what_their_certificate_says_to_the_byte() {
    for capacity in [Capacity::NODE, Capacity::SMALL, Capacity::TINY, TINY] {
        let before = counting::bytes();
        let heap = Heap::new(capacity);
        let certificate = POLICY.certificate(capacity);
        assert_eq!(counting::bytes() - before, certificate.tables, "{capacity:?}");
        drop(heap);
        assert_eq!(counting::bytes(), before);
    }
}

#[test]
fn what_allocates_is_noticed() {
    let before = counting::calls();
    drop(std::hint::black_box(vec![1]));
    assert_eq!(counting::calls(), before + 1);
}
