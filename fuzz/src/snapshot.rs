//! Snapshots: whatever the bytes, they are refused by name or give a Gate that is sound.

use ltms_core::{Capacity, Gate, Heap};

use crate::world::{HOUR, POLICY, SEED, START, World};

/// Small, so that most files have more than there is room for.
const TINY: Capacity = Capacity { identities: 3, keys: 8, bans: 8, peers: 3, ..Capacity::SMALL };

/// The bytes as they are, and with a length and a check sum that hold, as whoever forges one would
/// give it.
pub(crate) fn snapshot(bytes: &[u8]) {
    let mended = mend(bytes);
    for capacity in [Capacity::SMALL, TINY] {
        for bytes in [bytes, &mended] {
            let mut gate = gate(capacity);
            let empty = save(&gate);
            match gate.restore(START, bytes) {
                Err(_) => assert_eq!(save(&gate), empty, "a refused file changed something"),
                Ok(_) => lives(gate, capacity),
            }
        }
    }
}

/// What was restored can be worked with, saved and restored.
fn lives(mut gate: Gate<Heap>, capacity: Capacity) {
    for number in 0..4 {
        let _ = gate.connected(START, &World::<Heap>::connection(number));
    }
    while gate.poll_event(START).is_some() {}
    let later = START.saturating_add(HOUR);
    gate.handle_timeout(later);
    let file = save(&gate);
    let restored = self::gate(capacity).restore(later, &file);
    let dropped = restored.map(|restored| restored.dropped);
    assert_eq!(dropped, Ok(Default::default()), "not read back as it was");
}

fn gate(capacity: Capacity) -> Gate<Heap> {
    Gate::new(Heap::new(capacity), POLICY, SEED).expect("a valid policy")
}

fn save(gate: &Gate<Heap>) -> Vec<u8> {
    let mut file = vec![0; gate.snapshot_len()];
    gate.write_snapshot(&mut file).expect("as long as it says");
    file
}

fn mend(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes[..bytes.len().saturating_sub(4)].to_vec();
    let length = u32::try_from(bytes.len() + 4).unwrap_or(u32::MAX);
    if let Some(field) = bytes.get_mut(12..16) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
    let sum = bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    bytes.extend((!sum).to_le_bytes());
    bytes
}
