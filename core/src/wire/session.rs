//! What the signers of a session sign to each other (`docs/session.md`).

use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

use super::cbor::{Encoding, Written, array, bytes, fields, peer_id, time};
use super::{BufferTooSmall, WireError};
use crate::hash::tagged_hash;
use crate::session::Phase;
use crate::{List, Network, PeerId, PublicKey, SessionId, Timestamp, size};

/// The body of an announcement: who is to sign what, and who gathers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAnnouncement {
    /// The signers' keys, strictly ascending, at least two.
    pub signers: List<PublicKey, { size::SIGNERS }>,
    /// Which of them announces, gathers and passes on; its key signs the announcement.
    pub announcer: u8,
    /// The announcer's peer, from whose connection alone the announcement is taken.
    pub peer: PeerId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The hash of what is to be signed. Nothing here looks into it.
    pub digest: [u8; 32],
}

impl SessionAnnouncement {
    /// Reads a body.
    ///
    /// # Errors
    /// [`WireError`], the first that `docs/wire.md` calls for.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (mut signers, mut announcer, mut peer) = (None, None, None);
        let (mut created_at, mut digest) = (None, None);
        fields(body, |key, value| {
            match key {
                1 => signers = Some(read_signers(value)?),
                2 => announcer = Some(value.u8()?),
                3 => peer = Some(peer_id(value)?),
                4 => created_at = Some(time(value)?),
                5 => digest = Some(bytes(value)?),
                _ => return Err(WireError::UnknownField),
            }
            Ok(())
        })?;
        let decoded = Self {
            signers: signers.ok_or(WireError::MissingField)?,
            announcer: announcer.ok_or(WireError::MissingField)?,
            peer: peer.ok_or(WireError::MissingField)?,
            created_at: created_at.ok_or(WireError::MissingField)?,
            digest: digest.ok_or(WireError::MissingField)?,
        };
        decoded.check(body)?;
        if decoded.is_sound() { Ok(decoded) } else { Err(WireError::Signers) }
    }

    /// Whether there are at least two signers, each once and in order, and one of them announces.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let ascending = self.signers.iter().zip(self.signers.iter().skip(1)).all(|(a, b)| a < b);
        ascending && self.signers.len() >= 2 && usize::from(self.announcer) < self.signers.len()
    }

    /// The announcer's key.
    #[must_use]
    pub fn author(&self) -> Option<&PublicKey> {
        self.signers.get(usize::from(self.announcer))
    }

    /// Writes the body to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.encode_to(out)
    }
}

fn read_signers(
    decoder: &mut Decoder<'_>,
) -> Result<List<PublicKey, { size::SIGNERS }>, WireError> {
    let mut signers = List::new();
    for _ in 0..array(decoder)? {
        let key = PublicKey::from_bytes(bytes(decoder)?);
        signers.push(key).map_err(|_| WireError::Signers)?;
    }
    Ok(signers)
}

impl Encoding for SessionAnnouncement {
    fn write<W: Write>(&self, to: &mut Encoder<W>) -> Written<W> {
        to.map(5)?.u8(1)?.array(u64::try_from(self.signers.len()).unwrap_or(u64::MAX))?;
        for key in &self.signers {
            to.bytes(key.as_bytes())?;
        }
        to.u8(2)?.u8(self.announcer)?;
        to.u8(3)?.bytes(&self.peer.to_bytes())?;
        to.u8(4)?.u64(self.created_at.as_millis())?;
        to.u8(5)?.bytes(&self.digest)?;
        Ok(())
    }
}

/// What an announcer signs: `LTMS/session/1` over the body as it was received.
#[must_use]
pub fn session_hash(network: Network, body: &[u8]) -> [u8; 32] {
    tagged_hash("LTMS/session/1", &[&[network.byte()], body])
}

/// The session that a body announces: the first 16 bytes of [`session_hash`], so that an id
/// belongs to one announcement only.
#[must_use]
pub fn session_id(network: Network, body: &[u8]) -> SessionId {
    let hash = session_hash(network, body);
    SessionId::from_bytes(hash.first_chunk().copied().unwrap_or([0; 16]))
}

