//! `ltms bans`: list, lift, hand on, take over and undo.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use clap::Subcommand;
use hyper::Method;
use serde_json::Value;

use crate::{
    failure::Failure,
    operator::{Door, text},
    output,
    table::{Fit, Table, columns},
    when::{date, left, now, read_time},
};

/// Bytes of a file of bans that a node reads.
const LARGEST: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum BansCommand {
    /// The bans in force, of peers, identities, author keys and address groups, and sanctions that
    /// the breaker holds back
    List {
        /// Only those for this reason, such as malformed; docs/wire.md has the names
        #[arg(long)]
        reason: Option<String>,
        /// Show at most so many
        #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
        limit: usize,
        #[command(flatten)]
        door: Door,
    },
    /// Lift one ban, whoever made it, or a sanction that the breaker holds back
    Lift {
        /// A peer id, an identity, an author key, or an address group as `bans list` shows it
        subject: String,
        #[command(flatten)]
        door: Door,
    },
    /// Write the bans of peers and identities to a file, for `bans import`
    Export {
        /// A new file, or - for standard output
        file: PathBuf,
        #[command(flatten)]
        door: Door,
    },
    /// Take bans over as the operator's: all or none, and none that would weaken what is there
    Import {
        /// What `bans export` wrote, or - for standard input
        file: PathBuf,
        /// Say what would happen, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        door: Door,
    },
    /// Lift automatic bans by what they are for and when they began, also those that the breaker
    /// holds back; never the operator's
    Undo {
        /// What they are for, such as malformed; may be repeated. `group-banned` lifts those of
        /// address groups, which have no beginning
        #[arg(long, required = true)]
        reason: Vec<String>,
        /// They began then or later: 2026-11-25T12:50:01Z, 2026-11-25, or how long ago: 12h
        #[arg(long, value_name = "TIME", value_parser = read_time)]
        since: u64,
        /// They began before then [default: now]
        #[arg(long, value_name = "TIME", value_parser = read_time)]
        until: Option<u64>,
        /// Say which, and lift none
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        door: Door,
    },
}

/// # Errors
/// [`Failure`] if the node cannot be asked or says no, or a file cannot be read or written.
pub(crate) async fn run(command: BansCommand) -> Result<(), Failure> {
    match command {
        BansCommand::List { reason, limit, door } => {
            let mut path = format!("/api/v1/bans?limit={limit}");
            if let Some(reason) = reason {
                path += &format!("&reason={}", named(&reason)?);
            }
            let answer = door.get(&path).await?;
            door.print(&answer, |answer| list(answer, now(), columns()))
        }
        BansCommand::Lift { subject, door } => {
            if !subject.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(Failure::usage(format_args!("`{subject}` is no subject of a ban")));
            }
            let answer = door.post(&format!("/api/v1/bans/lift?subject={subject}")).await?;
            door.print(&answer, |answer| format!("lifted the ban of {}", text(&answer["lifted"])))
        }
        BansCommand::Export { file, door } => {
            let bans = door.get("/api/v1/bans/export").await?;
            if file.as_os_str() == "-" {
                return output::line(bans.trim_end());
            }
            output::save(&file, bans.trim_end())?;
            let count = bans.lines().count().saturating_sub(1);
            output::line(format_args!("{} written to {}", bans_of(count), file.display()))
        }
        BansCommand::Import { file, dry_run, door } => {
            let bans = read(&file)?;
            let path = format!("/api/v1/bans/import?dry_run={dry_run}");
            let answer = door.ask(Method::POST, &path, bans).await;
            let named = |error| Failure::failed(format_args!("{}: {error}", file.display()));
            door.print(&answer.map_err(named)?, |answer| imported(answer, dry_run))
        }
        BansCommand::Undo { reason, since, until, dry_run, door } => {
            let reasons = reason.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?;
            let (reasons, until) = (reasons.join(","), until.unwrap_or_else(now));
            let path = format!(
                "/api/v1/bans/undo?reason={reasons}&since={since}&until={until}&dry_run={dry_run}"
            );
            let answer = door.post(&path).await?;
            door.print(&answer, |answer| undone(answer, dry_run, now(), columns()))
        }
    }
}

/// The name of a reason.
fn named(name: &str) -> Result<&str, Failure> {
    let known = ltms_core::Reason::ALL.iter().any(|reason| reason.as_str() == name);
    let unknown = || {
        Failure::usage(format_args!(
            "no reason is `{name}`: docs/wire.md has the names, and `ltms bans list` those in force"
        ))
    };
    known.then_some(name).ok_or_else(unknown)
}

fn read(file: &PathBuf) -> Result<String, Failure> {
    let failed =
        |error: io::Error| Failure::usage(format_args!("cannot read {}: {error}", file.display()));
    let mut bans = String::new();
    let from: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(failed)?)
    };
    let read = from.take(LARGEST + 1).read_to_string(&mut bans).map_err(failed)?;
    if read as u64 > LARGEST {
        let problem = format_args!("{} has more than {LARGEST} bytes", file.display());
        return Err(Failure::usage(problem));
    }
    Ok(bans)
}

