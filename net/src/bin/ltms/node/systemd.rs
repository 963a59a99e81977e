//! What systemd is told, if it asked to be: `Type=notify` and `WatchdogSec=`.

use ltms_net::Handle;
use sd_notify::NotifyState;
use tokio::{
    task::JoinHandle,
    time::{interval, timeout},
};

fn tell(states: &[NotifyState<'_>]) {
    // Without systemd there is no socket, and nothing to say.
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// The node has started, or goes on.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is read again; [`ready`] says when that is done.
pub(super) fn reloading() {
    let Ok(now) = NotifyState::monotonic_usec_now() else { return };
    tell(&[NotifyState::Reloading, now]);
}

/// The node has begun to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells twice in each of the watchdog's times that the node still answers; systemd starts it
/// again if it does not.
pub(super) fn watchdog(handle: Handle) -> Option<JoinHandle<()>> {
    let half = sd_notify::watchdog_enabled()? / 2;
    Some(tokio::spawn(async move {
        let mut tick = interval(half);
        loop {
            tick.tick().await;
            if let Ok(Ok(_)) = timeout(half, handle.metrics()).await {
                tell(&[NotifyState::Watchdog]);
            }
        }
    }))
}
