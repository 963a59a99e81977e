//! Snapshots as files: damaged, hostile, of other versions, under a seal, and as released.

use ltms_core::*;

use crate::snapshot::{eventful, save};
use crate::world::*;

/// A Gate that records nothing.
fn gate() -> Gate<Heap> {
    Gate::new(Heap::new(Capacity::SMALL), POLICY, SEED).unwrap()
}

const HEAD: usize = 32;
const KEY: [u8; 32] = [9; 32];

/// A file taken apart.
#[derive(Clone)]
struct File {
    head: Vec<u8>,
    /// Number, bytes of a record, all records.
    sections: Vec<(u16, u16, Vec<u8>)>,
}

impl File {
    fn of(bytes: &[u8]) -> Self {
        let (head, mut rest) = bytes[..bytes.len() - 4].split_at(HEAD);
        let mut sections = Vec::new();
        while !rest.is_empty() {
            let number = |at: usize, len: usize| {
                rest[at..at + len].iter().rev().fold(0, |all, byte| all << 8 | usize::from(*byte))
            };
            let (section, size, count) = (number(0, 2), number(2, 2), number(4, 4));
            let (records, after) = rest[8..].split_at(size * count);
            sections.push((section as u16, size as u16, records.to_vec()));
            rest = after;
        }
        Self { head: head.to_vec(), sections }
    }

    /// The file with a length and a check sum that hold.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        for (section, size, records) in &self.sections {
            let count = (records.len() / usize::from(*size).max(1)) as u32;
            bytes.extend(section.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(records);
        }
        mend(bytes)
    }

    /// With the records of each section in the order of their bytes: where in its table a row lay
    /// is no part of the format.
    fn sorted(mut self) -> Self {
        for (_, size, records) in &mut self.sections {
            let mut each: Vec<&[u8]> = records.chunks(usize::from(*size)).collect();
            each.sort_unstable();
            *records = each.concat();
        }
        self
    }

    fn section(&mut self, number: u16) -> &mut (u16, u16, Vec<u8>) {
        self.sections.iter_mut().find(|section| section.0 == number).unwrap()
    }

    fn restore(&self) -> Result<Restored, SnapshotError> {
        gate().restore(START, &self.bytes())
    }
}

/// Adds a check sum, after writing the length.
fn mend(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = (bytes.len() + 4) as u32;
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    let mut crc = u32::MAX;
    for byte in &bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    bytes.extend((!crc).to_le_bytes());
    bytes
}

#[test]
fn no_byte_can_be_changed_and_a_refused_file_changes_nothing() {
    let file = save(&eventful());
    let mut gate = gate();
    for at in 0..file.len() {
        for change in [1, 0x80, 0xFF] {
            let mut bad = file.clone();
            bad[at] ^= change;
            let error = gate.restore(START, &bad).unwrap_err();
            let expected = match at {
                0..8 => SnapshotError::NotASnapshot,
                10..12 => error,
                12..16 => SnapshotError::Length,
                _ => SnapshotError::Damaged,
            };
            assert_eq!(error, expected, "byte {at}");
            if (10..12).contains(&at) {
                let too_new = matches!(error, SnapshotError::TooNew { .. });
                assert!(too_new || error == SnapshotError::Damaged, "byte {at}: {error:?}");
            }
        }
    }
    for len in 0..file.len() {
        let error = gate.restore(START, &file[..len]).unwrap_err();
        let expected = if len < 8 { SnapshotError::NotASnapshot } else { SnapshotError::Length };
        assert_eq!(error, expected, "{len} bytes");
    }
    let longer = [&file[..], &[0]].concat();
    assert_eq!(gate.restore(START, &longer), Err(SnapshotError::Length));
    assert!(gate.restore(START, &file).is_ok(), "nothing has changed");
    assert_eq!(gate.restore(START, &file), Err(SnapshotError::NotEmpty));
}

