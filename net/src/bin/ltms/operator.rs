//! `ltms peers` and `ltms metrics`: what an operator asks of a running node.

use std::{
    fmt::Display,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Subcommand;
use hyper::Method;
use libp2p::PeerId;
use ltms_net::admin::ask;
use serde_json::Value;

use crate::failure::Failure;

/// The node that is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Door {
    /// The Unix socket of the node, as given to `ltms node --admin-socket`
    #[arg(long, value_name = "FILE", env = "LTMS_ADMIN_SOCKET")]
    socket: PathBuf,
    /// Print the node's answer as it is, in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// The connected peers and what stands against them
    List(Door),
    /// What is known about one peer, connected or not, and why it is treated so
    Show {
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
    /// Disconnect a peer and refuse it
    Ban {
        peer: PeerId,
        /// For so long, such as 90m, 12h or 7d [default: until lifted]
        #[arg(long, value_name = "SPAN", value_parser = span)]
        r#for: Option<u64>,
        #[command(flatten)]
        door: Door,
    },
    /// Lift a ban, whoever made it
    Unban {
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
}

/// Reads a span as milliseconds.
fn span(text: &str) -> Result<u64, String> {
    let problem = || "a number with s, m, h or d behind it, such as 12h".to_owned();
    let unit = text.chars().last().ok_or_else(problem)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(problem()),
    };
    let number = text.strip_suffix(unit).unwrap_or_default();
    let number: u64 = number.parse().map_err(|_| problem())?;
    number.checked_mul(seconds * 1_000).filter(|ms| *ms > 0).ok_or_else(problem)
}

/// # Errors
/// [`Failure`] if the node cannot be asked or says no.
pub(crate) async fn peers(command: PeersCommand) -> Result<(), Failure> {
    let (door, method, path) = match command {
        PeersCommand::List(door) => (door, Method::GET, "/api/v1/peers".to_owned()),
        PeersCommand::Show { peer, door } => (door, Method::GET, format!("/api/v1/peers/{peer}")),
        PeersCommand::Ban { peer, r#for, door } => {
            let until = r#for.map(|span| format!("?until={}", now().saturating_add(span)));
            let path = format!("/api/v1/peers/{peer}/ban{}", until.unwrap_or_default());
            (door, Method::POST, path)
        }
        PeersCommand::Unban { peer, door } => {
            (door, Method::POST, format!("/api/v1/peers/{peer}/unban"))
        }
    };
    let body = ask(&door.socket, method, &path).await.map_err(Failure::failed)?;
    if door.json {
        return print(String::from_utf8_lossy(&body));
    }
    let answer: Value = serde_json::from_slice(&body).map_err(Failure::failed)?;
    match &answer {
        Value::Array(peers) if peers.is_empty() => print("no peer is connected"),
        Value::Array(peers) => peers.iter().try_for_each(|peer| print(line(peer))),
        peer => print(lines(peer)),
    }
}

/// # Errors
/// [`Failure`] if the node cannot be asked.
pub(crate) async fn metrics(door: Door) -> Result<(), Failure> {
    let path = if door.json { "/api/v1/status" } else { "/metrics" };
    let body = ask(&door.socket, Method::GET, path).await.map_err(Failure::failed)?;
    print(String::from_utf8_lossy(&body).trim_end())
}

/// A peer in a list.
fn line(peer: &Value) -> String {
    let text = |field: &str| shown(&peer[field]);
    let sanction = match &peer["sanction"] {
        Value::Null => String::new(),
        reason => format!(" for {}", shown(reason)),
    };
    format!("{}  {}{sanction}", text("subject"), text("decision"))
}

/// One peer, a field a line; what does not apply is left out.
fn lines(peer: &Value) -> String {
    let Value::Object(fields) = peer else { return shown(peer) };
    let told = fields.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Null => return None,
            Value::Object(of) => match of["count"].as_u64() {
                None | Some(0) => return None,
                Some(count) => format!("{count} of {}", of["limit"]),
            },
            value => shown(value),
        };
        Some(format!("{:<19}{value}", name.replace('_', " ")))
    });
    told.collect::<Vec<_>>().join("\n")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn print(text: impl Display) -> Result<(), Failure> {
    crate::output::line(text)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(span("90m"), Ok(5_400_000));
        assert_eq!(span("7d"), Ok(604_800_000));
        for text in ["", "m", "12", "0h", "-1h", "1.5h", "1w", "99999999999999999999d", "1é"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
