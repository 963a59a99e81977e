//! What is signed in sessions: announcements, joins and contributions.

use ltms_core::session::Phase;
use ltms_core::wire::{
    SessionAnnouncement, contribution_hash, join_hash, session_hash, session_id,
};
use ltms_core::{List, PeerId, SessionId, size};

use crate::guard::{Result, run};
use crate::raw;
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_peer, ltms_public_key, ltms_signature, network, time};

/// The most signers of a session.
pub const LTMS_SIGNERS_MAX: usize = 15;

/// The most bytes of an announcement's body.
pub const LTMS_ANNOUNCEMENT_MAX: usize = 640;

/// The announcement of a signing session.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ltms_announcement {
    /// When it was made.
    pub created_at_ms: u64,
    /// The hash of what is to be signed. Nothing here looks into it.
    pub digest: [u8; 32],
    /// The signers' keys, strictly ascending.
    pub signers: [ltms_public_key; LTMS_SIGNERS_MAX],
    /// How many there are, at least two.
    pub signer_count: u8,
    /// Which of them announces, gathers and passes on; its key signs the announcement.
    pub announcer: u8,
    /// The announcer's peer, from whose connection alone it is taken.
    pub peer: ltms_peer,
    /// Zeros.
    pub reserved: [u8; 7],
}

impl TryFrom<&ltms_announcement> for SessionAnnouncement {
    type Error = Status;
    fn try_from(given: &ltms_announcement) -> Result<Self> {
        let keys = given.signers.get(..usize::from(given.signer_count)).ok_or(Status::Length)?;
        let mut signers = List::new();
        for key in keys {
            signers.push(key.into()).map_err(|_| Status::Length)?;
        }
        let announcement = Self {
            signers,
            announcer: given.announcer,
            peer: (&given.peer).try_into()?,
            created_at: time(given.created_at_ms),
            digest: given.digest,
        };
        if announcement.is_sound() { Ok(announcement) } else { Err(Status::WireSigners) }
    }
}

impl From<&SessionAnnouncement> for ltms_announcement {
    fn from(read: &SessionAnnouncement) -> Self {
        let mut signers = [ltms_public_key { bytes: [0; 33] }; LTMS_SIGNERS_MAX];
        signers.iter_mut().zip(&read.signers).for_each(|(to, key)| *to = (*key).into());
        Self {
            created_at_ms: read.created_at.as_millis(),
            digest: read.digest,
            signers,
            signer_count: read.signers.len() as u8,
            announcer: read.announcer,
            peer: read.peer.into(),
            reserved: [0; 7],
        }
    }
}

/// Writes the body of an announcement to the start of `body`, which has room for `capacity` bytes
/// (LTMS_ANNOUNCEMENT_MAX always do), its length to `*body_len`, the 16 bytes of the session's id to
/// `session`, and the signature by the secret of the announcer's key, 32 bytes. Body and signature
/// are what is sent.
///
/// Errors: LTMS_WIRE_SIGNERS, LTMS_KEY_OTHER, LTMS_KEY_OUT_OF_RANGE, LTMS_PEER_ID, LTMS_LENGTH for
/// too many signers, LTMS_VALUE, LTMS_BUFFER_TOO_SMALL.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_announcement_sign(
    body: *mut u8,
    capacity: usize,
    body_len: *mut usize,
    session: *mut u8,
    signature: *mut ltms_signature,
    announcement: *const ltms_announcement,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (to, len) = (raw::buffer(body, capacity)?, raw::out(body_len)?);
        let (id, signature) = (raw::out(session.cast::<[u8; 16]>())?, raw::out(signature)?);
        let given: SessionAnnouncement = raw::get(announcement)?.try_into()?;
        let (network, secret) = (network(network_number)?, secret(secret_key)?);
        if given.author() != Some(&secret.public_key()) {
            return Err(Status::KeyOther);
        }
        let written = given.encode(to)?;
        let body = to.get(..written).ok_or(Status::BufferTooSmall)?;
        signature.write(secret.sign(&session_hash(network, body)).into());
        id.write(*session_id(network, body).as_bytes());
        len.write(written);
        Ok(())
    })
}

/// Reads the body of an announcement, of `body_len` bytes, with the 16 bytes of the session's id to
/// `session`, and to `hash` the 32 bytes that the announcer signed: the key is the one of
/// `announcement->signers[announcement->announcer]`. Check that before LTMS_STEP_ANNOUNCE.
///
/// Errors: LTMS_WIRE_…, LTMS_VALUE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_announcement_read(
    announcement: *mut ltms_announcement,
    session: *mut u8,
    hash: *mut u8,
    network_number: u8,
    body: *const u8,
    body_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, id) = (raw::out(announcement)?, raw::out(session.cast::<[u8; 16]>())?);
        let (hash, network) = (raw::out(hash.cast::<[u8; 32]>())?, network(network_number)?);
        let body = raw::items(body, body_len)?;
        let read = SessionAnnouncement::decode(body)?;
        hash.write(session_hash(network, body));
        id.write(*session_id(network, body).as_bytes());
        out.write((&read).into());
        Ok(())
    })
}

/// Writes the 32 bytes that a signer signs, with ltms_schnorr_sign, to join a session of 16 bytes of
/// id. `joiner` is the peer of its connection, so that a join is good for nobody else.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_join_hash(
    hash: *mut u8,
    network_number: u8,
    session: *const u8,
    signer: *const ltms_public_key,
    joiner: *const ltms_peer,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(hash.cast::<[u8; 32]>())?;
        let (network, id) =
            (network(network_number)?, SessionId::from_bytes(*raw::array(session)?));
        let joiner = PeerId::try_from(raw::get(joiner)?)?;
        out.write(join_hash(network, &id, &raw::get(signer)?.into(), &joiner));
        Ok(())
    })
}

/// Writes the 32 bytes that a signer signs to contribute `data`, of `data_len` bytes, to
/// LTMS_PHASE_NONCE or LTMS_PHASE_PARTIAL_SIGNATURE of a session of 16 bytes of id.
///
/// Errors: LTMS_VALUE.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_contribution_hash(
    hash: *mut u8,
    network_number: u8,
    session: *const u8,
    phase: u8,
    data: *const u8,
    data_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let out = raw::out(hash.cast::<[u8; 32]>())?;
        let (network, id) =
            (network(network_number)?, SessionId::from_bytes(*raw::array(session)?));
        let phase = Phase::from_code(phase).filter(|phase| phase.takes_contributions());
        let data = raw::items(data, data_len)?;
        out.write(contribution_hash(network, &id, phase.ok_or(Status::Value)?, data));
        Ok(())
    })
}

const _: () = {
    assert!(LTMS_SIGNERS_MAX == size::SIGNERS);
    assert!(size_of::<ltms_announcement>() == 584);
};
