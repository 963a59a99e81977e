//! What calls take at worst: with every table full.
//!
//! The crowd's messages are settled as if their signatures had been checked, which is what a
//! caller says who has checked them; so the tables fill in seconds.

use core::net::{IpAddr, Ipv4Addr};

use ltms_core::burn::BurnScript;
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::wire::{
    AdHeader, Advertisement, Authority, BurnClaim, Delegation, Envelope, IncludedBurn, Kind,
    Registration,
};
use ltms_core::*;

use crate::board::Cost;
use crate::device::SEED;
use crate::inputs::*;
use crate::report::Report;

const NOW: Timestamp = Timestamp::from_millis(SNAPSHOT_AT);
const DAY: Millis = Millis::from_days(1);
const POLICY: Policy = Policy { clock: Clock::Chain, ..Policy::LOTUS_V1.on(Network::Reg) };
const BURNED_AT: u32 = 100;
const UNSIGNED: Signature = Signature::from_bytes([0; 64]);

type Crowded<'a> = Gate<&'a mut Tiny>;

fn key(number: usize) -> PublicKey {
    let (keys, _) = KEYS.as_chunks();
    PublicKey::from_bytes(keys.get(number).copied().unwrap_or([0; 33]))
}

fn peer(number: u8) -> Option<PeerId> {
    let mut bytes = [number; 34];
    (bytes[0], bytes[1]) = (0x12, 0x20);
    PeerId::from_bytes(&bytes).ok()
}

/// An inbound connection from an address group of its own.
fn connection(number: u8) -> Option<Connection> {
    let address = Some(IpAddr::V4(Ipv4Addr::new(60, number, 1, 1)));
    Some(Connection { peer: peer(number)?, address, direction: Direction::Inbound })
}

/// Registers the key with this number as an identity, told by a node.
fn register(
    gate: &mut Crowded<'_>,
    source: &Source,
    number: usize,
) -> Option<(IdentityId, Decision)> {
    let script = BurnScript { public_key: key(number), timestamp_ms: None, purpose: None }.build();
    let mut raw = List::<u8, 256>::new();
    let outpoint = [number as u8; 32];
    for part in [
        &[2, 0, 0, 0, 1][..],
        &outpoint,
        &[0, 0, 0, 0, 60],
        &[7; 60],
        &[0xff, 0xff, 0xff, 0xff, 1],
        &Amount::from_xpi(50).sats().to_le_bytes(),
        &[script.len() as u8],
        &script,
        &[0; 4],
    ] {
        raw.extend_from_slice(part).ok()?;
    }
    let (branch, transaction) = ([[9; 32]], Transaction::parse(&raw).ok()?);
    let leaf = merkle::leaf(&transaction.txhash(), &transaction.txid());
    let mut header = [0; Header::LEN];
    header[52] = 1;
    header[60..64].copy_from_slice(&BURNED_AT.to_le_bytes());
    header[96..128].copy_from_slice(&merkle::root_from_branch(&leaf, 1, &branch).ok()?);
    let header = Header::parse(&header).ok()?;
    let id = OutPoint { txid: transaction.txid(), vout: 0 }.identity_id().ok()?;
    let (vout, block) = (0, header.hash());
    let burn = IncludedBurn { transaction: &raw, vout, block, position: 1, branch: &branch };
    let claim = BurnClaim::Registration(Registration { burn });
    let ticket = match gate.screen_claim(NOW, source, &claim, UNSIGNED) {
        Screening::Proceed(ticket) => ticket,
        Screening::Done(decision) => return Some((id, decision)),
    };
    let ticket = match gate.settle_claim(NOW, ticket, SignatureCheck::Valid) {
        Screening::Proceed(ticket) => ticket,
        Screening::Done(decision) => return Some((id, decision)),
    };
    let found = BlockEvidence { header: &header, class: EvidenceClass::Node };
    Some((id, gate.settle_burn(NOW, ticket, Some(&found))))
}

/// Settles an advertisement of the key with this number, as a delegate of `identity`.
fn advertise(
    gate: &mut Crowded<'_>,
    source: &Source,
    number: usize,
    identity: IdentityId,
) -> Option<Decision> {
    let not_after = NOW.saturating_add(DAY);
    let delegation = Some(Delegation { not_after, signature: UNSIGNED });
    let ad = Advertisement {
        author: key(number),
        created_at: NOW,
        expires_at: not_after,
        peer: source.peer,
        addresses: List::new(),
        types: [1].into_iter().collect(),
        amount: None,
        fee: None,
        nickname: None,
        description: None,
        authority: Some(Authority { identity, sequence: 0, delegation }),
    };
    let (mut body, mut envelope) = ([0; 320], [0; 400]);
    let len = ad.encode(&mut body).ok()?;
    let envelope_of =
        Envelope { kind: Kind::Advertisement, body: body.get(..len)?, signature: UNSIGNED };
    let len = envelope_of.encode(&mut envelope).ok()?;
    let ad = AdHeader::read(Network::Reg, envelope.get(..len)?).ok()?;
    Some(match gate.screen_ad(NOW, source, &ad) {
        Screening::Proceed(ticket) => gate.settle_ad(NOW, ticket, SignatureCheck::Valid),
        Screening::Done(decision) => decision,
    })
}

