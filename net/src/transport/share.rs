//! What a connection's task takes of a processor. Whatever a remote sends, and in whichever
//! protocol, is decrypted, taken apart and answered there, signatures of gossip among it.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::inflow::Inflow;

thread_local! {
    /// The connection that the running task serves.
    static SERVED: RefCell<Option<Arc<Inflow>>> = const { RefCell::new(None) };
}

/// Says that the running task serves this connection.
pub(super) fn serve(inflow: &Arc<Inflow>) {
    SERVED.with_borrow_mut(|served| {
        served.get_or_insert_with(|| inflow.clone());
    });
}

/// The time that this thread has had on a processor. Time in which it waited for one does not
/// count: a busy machine makes nobody slower.
pub(crate) fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// A task whose time is charged to the connection that it serves.
pub(super) struct Charged {
    task: Pin<Box<dyn Future<Output = ()> + Send>>,
    served: Option<Arc<Inflow>>,
}

impl Charged {
    pub(super) fn new(task: Pin<Box<dyn Future<Output = ()> + Send>>) -> Self {
        Self { task, served: None }
    }
}

impl Future for Charged {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let before = processor();
        let polled = self.task.as_mut().poll(cx);
        if let Some(inflow) = SERVED.take() {
            self.served = Some(inflow);
        }
        if let Some(inflow) = &self.served {
            inflow.charge(processor().saturating_sub(before));
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Instant};

    use super::{super::inflow::BURST, *};

    #[tokio::test]
    async fn a_task_is_charged_to_the_connection_that_it_serves_and_to_no_other() {
        let (busy, idle) = (Arc::new(Inflow::new(10, BURST)), Arc::new(Inflow::new(10, BURST)));
        let (its, others) = (busy.clone(), idle.clone());
        let task = poll_fn(move |_| {
            serve(&its);
            let start = processor();
            while processor() - start < Duration::from_millis(600) {}
            Poll::Ready(())
        });
        Charged::new(Box::pin(task)).await;
        Charged::new(Box::pin(poll_fn(move |_| {
            serve(&others);
            Poll::Ready(())
        })))
        .await;
        let now = Instant::now().into();
        assert!(busy.resting(now).is_some(), "600 ms are more than half a second");
        assert!(idle.resting(now).is_none());
    }
}
