//! `ltms identities`: what a node knows about those that burned.

use std::fmt::Write;

use clap::{Subcommand, ValueEnum};
use ltms_core::Amount;
use serde_json::Value;

use crate::{
    args::xpi,
    failure::Failure,
    operator::{Door, text, until},
    table::{Fit, Table, columns},
    when::{date, left, now, read_span},
};

/// Hexadecimal digits of an identity.
const DIGITS: usize = 64;

#[derive(Debug, Subcommand)]
pub(crate) enum IdentitiesCommand {
    /// The identities that are registered, in the order of the table
    List {
        /// Only of this tier
        #[arg(long)]
        tier: Option<Tier>,
        /// Only those that are banned
        #[arg(long)]
        banned: bool,
        /// Only those whose burn is not in the chain at present
        #[arg(long)]
        suspended: bool,
        /// Only those with at least this score
        #[arg(long, value_name = "SCORE")]
        min_score: Option<u8>,
        /// Only those with at most this score
        #[arg(long, value_name = "SCORE")]
        max_score: Option<u8>,
        /// Only those that burned at least so many XPI
        #[arg(long, value_name = "XPI", value_parser = xpi)]
        min_burn: Option<Amount>,
        /// So many on a page
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: usize,
        /// Begin where the last page ended: the number that it named
        #[arg(long, value_name = "PLACE", default_value_t = 0)]
        from: u32,
        #[command(flatten)]
        door: Door,
    },
    /// One identity with its keys, its evidence and what stands against it
    Show {
        /// Its id, or enough digits of its beginning
        #[arg(value_parser = digits)]
        id: String,
        #[command(flatten)]
        door: Door,
    },
    /// Let an identity serve nothing here
    Ban {
        /// Its whole id
        #[arg(value_parser = whole)]
        id: String,
        /// For so long, such as 90m, 12h or 7d [default: until lifted]
        #[arg(long, value_name = "SPAN", value_parser = read_span)]
        r#for: Option<u64>,
        #[command(flatten)]
        door: Door,
    },
    /// Lift the ban of an identity, whoever made it
    Unban {
        /// Its whole id
        #[arg(value_parser = whole)]
        id: String,
        #[command(flatten)]
        door: Door,
    },
}

/// What an identity burned for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Tier {
    Basic,
    Verified,
    Institutional,
}

impl Tier {
    const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Verified => "verified",
            Self::Institutional => "institutional",
        }
    }
}

