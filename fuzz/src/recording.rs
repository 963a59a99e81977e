//! Recordings: files that say what to call a Gate with.

use std::sync::OnceLock;

use ltms_core::record::{Replay, record_len};

/// Replays what a World recorded; every answer has to be the recorded one.
pub(crate) fn replay(bytes: &[u8]) -> Replay {
    let (header, mut rest) = first(bytes).expect("a header");
    let mut replay = Replay::new(header).expect("the header of a recording");
    while let Some((record, after)) = first(rest) {
        let step = replay.step(record).expect("a record");
        assert!(step.holds(), "{step}");
        assert_eq!(replay.written(), record);
        rest = after;
    }
    assert!(rest.is_empty(), "half a record");
    replay
}

/// The first record, and what follows.
fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(record_len(bytes).ok()??)
}

/// A recording that somebody else may have written: each record is refused, or what it says is
/// done, and whether its answer is the recorded one is told.
pub(crate) fn recording(bytes: &[u8]) {
    let Some((header, mut rest)) = first(bytes) else { return };
    // It may ask for tables of any size, which is only more of the same.
    if !header.ends_with(small_tables()) {
        return;
    }
    let Ok(mut replay) = Replay::new(header) else { return };
    while let Some((record, after)) = first(rest) {
        if let Ok(step) = replay.step(record) {
            assert_eq!(step.holds(), replay.written() == record, "{step}");
        }
        rest = after;
    }
}

/// The end of the header of [`seeds`].
fn small_tables() -> &'static [u8] {
    static END: OnceLock<Vec<u8>> = OnceLock::new();
    END.get_or_init(|| {
        let recorded = crate::gate::recorded(&[SMALL]);
        let (header, _) = first(&recorded).expect("a header");
        let name = b"\x65peers";
        let at = header.windows(name.len()).rposition(|bytes| bytes == name);
        header.split_at(at.expect("its first table")).1.to_vec()
    })
}

/// Small tables, and somebody in them; see `gate::setting`.
const SMALL: u8 = 0x12;

/// Recordings of short histories.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let recorded = |mut history: Vec<u8>| {
        history.truncate(1 + 8 * 20);
        if let Some(setting) = history.first_mut() {
            *setting |= SMALL;
        }
        crate::gate::recorded(&history)
    };
    crate::gate::seeds().into_iter().rev().take(16).map(recorded).collect()
}
