//! The log on stderr.

use std::io::{IsTerminal, stderr};

use ltms_net::config::LogFormat;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Logs from now on what passes the filter.
pub(crate) fn start(filter: EnvFilter, format: LogFormat) {
    let lines = fmt::layer().with_writer(stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
}
