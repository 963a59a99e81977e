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
    table::{Fit, Table, columns},
    when::{date, left, now, read_span},
};

/// Where the unit that `make install` puts in place has its node answer (`dist/ltms.service`).
const SOCKET: &str = "/run/ltms/admin.sock";

/// The node that is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Door {
    /// The Unix socket of the node, as given to `ltms node --admin-socket`
    #[arg(long, value_name = "FILE", env = "LTMS_ADMIN_SOCKET", default_value = SOCKET)]
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
    /// The connections, and what stands against their peers; a wide terminal shows more of them
    List(Door),
    /// What is known about one peer, connected or not
    Show {
        /// The peer's id, as in `peers list`
        #[arg(value_parser = peer_id)]
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
    /// What a peer is told now, by which rule and until when, what is counted against it, and
    /// what undoes it
    Explain {
        /// The peer's id, as in `peers list`
        #[arg(value_parser = peer_id)]
        peer: PeerId,
        #[command(flatten)]
        door: Door,
    },
    /// Disconnect a peer and refuse it
    Ban {
        /// The peer's id, connected or not
        #[arg(value_parser = peer_id)]
        peer: PeerId,
        /// For so long, such as 90m, 12h or 7d [default: until lifted]
        #[arg(long, value_name = "SPAN", value_parser = read_span)]
        r#for: Option<u64>,
        #[command(flatten)]
        door: Door,
    },
    /// Lift a ban, whoever made it, or a sanction that the breaker holds back
    Unban {
        /// The peer's id
        #[arg(value_parser = peer_id)]
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
            let answer = door.get("/api/v1/connections").await?;
            door.print(&answer, |links| list(links, now(), columns()))
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
            door.print(&answer, banned)
        }
        PeersCommand::Unban { peer, door } => {
            let answer = door.post(&format!("/api/v1/peers/{peer}/unban")).await?;
            door.print(&answer, |peer| format!("lifted the ban of {}", text(&peer["subject"])))
        }
    }
}

/// # Errors
/// [`Failure`] if the node cannot be asked.
pub(crate) async fn metrics(door: Door) -> Result<(), Failure> {
    let path = if door.json { "/api/v1/status" } else { "/metrics" };
    crate::output::line(door.get(path).await?.trim_end())
}

fn list(links: &Value, now: u64, room: Option<usize>) -> String {
    let links = links.as_array().map(Vec::as_slice).unwrap_or_default();
    if links.is_empty() {
        return "no peer is connected".to_owned();
    }
    let mut table = Table::new([
        // Whole, so that it can be copied.
        ("PEER", Fit::Whole),
        ("STANDING", Fit::Whole),
        ("LEFT", Fit::Whole),
        ("ADDRESS", Fit::Extra),
        ("DIALLED BY", Fit::Extra),
        ("IDENTITY", Fit::Extra),
        ("AGENT", Fit::Extra),
    ]);
    for link in links {
        let peer = &link["standing"];
        let clear = peer["decision"] == "clear";
        let left = if clear { String::new() } else { left(peer["until"].as_u64(), now) };
        let or_none = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        table.row([
            text(&link["peer"]),
            text(&peer["decision"]),
            left,
            or_none(&link["address"]),
            if link["outbound"] == true { "us" } else { "it" }.to_owned(),
            or_none(&peer["identity"]),
            or_none(&link["agent"]),
        ]);
    }
    table.within(room)
}

/// The fields of a peer in the order in which they are told, and which of them are times.
const FIELDS: [(&str, bool); 20] = [
    ("subject", false),
    ("decision", false),
    ("until", true),
    ("sanction", false),
    ("by_operator", false),
    ("first_sanctioned", true),
    ("last_sanctioned", true),
    ("evidence", false),
    ("held_until", true),
    ("allowed", false),
    ("known", false),
    ("connections", false),
    ("identity", false),
    ("violations", false),
    ("invalid_signatures", false),
    ("malformed", false),
    ("passed_on", false),
    ("keys", false),
    ("score", false),
    ("completed", false),
];

/// One peer, a field a line; what does not apply is left out.
fn lines(peer: &Value) -> String {
    let told = FIELDS.iter().filter_map(|(name, is_time)| {
        let value = match &peer[name] {
            Value::Null | Value::Bool(false) => return None,
            Value::Object(of) => match of["count"].as_u64() {
                None | Some(0) => return None,
                Some(count) => format!("{count} of {}", of["limit"]),
            },
            Value::Bool(true) => "yes".to_owned(),
            Value::Number(number) if number.as_u64() == Some(0) => return None,
            Value::Number(ms) if *is_time => date(ms.as_u64().unwrap_or_default()),
            value => text(value),
        };
        Some(format!("{:<19}{value}", name.replace('_', " ")))
    });
    told.collect::<Vec<_>>().join("\n")
}

/// What a ban of a peer has come to.
fn banned(peer: &Value) -> String {
    let end = peer["until"].as_u64().map_or_else(|| "lifted".to_owned(), date);
    format!("banned {} until {end}", text(&peer["subject"]))
}

/// A peer's id, as others write it.
fn peer_id(text: &str) -> Result<PeerId, String> {
    let problem = |_| "no peer id, which is as in `ltms peers list`: 12D3KooW…".to_owned();
    text.parse().map_err(problem)
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
    fn a_list_of_peers_fits_a_terminal_and_a_wide_one_shows_more() {
        let id = "12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb";
        let link = |decision: &str, until| {
            json!({"peer": id, "address": "203.0.113.7", "outbound": true, "agent": "ltms/0.1.0",
                "standing": {"decision": decision, "until": until, "identity": "a".repeat(64)}})
        };
        let links = json!([link("prove-identity", json!(86_399_000)), link("clear", Value::Null)]);
        let shown = list(&links, 0, Some(WIDTH));
        let expected = format!(
            "PEER{:50}STANDING        LEFT\n{id}  prove-identity  23h 59m\n{id}  clear\n",
            ""
        );
        assert_eq!(shown, expected);
        let wide = list(&links, 0, Some(200));
        for told in ["203.0.113.7", "us", &"a".repeat(64)] {
            assert!(wide.contains(told), "{wide}");
        }
        assert!(wide.lines().all(|line| line.chars().count() <= 200), "{wide}");
    }
}
