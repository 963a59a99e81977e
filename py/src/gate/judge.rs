//! Connections, messages, burns and sessions.

use ltms_core::chain::Header;
use ltms_core::wire::{AdHeader, BurnClaim, Envelope, Hello, Kind, WireError};
use ltms_core::{BlockEvidence, BlockHeight, Decision as CoreDecision, EvidenceClass, FrameKind};
use ltms_core::{IdentityId, Outcome, Proof, Reason, Screening, Tip};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::{AdTicket, ClaimTicket, Gate, LookupTicket};
use crate::convert::{AdTuple, BlockText, Hash, Height, Identity, Peer, Session, Size, Span, Time};
use crate::decision::Decision;
use crate::errors::{capacity, header, wire};
use crate::names::{CheckName, ClassNumber, FailureName, FrameName, ReasonName};
use crate::who::{Connection, Ip, Source};

/// A Decision, or the ticket for the dearer check.
fn screened<'py, T>(
    py: Python<'py>,
    screening: Screening<T>,
    ticket: impl FnOnce(T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match screening {
        Screening::Done(decision) => Ok(Bound::new(py, Decision(decision))?.into_any()),
        Screening::Proceed(core) => ticket(core),
    }
}

/// What the core answers by `Ok`.
fn charged(charged: Result<(), CoreDecision>) -> Decision {
    Decision(charged.err().unwrap_or_else(|| Reason::Clear.into()))
}

#[pymethods]
impl Gate {
    /// Whether a connection may be opened or kept: bans, then how many there are already.
    fn screen_connection(
        &self,
        py: Python<'_>,
        now_ms: Time,
        connection: &Connection,
    ) -> PyResult<Decision> {
        self.with(py, |gate| Decision(gate.screen_connection(now_ms.0, &connection.0)))
    }

    /// Notes that a connection was established.
    ///
    /// Raises CapacityError if every row belongs to a connected peer: close the connection then.
    fn connected(&self, py: Python<'_>, now_ms: Time, connection: &Connection) -> PyResult<()> {
        self.with(py, |gate| gate.connected(now_ms.0, &connection.0))?.map_err(capacity)
    }

    /// Notes that a connection of this peer ended.
    fn disconnected(&self, py: Python<'_>, now_ms: Time, peer: Peer) -> PyResult<()> {
        self.with(py, |gate| gate.disconnected(now_ms.0, &peer.0))
    }

    /// Whether strangers from the narrow group of an IP have to prove an identity.
    fn is_group_banned(&self, py: Python<'_>, now_ms: Time, address: Ip) -> PyResult<bool> {
        self.with(py, |gate| gate.is_group_banned(now_ms.0, address.0))
    }

    /// Charges a connection for a frame before it is read; kind is "gossip", "direct" or "record",
    /// length its bytes.
    fn screen_frame(
        &self,
        py: Python<'_>,
        now_ms: Time,
        source: &Source,
        kind: FrameName,
        length: Size,
    ) -> PyResult<Decision> {
        let kind: FrameKind = kind.0;
        self.with(py, |gate| Decision(gate.screen_frame(now_ms.0, &source.0, kind, length.0)))
    }

    /// Charges a connection for bytes that could not be read; reason is that of the WireError.
    fn malformed(
        &self,
        py: Python<'_>,
        now_ms: Time,
        source: &Source,
        reason: ReasonName,
        frame: &[u8],
    ) -> PyResult<Decision> {
        self.with(py, |gate| Decision(gate.malformed(now_ms.0, &source.0, reason.0, frame)))
    }

    /// Whether a connection belongs to the identity that the envelope of a hello names; verifier
    /// is our own peer id, challenge the 32 bytes that we asked.
    ///
    /// Raises WireError for an envelope that is no hello.
    fn prove_identity(
        &self,
        py: Python<'_>,
        now_ms: Time,
        source: &Source,
        verifier: Peer,
        challenge: Hash,
        envelope: &[u8],
    ) -> PyResult<Decision> {
        let read = |envelope| {
            let Envelope { kind, body, signature } = Envelope::decode(envelope)?;
            if kind != Kind::Hello {
                return Err(WireError::WrongKind);
            }
            Ok((Hello::decode(body)?, signature))
        };
        let (hello, signature) = read(envelope).map_err(|error| wire(py, error))?;
        let proof =
            Proof { verifier: &verifier.0, challenge: &challenge.0, hello: &hello, signature };
        self.with(py, |gate| Decision(gate.prove_identity(now_ms.0, &source.0, &proof)))
    }