fn digits(text: &str) -> Result<String, String> {
    let good = (4..=DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let problem = || "an identity has 64 hexadecimal digits, of which 4 may be enough".to_owned();
    good.then(|| text.to_lowercase()).ok_or_else(problem)
}

fn whole(text: &str) -> Result<String, String> {
    let problem = || "an identity has 64 hexadecimal digits".to_owned();
    digits(text).ok().filter(|text| text.len() == DIGITS).ok_or_else(problem)
}

/// # Errors
/// [`Failure`] if the node cannot be asked or says no.
pub(crate) async fn run(command: IdentitiesCommand) -> Result<(), Failure> {
    match command {
        IdentitiesCommand::List {
            tier,
            banned,
            suspended,
            min_score,
            max_score,
            min_burn,
            limit,
            from,
            door,
        } => {
            let mut path = format!("/api/v1/identities?from={from}&limit={limit}");
            let mut only = |name: &str, value: Option<String>| {
                path += &value.map(|value| format!("&{name}={value}")).unwrap_or_default();
            };
            only("tier", tier.map(|tier| tier.name().to_owned()));
            only("banned", banned.then(|| "true".to_owned()));
            only("suspended", suspended.then(|| "true".to_owned()));
            only("min_score", min_score.map(|score| score.to_string()));
            only("max_score", max_score.map(|score| score.to_string()));
            only("min_burn", min_burn.map(|burn| burn.sats().to_string()));
            let answer = door.get(&path).await?;
            door.print(&answer, |answer| list(answer, columns()))
        }
        IdentitiesCommand::Show { id, door } => {
            let id = completed(&door, id).await?;
            let answer = door.get(&format!("/api/v1/identities/{id}")).await?;
            door.print(&answer, |identity| shown(identity, now()))
        }
        IdentitiesCommand::Ban { id, r#for, door } => {
            let path = format!("/api/v1/identities/{id}/ban{}", until(r#for));
            let answer = door.post(&path).await?;
            door.print(&answer, |identity| shown(identity, now()))
        }
        IdentitiesCommand::Unban { id, door } => {
            let answer = door.post(&format!("/api/v1/identities/{id}/unban")).await?;
            door.print(&answer, |identity| shown(identity, now()))
        }
    }
}

/// The identity that begins so, if there is one and no other.
async fn completed(door: &Door, id: String) -> Result<String, Failure> {
    if id.len() == DIGITS {
        return Ok(id);
    }
    let answer = door.get(&format!("/api/v1/identities?limit=2&prefix={id}")).await?;
    let answer: Value = serde_json::from_str(&answer).map_err(Failure::failed)?;
    match answer["identities"].as_array().map(Vec::as_slice) {
        Some([only]) => Ok(text(&only["id"])),
        Some([_, ..]) => {
            let problem = format!("several identities begin with {id}: add digits");
            Err(Failure::failed(problem))
        }
        _ => Err(Failure::failed(format_args!("no identity here begins with {id}"))),
    }
}

fn amount(value: &Value) -> String {
    Amount::from_sats(value.as_u64().unwrap_or_default()).to_string()
}

/// What stands against it, in a word.
fn standing(identity: &Value) -> String {
    match text(&identity["standing"]["decision"]).as_str() {
        "clear" => "clear".to_owned(),
        "identity-banned" => "banned".to_owned(),
        other => other.to_owned(),
    }
}

fn keys(identity: &Value) -> String {
    let keys = &identity["standing"]["keys"];
    format!("{}/{}", keys["count"], keys["limit"])
}

fn sessions(identity: &Value) -> String {
    let of = &identity["standing"];
    format!("{} done, {} failed", of["completed"], of["failed"])
}

fn list(answer: &Value, room: Option<usize>) -> String {
    let identities = answer["identities"].as_array().map(Vec::as_slice).unwrap_or_default();
    if identities.is_empty() {
        return "no identity fits".to_owned();
    }
    let mut table = Table::new([
        // So many digits tell one from any other, and `identities show` takes them.
        ("IDENTITY", Fit::Cut(17)),
        ("TIER", Fit::Whole),
        ("BURNED XPI", Fit::Whole),
        ("SCORE", Fit::Whole),
        ("KEYS", Fit::Whole),
        ("STANDING", Fit::Whole),
        ("SESSIONS", Fit::Extra),
        ("CURRENT KEY", Fit::Extra),
    ]);
    for identity in identities {
        let burned = amount(&identity["burned"]);
        table.row([
            text(&identity["id"]),
            text(&identity["tier"]),
            burned.trim_end_matches(" XPI").to_owned(),
            text(&identity["score"]),
            keys(identity),
            standing(identity),
            sessions(identity),
            text(&identity["key"]),
        ]);
    }
    let next = answer["next"].as_u64();
    let next = next.map(|place| format!("… more with --from {place}")).unwrap_or_default();
    format!("{}{next}", table.within(room))
}

fn shown(identity: &Value, now: u64) -> String {
    let against = &identity["standing"];
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<13}{value}");
    };
    line("identity", text(&identity["id"]));
    line("current key", text(&identity["key"]));
    line("rotations", text(&identity["sequence"]));
    line("tier", text(&identity["tier"]));
    line("burned", amount(&identity["burned"]));
    let (height, depth) = (&identity["height"], &identity["confirmations"]);
    line("evidence", format!("{}, height {height}, {depth} deep", text(&identity["class"])));
    if let Some(ms) = identity["proved_until"].as_u64() {
        line("proved until", date(ms));
    }
    let (done, failed) = (&against["completed"], &against["failed"]);
    line("score", format!("{}, {done} sessions completed, {failed} failed", identity["score"]));
    let mut against_it = standing(identity);
    if against["decision"] == "identity-banned" {
        let by = if against["by_operator"] == true { "by the operator" } else { "automatically" };
        let end = match against["until"].as_u64() {
            Some(until) => format!("for {}", left(Some(until), now)),
            None => "until lifted".to_owned(),
        };
        // The operator's own ban has no other reason than that it is one.
        let reason = match text(&against["sanction"]) {
            reason if against["by_operator"] == true && reason == "blacklisted" => String::new(),
            reason => format!(" for {reason}"),
        };
        against_it = format!("banned {by}{reason}, {end}");
    }
    line("standing", against_it);
    line("keys", keys(identity));
    for key in identity["owned"].as_array().into_iter().flatten() {
        let ends = key["ends"].as_u64().unwrap_or_default();
        let ends = match ends > now {
            true => format!("ends in {}", left(Some(ends), now)),
            false => "ended".to_owned(),
        };
        let current = if key["current"] == true { ", current" } else { "" };
        line("", text(&key["key"]));
        line("", format!("  {ends}{current}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WIDTH;
    use serde_json::json;

    #[test]
    fn a_list_of_identities_fits_a_terminal_and_a_wide_one_shows_whole_ids() {
        let row = json!({"id": "a".repeat(64), "key": "b".repeat(66), "tier": "institutional",
            "burned": 2_100_000_000_000_000_u64, "score": 100, "standing": {
            "decision": "identity-banned", "keys": {"count": 100, "limit": 100},
            "completed": 1_000, "failed": 10}});
        let answer = json!({"identities": [row], "next": 65_536});
        let shown = list(&answer, Some(WIDTH));
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
        assert!(shown.contains(&"a".repeat(17)) && shown.contains("banned"), "{shown}");
        assert!(shown.ends_with("… more with --from 65536"), "{shown}");
        let wide = list(&answer, Some(200));
        for told in [&"a".repeat(64)[..], "1000 done, 10 failed"] {
            assert!(wide.contains(told), "{wide}");
        }
        assert!(wide.lines().all(|line| line.chars().count() <= 200), "{wide}");
        assert!(list(&answer, None).contains(&"b".repeat(66)));
    }

    #[test]
    fn a_ban_by_the_operator_is_no_reason_of_itself() {
        let told = |by_operator: bool, sanction: &str| {
            let standing = json!({"decision": "identity-banned", "by_operator": by_operator,
                "sanction": sanction, "keys": {"count": 1, "limit": 1}});
            shown(&json!({"id": "a", "standing": standing}), 0)
        };
        let own = told(true, "blacklisted");
        assert!(own.contains("banned by the operator, until lifted"), "{own}");
        let other = told(false, "invalid-signature");
        assert!(other.contains("banned automatically for invalid-signature, until"), "{other}");
    }

    #[test]
    fn an_identity_is_hexadecimal() {
        assert_eq!(digits("00AB"), Ok("00ab".to_owned()));
        for text in ["", "00a", "00ag", "0x00ab", &"0".repeat(65)] {
            assert!(digits(text).is_err(), "{text}");
        }
        assert!(whole("00ab").is_err());
    }
}
