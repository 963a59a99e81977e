//! What handles ask the driver.

use libp2p::{Multiaddr, PeerId};
use ltms_core::{
    Ban, Criteria, Decision, Fill, IdentityId, Metrics, Outcome, OwnedKey, PublicKey, Reason,
    Registered, SessionId, Standing, Subject, Timestamp,
};
use tokio::sync::oneshot;

use super::{
    Advertised, Change, Health, Imported, Link, NoRoom, NodeError, Offered, Page, ReloadError,
    Search, SessionCommand, Signer, Taken, Undo,
};
use crate::behaviour::streams::{Request, Response};

/// Where the answer goes.
pub(super) type Reply<T> = oneshot::Sender<T>;
/// Told once it is stored, or why it is not.
pub(crate) type Stored<T> = oneshot::Sender<Result<T, String>>;

/// What a handle asks the driver.
pub(crate) enum Command {
    Advertise(Box<Offered>, Reply<Result<Advertised, NodeError>>),
    Withdraw(PublicKey, Vec<u8>, Reply<Result<Advertised, Decision>>),
    Claim(Vec<u8>, Stored<Decision>),
    Find(Criteria, usize, Reply<Vec<Signer>>),
    Search(Criteria, usize, Reply<Option<Search>>),
    LookUp(PublicKey, Reply<Option<Signer>>),
    SeekIdentity(IdentityId, Reply<Option<Registered>>),
    SignersOf(IdentityId, Reply<Vec<Signer>>),
    Identity(IdentityId, Reply<Option<Registered>>),
    RecordSession(SessionId, IdentityId, IdentityId, Outcome, Stored<Decision>),
    Ban(Subject, Option<Timestamp>, Stored<bool>),
    Unban(Subject, Stored<bool>),
    Bans(Reply<Vec<Ban>>),
    ImportBans(Vec<Imported>, bool, Stored<Result<Taken, NoRoom>>),
    UndoBans(Undo, bool, Stored<Vec<Ban>>),
    Identities(u32, Reply<Page>),
    OwnedKeys(IdentityId, Reply<Vec<OwnedKey>>),
    Metrics(Reply<Metrics>),
    Decisions(Reply<Vec<(Reason, u64)>>),
    Fill(Reply<[Fill; 7]>),
    Standing(Box<Subject>, Reply<Box<Standing>>),
    Health(Reply<Health>),
    Reload(Box<Change>, Reply<Result<(), ReloadError>>),
    Dial(Multiaddr, Reply<Result<(), String>>),
    Peers(Reply<Vec<PeerId>>),
    Links(Reply<Vec<Link>>),
    Ask(PeerId, Request, Reply<Response>),
    Session(SessionCommand),
    Stop,
}
