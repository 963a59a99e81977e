//! A device's life: from its owner's first block over a restart to a newer block.

use ltms_core::chain::{Anchor, InclusionProof};
use ltms_core::*;

use crate::board::Cost;
use crate::device::{Device, KEY};
use crate::inputs::*;
use crate::report::Report;

/// The block that the owner typed in, or its computer showed.
fn anchor(hash: [u8; 32], height: u64) -> Anchor {
    let height = BlockHeight::new(u32::try_from(height).unwrap_or(0));
    Anchor { hash: BlockHash::from_bytes(hash), height }
}

fn peer(bytes: &[u8]) -> Option<PeerId> {
    PeerId::from_bytes(bytes).ok()
}

/// Signatures and proofs without a Gate.
#[inline(never)]
pub fn checks(report: &mut Report) {
    let (mut worst, mut wrong) = (Cost { stack: 0, instructions: 0 }, 0);
    let (vectors, _) = SIGNATURES.as_chunks::<130>();
    for vector in vectors {
        let (Some((key, rest)), Some(holds)) = (vector.split_first_chunk(), vector.last()) else {
            continue;
        };
        let (Some((hash, rest)), key) = (rest.split_first_chunk(), PublicKey::from_bytes(*key))
        else {
            continue;
        };
        let Some((signature, _)) = rest.split_first_chunk() else { continue };
        let signature = Signature::from_bytes(*signature);
        let (cost, held) = report.measured(|| schnorr::verify(&key, hash, &signature));
        wrong += u64::from(held != Some(*holds != 0));
        worst.stack = worst.stack.max(cost.stack);
        worst.instructions = worst.instructions.max(cost.instructions);
    }
    report.is("signatures", vectors.len() as u64);
    report.is("signatures misjudged", wrong);
    report.print("signature verified", worst);

    let anchor = anchor(ANCHOR, ANCHOR_HEIGHT);
    let outpoint = OutPoint { txid: Txid::from_bytes(TXID), vout: 0 };
    let verify = |proof: &[u8], anchor| {
        InclusionProof::parse(proof).and_then(|proof| proof.verify(&outpoint, anchor)).is_ok()
    };
    let proved = report.cost("proof verified", || verify(&PROOF, &anchor));
    report.is("proof holds", (proved == Some(true)).into());
    let newer = self::anchor(NEWER, NEWER_HEIGHT);
    report.is("proof holds for another anchor", verify(&PROOF, &newer).into());
    let mut damaged = PROOF;
    let mut accepted = 0;
    for at in (0..damaged.len()).step_by(7) {
        damaged[at] ^= 1;
        accepted += u64::from(verify(&damaged, &anchor));
        damaged[at] ^= 1;
    }
    report.is("damaged proofs accepted", accepted);
}

fn hours(count: u64) -> Millis {
    Millis::from_hours(count)
}

