//! What can be asked at the operator's doors.

use std::net::IpAddr;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use libp2p::PeerId;
use ltms_core::{Criteria, Fill, IdentityId, Metrics, PublicKey, Reason, Subject, Timestamp};
use serde::Serialize;

use super::{
    bans, explain,
    history::{self, History},
    identities, metrics,
    shown::{Explained, Until},
};
use crate::handle::{Handle, Link, NodeError, Signer};

/// Entries of the directory in one answer.
const MOST: usize = 1_024;

/// Bytes of a file of bans: some 100,000, more than a node's tables hold.
const BANS: usize = 16 << 20;

/// The routes to a node.
pub(super) fn routes(handle: Handle, history: History) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(open_metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/connections", get(connections))
        .route("/api/v1/peers", get(peers))
        .route("/api/v1/peers/{peer}", get(peer))
        .route("/api/v1/peers/{peer}/ban", post(ban))
        .route("/api/v1/peers/{peer}/unban", post(unban))
        .route("/api/v1/peers/{peer}/explain", get(explained))
        .route("/api/v1/identities", get(identities::list))
        .route("/api/v1/identities/{id}", get(identities::show))
        .route("/api/v1/identities/{id}/ban", post(identities::ban))
        .route("/api/v1/identities/{id}/unban", post(identities::unban))
        .route("/api/v1/bans", get(bans::list))
        .route("/api/v1/bans/export", get(bans::export))
        .route("/api/v1/bans/import", post(bans::import).layer(DefaultBodyLimit::max(BANS)))
        .route("/api/v1/bans/lift", post(bans::lift))
        .route("/api/v1/bans/undo", post(bans::undo))
        .route("/api/v1/keys/{key}", get(key))
        .route("/api/v1/directory", get(directory))
        .with_state(handle.clone())
        .merge(
            Router::new()
                .route("/api/v1/history", get(history::told))
                .with_state((handle, history)),
        )
}

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Failure(StatusCode, String);

impl Failure {
    pub(super) fn new(status: StatusCode, problem: impl ToString) -> Self {
        Self(status, problem.to_string())
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: String,
        }
        (self.0, Json(Body { error: self.1 })).into_response()
    }
}

pub(super) type Answer<T> = Result<Json<T>, Failure>;

/// Reads a name in a path.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Failure> {
    let wrong = |_| Failure::new(StatusCode::BAD_REQUEST, format!("`{text}` is not {what}"));
    text.parse().map_err(wrong)
}

