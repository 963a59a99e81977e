//! Bans, listed, handed on, taken over and undone by the operator.
//!
//! A file of bans is lines of JSON: first what it is, then a ban each. Bans of author keys end
//! within a day and those of address groups are kept by a tag that means nothing elsewhere, so
//! that neither is in a file.

use std::{collections::HashSet, fmt};

use axum::{
    Json,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use libp2p::PeerId;
use ltms_core::{Network, Reason, Subject, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    api::{Answer, Failure},
    shown::{Kind, ShownBan, reason},
};
use crate::{
    door::core_peer,
    handle::{Handle, Imported, Taken, Undo},
};

/// The version of the files.
const FORMAT: u32 = 1;
/// Bytes of a line.
const LINE: usize = 1_024;
/// Bans in an answer, if nothing else is asked for.
const USUAL: usize = 1_000;

/// Which bans are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    limit: Option<usize>,
    kind: Option<Kind>,
    reason: Option<String>,
    by_operator: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Listed {
    bans: Vec<ShownBan>,
    /// How many there are, shown or not.
    total: usize,
}

pub(super) async fn list(
    State(handle): State<Handle>,
    Query(wanted): Query<Wanted>,
) -> Answer<Listed> {
    let bans = handle.bans().await?.into_iter().map(ShownBan::from);
    let mut bans: Vec<_> = bans
        .filter(|ban| {
            wanted.kind.is_none_or(|kind| kind == ban.kind)
                && wanted.reason.as_ref().is_none_or(|reason| *reason == ban.reason)
                && wanted.by_operator.is_none_or(|wanted| wanted == ban.by_operator)
        })
        .collect();
    let total = bans.len();
    bans.truncate(wanted.limit.unwrap_or(USUAL));
    Ok(Json(Listed { bans, total }))
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// The version of the file.
    ltms_bans: u32,
    network: Network,
    /// When it was written.
    exported: Timestamp,
    /// How many follow, so that a file that was cut is noticed.
    bans: usize,
}

pub(super) async fn export(State(handle): State<Handle>) -> Result<Response, Failure> {
    let bans = handle.bans().await?.into_iter().map(ShownBan::from);
    let kept = |ban: &ShownBan| !ban.held && matches!(ban.kind, Kind::Peer | Kind::Identity);
    let bans: Vec<_> = bans.filter(kept).collect();
    let head = Head {
        ltms_bans: FORMAT,
        network: handle.network,
        exported: handle.clock.now(),
        bans: bans.len(),
    };
    let mut file = line(&head)?;
    for ban in &bans {
        file.push_str(&line(ban)?);
    }
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], file).into_response())
}

