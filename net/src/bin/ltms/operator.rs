//! `ltms peers` and `ltms metrics`: what an operator asks of a running node.

use std::{fmt::Display, path::PathBuf};

use clap::Subcommand;
use hyper::Method;
use libp2p::PeerId;
use ltms_net::admin::ask;
use serde_json::Value;

use crate::{
    explain,
    failure::Failure,
    table::Table,
    when::{date, left, now, read_span},
};

/// The node that is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Door {
    /// The Unix socket of the node, as given to `ltms node --admin-socket`
    #[arg(long, value_name = "FILE", env = "LTMS_ADMIN_SOCKET")]
    socket: PathBuf,
    /// Print the node's answer as it is, in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Door {
    pub(crate) async fn get(&self, path: &str) -> Result<String, Failure> {
        self.ask(Method::GET, path, String::new()).await
    }

    pub(crate) async fn post(&self, path: &str) -> Result<String, Failure> {
        self.ask(Method::POST, path, String::new()).await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<String, Failure> {
        let answer = ask(&self.socket, method, path, body).await.map_err(Failure::failed)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Prints an answer as it is, or as `people` read it.
    pub(crate) fn print<D: Display>(
        &self,
        answer: &str,
        people: impl FnOnce(&Value) -> D,
    ) -> Result<(), Failure> {
        if self.json {
            return crate::output::line(answer.trim_end());
        }
        let answer = serde_json::from_str(answer).map_err(Failure::failed)?;
        crate::output::line(people(&answer).to_string().trim_end())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// The connected peers and what stands against them
    List(Door),
    /// What is known about one peer, connected or not
    Show {
        /// The peer's id, as in `peers list`
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
    /// What a peer is told now, by which rule and until when, what is counted against it, and
    /// what undoes it
    Explain {
        /// The peer's id, as in `peers list`
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
    /// Disconnect a peer and refuse it
    Ban {
        /// The peer's id, connected or not
        peer: PeerId,
        /// For so long, such as 90m, 12h or 7d [default: until lifted]
        #[arg(long, value_name = "SPAN", value_parser = read_span)]
        r#for: Option<u64>,
        #[command(flatten)]
        door: Door,
    },
    /// Lift a ban, whoever made it
    Unban {
        /// The peer's id
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
}

/// The end of a ban of so long, as the node is asked for it.
pub(crate) fn until(span: Option<u64>) -> String {
    span.map(|span| format!("?until={}", now().saturating_add(span))).unwrap_or_default()
}

/// # Errors
/// [`Failure`] if the node cannot be asked or says no.
pub(crate) async fn peers(command: PeersCommand) -> Result<(), Failure> {
    match command {
        PeersCommand::List(door) => {
            let answer = door.get("/api/v1/peers").await?;
            door.print(&answer, |peers| list(peers, now()))
        }
        PeersCommand::Show { peer, door } => {
            let answer = door.get(&format!("/api/v1/peers/{peer}")).await?;
            door.print(&answer, lines)
        }
        PeersCommand::Explain { peer, door } => {
            let answer = door.get(&format!("/api/v1/peers/{peer}/explain")).await?;
            door.print(&answer, |account| explain::account(account, now()))
        }
        PeersCommand::Ban { peer, r#for, door } => {
            let answer = door.post(&format!("/api/v1/peers/{peer}/ban{}", until(r#for))).await?;
            door.print(&answer, lines)
        }
        PeersCommand::Unban { peer, door } => {
            let answer = door.post(&format!("/api/v1/peers/{peer}/unban")).await?;
            door.print(&answer, lines)
        }
    }
}

/// # Errors
/// [`Failure`] if the node cannot be asked.
pub(crate) async fn metrics(door: Door) -> Result<(), Failure> {
    let path = if door.json { "/api/v1/status" } else { "/metrics" };
    crate::output::line(door.get(path).await?.trim_end())
}

fn list(peers: &Value, now: u64) -> String {
    let peers = peers.as_array().map(Vec::as_slice).unwrap_or_default();
    if peers.is_empty() {
        return "no peer is connected".to_owned();
    }
    let mut table = Table::new(["PEER", "STANDING", "LEFT"]);
    for peer in peers {
        let clear = peer["decision"] == "clear";
        let left = if clear { String::new() } else { left(peer["until"].as_u64(), now) };
        table.row([text(&peer["subject"]), text(&peer["decision"]), left]);
    }
    table.to_string()
}

/// One peer or identity, a field a line; what does not apply is left out.
pub(crate) fn lines(subject: &Value) -> String {
    let Value::Object(fields) = subject else { return text(subject) };
    let told = fields.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::Null | Value::Bool(false) => return None,
            Value::Object(of) => match of["count"].as_u64() {
                None | Some(0) => return None,
                Some(count) => format!("{count} of {}", of["limit"]),
            },
            Value::Bool(true) => "yes".to_owned(),
            Value::Number(ms) if is_time(name) => date(ms.as_u64().unwrap_or_default()),
            value => text(value),
        };
        Some(format!("{:<19}{value}", name.replace('_', " ")))
    });
    told.collect::<Vec<_>>().join("\n")
}

fn is_time(field: &str) -> bool {
    ["until", "held_until", "first_sanctioned", "last_sanctioned", "expires_at", "proved_until"]
        .contains(&field)
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WIDTH;
    use serde_json::json;

    #[test]
    fn a_list_of_peers_fits_a_terminal() {
        let id = "12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb";
        let peers = json!([
            {"subject": id, "decision": "group-banned", "until": 86_399_000},
            {"subject": id, "decision": "clear", "until": null},
        ]);
        let shown = list(&peers, 0);
        assert!(shown.lines().all(|line| line.len() <= WIDTH), "{shown}");
        assert!(shown.contains("group-banned  23h 59m"), "{shown}");
        assert!(shown.ends_with("clear\n"), "{shown}");
    }
}