/// What happens to a device. `snapshot` is the flash that its host looks after.
#[inline(never)]
pub fn run(report: &mut Report, first: &mut Tiny, second: &mut Tiny, snapshot: &mut [u8]) {
    let trusted = anchor(ANCHOR, ANCHOR_HEIGHT);
    let (Some(peer), Some(other)) = (peer(&PEER), peer(&OTHER_PEER)) else { return };
    let (source, from_other) = (Source::direct(peer), Source::direct(other));
    let identity = IdentityId::from_bytes(IDENTITY);

    report.is(
        "begins under another header",
        Device::new(first, trusted, &NEWER_HEADER).is_some().into(),
    );
    let made = report.cost("Gate made", || Device::new(first, trusted, &ANCHOR_HEADER));
    let Some(mut device) = made.flatten() else { return };
    let start = Millis::ZERO;
    report.decided("anchor", device.begin(start));
    let now = device.now(start);
    report.is("time", now.as_millis());

    // Its host's connections: those of a computer that has none of its own.
    for peer in [peer, other] {
        let connection = Connection { peer, address: None, direction: Direction::Outbound };
        report.is("connected", device.gate.connected(now, &connection).is_ok().into());
    }

    // Nobody is known yet, and no wrong proof changes that.
    report.decided(
        "advertisement before the registration",
        device.gate.admit_ad(now, &source, &AD_OF_IDENTITY),
    );
    let mut forged = PROOF;
    if let Some(last) = forged.last_mut() {
        *last ^= 1;
    }
    report.decided(
        "registration, links forged",
        device.register(start, &source, &REGISTRATION, &forged),
    );
    let mut unsigned = REGISTRATION;
    if let Some(last) = unsigned.last_mut() {
        *last ^= 1;
    }
    report.decided(
        "registration, signature wrong",
        device.register(start, &source, &unsigned, &PROOF),
    );
    report.is("identities", device.gate.metrics(now).identities_registered.into());
    if let Some(decision) = report
        .cost("identity registered", || device.register(start, &source, &REGISTRATION, &PROOF))
    {
        report.decided("registration", decision);
    }
    report.decided("registration again", device.register(start, &source, &REGISTRATION, &PROOF));

    for (name, from, envelope) in [
        ("advertisement of the identity", &source, &AD_OF_IDENTITY[..]),
        ("the same again", &source, &AD_OF_IDENTITY),
        ("a second one too soon", &source, &AD_SOON_AFTER),
        ("a stranger's", &source, &AD_OF_STRANGER),
        ("a stranger's, signature wrong", &source, &AD_BROKEN),
        ("a stranger's from elsewhere", &from_other, &AD_ELSEWHERE),
        ("expired", &source, &AD_EXPIRED),
        ("further ahead", &source, &AD_TOO_FAR_AHEAD),
        ("of an identity that nobody knows", &source, &AD_OF_UNKNOWN),
        ("no advertisement", &source, &PROOF),
    ] {
        report.decided(name, device.gate.admit_ad(now, from, envelope));
    }
    let admit = || device.gate.admit_ad(now, &source, &AD_AHEAD);
    if let Some(decision) = report.cost("advertisement admitted", admit) {
        report.decided("two hours ahead, longest, delegated", decision);
    }
    report.is(
        "listed",
        device.gate.find(now, &Criteria::default(), &mut [Found::default(); 8]) as u64,
    );

    // A ban, a restart. The host gives the file back: an older one, a changed one, the right one.
    report.is(
        "banned",
        device.gate.ban(now, &Subject::Peer(other), None, Reason::Malformed).is_ok().into(),
    );
    let later = hours(1);
    while device.gate.poll_event(device.now(later)).is_some() {}
    let Ok(len) = device.gate.write_snapshot_sealed(&KEY, 7, snapshot) else { return };
    report.size("snapshot of few rows", len);
    let (Some(file), before) = (snapshot.get_mut(..len), device.now(later)) else { return };
    let Some(mut device) = Device::new(second, trusted, &ANCHOR_HEADER) else { return };
    report.is("an older snapshot", device.resume(start, 8, file).is_ok().into());
    file[len / 2] ^= 1;
    report.is("a changed snapshot", device.resume(start, 7, file).is_ok().into());
    file[len / 2] ^= 1;
    let restored = report.cost("snapshot of few rows restored", || device.resume(start, 7, file));
    let Some(Ok(restored)) = restored else { return };
    report.is("identities restored", restored.identities.into());
    report.is("bans restored", restored.bans.into());
    let now = device.now(start);
    report.is("it is later than before", (now >= before).into());
    let connection = Connection { peer: other, address: None, direction: Direction::Outbound };
    report.decided("the banned peer", device.gate.screen_connection(now, &connection));
    let connection = Connection { peer, ..connection };
    report.is("connected", device.gate.connected(now, &connection).is_ok().into());
    report
        .decided("a replay after the restart", device.gate.admit_ad(now, &source, &AD_OF_IDENTITY));

    // The owner sets a newer block: one that the links lead to, and one that they do not.
    let newer = anchor(NEWER, NEWER_HEIGHT);
    report.is(
        "newer anchor, other header",
        device.renew(later, newer, &ANCHOR_HEADER, &NEWER_LINKS).into(),
    );
    report.is("newer anchor", device.renew(later, newer, &NEWER_HEADER, &NEWER_LINKS).into());
    let now = device.now(later);
    report.decided("an advertisement of then", device.gate.admit_ad(now, &source, &AD_LATER));
    let mut broken = NEWER_LINKS;
    broken[0] ^= 1;
    device.anchor = trusted;
    device.clock = ChainClock::new();
    report.is(
        "newer anchor without links",
        device.renew(later, newer, &NEWER_HEADER, &broken).into(),
    );
    let standing = device.gate.standing(device.now(later), &Subject::Identity(identity));
    report.is("suspended", standing.suspended.into());
}
