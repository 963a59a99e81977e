//! Recordings: whatever happened happens again, and what was changed is found.

use std::path::{Path, PathBuf};
use std::{fs, iter};

use ltms_core::hash::sha256;
use ltms_core::record::*;
use ltms_core::*;
use serde_json::Value;

use crate::ads::{GARBAGE, ad};
use crate::claims::{Claim, secret};
use crate::world::*;

/// The records of a recording.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let len = record_len(bytes).unwrap().expect("a whole record");
        let (record, rest) = bytes.split_at(len);
        records.push(record);
        bytes = rest;
    }
    records
}

/// Replays a whole recording; every answer has to be the recorded one. Each World does this with
/// its own when it ends.
#[track_caller]
pub(crate) fn replay(bytes: &[u8]) -> Replay {
    let records = records(bytes);
    let mut replay = Replay::new(records[0]).unwrap();
    for record in &records[1..] {
        let step = replay.step(record).unwrap();
        assert!(step.holds(), "{step:?}");
        assert_eq!(replay.written(), *record);
    }
    replay
}

/// An identity that advertises, and a peer that floods with forged advertisements until it is
/// blacklisted; its next connection is refused, the honest one's message is not.
fn flood() -> Vec<u8> {
    let mut world = World::new();
    let (author, id) = (secret(0), world.register(&Claim::real(0)));
    (0..2).for_each(|number| world.connect(number));
    let honest = ad(&author).under(&id);
    let nobody = secret(1);
    let forged = ad(&nobody).of_peer(1).forged();
    assert_eq!(reason(world.direct(0, &honest)), Reason::New);
    for _ in 0..10 {
        world.wait(SECOND);
        let answer = reason(world.direct(1, &forged.at(world.now)));
        assert_eq!(answer, Reason::InvalidSignature);
    }
    let sanctioned = |event: &Event| matches!(event, Event::Sanctioned { until: None, .. });
    assert!(world.events().iter().any(sanctioned));
    assert_eq!(reason(world.direct(1, &honest)), Reason::Blacklisted);
    world.gate.disconnected(world.now, &peer(1));
    let back = world.gate.screen_connection(world.now, &World::<Heap>::connection(1));
    assert_eq!(reason(back), Reason::Blacklisted);
    world.wait(MINUTE);
    assert_eq!(reason(world.direct(0, &honest.at(world.now))), Reason::New);
    world.gate.recorder().bytes.clone()
}

/// The text form: a line for each record, and behind `#` what it says.
fn lines(bytes: &[u8]) -> String {
    let records = records(bytes);
    let mut replay = Replay::new(records[0]).unwrap();
    let header = hex::encode(records[0]) + " # " + replay.version() + "\n";
    let calls = records[1..].iter().map(|record| {
        let step = replay.step(record).unwrap();
        format!("{} # {step}\n", hex::encode(record))
    });
    iter::once(header).chain(calls).collect()
}

fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let text = fs::read(folder.join(name)).unwrap();
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest[name]["sha256"], hex::encode(sha256(&[&text])), "{name} was changed");
    let lines: Vec<_> = str::from_utf8(&text).unwrap().lines().collect();
    assert_eq!(manifest[name]["entries"]["lines"], lines.len(), "{name}");
    let hex = lines.iter().map(|line| line.split('#').next().unwrap().trim());
    hex.flat_map(|hex| hex::decode(hex).unwrap()).collect()
}

/// The vector is what this leaves in `target/tmp`, as the first version that recorded wrote it.
#[test]
fn a_flood_ends_as_it_did_when_it_was_recorded() {
    let made = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("flood.txt");
    fs::write(made, lines(&flood())).unwrap();
    let replay = replay(&vector("recordings/flood.txt"));
    let now = START.saturating_add(HOUR);
    let standing = replay.gate().standing(now, &Subject::Peer(peer(1)));
    assert_eq!(standing.decision.reason, Reason::Blacklisted);
    assert_eq!(standing.sanction_reason, Some(Reason::InvalidSignature));
}