    /// Takes the tokens of one signature check that no ticket asks for. True if they were there;
    /// else the Decision says when they are.
    fn charge_signature(
        &self,
        py: Python<'_>,
        now_ms: Time,
        source: &Source,
    ) -> PyResult<Decision> {
        self.with(py, |gate| charged(gate.charge_signature(now_ms.0, &source.0)))
    }

    /// All checks of an advertisement or withdrawal that are cheaper than its signature: a Decision
    /// or, to go on, an AdTicket.
    ///
    /// Raises WireError for an envelope that is neither; its reason is for malformed().
    fn screen_ad<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        source: &Source,
        envelope: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let screening = self.with(py, |gate| {
            let ad = AdHeader::read(gate.policy().network, envelope)?;
            Ok(gate.screen_ad(now_ms.0, &source.0, &ad))
        })?;
        let screening = screening.map_err(|error| wire(py, error))?;
        screened(py, screening, |ticket| {
            Ok(Bound::new(py, AdTicket::new(self.number, ticket))?.into_any())
        })
    }

    /// The rest of screen_ad, with what the ticket's verify() said.
    ///
    /// Raises TicketError for a ticket that is used, or of another Gate.
    fn settle_ad(
        &self,
        py: Python<'_>,
        now_ms: Time,
        ticket: &AdTicket,
        check: CheckName,
    ) -> PyResult<Decision> {
        let ticket = ticket.take(self.number)?;
        self.with(py, |gate| Decision(gate.settle_ad(now_ms.0, ticket, check.0)))
    }

    /// Reads, screens, verifies and settles an advertisement or withdrawal in one call.
    fn admit_ad(
        &self,
        py: Python<'_>,
        now_ms: Time,
        source: &Source,
        envelope: &[u8],
    ) -> PyResult<Decision> {
        self.with(py, |gate| Decision(gate.admit_ad(now_ms.0, &source.0, envelope)))
    }

    /// admit_ad for many, one after another, while other Python threads go on: a Decision for each
    /// (now_ms, source, envelope).
    fn admit_ads(&self, py: Python<'_>, items: Vec<AdTuple>) -> PyResult<Vec<Decision>> {
        let items: Vec<_> = items
            .iter()
            .map(|it| (it.now.0, it.source.get().0, it.envelope.as_bytes(py)))
            .collect();
        self.with(py, |gate| {
            items
                .iter()
                .map(|(now, source, envelope)| Decision(gate.admit_ad(*now, source, envelope)))
                .collect()
        })
    }

    /// Reads the claim of a burn, with its transaction, and asks nobody: a Decision or, to go on,
    /// a ClaimTicket.
    ///
    /// Raises WireError for an envelope that is no claim; its reason is for malformed().
    fn screen_claim<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        source: &Source,
        envelope: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let (claim, signature) = BurnClaim::read(envelope).map_err(|error| wire(py, error))?;
        let screening =
            self.with(py, |gate| gate.screen_claim(now_ms.0, &source.0, &claim, signature))?;
        screened(py, screening, |ticket| {
            Ok(Bound::new(py, ClaimTicket::new(self.number, ticket))?.into_any())
        })
    }

    /// The next step of screen_claim, with what the ticket's verify() said: a Decision or, to go
    /// on, a LookupTicket.
    ///
    /// Raises TicketError for a ticket that is used, or of another Gate.
    fn settle_claim<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        ticket: &ClaimTicket,
        check: CheckName,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ticket = ticket.take(self.number)?;
        let screening = self.with(py, |gate| gate.settle_claim(now_ms.0, ticket, check.0))?;
        screened(py, screening, |ticket| {
            Ok(Bound::new(py, LookupTicket::new(self.number, ticket))?.into_any())
        })
    }

    /// Takes the tokens for looking up the ticket's block. True if they were there; else the
    /// Decision says when they are.
    fn charge_lookup(
        &self,
        py: Python<'_>,
        now_ms: Time,
        ticket: &LookupTicket,
    ) -> PyResult<Decision> {
        let ticket = ticket.copy(self.number)?;
        self.with(py, |gate| charged(gate.charge_lookup(now_ms.0, &ticket)))
    }

    /// The end of a claim. header: the 160 bytes of the ticket's block, in the *active* chain, or
    /// None if it is not there. evidence: an Evidence, how well that is known.
    ///
    /// Raises InputError for bytes that are no header, TicketError as settle_claim.
    #[pyo3(signature = (now_ms, ticket, header = None, evidence = ClassNumber(EvidenceClass::Weak)),
    text_signature = "($self, now_ms, ticket, header=None, evidence=0)")]
    fn settle_burn(
        &self,
        py: Python<'_>,
        now_ms: Time,
        ticket: &LookupTicket,
        header: Option<&[u8]>,
        evidence: ClassNumber,
    ) -> PyResult<Decision> {
        let header = header.map(Header::parse).transpose().map_err(self::header)?;
        let ticket = ticket.take(self.number)?;
        let class: EvidenceClass = evidence.0;
        self.with(py, |gate| {
            let found = header.as_ref().map(|header| BlockEvidence { header, class });
            Decision(gate.settle_burn(now_ms.0, ticket, found.as_ref()))
        })
    }

    /// Tells the chain's end, and the height of the last block that the old and the new chain share.
    fn set_tip(
        &self,
        py: Python<'_>,
        now_ms: Time,
        height: Height,
        block_hash: BlockText,
        fork: Height,
    ) -> PyResult<Decision> {
        let tip = Tip { height: BlockHeight::new(height.0), hash: block_hash.0 };
        let fork = BlockHeight::new(fork.0);
        self.with(py, |gate| Decision(gate.set_tip(now_ms.0, tip, fork)))
    }

    /// A second source tells the same tip that set_tip doubted: it is believed now.
    fn confirm_tip(
        &self,
        py: Python<'_>,
        now_ms: Time,
        height: Height,
        block_hash: BlockText,
        fork: Height,
    ) -> PyResult<()> {
        let tip = Tip { height: BlockHeight::new(height.0), hash: block_hash.0 };
        self.with(py, |gate| gate.confirm_tip(now_ms.0, tip, BlockHeight::new(fork.0)))
    }

    /// Counts how a signing session went for the identity subject, beside counterparty (None: our
    /// own node). session: its 16 bytes. outcome: the milliseconds in which it answered, or a
    /// Failure.
    #[pyo3(signature = (now_ms, session, subject, outcome, counterparty = None))]
    fn record_session(
        &self,
        py: Python<'_>,
        now_ms: Time,
        session: Session,
        subject: Identity,
        outcome: &Bound<'_, PyAny>,
        counterparty: Option<Identity>,
    ) -> PyResult<Decision> {
        let outcome = if outcome.is_instance_of::<PyInt>() {
            Outcome::Completed(outcome.extract::<Span>()?.0)
        } else {
            Outcome::Failed(outcome.extract::<FailureName>()?.0)
        };
        let beside = counterparty.map_or(IdentityId::OURS, |identity| identity.0);
        self.with(py, |gate| {
            Decision(gate.record_session(now_ms.0, &session.0, &subject.0, &beside, outcome))
        })
    }

    /// Counts a proven fault of an identity; enough of them ban it.
    fn record_fault(
        &self,
        py: Python<'_>,
        now_ms: Time,
        identity: Identity,
        reason: ReasonName,
    ) -> PyResult<Decision> {
        self.with(py, |gate| Decision(gate.record_fault(now_ms.0, &identity.0, reason.0)))
    }
}