/// How the node is; `503` when somebody should look at it.
async fn health(State(handle): State<Handle>) -> Response {
    match handle.health().await {
        Ok(health) if health.is_good() => (StatusCode::OK, health.to_string()).into_response(),
        Ok(health) => (StatusCode::SERVICE_UNAVAILABLE, health.to_string()).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn open_metrics(State(handle): State<Handle>) -> Result<Response, Failure> {
    let (metrics, decisions) = (handle.metrics().await?, handle.decisions().await?);
    let text = metrics::text(&handle, &metrics, &decisions, &handle.fill().await?);
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

#[derive(Serialize)]
struct Status {
    peer: String,
    network: &'static str,
    version: &'static str,
    addresses: Vec<String>,
    /// The node's time, to which all others are to be compared.
    now: Timestamp,
    metrics: Metrics,
    decisions: Vec<Count>,
    tables: [Fill; 7],
    dht_queries_per_minute: u32,
    dht_latency_ms: u128,
}

#[derive(Serialize)]
struct Count {
    reason: &'static str,
    verdict: String,
    count: u64,
}

async fn status(State(handle): State<Handle>) -> Answer<Status> {
    let decisions = handle.decisions().await?;
    let count = |(reason, count): (Reason, u64)| {
        let verdict = format!("{:?}", reason.verdict()).to_lowercase();
        Count { reason: reason.as_str(), verdict, count }
    };
    let (queries, latency) = handle.meters.queries();
    Ok(Json(Status {
        peer: handle.peer_id().to_string(),
        network: handle.network.name(),
        version: env!("CARGO_PKG_VERSION"),
        addresses: handle.addresses().iter().map(ToString::to_string).collect(),
        now: handle.clock.now(),
        metrics: handle.metrics().await?,
        decisions: decisions.into_iter().map(count).collect(),
        tables: handle.fill().await?,
        dht_queries_per_minute: queries,
        dht_latency_ms: latency.as_millis(),
    }))
}

/// An open connection and what stands against its peer.
#[derive(Serialize)]
struct Connection {
    peer: String,
    address: Option<IpAddr>,
    outbound: bool,
    agent: Option<String>,
    standing: Explained,
}

async fn connections(State(handle): State<Handle>) -> Answer<Vec<Connection>> {
    let mut shown = Vec::new();
    for Link { peer, address, outbound, agent } in handle.links().await? {
        let standing = Explained::new(peer, &handle.standing_of(&peer).await?);
        shown.push(Connection { peer: peer.to_string(), address, outbound, agent, standing });
    }
    Ok(Json(shown))
}

async fn peers(State(handle): State<Handle>) -> Answer<Vec<Explained>> {
    let mut explained = Vec::new();
    for peer in handle.peers().await? {
        explained.push(Explained::new(peer, &handle.standing_of(&peer).await?));
    }
    Ok(Json(explained))
}

async fn peer(State(handle): State<Handle>, Path(text): Path<String>) -> Answer<Explained> {
    let peer: PeerId = parsed(&text, "a peer id")?;
    Ok(Json(Explained::new(peer, &handle.standing_of(&peer).await?)))
}

async fn explained(
    State(handle): State<Handle>,
    Path(text): Path<String>,
) -> Answer<explain::Account> {
    let peer: PeerId = parsed(&text, "a peer id")?;
    Ok(Json(explain::Account::of(&peer, &handle.standing_of(&peer).await?)))
}

async fn ban(
    State(handle): State<Handle>,
    Path(text): Path<String>,
    Query(Until { until }): Query<Until>,
) -> Answer<Explained> {
    let peer: PeerId = parsed(&text, "a peer id")?;
    if !handle.ban(peer, until).await? {
        let full = "the operator's part of the ban table is full: lift a ban first";
        return Err(Failure::new(StatusCode::INSUFFICIENT_STORAGE, full));
    }
    Ok(Json(Explained::new(peer, &handle.standing_of(&peer).await?)))
}

async fn unban(State(handle): State<Handle>, Path(text): Path<String>) -> Answer<Explained> {
    let peer: PeerId = parsed(&text, "a peer id")?;
    if !handle.unban(peer).await? {
        return Err(Failure::new(StatusCode::NOT_FOUND, "there is no ban of this peer"));
    }
    Ok(Json(Explained::new(peer, &handle.standing_of(&peer).await?)))
}

async fn key(State(handle): State<Handle>, Path(text): Path<String>) -> Answer<Explained> {
    let key: PublicKey = parsed(&text, "a public key in hexadecimal")?;
    Ok(Json(Explained::new(key, &handle.standing(Subject::Key(key)).await?)))
}

#[derive(Serialize)]
struct Entry {
    key: PublicKey,
    identity: Option<IdentityId>,
    score: u8,
    burned: u64,
    peer: String,
    addresses: Vec<String>,
    types: Vec<u16>,
    expires_at: Timestamp,
}

impl From<Signer> for Entry {
    fn from(signer: Signer) -> Self {
        Self {
            key: signer.key,
            identity: signer.identity,
            score: signer.score,
            burned: signer.burned.sats(),
            peer: signer.peer.to_string(),
            addresses: signer.addresses.iter().map(ToString::to_string).collect(),
            types: signer.types,
            expires_at: signer.expires_at,
        }
    }
}

async fn directory(State(handle): State<Handle>) -> Answer<Vec<Entry>> {
    let found = handle.directory(Criteria::default(), MOST).await?;
    Ok(Json(found.into_iter().map(Entry::from).collect()))
}