/// What a changed record leads to.
#[derive(Debug, PartialEq)]
enum Found {
    /// The first answer that differs is the one of this record.
    Differs(usize),
    /// It was not read.
    Refused,
    Nothing,
}

fn judge(records: &[Vec<u8>]) -> Found {
    let Ok(mut replay) = Replay::new(&records[0]) else { return Found::Refused };
    for (number, record) in records.iter().enumerate().skip(1) {
        match replay.step(record) {
            Err(_) => return Found::Refused,
            Ok(step) if !step.holds() => return Found::Differs(number),
            Ok(_) => {}
        }
    }
    Found::Nothing
}

#[test]
fn every_changed_bit_of_an_answer_is_found_where_it_is() {
    let bytes = flood();
    let good: Vec<_> = records(&bytes).iter().map(|record| record.to_vec()).collect();
    assert_eq!(judge(&good), Found::Nothing);
    let mut replay = Replay::new(&good[0]).unwrap();
    // One of each call is enough; the later ones differ in nothing but the time.
    let mut seen = Vec::new();
    for number in 1..good.len() {
        let record = &good[number];
        let step = replay.step(record).unwrap();
        if seen.contains(&(step.call, step.answer)) {
            continue;
        }
        seen.push((step.call, step.answer));
        let until = step.arguments.as_ptr() as usize + step.arguments.len();
        let start = until - record.as_ptr() as usize;
        for bit in start * 8..record.len() * 8 {
            let mut bad = good.clone();
            bad[number][bit / 8] ^= 1 << (bit % 8);
            let found = judge(&bad);
            assert!([Found::Refused, Found::Differs(number)].contains(&found), "{number} {bit}");
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn every_changed_bit_of_a_message_or_of_the_policy_is_found() {
    let bytes = flood();
    let good: Vec<_> = records(&bytes).iter().map(|record| record.to_vec()).collect();
    let mut replay = Replay::new(&good[0]).unwrap();
    let first = good.iter().position(|record| {
        replay.step(record).is_ok_and(|step| {
            step.call == Call::AdmitAd
                && step.answer == Answer::Decision(Decision::new(Reason::New))
        })
    });
    let first = first.expect("an accepted advertisement");
    // The envelope is the last argument; behind it stands the answer, [1, null].
    let end = good[first].len() - 3;
    for byte in end - 200..end {
        let mut bad = good.clone();
        bad[first][byte] ^= 1;
        assert_eq!(judge(&bad), Found::Differs(first), "{byte}");
    }
    // Before it stand name and versions, behind it the seed and the sizes.
    let policy = 30..good[0].len() - 100;
    for byte in policy {
        let mut bad = good.clone();
        bad[0][byte] ^= 1;
        assert_eq!(judge(&bad), Found::Refused, "{byte}");
        let replayed = Replay::new(&bad[0]).err();
        let refused = [Some(ReplayError::PolicyHash), Some(ReplayError::Header)];
        assert!(refused.contains(&replayed), "{byte} {replayed:?}");
    }
}

#[test]
fn a_cut_recording_is_read_as_far_as_it_goes() {
    let bytes = flood();
    let first = records(&bytes)[0].len();
    for len in 0..first {
        assert_eq!(record_len(&bytes[..len]), Ok(None), "{len}");
        assert!(Replay::new(&bytes[..len]).is_err(), "{len}");
    }
    assert_eq!(record_len(&bytes[..first]), Ok(Some(first)));
    for garbage in [&b"\xa0"[..], b"\x00", b"\x9f\xff", b"\xff", b"text"] {
        assert!(record_len(garbage).is_err(), "{garbage:?}");
    }
}

#[test]
fn lines_may_be_left_out_and_tickets_keep_their_numbers() {
    let mut world = World::new();
    world.connect(0);
    let source = Source::direct(peer(0));
    let claims: Vec<_> = (0..2).map(Claim::real).collect();
    // Two claims at once, settled in the other order, one of them with a signature that fails.
    let tickets: Vec<_> = claims
        .iter()
        .zip([claims[0].signature, GARBAGE])
        .map(|(claim, signature)| {
            match world.gate.screen_claim(START, &source, &claim.claimed(), signature) {
                Screening::Proceed(ticket) => ticket,
                Screening::Done(decision) => panic!("{decision:?}"),
            }
        })
        .collect();
    for ticket in tickets.into_iter().rev() {
        let check = ticket.verify();
        if let Screening::Proceed(lookup) = world.gate.settle_claim(START, ticket, check) {
            world.gate.charge_lookup(START, &lookup).unwrap();
            let found = BlockEvidence { header: &claims[0].header, class: EvidenceClass::Node };
            assert_eq!(reason(world.gate.settle_burn(START, lookup, Some(&found))), Reason::New);
        }
    }
    let bytes = world.gate.recorder().bytes.clone();
    let whole: Vec<_> = records(&bytes).iter().map(|record| record.to_vec()).collect();
    assert_eq!(judge(&whole), Found::Nothing);
    // Without the claim that failed: the record of ticket 1 is one of two, the tip stays.
    let screened: Vec<_> = (1..whole.len()).filter(|n| whole[*n][1] == 12).collect();
    let settled: Vec<_> = (1..whole.len()).filter(|n| whole[*n][1] == 13).collect();
    let without = |left_out: &[usize]| -> Vec<Vec<u8>> {
        let kept = whole.iter().enumerate().filter(|(n, _)| !left_out.contains(n));
        kept.map(|(_, record)| record.clone()).collect()
    };
    assert_eq!(judge(&without(&[screened[1], settled[0]])), Found::Nothing);
    let mut replay = Replay::new(&whole[0]).unwrap();
    let orphan = whole.iter().skip(1).filter(|record| **record != whole[screened[0]]);
    let errors: Vec<_> = orphan.filter_map(|record| replay.step(record).err()).collect();
    assert_eq!(errors[0], ReplayError::Ticket(1));
}

#[test]
fn a_header_that_asks_for_too_much_memory_is_refused() {
    let bytes = flood();
    let header = records(&bytes)[0];
    assert_eq!(Replay::new(header).unwrap().written(), header);
    // The last ones; the policy's breaker has peers, too.
    let at = header.windows(6).rposition(|name| name == b"\x65peers").unwrap() + 6;
    // 64 rows are `18 40`, 2^20 + 1 rows `1a 00 10 00 01`.
    assert_eq!(header[at..at + 2], [0x18, 0x40]);
    let with = |rows: &[u8]| [&header[..at], rows, &header[at + 2..]].concat();
    assert!(Replay::new(&with(&[0x18, 0x41])).is_ok());
    let huge = Replay::new(&with(&[0x1a, 0, 0x10, 0, 1]));
    assert_eq!(huge.err(), Some(ReplayError::Capacity));
}

/// A recording is somebody else's file: whatever stands in it, a replay ends without a panic.
#[test]
fn no_changed_byte_and_no_table_without_rows_makes_a_replay_panic() {
    let bytes = flood();
    let good: Vec<_> = records(&bytes).iter().map(|record| record.to_vec()).collect();
    let mut found = 0;
    for number in 0..good.len() {
        // All of the header, and some of each record, not the same of all.
        let step = if number == 0 { 1 } else { 9 };
        for byte in (number % step..good[number].len()).step_by(step) {
            let mut bad = good.clone();
            bad[number][byte] ^= 1 << (byte % 8);
            found += usize::from(judge(&bad) != Found::Nothing);
        }
    }
    assert!(found > good[0].len(), "{found}");
    // Each table in turn: the sizes are the last map of the header.
    let header = &good[0];
    let capacity = header.windows(6).rposition(|name| name == b"\x65peers").unwrap();
    let sizes = [("peers", 2), ("identities", 3), ("keys", 3), ("bans", 3), ("groups", 2)];
    for (name, len) in sizes.into_iter().chain([("cells", 3), ("outcomes", 3)]) {
        let at = header[capacity..].windows(name.len()).position(|part| part == name.as_bytes());
        let at = capacity + at.unwrap() + name.len();
        let mut bad = good.clone();
        bad[0] = [&header[..at], &[0], &header[at + len..]].concat();
        assert_ne!(judge(&bad), Found::Refused, "{name}");
    }
}

/// A method that is forgotten here would be a hole in every recording.
#[test]
fn every_method_that_changes_a_gate_is_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![folder];
    let mut methods = Vec::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for gate in text.split("> Gate<S> {").skip(1) {
            let body = gate.split("\n}\n").next().unwrap();
            for method in body.split("\n    pub fn ").skip(1) {
                let (name, rest) = method.split_once('(').unwrap();
                if rest.trim_start().starts_with("&mut self") {
                    methods.push(name.to_owned());
                }
            }
        }
    }
    // Made of `restore`; its key is for no recording. And what only reads rows.
    let others = ["restore_sealed", "take_rows", "has_changes"];
    methods.retain(|method| !others.contains(&method.as_str()));
    assert!(methods.len() > 20, "{methods:?}");
    for method in &methods {
        assert!(Call::ALL.iter().any(|call| call.name() == method), "{method} is not recorded");
    }
    assert_eq!(methods.len(), Call::ALL.len());
}

#[test]
fn every_call_stands_in_the_documented_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recording.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let named: Vec<_> = rows.map(|row| row.rsplit_once(" | ").unwrap().0.to_owned()).collect();
    let calls = Call::ALL.iter().map(|call| format!("| {} | `{}`", call.code(), call.name()));
    assert_eq!(named, calls.collect::<Vec<_>>());
}