/// What a signer signs to join: `LTMS/join/1`. `joiner` is the peer of its connection, so that a
/// join is good for nobody else.
#[must_use]
pub fn join_hash(
    network: Network,
    session: &SessionId,
    signer: &PublicKey,
    joiner: &PeerId,
) -> [u8; 32] {
    let (network, joiner) = ([network.byte()], joiner.to_bytes());
    tagged_hash("LTMS/join/1", &[&network, session.as_bytes(), signer.as_bytes(), &joiner])
}

/// What a signer signs to contribute to a phase: `LTMS/contribution/1`.
#[must_use]
pub fn contribution_hash(
    network: Network,
    session: &SessionId,
    phase: Phase,
    data: &[u8],
) -> [u8; 32] {
    let before = [network.byte(), phase.code()];
    tagged_hash("LTMS/contribution/1", &[&before, session.as_bytes(), data])
}

#[cfg(test)]
mod tests {
    extern crate std;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    use super::*;

    fn key(n: u8) -> PublicKey {
        let mut bytes = [n; 33];
        bytes[0] = 2;
        PublicKey::from_bytes(bytes)
    }

    fn announcement(signers: &[u8], announcer: u8) -> SessionAnnouncement {
        let mut peer = vec![0, 36, 8, 1, 18, 32];
        peer.extend([7; 32]);
        SessionAnnouncement {
            signers: signers.iter().map(|n| key(*n)).collect(),
            announcer,
            peer: PeerId::from_bytes(&peer).unwrap(),
            created_at: Timestamp::from_millis(1_763_800_000_000),
            digest: [9; 32],
        }
    }

    fn body(announcement: &SessionAnnouncement) -> Vec<u8> {
        let mut out = vec![0; 1_000];
        let len = announcement.encode(&mut out).unwrap();
        out.truncate(len);
        out
    }

    #[test]
    fn two_to_fifteen_signers_in_order_of_whom_one_announces() {
        let all: Vec<u8> = (1..=15).collect();
        for good in [announcement(&[1, 2], 0), announcement(&[1, 2], 1), announcement(&all, 14)] {
            assert_eq!(SessionAnnouncement::decode(&body(&good)), Ok(good));
        }
        for bad in [
            announcement(&[], 0),
            announcement(&[1], 0),
            announcement(&[1, 2], 2),
            announcement(&[2, 1], 0),
            announcement(&[1, 1], 0),
        ] {
            assert_eq!(SessionAnnouncement::decode(&body(&bad)), Err(WireError::Signers));
        }
    }

    #[test]
    fn a_sixteenth_signer_is_refused_before_it_is_kept() {
        let full = body(&announcement(&(1..=15).collect::<Vec<u8>>(), 0));
        // The head of an array of 15, which becomes one of 16.
        assert_eq!(full[2], 0x8f);
        let mut longer = [&full[..2], &[0x90], &full[3..38]].concat();
        longer.extend_from_slice(&full[3..]);
        assert_eq!(SessionAnnouncement::decode(&longer), Err(WireError::Signers));
    }

    #[test]
    fn an_id_is_of_one_body_on_one_network() {
        let (one, other) = (body(&announcement(&[1, 2], 0)), body(&announcement(&[1, 2], 1)));
        let id = session_id(Network::Main, &one);
        assert_ne!(id, session_id(Network::Main, &other));
        assert_ne!(id, session_id(Network::Reg, &one));
    }

    proptest! {
        #[test]
        fn noise_is_no_announcement_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(SessionAnnouncement::decode(&noise).is_err());
        }

        #[test]
        fn a_changed_byte_makes_another_announcement_or_none(at in 0usize..150, flip in 1u8..) {
            let whole = announcement(&[1, 2, 3], 1);
            let mut bytes = body(&whole);
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert_ne!(SessionAnnouncement::decode(&bytes), Ok(whole));
        }
    }
}
