//! What can be asked at the operator's doors.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use libp2p::PeerId;
use ltms_core::{
    Criteria, IdentityId, Metrics, PublicKey, Reason, Registered, Standing, Subject, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::metrics;
use crate::handle::{Handle, NodeError, Signer};

/// Entries of the directory in one answer.
const MOST: usize = 1_024;

/// The routes to a node.
pub(super) fn routes(handle: Handle) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(open_metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/peers", get(peers))
        .route("/api/v1/peers/{peer}", get(peer))
        .route("/api/v1/peers/{peer}/ban", post(ban))
        .route("/api/v1/peers/{peer}/unban", post(unban))
        .route("/api/v1/identities/{id}", get(identity))
        .route("/api/v1/keys/{key}", get(key))
        .route("/api/v1/directory", get(directory))
        .with_state(handle)
}

/// An answer that is no success.
#[derive(Debug)]
struct Failure(StatusCode, String);

impl Failure {
    fn new(status: StatusCode, problem: impl ToString) -> Self {
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

type Answer<T> = Result<Json<T>, Failure>;

/// Reads a name in a path.
fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Failure> {
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
    let text = metrics::text(&handle.metrics().await?, &handle.decisions().await?);
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

#[derive(Serialize)]
struct Status {
    peer: String,
    network: &'static str,
    version: &'static str,
    addresses: Vec<String>,
    metrics: Metrics,
    decisions: Vec<Count>,
}

#[derive(Serialize)]
struct Count {
    reason: &'static str,
    count: u64,
}

async fn status(State(handle): State<Handle>) -> Answer<Status> {
    let decisions = handle.decisions().await?;
    let count = |(reason, count): (Reason, u64)| Count { reason: reason.as_str(), count };
    Ok(Json(Status {
        peer: handle.peer_id().to_string(),
        network: handle.network.name(),
        version: env!("CARGO_PKG_VERSION"),
        addresses: handle.addresses().iter().map(ToString::to_string).collect(),
        metrics: handle.metrics().await?,
        decisions: decisions.into_iter().map(count).collect(),
    }))
}

/// [`Standing`] with names for what the core numbers.
#[derive(Serialize)]
struct Explained {
    subject: String,
    known: bool,
    /// `clear`, or the sanction in force.
    decision: &'static str,
    /// When it ends; absent until lifted.
    until: Option<Timestamp>,
    /// What it is for.
    sanction: Option<&'static str>,
    first_sanctioned: Option<Timestamp>,
    last_sanctioned: Option<Timestamp>,
    /// The first eight bytes of the SHA-256 of the evidence.
    evidence: Option<String>,
    by_operator: bool,
    /// An identity whose row left the table.
    displaced: bool,
    connections: u8,
    violations: Of<u8>,
    invalid_signatures: Of<u8>,
    malformed: Of<u8>,
    passed_on: u8,
    identity: Option<IdentityId>,
    keys: Of<u16>,
    score: u8,
    completed: u32,
    failed: u32,
    expires_at: Option<Timestamp>,
}

/// How many, and how many there may be.
#[derive(Serialize)]
struct Of<T> {
    count: T,
    limit: T,
}

impl<T> From<(T, T)> for Of<T> {
    fn from((count, limit): (T, T)) -> Self {
        Self { count, limit }
    }
}

impl Explained {
    fn new(subject: impl ToString, standing: &Standing) -> Self {
        let sanctioned = standing.sanctioned_at;
        Self {
            subject: subject.to_string(),
            known: standing.known,
            decision: standing.decision.reason.as_str(),
            until: standing.decision.retry_at,
            sanction: standing.sanction_reason.map(Reason::as_str),
            first_sanctioned: sanctioned.map(|(first, _)| first),
            last_sanctioned: sanctioned.map(|(_, last)| last),
            evidence: sanctioned.map(|_| hex::encode(standing.evidence)),
            by_operator: standing.by_operator,
            displaced: standing.displaced,
            connections: standing.connections,
            violations: standing.violations.into(),
            invalid_signatures: standing.invalid_signatures.into(),
            malformed: standing.malformed.into(),
            passed_on: standing.passed_on,
            identity: standing.identity,
            keys: standing.keys.into(),
            score: standing.score,
            completed: standing.sessions.0,
            failed: standing.sessions.1,
            expires_at: standing.expires_at,
        }
    }
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Until {
    /// Milliseconds since 1970; without it until lifted.
    until: Option<Timestamp>,
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

#[derive(Serialize)]
struct Identity {
    #[serde(flatten)]
    registered: Registered,
    standing: Explained,
}

async fn identity(State(handle): State<Handle>, Path(text): Path<String>) -> Answer<Identity> {
    let id: IdentityId = parsed(&text, "an identity in hexadecimal")?;
    let registered = handle.identity(id).await?;
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "this identity is not registered here");
    let registered = registered.ok_or_else(unknown)?;
    let standing = Explained::new(id, &handle.standing(Subject::Identity(id)).await?);
    Ok(Json(Identity { registered, standing }))
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
    let found = handle.find_signers(Criteria::default(), MOST).await?;
    Ok(Json(found.into_iter().map(Entry::from).collect()))
}