/// Whoever writes the file can also write its check sum: whatever it says, it is refused by name,
/// and nothing has changed, or what it gave can be saved and restored again.
#[test]
fn a_forged_file_is_refused_or_gives_a_sound_gate() {
    let file = save(&eventful());
    let before = gate().snapshot_len();
    let mut refused = 0;
    for at in HEAD..file.len() - 4 {
        for change in [1, 0x80, 0xFF] {
            let mut forged = file[..file.len() - 4].to_vec();
            forged[at] ^= change;
            let mut forged_gate = gate();
            if forged_gate.restore(START, &mend(forged)).is_err() {
                refused += 1;
                assert_eq!(forged_gate.snapshot_len(), before, "byte {at}");
                continue;
            }
            let later = START.saturating_add(HOUR);
            let _ = forged_gate.connected(START, &World::<Heap>::connection(0));
            while forged_gate.poll_event(START).is_some() {}
            forged_gate.handle_timeout(later);
            let mut again = vec![0; forged_gate.snapshot_len()];
            forged_gate.write_snapshot(&mut again).unwrap();
            assert!(gate().restore(later, &again).is_ok(), "byte {at}");
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn no_deadline_of_a_forged_file_lasts_longer_than_its_rule_can_give() {
    let mut forged = File::of(&save(&eventful()));
    let (_, size, identities) = forged.section(4);
    for row in identities.chunks_exact_mut(usize::from(*size)) {
        row[51..59].fill(0xFF);
        // Its level, not that somebody chose the end.
        row[59] = 0;
    }
    let id = crate::claims::Claim::real(2).id();
    let longest = START.saturating_add(POLICY.sanctions.identity_ban_max);
    // Whether it says that it was written then, or at the end of time.
    for _ in 0..2 {
        let mut gate = gate();
        let saved_at = gate.restore(START, &forged.bytes()).unwrap().saved_at;
        let until = gate.standing(START, &Subject::Identity(id)).decision.retry_at.unwrap();
        let latest = saved_at.saturating_add(POLICY.sanctions.identity_ban_max);
        assert_eq!(until, if saved_at == Timestamp::NEVER { longest } else { latest });
        let end = forged.section(2).2.len();
        forged.section(2).2[end - 25..end - 17].fill(0xFF);
    }
}

#[test]
fn unknown_sections_are_skipped_where_they_are_odd_and_refused_where_they_are_even() {
    let file = File::of(&save(&eventful()));
    let with = |section: u16, size, records: &[u8]| {
        let mut file = file.clone();
        let at = file.sections.iter().position(|found| found.0 > section);
        let at = at.unwrap_or(file.sections.len());
        file.sections.insert(at, (section, size, records.to_vec()));
        file.restore()
    };
    assert_eq!(with(9, 3, &[1; 30]), file.restore());
    assert_eq!(with(u16::MAX, 0, &[]), file.restore());
    assert_eq!(with(0xFFFE, 3, &[1; 30]), Err(SnapshotError::UnknownSection(0xFFFE)));
    assert_eq!(with(0, 3, &[]), Err(SnapshotError::Section(0)));
    // What may be skipped may also be missing, and nothing else.
    for section in [1, 3, 5] {
        let mut file = file.clone();
        file.sections.retain(|found| found.0 != section);
        assert!(file.restore().is_ok(), "section {section}");
    }
    for section in [2, 4, 6, 8, 10, 12, 14] {
        let mut file = file.clone();
        file.sections.retain(|found| found.0 != section);
        assert_eq!(file.restore(), Err(SnapshotError::Section(section)));
    }
}

#[test]
fn a_later_version_that_says_so_is_read() {
    let file = File::of(&save(&eventful()));
    let mut later = file.clone();
    later.head[8..12].copy_from_slice(&[2, 0, 1, 0]);
    for (_, size, records) in &mut later.sections {
        let wider = records.chunks_exact(usize::from(*size));
        *records = wider.flat_map(|record| [record, &[7; 5]].concat()).collect();
        *size += 5;
    }
    assert_eq!(later.restore(), file.restore());
    later.head[10] = 2;
    assert_eq!(later.restore(), Err(SnapshotError::TooNew { oldest_reader: 2 }));
}

#[test]
fn sections_out_of_order_twice_or_of_another_length_are_refused() {
    let file = File::of(&save(&eventful()));
    let mut swapped = file.clone();
    swapped.sections.swap(3, 5);
    assert_eq!(swapped.restore(), Err(SnapshotError::Section(swapped.sections[4].0)));
    let mut twice = file.clone();
    twice.sections.insert(4, twice.sections[3].clone());
    assert_eq!(twice.restore(), Err(SnapshotError::Section(4)));
    let mut shorter = file.clone();
    shorter.section(4).1 -= 1;
    let len = shorter.section(4).2.len();
    shorter.section(4).2.truncate(len - 3);
    assert_eq!(shorter.restore(), Err(SnapshotError::Section(4)));
    // A count of four thousand million ends at once.
    for (size, section) in [(0u16, 15u16), (1, 15), (u16::MAX, 15), (0, 4)] {
        let bytes = file.bytes();
        let mut bytes = bytes[..bytes.len() - 4].to_vec();
        bytes.extend([&section.to_le_bytes()[..], &size.to_le_bytes(), &[0xFF; 4]].concat());
        let expected =
            if size == 0 && section == 15 { None } else { Some(SnapshotError::Section(section)) };
        assert_eq!(gate().restore(START, &mend(bytes)).err(), expected);
    }
}

#[test]
fn no_file_brings_back_a_peer_that_is_allowed_and_banned() {
    let mut world = World::new();
    world.gate.allow(START, &peer(5), true).unwrap();
    let file = File::of(&save(&world));
    let mut refused = 0;
    for at in 0..file.clone().section(8).2.len() {
        let mut changed = file.clone();
        changed.section(8).2[at] ^= 1;
        let mut gate = gate();
        match gate.restore(START, &changed.bytes()) {
            Ok(_) => {
                let metrics = gate.metrics(START);
                let banned = metrics.blacklisted_peers + metrics.graylisted_peers;
                assert!(metrics.allowed_peers + banned <= 1, "byte {at}");
            }
            Err(error) => {
                assert_eq!(error, SnapshotError::Record { section: 8, index: 0 });
                refused += 1;
            }
        }
    }
    assert!(refused > 2);
}

#[test]
fn records_that_come_twice_or_belong_to_nobody_are_refused() {
    let file = File::of(&save(&eventful()));
    for section in [3, 6, 8] {
        let mut twice = file.clone();
        let (_, size, records) = twice.section(section);
        let first = records[..usize::from(*size)].to_vec();
        let index = (records.len() / usize::from(*size)) as u32;
        records.extend(first);
        assert_eq!(twice.restore(), Err(SnapshotError::Record { section, index }));
    }
    for section in [1, 4] {
        let mut twice = file.clone();
        let (_, size, records) = twice.section(section);
        let mut first = records[..usize::from(*size)].to_vec();
        first[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let index = (records.len() / usize::from(*size)) as u32;
        records.extend(first);
        assert_eq!(twice.restore(), Err(SnapshotError::Record { section, index }));
    }
    // A key of an identity that is not there, and an identity without its key.
    let mut orphan = file.clone();
    orphan.section(6).2[..4].copy_from_slice(&77u32.to_le_bytes());
    assert_eq!(orphan.restore(), Err(SnapshotError::Record { section: 6, index: 0 }));
    let mut keyless = file.clone();
    let size = usize::from(keyless.section(6).1);
    keyless.section(6).2.drain(..size);
    assert_eq!(keyless.restore(), Err(SnapshotError::Section(6)));
}

#[test]
fn another_network_or_seed_is_refused() {
    let file = save(&eventful());
    let main = Policy::LOTUS_V1;
    let mut gate = Gate::new(Heap::new(Capacity::SMALL), main, SEED).unwrap();
    assert_eq!(gate.restore(START, &file), Err(SnapshotError::OtherNetwork));
    let mut gate = Gate::new(Heap::new(Capacity::SMALL), POLICY, Seed::new([1; 16])).unwrap();
    assert_eq!(gate.restore(START, &file), Err(SnapshotError::OtherSeed));
}

#[test]
fn a_buffer_that_is_too_small_is_refused() {
    let world = eventful();
    let len = world.gate.snapshot_len();
    assert!(world.gate.write_snapshot(&mut vec![0; len - 1]).is_err());
    assert_eq!(world.gate.write_snapshot(&mut vec![0; len + 1]), Ok(len));
    assert!(world.gate.write_snapshot_sealed(&KEY, 1, &mut vec![0; len + SEAL_LEN - 1]).is_err());
}

#[test]
fn a_seal_holds_for_its_key_its_bytes_and_no_older_counter() {
    let world = eventful();
    let mut file = vec![0; world.gate.snapshot_len() + SEAL_LEN];
    assert_eq!(world.gate.write_snapshot_sealed(&KEY, 7, &mut file), Ok(file.len()));
    let mut gate = gate();
    for at in 0..file.len() {
        let mut bad = file.clone();
        bad[at] ^= 1;
        let expected = if at < 8 { SnapshotError::NotASnapshot } else { SnapshotError::Seal };
        assert_eq!(gate.restore_sealed(START, &KEY, 0, &bad), Err(expected), "byte {at}");
    }
    for len in 0..file.len() {
        assert!(gate.restore_sealed(START, &KEY, 0, &file[..len]).is_err(), "{len} bytes");
    }
    assert_eq!(gate.restore_sealed(START, &[8; 32], 0, &file), Err(SnapshotError::Seal));
    let replayed = Err(SnapshotError::Replayed { counter: 7 });
    assert_eq!(gate.restore_sealed(START, &KEY, 8, &file), replayed);
    // One kind is not taken for the other.
    assert_eq!(gate.restore(START, &file), Err(SnapshotError::NotASnapshot));
    let open = save(&world);
    assert_eq!(gate.restore_sealed(START, &KEY, 0, &open), Err(SnapshotError::NotASnapshot));
    let restored = gate.restore_sealed(START, &KEY, 7, &file).unwrap();
    assert_eq!((restored.counter, restored.identities), (Some(7), 4));
}

/// A file as it was written by a released version.
fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors");
    let read = |path: &str| std::fs::read_to_string(format!("{folder}/{path}")).unwrap();
    let (text, manifest) = (read(name), read("manifest.json"));
    let entry = &serde_json::from_str::<serde_json::Value>(&manifest).unwrap()[name];
    let hash = hex::encode(hash::sha256(&[text.as_bytes()]));
    assert_eq!(entry["sha256"], hash, "{name} was changed");
    let bytes = hex::decode(text.split_whitespace().collect::<String>()).unwrap();
    let sections = File::of(&bytes).sections;
    for (section, size, records) in &sections {
        let count = records.len() / usize::from(*size);
        assert_eq!(entry["entries"][section.to_string()], count, "{name}: section {section}");
    }
    assert_eq!(entry["entries"].as_object().unwrap().len(), sections.len(), "{name}");
    bytes
}

#[test]
fn what_a_released_version_wrote_is_read_and_written_again() {
    let expected = eventful();
    let written = save(&expected);
    let lines: Vec<String> = written.chunks(50).map(hex::encode).collect();
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/snapshot-1.hex");
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
    let (file, mut gate) = (golden("snapshots/1.hex"), gate());
    // A changed format is a new version.
    let (new, old) = (File::of(&written).sorted(), File::of(&file).sorted());
    assert!(new.bytes() == old.bytes(), "written now: {path}");
    let restored = gate.restore(START, &file).unwrap();
    assert_eq!((restored.identities, restored.bans, restored.dropped), (4, 4, Dropped::default()));
    for number in 0..3 {
        let id = crate::claims::Claim::real(number).id();
        assert_eq!(gate.identity(&id), expected.gate.identity(&id));
        assert_eq!(gate.standing(START, &Subject::Identity(id)), expected.of_identity(&id));
    }
    for number in 2..6 {
        let standing = gate.standing(START, &Subject::Peer(peer(number)));
        assert_eq!(standing.decision, expected.of_peer(number).decision);
        assert_eq!(standing.evidence, expected.of_peer(number).evidence);
    }
}
