//! A Gate on a device that has no clock and no node: its owner sets a block, a host brings the rest.

use ltms_core::chain::{Anchor, Header, InclusionProof, Links};
use ltms_core::wire::BurnClaim;
use ltms_core::*;

/// The seed of the checked-in snapshot. A product draws one, keeps it and tells nobody.
pub const SEED: Seed = Seed::new(*b"a seed for tests");
/// Seals what the host keeps.
pub const KEY: [u8; 32] = [9; 32];

/// A Gate with what a device adds to it.
pub struct Device<'a> {
    pub gate: Gate<&'a mut Tiny>,
    pub clock: ChainClock,
    pub anchor: Anchor,
}

impl<'a> Device<'a> {
    /// With empty tables, under the block that the owner set, whose header the host brings.
    pub fn new(tables: &'a mut Tiny, anchor: Anchor, header: &[u8]) -> Option<Self> {
        let policy = Policy { clock: Clock::Chain, ..Policy::LOTUS_V1.on(Network::Reg) };
        let gate = Gate::new(tables, policy, SEED).ok()?;
        let mut device = Self { gate, clock: ChainClock::new(), anchor };
        device.set_clock(Millis::ZERO, header).then_some(device)
    }

    /// What time it is, when the counter stands at `ticks`.
    pub fn now(&self, ticks: Millis) -> Timestamp {
        self.clock.now(ticks)
    }

    /// Takes the time of the anchor's own header, and of no other.
    fn set_clock(&mut self, ticks: Millis, header: &[u8]) -> bool {
        let header = Header::parse(header).ok().filter(|header| header.hash() == self.anchor.hash);
        header.is_some_and(|header| self.clock.trust(header.height(), header.time(), ticks))
    }

    fn tip(&self) -> Tip {
        Tip { height: self.anchor.height, hash: self.anchor.hash }
    }

    /// Begins without a snapshot.
    pub fn begin(&mut self, ticks: Millis) -> Decision {
        self.gate.set_tip(self.now(ticks), self.tip(), self.anchor.height)
    }

    /// Goes on from a snapshot that the host kept.
    pub fn resume(
        &mut self,
        ticks: Millis,
        at_least: u64,
        file: &[u8],
    ) -> Result<Restored, SnapshotError> {
        let restored = self.gate.restore_sealed(self.now(ticks), &KEY, at_least, file)?;
        self.clock.resume(restored.saved_at, ticks);
        Ok(restored)
    }

    /// The owner sets a newer block; the host brings its header and the links that lead to it from
    /// the one before. Where they do not lead there, all identities have to be proved again.
    pub fn renew(&mut self, ticks: Millis, anchor: Anchor, header: &[u8], links: &[u8]) -> bool {
        let (links, _) = links.as_chunks();
        let linked = Links::Plain(links).follow(self.anchor.hash) == anchor.hash;
        let before = core::mem::replace(&mut self.anchor, anchor);
        if !self.set_clock(ticks, header) {
            self.anchor = before;
            return false;
        }
        let (now, tip) = (self.now(ticks), self.tip());
        if linked {
            return self.gate.set_tip(now, tip, before.height).reason == Reason::Clear;
        }
        self.gate.confirm_tip(now, tip, BlockHeight::new(0));
        true
    }

    /// A registration, with the proof that its burn is in the chain.
    pub fn register(
        &mut self,
        ticks: Millis,
        source: &Source,
        envelope: &[u8],
        proof: &[u8],
    ) -> Decision {
        let ticket = match self.claim(ticks, source, envelope) {
            Screening::Done(decision) => return decision,
            Screening::Proceed(ticket) => ticket,
        };
        // The proof stands for the question to a node.
        let header = prove(proof, envelope, &self.anchor);
        let evidence =
            header.as_ref().map(|(header, class)| BlockEvidence { header, class: *class });
        self.gate.settle_burn(self.now(ticks), ticket, evidence.as_ref())
    }

    /// All that is checked without the chain. A function of its own, as the proof's check is: what
    /// each of them needs of the stack, the other does not have to bear.
    #[inline(never)]
    fn claim(
        &mut self,
        ticks: Millis,
        source: &Source,
        envelope: &[u8],
    ) -> Screening<LookupTicket> {
        let now = self.now(ticks);
        let (claim, signature) = match BurnClaim::read(envelope) {
            Ok(read) => read,
            Err(error) => {
                let decision = self.gate.malformed(now, source, error.reason(), envelope);
                return Screening::Done(decision);
            }
        };
        let ticket = match self.gate.screen_claim(now, source, &claim, signature) {
            Screening::Done(decision) => return Screening::Done(decision),
            Screening::Proceed(ticket) => ticket,
        };
        let check = ticket.verify();
        self.gate.settle_claim(now, ticket, check)
    }
}

/// The header of the burn's block, if the proof leads from it to the anchor. That the burn is in
/// that block is for the Gate to see.
#[inline(never)]
fn prove(proof: &[u8], envelope: &[u8], anchor: &Anchor) -> Option<(Header, EvidenceClass)> {
    let (BurnClaim::Registration(claim), _) = BurnClaim::read(envelope).ok()? else { return None };
    let proof = InclusionProof::parse(proof).ok()?;
    let outpoint = OutPoint { txid: proof.transaction().txid(), vout: claim.burn.vout.into() };
    let proved = proof.verify(&outpoint, anchor).ok()?;
    Some((proved.header, proved.class))
}