fn bans_of(count: usize) -> String {
    if count == 1 { "1 ban".to_owned() } else { format!("{count} bans") }
}

/// What a heading stands for, and whether a ban belongs under it.
type Part = (&'static str, &'static str, fn(&Value) -> bool);

/// Under a heading each, because an operator weighs them differently.
const PARTS: [Part; 3] = [
    ("by the operator", "LEFT", |ban| ban["by_operator"] == true),
    ("automatic", "LEFT", |ban| ban["by_operator"] != true && ban["held"] != true),
    ("held back by the breaker, in force only if it stays closed", "IN", |ban| ban["held"] == true),
];

/// A table for each part that has any.
fn tables(bans: &[Value], now: u64, room: Option<usize>) -> String {
    let mut out = String::new();
    for (heading, left_head, belongs) in PARTS {
        let mut table = Table::new([
            (left_head, Fit::Whole),
            ("REASON", Fit::Whole),
            // A peer id is always whole, so that it can be copied.
            ("SUBJECT", Fit::Cut(52)),
            ("SINCE", Fit::Extra),
            ("EVIDENCE", Fit::Extra),
        ]);
        let mut any = false;
        for ban in bans.iter().filter(|ban| belongs(ban)) {
            any = true;
            table.row([
                left(ban["until"].as_u64(), now),
                text(&ban["reason"]),
                text(&ban["subject"]),
                ban["since"].as_u64().map(date).unwrap_or_default(),
                ban["evidence"].as_str().unwrap_or_default().to_owned(),
            ]);
        }
        if any {
            let gap = if out.is_empty() { "" } else { "\n" };
            out += &format!("{gap}{heading}:\n{}", table.within(room));
        }
    }
    out
}

fn list(answer: &Value, now: u64, room: Option<usize>) -> String {
    let bans = answer["bans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let total = answer["total"].as_u64().unwrap_or_default();
    if total == 0 {
        return "no ban is in force".to_owned();
    }
    let shown = tables(bans, now, room);
    if bans.len() as u64 == total {
        return shown;
    }
    format!("{shown}… {} of {total}; --limit shows more", bans.len())
}

fn imported(answer: &Value, dry: bool) -> String {
    let count = |field: &str| answer[field].as_u64().unwrap_or_default();
    let mut lines = vec![match dry {
        true => format!("would ban   {}", count("banned")),
        false => format!("banned      {}", count("banned")),
    }];
    for (field, name, why) in [
        ("known", "known", "banned for as long already"),
        ("ended", "ended", "their time has passed"),
        ("allowed", "allowed", "on this node's allow-list"),
        ("unknown", "unknown", "identities that are not registered here"),
    ] {
        if count(field) > 0 {
            lines.push(format!("{name:<12}{}, {why}", count(field)));
        }
    }
    lines.join("\n")
}

fn undone(answer: &Value, dry: bool, now: u64, room: Option<usize>) -> String {
    let lifted = answer["lifted"].as_array().map(Vec::as_slice).unwrap_or_default();
    if lifted.is_empty() {
        return "no automatic ban is meant by that".to_owned();
    }
    let mut counts = BTreeMap::new();
    for ban in lifted {
        *counts.entry((text(&ban["reason"]), text(&ban["kind"]))).or_insert(0_usize) += 1;
    }
    let done = if dry { "would lift" } else { "lifted" };
    let told = counts.iter().map(|((reason, kind), count)| {
        format!("{done} {} of {kind} for {reason}", bans_of(*count))
    });
    let told = told.collect::<Vec<_>>().join("\n");
    if dry { format!("{}\n{told}", tables(lifted, now, room)) } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WIDTH;
    use serde_json::json;

    #[test]
    fn a_list_of_bans_fits_a_terminal_with_whole_reasons_and_a_wide_one_shows_more() {
        let id = "12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb";
        let ban = |subject: &str, until, by_operator, held| {
            json!({"subject": subject, "reason": "invalid-signature", "until": until, "since": 1,
                "evidence": "0011223344556677", "by_operator": by_operator, "held": held})
        };
        let bans = [
            ban(&"a".repeat(64), json!(86_399_000), false, false),
            ban(id, Value::Null, true, false),
            ban(id, json!(59_000), false, true),
        ];
        let answer = json!({"bans": bans, "total": 4});
        let shown = list(&answer, 0, Some(WIDTH));
        let expected = format!(
            "\
by the operator:
LEFT    REASON             SUBJECT
no end  invalid-signature  {id}

automatic:
LEFT     REASON             SUBJECT
23h 59m  invalid-signature  {}…

held back by the breaker, in force only if it stays closed:
IN   REASON             SUBJECT
59s  invalid-signature  {id}
… 3 of 4; --limit shows more",
            "a".repeat(51)
        );
        assert_eq!(shown, expected);
        let wide = list(&answer, 0, Some(200));
        for told in [&"a".repeat(64)[..], "SINCE", "1970-01-01 00:00:00Z", "0011223344556677"] {
            assert!(wide.contains(told), "{wide}");
        }
        assert!(wide.lines().all(|line| line.chars().count() <= 200), "{wide}");
    }
}