fn line(of: &impl Serialize) -> Result<String, Failure> {
    let failed = |error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error);
    Ok(serde_json::to_string(of).map_err(failed)? + "\n")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dry {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
pub(super) struct ImportAnswer {
    dry_run: bool,
    #[serde(flatten)]
    taken: Taken,
}

pub(super) async fn import(
    State(handle): State<Handle>,
    Query(Dry { dry_run }): Query<Dry>,
    file: String,
) -> Answer<ImportAnswer> {
    let wrong = |problem| Failure::new(StatusCode::BAD_REQUEST, problem);
    let bans = read(&file, handle.network).map_err(wrong)?;
    let taken = handle.import_bans(bans, dry_run).await?;
    let full = |error| Failure::new(StatusCode::INSUFFICIENT_STORAGE, error);
    Ok(Json(ImportAnswer { dry_run, taken: taken.map_err(full)? }))
}

/// Reads a whole file; the first thing that is wrong with it is told with its line.
fn read(file: &str, network: Network) -> Result<Vec<Imported>, String> {
    fn parse<'l, T: Deserialize<'l>>(number: usize, line: &'l str) -> Result<T, String> {
        let wrong = |problem: &dyn fmt::Display| format!("line {number}: {problem}");
        if line.len() > LINE {
            return Err(wrong(&format!("longer than {LINE} bytes")));
        }
        serde_json::from_str(line).map_err(|error| wrong(&error))
    }
    let mut lines = (1..).zip(file.lines());
    let (number, first) = lines.next().ok_or("it is empty")?;
    // The version decides how the rest is read.
    #[derive(Deserialize)]
    struct Version {
        ltms_bans: u32,
    }
    let version: Version = parse(number, first)
        .map_err(|problem| format!("no file that `ltms bans export` wrote: {problem}"))?;
    if version.ltms_bans != FORMAT {
        let found = version.ltms_bans;
        return Err(format!("written in version {found}; this one reads {FORMAT}"));
    }
    let head: Head = parse(number, first)?;
    if head.network != network {
        let (theirs, ours) = (head.network.name(), network.name());
        return Err(format!("its bans are of the network {theirs}, and this node's is {ours}"));
    }
    let (mut bans, mut seen) = (Vec::new(), HashSet::new());
    for (number, text) in lines {
        let ban: ShownBan = parse(number, text)?;
        let wrong = |problem: &str| format!("line {number}: {problem}");
        let subject = match ban.kind {
            Kind::Peer => {
                ban.subject.parse().map(|peer: PeerId| Subject::Peer(core_peer(&peer))).ok()
            }
            Kind::Identity => ban.subject.parse().map(Subject::Identity).ok(),
            Kind::Key | Kind::Group => return Err(wrong("bans of this kind are not taken over")),
        };
        let subject = subject.ok_or_else(|| wrong("the subject is not of its kind"))?;
        if ban.held {
            return Err(wrong("a sanction that is held back is no ban"));
        }
        let reason = reason(&ban.reason).filter(|reason| *reason != Reason::Unjudged);
        let reason = reason.ok_or_else(|| wrong("no such reason"))?;
        if !seen.insert(ban.subject) {
            return Err(wrong("a second ban of the same subject"));
        }
        bans.push(Imported { subject, until: ban.until, reason });
    }
    if bans.len() != head.bans {
        let (found, said) = (bans.len(), head.bans);
        return Err(format!("it has {found} bans, and had {said} when it was written"));
    }
    Ok(bans)
}

/// Whose ban is to be lifted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    subject: String,
}

/// A subject by its form: a peer id, an identity, an author key, or the tag of an address group.
fn subject(text: &str) -> Option<Subject> {
    let group = || (text.len() == 8).then(|| u32::from_str_radix(text, 16).ok()).flatten();
    let peer = || text.parse().map(|peer: PeerId| Subject::Peer(core_peer(&peer))).ok();
    let identity = || text.parse().map(Subject::Identity).ok();
    let key = || text.parse().map(Subject::Key).ok();
    identity().or_else(key).or_else(|| group().map(Subject::Group)).or_else(peer)
}

#[derive(Serialize)]
pub(super) struct Lifted {
    lifted: String,
}

pub(super) async fn lift(
    State(handle): State<Handle>,
    Query(Whose { subject: text }): Query<Whose>,
) -> Answer<Lifted> {
    let problem = format!("`{text}` is no peer id, identity, author key or address group");
    let subject = subject(&text).ok_or(Failure::new(StatusCode::BAD_REQUEST, problem))?;
    if !handle.lift(subject).await? {
        let none = format!("there is no ban of {text}");
        return Err(Failure::new(StatusCode::NOT_FOUND, none));
    }
    Ok(Json(Lifted { lifted: text }))
}

/// Which bans are to be undone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    /// Names of reasons, with commas between.
    reason: String,
    since: Timestamp,
    until: Option<Timestamp>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
pub(super) struct Undone {
    dry_run: bool,
    lifted: Vec<ShownBan>,
}

pub(super) async fn undo(
    State(handle): State<Handle>,
    Query(meant): Query<Meant>,
) -> Answer<Undone> {
    let reasons = meant.reason.split(',').map(|name| {
        let unknown = || Failure::new(StatusCode::BAD_REQUEST, format!("no reason is `{name}`"));
        reason(name).ok_or_else(unknown)
    });
    let undo = Undo {
        reasons: reasons.collect::<Result<_, _>>()?,
        since: meant.since,
        until: meant.until.unwrap_or(Timestamp::NEVER),
    };
    let lifted = handle.undo_bans(undo, meant.dry_run).await?;
    let lifted = lifted.into_iter().map(ShownBan::from).collect();
    Ok(Json(Undone { dry_run: meant.dry_run, lifted }))
}
