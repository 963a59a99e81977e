//! The log on stderr.

use std::io::{IsTerminal, stderr};

use ltms_net::config::LogFormat;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

/// The log, whose filter can be changed.
pub(crate) struct Log(reload::Handle<EnvFilter, Registry>);

impl Log {
    /// Logs from now on what passes the filter.
    pub(crate) fn start(filter: EnvFilter, format: LogFormat) -> Self {
        let (filter, handle) = reload::Layer::new(filter);
        let lines = fmt::layer().with_writer(stderr);
        let lines = match format {
            LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        tracing_subscriber::registry().with(filter).with(lines).init();
        Self(handle)
    }

    /// From now on by another filter.
    pub(crate) fn set_filter(&self, filter: EnvFilter) {
        if let Err(error) = self.0.reload(filter) {
            tracing::error!(%error, "the log's filter could not be changed");
        }
    }
}
