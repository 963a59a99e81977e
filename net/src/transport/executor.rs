//! The swarm's tasks.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use libp2p::swarm;
use tokio::{runtime::Handle, task::JoinSet};

use super::share::Charged;

/// Runs the swarm's tasks so that all of them can be ended. Clones share the tasks.
#[derive(Clone, Debug)]
pub struct Executor {
    runtime: Handle,
    /// `None` after the shutdown.
    tasks: Arc<Mutex<Option<JoinSet<()>>>>,
}

impl Executor {
    /// In the given runtime.
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self { runtime, tasks: Arc::new(Mutex::new(Some(JoinSet::new()))) }
    }

    /// Tasks that have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.with(|tasks| tasks.as_ref().map_or(0, JoinSet::len))
    }

    /// Ends every task and waits until they are gone. What is given to it later is dropped.
    pub async fn shutdown(&self) {
        if let Some(mut tasks) = self.with(Option::take) {
            tasks.shutdown().await;
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<JoinSet<()>>) -> T) -> T {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tasks) = tasks.as_mut() {
            while let Some(ended) = tasks.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
        }
        act(&mut tasks)
    }
}

impl swarm::Executor for Executor {
    fn exec(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.with(|tasks| {
            if let Some(tasks) = tasks {
                tasks.spawn_on(Charged::new(future), &self.runtime);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use libp2p::swarm::Executor as _;

    use super::*;

    #[tokio::test]
    async fn shutdown_leaves_no_task_behind() {
        let executor = Executor::new(Handle::current());
        let alive = Arc::new(());
        for _ in 0..10 {
            let alive = alive.clone();
            executor.exec(Box::pin(async move {
                pending::<()>().await;
                drop(alive);
            }));
        }
        assert_eq!((executor.running(), Arc::strong_count(&alive)), (10, 11));
        executor.clone().shutdown().await;
        assert_eq!((executor.running(), Arc::strong_count(&alive)), (0, 1));
        let late = alive.clone();
        executor.exec(Box::pin(async move { drop(late) }));
        assert_eq!((executor.running(), Arc::strong_count(&alive)), (0, 1));
    }
}