#[test]
fn a_recording_of_another_format_is_told_from_what_is_none() {
    let bytes = flood();
    let header = records(&bytes)[0];
    let at = 2 + "ltms recording".len();
    assert_eq!(header[at], 1);
    let changed = |at: usize, to: u8| {
        let mut header = header.to_vec();
        header[at] = to;
        Replay::new(&header).err()
    };
    assert_eq!(changed(at, 1), None);
    assert_eq!(changed(at, 2), Some(ReplayError::Format(2)));
    assert_eq!(changed(at - 1, b'G'), Some(ReplayError::Header));
    assert_eq!(changed(0, 0x86), Some(ReplayError::Header));
    assert_eq!(Replay::new(records(&bytes)[1]).err(), Some(ReplayError::Header));
}

/// Each by itself, whatever they are: the fields are those of a policy file.
#[cfg(feature = "serde")]
#[test]
fn every_field_of_the_policy_moves_its_hash() {
    let whole = serde_json::to_value(POLICY).unwrap();
    let mut hashes = std::collections::BTreeSet::from([POLICY.hash()]);
    let fields = leaves(&whole, "");
    for field in &fields {
        let mut policy = whole.clone();
        let value = policy.pointer_mut(field).unwrap();
        let others: &[&str] = match field.as_str() {
            "/network" => &["main"],
            "/clock" => &["chain"],
            _ if field.starts_with("/enforce/") => &["observe"],
            _ => &[],
        };
        *value = match &*value {
            Value::Bool(flag) => Value::from(!flag),
            Value::Number(number) => Value::from(number.as_u64().unwrap() + 1),
            Value::String(_) if !others.is_empty() => Value::from(others[0]),
            other => panic!("{field} {other}"),
        };
        let policy: Policy = serde_json::from_value(policy).unwrap();
        assert!(hashes.insert(policy.hash()), "{field}");
    }
    assert!(fields.len() > 80, "{fields:?}");
}

#[cfg(feature = "serde")]
fn leaves(value: &Value, path: &str) -> Vec<String> {
    let inner = |(name, value): (&String, &Value)| leaves(value, &format!("{path}/{name}"));
    value
        .as_object()
        .map_or_else(|| vec![path.to_owned()], |map| map.iter().flat_map(inner).collect())
}
