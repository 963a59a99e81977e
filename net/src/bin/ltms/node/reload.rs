//! SIGHUP: the file, the environment and the flags are read again.

use ltms_net::{
    Handle,
    config::{Config, Reload},
};

use super::NodeArgs;
use crate::log::Log;

/// Puts in force what can change while the node runs, and names what cannot. With anything wrong,
/// all stays as it is.
pub(super) async fn reload(args: &NodeArgs, config: &mut Config, log: &Log, handle: &Handle) {
    let (new, faults) = args.effective();
    for fault in &faults {
        tracing::error!(%fault, "not reloaded");
    }
    if !faults.is_empty() {
        return;
    }
    let Reload { config: next, changed, waiting } = config.reload(&new);
    let Ok(filter) = next.filter() else { return };
    let change = match next.change(config, waiting.clone()) {
        Ok(change) => change,
        Err(error) => return tracing::error!(%error, "not reloaded"),
    };
    match handle.reload(change).await {
        Ok(Ok(())) => {
            log.set_filter(filter);
            *config = next;
            let (changed, waiting) = (changed.join(", "), waiting.join(", "));
            if !waiting.is_empty() {
                tracing::warn!(keys = waiting, "cannot change while the node runs; the old holds");
            }
            tracing::info!(changed, "reloaded");
        }
        Ok(Err(error)) => tracing::error!(%error, "not reloaded"),
        Err(error) => tracing::error!(%error, "not reloaded"),
    }
}
