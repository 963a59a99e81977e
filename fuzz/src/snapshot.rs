//! Snapshots: files that say what a Gate knows.

use ltms_core::*;

use crate::gate::unused;
use crate::world::START;

/// Tables with some room, and small ones; see `gate::setting`.
const SETTINGS: [u8; 2] = [0x10, 0x12];

pub(crate) fn save(gate: &Gate<Heap>) -> Vec<u8> {
    let mut file = vec![0; gate.snapshot_len()];
    assert_eq!(gate.write_snapshot(&mut file), Ok(file.len()));
    file
}

/// Snapshots of what short histories left.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let histories = crate::gate::seeds().into_iter().rev().take(16);
    let saved = |mut history: Vec<u8>| {
        history.truncate(1 + 8 * 60);
        crate::gate::saved(&history)
    };
    histories.map(saved).collect()
}

/// A snapshot that somebody else wrote, who knows the seed: it is refused and changes nothing, or
/// it is a state like any other, that can be saved and brought back.
pub(crate) fn snapshot(bytes: &[u8]) {
    let file = mended(bytes.to_vec());
    for setting in SETTINGS {
        let mut gate = unused(setting);
        if let Err(error) = gate.restore(START, &file) {
            assert!(!error.to_string().is_empty());
            assert!(save(&gate) == save(&unused(setting)), "refused, and something is there");
            continue;
        }
        let again = save(&gate);
        let mut second = unused(setting);
        let restored = second.restore(START, &again).expect("what a Gate wrote");
        assert_eq!(restored.dropped, Dropped::default());
        assert_eq!(second.snapshot_len(), again.len());
        crate::gate::goes_on(setting, &file);
    }
}

/// With the length and the check sum that it should have: damage is found without looking further.
fn mended(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("inputs are short").to_le_bytes();
    if let Some(stated) = bytes.get_mut(12..16) {
        stated.copy_from_slice(&length);
    }
    if let Some((summed, sum)) = bytes.split_last_chunk_mut() {
        *sum = crc32c(summed).to_le_bytes();
    }
    bytes
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0x82F6_3B78 * (crc & 1));
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}
