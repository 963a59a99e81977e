//! Signature checks on worker threads, in bounded batches.

mod queue;

use std::sync::Arc;

use ltms_core::{
    AdTicket, ClaimTicket, IdentityId, PeerId, SignatureCheck, Signed,
    schnorr::{Item, VerifyingKey, verify_all},
};
use tokio::{task::JoinSet, time::Instant};

use self::queue::Queue;
use crate::meters::Meters;

/// Tickets that one worker takes at a time.
const BATCH: usize = 64;

/// A ticket whose signatures are to be checked.
#[derive(Debug)]
pub(crate) enum Ticket {
    /// Of an advertisement or withdrawal.
    Ad(Box<AdTicket>),
    /// Of a registration claim.
    Claim(Box<ClaimTicket>),
}

impl Ticket {
    /// Whose turn it is that the check waits for; none for strangers.
    fn identity(&self) -> Option<IdentityId> {
        match self {
            Self::Ad(ticket) => ticket.identity(),
            Self::Claim(ticket) => ticket.identity(),
        }
        .copied()
    }

    fn signatures(&self) -> Box<dyn Iterator<Item = &Signed> + '_> {
        match self {
            Self::Ad(ticket) => Box::new(ticket.signatures()),
            Self::Claim(ticket) => Box::new(ticket.signatures()),
        }
    }

    fn check(&self, holds: impl FnMut(&Signed) -> bool) -> SignatureCheck {
        match self {
            Self::Ad(ticket) => ticket.check(holds),
            Self::Claim(ticket) => ticket.check(holds),
        }
    }
}

/// Checks all signatures of some tickets together. A key that is no point verifies nothing.
fn check_all<'a>(tickets: impl Iterator<Item = &'a Ticket> + Clone) -> Vec<SignatureCheck> {
    let item = |signed: &Signed| {
        let key = VerifyingKey::parse(&signed.key).ok()?;
        Some(Item { key, hash: signed.hash, signature: signed.signature })
    };
    let items: Vec<_> = tickets.clone().flat_map(Ticket::signatures).map(item).collect();
    let readable: Vec<_> = items.iter().flatten().copied().collect();
    let mut holding = verify_all(&readable, &rand::random()).into_iter();
    let mut results =
        items.into_iter().map(|item| item.is_some() && holding.next().unwrap_or(false));
    tickets.map(|ticket| ticket.check(|_| results.next().unwrap_or(false))).collect()
}

/// A checked ticket with whatever the driver wants back with it.
pub(crate) struct Checked<T> {
    /// The ticket.
    pub(crate) ticket: Ticket,
    /// What the check said.
    pub(crate) check: SignatureCheck,
    /// The driver's note.
    pub(crate) note: T,
}

/// The workers: at most as many as there are processors less one.
pub(crate) struct Workers<T> {
    queue: Queue<(Ticket, T)>,
    running: JoinSet<Vec<Checked<T>>>,
    most: usize,
    meters: Arc<Meters>,
}

impl<T: Send + 'static> Workers<T> {
    /// Idle workers.
    #[must_use]
    pub(crate) fn new(meters: Arc<Meters>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { queue: Queue::default(), running: JoinSet::new(), most: cores.max(2) - 1, meters }
    }

    /// Queues a ticket that a connection brought.
    ///
    /// # Errors
    /// The note, if the queue or the connection's part of it is full; the ticket is dropped.
    pub(crate) fn submit(&mut self, ticket: Ticket, connection: PeerId, note: T) -> Result<(), T> {
        let identity = ticket.identity();
        self.queue.push(identity, connection, (ticket, note)).map_err(|(_, note)| note)?;
        self.start();
        Ok(())
    }

    /// The next batch that is done; never returns while there is none.
    pub(crate) async fn next(&mut self) -> Vec<Checked<T>> {
        match self.running.join_next().await {
            Some(Ok(batch)) => {
                self.start();
                batch
            }
            Some(Err(error)) => {
                tracing::error!(%error, "a signature check failed to run");
                self.start();
                Vec::new()
            }
            None => std::future::pending().await,
        }
    }

    /// Waits for what runs; what waits is dropped.
    pub(crate) async fn shutdown(&mut self) {
        self.queue = Queue::default();
        while self.running.join_next().await.is_some() {}
    }

    fn start(&mut self) {
        while self.running.len() < self.most && !self.queue.is_empty() {
            let next = std::iter::from_fn(|| self.queue.pop());
            let batch: Vec<_> = next.take(BATCH).collect();
            let meters = self.meters.clone();
            self.running.spawn_blocking(move || {
                let started = Instant::now();
                let tickets = batch.iter().map(|(ticket, _)| ticket);
                let checks = check_all(tickets.clone());
                meters.checked(tickets.flat_map(Ticket::signatures).count(), started.elapsed());
                let checked = batch.into_iter().zip(checks);
                checked.map(|((ticket, note), check)| Checked { ticket, check, note }).collect()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use ltms_core::{
        Capacity, Connection, Direction, Gate, Heap, Network, PeerId, Policy, Screening, Seed,
        Source, Timestamp, wire::BurnClaim,
    };

    use super::*;
    use crate::{
        chain::DevChain,
        claim::{find_registration, registration_envelope},
    };

    /// The claim of a recorded burn, with a signature that does not hold if it is `forged`.
    fn ticket(gate: &mut Gate<Heap>, chain: &DevChain, number: u8, forged: bool) -> Ticket {
        let key = DevChain::recorded_key(number).expect("a recorded key");
        let included = chain.registration_of(&key.public_key()).expect("a recorded burn");
        let (vout, ..) = find_registration(&included.raw).expect("a registration");
        let envelope = registration_envelope(Network::Reg, &included, vout, &key).expect("a claim");
        let (claim, signature) = BurnClaim::read(&envelope).expect("a claim");
        let mut bytes = *signature.as_bytes();
        bytes[63] ^= u8::from(forged);
        let source = Source::direct(
            PeerId::from_bytes(&[&[0x12, 32], &[1; 32][..]].concat()).expect("an id"),
        );
        let signature = ltms_core::Signature::from_bytes(bytes);
        match gate.screen_claim(Timestamp::from_millis(1), &source, &claim, signature) {
            Screening::Proceed(ticket) => Ticket::Claim(Box::new(ticket)),
            Screening::Done(decision) => panic!("refused: {decision:?}"),
        }
    }

    #[test]
    fn a_batch_says_of_each_what_it_says_alone() {
        let chain = DevChain::recorded().expect("a good recording");
        let policy = Policy::LOTUS_V1.on(Network::Reg);
        let memory = Heap::new(Capacity::SMALL);
        let mut gate = Gate::new(memory, policy, Seed::new([7; 16])).expect("a good policy");
        let peer = PeerId::from_bytes(&[&[0x12, 32], &[1; 32][..]].concat()).expect("an id");
        let connection = Connection { peer, address: None, direction: Direction::Inbound };
        gate.connected(Timestamp::from_millis(1), &connection).expect("a row");
        let forged = |number: &u8| number % 5 == 2;
        let tickets: Vec<_> =
            (0..20).map(|number| ticket(&mut gate, &chain, number, forged(&number))).collect();
        let alone: Vec<_> = tickets.iter().map(|ticket| ticket.check(Signed::holds)).collect();
        assert_eq!(check_all(tickets.iter()), alone);
        let invalid = alone.iter().filter(|check| **check == SignatureCheck::Invalid).count();
        assert_eq!(invalid, (0..20).filter(forged).count());
    }
}
