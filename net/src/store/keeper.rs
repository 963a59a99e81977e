//! Keeps the store up to date without the node ever waiting for the disk.

use std::{
    sync::mpsc as channel,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ltms_core::{
    Heap, StoredRow,
    record::{Recorded, Recorder},
};
use tokio::sync::mpsc;

use super::{Batch, Kept, Store, StoreError};

/// From the beginning of one commit to that of the next: what happens meanwhile is one group.
/// With the time that a disk takes it is what an acknowledgement may wait for (20 ms).
const PACE: Duration = Duration::from_millis(10);
/// How often what is counted against peers and the latest time is written, if nothing else is.
const SELDOM: Duration = Duration::from_secs(10);
/// Before a failed write is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a node whose task fails waits for the group on its way.
const CLOSE: Duration = Duration::from_secs(2);

/// Told whether what happened before it was asked for is stored; if not, why.
pub(crate) type Told = Box<dyn FnOnce(Result<(), String>) + Send>;

/// A store with a thread that writes. There is no queue: while a group is written, the Gate itself
/// notes what changes, so that a slow disk makes groups larger and nothing else.
pub struct Keeper {
    /// Gone once the thread is to end.
    batches: Option<channel::SyncSender<Batch>>,
    /// What became of a group, and how long the disk took.
    written: mpsc::Receiver<(Result<(), StoreError>, Duration)>,
    thread: Option<JoinHandle<()>>,
    /// Whether a group is on its way, and who is to be told about it.
    busy: bool,
    flying: Vec<Told>,
    /// Who is to be told about the next group.
    waiting: Vec<Told>,
    /// Whether the next group has to be everything.
    all: bool,
    /// Not to be tried before this, if the last group failed.
    pub(super) not_before: Option<Instant>,
    last: Instant,
    /// Why the last group was not written.
    problem: Option<String>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Begins with everything there is: in a restored Gate rows have other places.
    ///
    /// # Errors
    /// [`StoreError::Io`] if there can be no thread.
    pub fn start(mut store: Store) -> Result<Self, StoreError> {
        let (batches, to_write) = channel::sync_channel::<Batch>(1);
        let (tell, written) = mpsc::channel(1);
        let path = store.path.clone();
        let work = move || {
            let mut next = Instant::now();
            while let Ok(batch) = to_write.recv() {
                thread::sleep(next.saturating_duration_since(Instant::now()));
                let began = Instant::now();
                next = began + PACE;
                if tell.blocking_send((store.write(&batch), began.elapsed())).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("ltms-store".to_owned()).spawn(work);
        Ok(Self {
            batches: Some(batches),
            written,
            thread: Some(thread.map_err(|error| StoreError::io(&path, error))?),
            busy: false,
            flying: Vec::new(),
            waiting: Vec::new(),
            all: true,
            not_before: None,
            last: Instant::now(),
            problem: None,
        })
    }

    /// Whether the last group was written, and why not.
    pub(crate) fn problem(&self) -> Result<(), String> {
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// Tells somebody when everything up to now is stored.
    pub(crate) fn tell(&mut self, told: Told) {
        self.waiting.push(told);
    }

    /// Hands over what changed, unless a group is still on its way. `envelopes` gives what changed
    /// of those, or all of them.
    pub(crate) fn keep<R, E>(&mut self, gate: &mut Recorded<Heap, R>, changed: bool, envelopes: E)
    where
        R: Recorder,
        E: FnOnce(bool) -> Vec<(Kept, Vec<Vec<u8>>)>,
    {
        let now = Instant::now();
        if self.busy || self.not_before.is_some_and(|at| now < at) {
            return;
        }
        let due = now.saturating_duration_since(self.last) >= SELDOM;
        let wanted = self.all || changed || due || !self.waiting.is_empty();
        if !wanted && !gate.has_changes() {
            return;
        }
        let mut batch = Batch { all: self.all, ..Batch::default() };
        gate.take_rows(self.all, |StoredRow { section, place, record }| {
            if record.is_some() || !batch.all {
                batch.rows.push((section, place, record.map(Box::from)));
            }
        });
        batch.envelopes = envelopes(self.all);
        self.flying = std::mem::take(&mut self.waiting);
        (self.busy, self.all, self.last) = (true, false, now);
        let sent = self.batches.as_ref().is_some_and(|batches| batches.try_send(batch).is_ok());
        if !sent {
            self.settle(Err("the store's thread has ended".to_owned()));
        }
    }

    /// Waits for the group that is on its way, tells who waits for it, and how long the disk took,
    /// if it was written; for ever if there is none. May be dropped and called again.
    pub async fn written(&mut self) -> Option<Duration> {
        if !self.busy {
            return std::future::pending().await;
        }
        let Some((written, took)) = self.written.recv().await else {
            self.settle(Err("the store's thread has ended".to_owned()));
            return None;
        };
        let took = written.is_ok().then_some(took);
        self.settle(written.map_err(|error| error.to_string()));
        took
    }

    fn settle(&mut self, written: Result<(), String>) {
        self.busy = false;
        match (&written, &self.problem) {
            (Err(error), problem) if problem.as_ref() != Some(error) => {
                tracing::error!(%error, "not stored; what was decided holds until the node ends");
            }
            (Ok(()), Some(_)) => tracing::info!("everything is stored again"),
            _ => {}
        }
        self.problem = written.as_ref().err().cloned();
        if written.is_err() {
            // Nobody knows how much of it is missing.
            self.all = true;
        }
        self.not_before = written.is_err().then(|| Instant::now() + AGAIN);
        for told in std::mem::take(&mut self.flying) {
            told(written.clone());
        }
    }

    /// Writes the last group, which is everything if the one before failed, and ends the thread.
    ///
    /// # Errors
    /// Why the group could not be written.
    pub(crate) async fn stop<R, E>(
        mut self,
        gate: &mut Recorded<Heap, R>,
        envelopes: E,
    ) -> Result<(), String>
    where
        R: Recorder,
        E: FnOnce(bool) -> Vec<(Kept, Vec<Vec<u8>>)>,
    {
        if self.busy {
            self.written().await;
        }
        self.not_before = None;
        self.keep(gate, true, envelopes);
        if self.busy {
            self.written().await;
        }
        self.batches = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's thread failed");
        }
        self.problem()
    }
}

impl Drop for Keeper {
    /// Lets the thread finish and close the store, so that a node that failed can be started again
    /// at once. What nobody handed over is lost: nobody was told that it is stored.
    fn drop(&mut self) {
        self.batches = None;
        self.written.close();
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + CLOSE;
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
