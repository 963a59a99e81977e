//! Identities, asked for by the operator.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use ltms_core::{IdentityId, Reason, Registered, Standing, Subject};
use serde::{Deserialize, Serialize};

use super::{
    api::{Answer, Failure, parsed},
    shown::{Identity, Owned, Until, tier_name},
};
use crate::handle::Handle;

/// Identities in an answer, if nothing else is asked for, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

/// Which identities are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Where the page begins: 0, or the last answer's `next`.
    #[serde(default)]
    from: u32,
    limit: Option<usize>,
    /// With an id that begins so.
    #[serde(default)]
    prefix: String,
    tier: Option<String>,
    banned: Option<bool>,
    suspended: Option<bool>,
    min_score: Option<u8>,
    max_score: Option<u8>,
    /// In satoshis.
    min_burn: Option<u64>,
}

impl Wanted {
    fn fits(&self, registered: &Registered, standing: &Standing) -> bool {
        let banned = standing.decision.reason == Reason::IdentityBanned;
        self.tier.as_deref().is_none_or(|tier| standing.tier.map(tier_name) == Some(tier))
            && self.banned.is_none_or(|wanted| wanted == banned)
            && self.suspended.is_none_or(|wanted| wanted == standing.suspended)
            && self.min_score.is_none_or(|least| standing.score >= least)
            && self.max_score.is_none_or(|most| standing.score <= most)
            && self.min_burn.is_none_or(|least| standing.burned.sats() >= least)
            && registered.id.to_string().starts_with(&self.prefix)
    }
}

#[derive(Serialize)]
pub(super) struct Found {
    identities: Vec<Identity>,
    /// Where the next page begins, if there may be more.
    next: Option<u32>,
}

pub(super) async fn list(
    State(handle): State<Handle>,
    Query(wanted): Query<Wanted>,
) -> Answer<Found> {
    let known = ["basic", "verified", "institutional"];
    if let Some(tier) = wanted.tier.as_deref().filter(|tier| !known.contains(tier)) {
        let problem = format!("`{tier}` is no tier, but basic, verified and institutional are");
        return Err(Failure::new(StatusCode::BAD_REQUEST, problem));
    }
    let limit = wanted.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut found = Found { identities: Vec::new(), next: Some(wanted.from) };
    // Each page is asked for alone, so that the node does other things in between.
    while let Some(from) = found.next {
        let page = handle.identities(from).await?;
        found.next = page.next;
        for (place, registered, standing) in page.identities {
            if !wanted.fits(&registered, &standing) {
                continue;
            }
            if found.identities.len() == limit {
                found.next = Some(place);
                return Ok(Json(found));
            }
            found.identities.push(Identity::new(registered, &standing));
        }
    }
    Ok(Json(found))
}

pub(super) async fn show(
    State(handle): State<Handle>,
    Path(text): Path<String>,
) -> Answer<Identity> {
    let id: IdentityId = parsed(&text, "an identity in hexadecimal")?;
    shown(&handle, id).await
}

async fn shown(handle: &Handle, id: IdentityId) -> Answer<Identity> {
    let registered = handle.identity(id).await?;
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "this identity is not registered here");
    let registered = registered.ok_or_else(unknown)?;
    let standing = handle.standing(Subject::Identity(id)).await?;
    let keys = handle.owned_keys(id).await?;
    let mut identity = Identity::new(registered, &standing);
    identity.owned = Some(keys.into_iter().map(Owned::from).collect());
    Ok(Json(identity))
}

pub(super) async fn ban(
    State(handle): State<Handle>,
    Path(text): Path<String>,
    Query(Until { until }): Query<Until>,
) -> Answer<Identity> {
    let id: IdentityId = parsed(&text, "an identity in hexadecimal")?;
    if !handle.ban_identity(id, until).await? {
        let unknown = "this identity is not registered here";
        return Err(Failure::new(StatusCode::NOT_FOUND, unknown));
    }
    shown(&handle, id).await
}

pub(super) async fn unban(
    State(handle): State<Handle>,
    Path(text): Path<String>,
) -> Answer<Identity> {
    let id: IdentityId = parsed(&text, "an identity in hexadecimal")?;
    if !handle.lift(Subject::Identity(id)).await? {
        return Err(Failure::new(StatusCode::NOT_FOUND, "there is no ban of this identity"));
    }
    shown(&handle, id).await
}