/// The dearer in each respect.
fn worse(a: Cost, b: Cost) -> Cost {
    Cost { stack: a.stack.max(b.stack), instructions: a.instructions.max(b.instructions) }
}

#[inline(never)]
pub fn run(
    report: &mut Report,
    first: &mut Tiny,
    second: &mut Tiny,
    snapshot: &mut [u8],
) -> Option<()> {
    first.tables_mut().clear();
    second.tables_mut().clear();
    let mut gate = Gate::new(&mut *first, POLICY, SEED).ok()?;
    let tip =
        Tip { height: BlockHeight::new(BURNED_AT + 1000), hash: BlockHash::from_bytes([1; 32]) };
    report.decided("the crowd's tip", gate.set_tip(NOW, tip, tip.height));

    let none = Cost { stack: 0, instructions: 0 };
    let (mut connected, mut registered, mut listed) = (none, none, none);
    for number in 1..=12 {
        let connection = connection(number)?;
        let (cost, _) = report.measured(|| gate.connected(NOW, &connection).is_ok());
        connected = worse(connected, cost);
    }
    // As many as there are windows and budgets for comes from each peer.
    let mut ids = List::<IdentityId, 40>::new();
    for number in 0..40 {
        let source = Source::direct(peer(1 + (number % 12) as u8)?);
        let (cost, answer) = report.measured(|| register(&mut gate, &source, number));
        registered = worse(registered, cost);
        let (id, decision) = answer??;
        if decision.reason == Reason::New {
            ids.push(id).ok()?;
        }
        // Newcomers have half of the table: those with a completed session leave it.
        if ids.len() == 16 && number == 15 {
            for (index, pair) in ids.as_chunks::<2>().0.iter().enumerate() {
                let session = SessionId::from_bytes([index as u8; 16]);
                let outcome = Outcome::Completed(Millis::from_secs(1));
                let _ = gate.record_session(NOW, &session, &pair[0], &pair[1], outcome);
            }
        }
    }
    report.is("identities in full tables", ids.len() as u64);
    for number in 40..KEYS.len() / 33 {
        let source = Source::direct(peer(1 + (number % 12) as u8)?);
        let identity = *ids.get(number % ids.len())?;
        let (cost, _) = report.measured(|| advertise(&mut gate, &source, number, identity));
        listed = worse(listed, cost);
    }
    report.is("keys in full tables", u64::from(gate.fill()[3].rows));

    // Bans: the operator's quarter, then the automatic ones, until rows are merged and refused.
    let mut banned = none;
    for number in 100..120 {
        let subject = Subject::Peer(peer(number)?);
        let (cost, _) =
            report.measured(|| gate.ban(NOW, &subject, None, Reason::Malformed).is_ok());
        banned = worse(banned, cost);
    }
    (1..=12).filter_map(peer).for_each(|peer| gate.disconnected(NOW, &peer));
    let mut accused = none;
    for number in 120..180 {
        let connection = connection(number)?;
        let source = Source::direct(connection.peer);
        let (cost, _) = report.measured(|| gate.connected(NOW, &connection).is_ok());
        connected = worse(connected, cost);
        for _ in 0..60 {
            let (cost, _) =
                report.measured(|| gate.malformed(NOW, &source, Reason::Malformed, b"x"));
            accused = worse(accused, cost);
        }
        let (cost, _) = report.measured(|| while gate.poll_event(NOW).is_some() {});
        banned = worse(banned, cost);
        gate.disconnected(NOW, &connection.peer);
    }
    report.print("connected, at worst", connected);
    report.print("registration settled, tables full", registered);
    report.print("advertisement settled, tables full", listed);
    report.print("malformed bytes counted", accused);
    report.print("ban, tables full", banned);
    report.is("bans in full tables", gate.bans(NOW).count() as u64);

    let len =
        report.cost("snapshot written, tables full", || gate.write_snapshot(snapshot))?.ok()?;
    report.size("snapshot, tables full", len);
    let mut other = Gate::new(&mut *second, POLICY, SEED).ok()?;
    let file = snapshot.get(..len)?;
    let restored =
        report.cost("snapshot restored, tables full", || other.restore(NOW, file))?.ok()?;
    report.is("identities restored to full tables", restored.identities.into());
    report.cost("found", || gate.find(NOW, &Criteria::default(), &mut [Found::default(); 20]));
    report.cost("all identities suspended", || gate.confirm_tip(NOW, tip, BlockHeight::new(0)));
    report.cost("clock stepped back", || gate.handle_timeout(NOW.saturating_sub(DAY)));
    // After a step forward sweeping waits ten minutes.
    let later = NOW.saturating_add(DAY.saturating_mul(40));
    gate.handle_timeout(later);
    let later = later.saturating_add(Millis::from_mins(11));
    let swept = report.cost("sweep of full tables", || gate.handle_timeout(later))?;
    report.is("swept", swept.into());

    // What a released version wrote.
    first.tables_mut().clear();
    let mut gate = Gate::new(&mut *first, POLICY, SEED).ok()?;
    let restored = gate.restore(NOW, &SNAPSHOT).ok()?;
    report.is("identities of a released version's snapshot", restored.identities.into());
    report.is("bans of a released version's snapshot", restored.bans.into());
    report.is("rows dropped of it", (restored.dropped != Dropped::default()).into());
    Some(())
}
