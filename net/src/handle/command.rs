//! What handles ask the driver.

use libp2p::{Multiaddr, PeerId};
use ltms_core::{
    Criteria, Decision, IdentityId, Metrics, Outcome, PublicKey, Reason, Registered, SessionId,
    Standing, Subject, Timestamp,
};
use tokio::sync::oneshot;

use super::{Advertised, SessionCommand, Signer};
use crate::behaviour::streams::{Request, Response};

/// Where the answer goes.
pub(super) type Reply<T> = oneshot::Sender<T>;
/// Told once it is stored, or why it is not.
pub(crate) type Stored<T> = oneshot::Sender<Result<T, String>>;

/// What a handle asks the driver.
pub(crate) enum Command {
    Publish(Vec<u8>, Reply<Result<Advertised, Decision>>),
    Claim(Vec<u8>, Stored<Decision>),
    Find(Criteria, usize, Reply<Vec<Signer>>),
    LookUp(PublicKey, Reply<Option<Signer>>),
    Identity(IdentityId, Reply<Option<Registered>>),
    RecordSession(SessionId, IdentityId, IdentityId, Outcome, Stored<Decision>),
    Ban(PeerId, Option<Timestamp>, Stored<bool>),
    Unban(PeerId, Stored<bool>),
    Metrics(Reply<Metrics>),
    Decisions(Reply<Vec<(Reason, u64)>>),
    Standing(Box<Subject>, Reply<Box<Standing>>),
    Dial(Multiaddr, Reply<Result<(), String>>),
    Peers(Reply<Vec<PeerId>>),
    Ask(PeerId, Request, Reply<Response>),
    Session(SessionCommand),
    Stop,
}
