//! Signature checks on worker threads, in bounded batches.

use std::collections::VecDeque;

use ltms_core::{AdTicket, ClaimTicket, SignatureCheck};
use tokio::task::JoinSet;

/// Tickets that may wait; what comes on top is put off.
const QUEUE: usize = 4_096;
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
    fn verify(&self) -> SignatureCheck {
        match self {
            Self::Ad(ticket) => ticket.verify(),
            Self::Claim(ticket) => ticket.verify(),
        }
    }
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
    queue: VecDeque<(Ticket, T)>,
    running: JoinSet<Vec<Checked<T>>>,
    most: usize,
}

impl<T: Send + 'static> Workers<T> {
    /// Idle workers.
    #[must_use]
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { queue: VecDeque::new(), running: JoinSet::new(), most: cores.max(2) - 1 }
    }

    /// Queues a ticket.
    ///
    /// # Errors
    /// The note, if the queue is full; the ticket is dropped.
    pub(crate) fn submit(&mut self, ticket: Ticket, note: T) -> Result<(), T> {
        if self.queue.len() >= QUEUE {
            return Err(note);
        }
        self.queue.push_back((ticket, note));
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
        self.queue.clear();
        while self.running.join_next().await.is_some() {}
    }

    fn start(&mut self) {
        while self.running.len() < self.most && !self.queue.is_empty() {
            let batch: Vec<_> = self.queue.drain(..self.queue.len().min(BATCH)).collect();
            self.running.spawn_blocking(move || {
                batch
                    .into_iter()
                    .map(|(ticket, note)| {
                        let check = ticket.verify();
                        Checked { ticket, check, note }
                    })
                    .collect()
            });
        }
    }
}

impl<T: Send + 'static> Default for Workers<T> {
    fn default() -> Self {
        Self::new()
    }
}
