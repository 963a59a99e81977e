//! The hashes that signatures sign, one function for each tag (policy §6).

use crate::burn::Purpose;
use crate::hash::{hashed_tag_hash, tagged_hash};
use crate::{IdentityId, Network, OutPoint, PeerId, PublicKey, Timestamp};

/// The SHA-256 of `LTMS/ad/1`: advertisements are what comes in numbers.
const AD_TAG: [u8; 32] = [
    0xc6, 0x4d, 0xf1, 0xfd, 0x98, 0x9f, 0xff, 0xf9, 0x6f, 0xf7, 0x09, 0xa1, 0x13, 0x48, 0x60, 0xfd,
    0xa8, 0x23, 0x3a, 0x22, 0x8d, 0x2a, 0xb9, 0x24, 0x62, 0xd2, 0x14, 0xd2, 0xac, 0x7a, 0xac, 0x62,
];

/// What an author signs to advertise: `LTMS/ad/1` over the body as it was received.
#[must_use]
pub fn ad_hash(network: Network, body: &[u8]) -> [u8; 32] {
    hashed_tag_hash(&AD_TAG, &[&[network.byte()], body])
}

/// What an author signs to withdraw: `LTMS/withdraw/1` over the body as it was received.
#[must_use]
pub fn withdrawal_hash(network: Network, body: &[u8]) -> [u8; 32] {
    tagged_hash("LTMS/withdraw/1", &[&[network.byte()], body])
}

/// What an author signs to ask for signatures: `LTMS/request/1` over the body as it was received.
/// Its kind is reserved: no version reads or sends it yet.
#[must_use]
pub fn request_hash(network: Network, body: &[u8]) -> [u8; 32] {
    tagged_hash("LTMS/request/1", &[&[network.byte()], body])
}

/// What the key in a registration burn signs to claim it: `LTMS/register/1`.
#[must_use]
pub fn register_hash(network: Network, outpoint: &OutPoint, key: &PublicKey) -> [u8; 32] {
    tagged_hash(
        "LTMS/register/1",
        &[
            &[network.byte()],
            &outpoint.txid.to_display_bytes(),
            &outpoint.vout.to_le_bytes(),
            key.as_bytes(),
        ],
    )
}

/// What the old and the new key of an identity sign to replace the one by the other:
/// `LTMS/rotate/1`. The new key is the one in the script of `outpoint`.
#[must_use]
pub fn rotation_hash(
    network: Network,
    identity: &IdentityId,
    sequence: u64,
    old_key: &PublicKey,
    new_key: &PublicKey,
    outpoint: &OutPoint,
    created_at: Timestamp,
) -> [u8; 32] {
    tagged_hash(
        "LTMS/rotate/1",
        &[
            &[network.byte()],
            identity.as_bytes(),
            &sequence.to_le_bytes(),
            old_key.as_bytes(),
            new_key.as_bytes(),
            &outpoint.txid.to_display_bytes(),
            &outpoint.vout.to_le_bytes(),
            &created_at.as_millis().to_le_bytes(),
        ],
    )
}

/// What an identity's current key signs under rotation `sequence` to claim what a burn is for:
/// `LTMS/credit/1`. Purpose and key are those in the script of `outpoint`.
#[must_use]
pub fn credit_hash(
    network: Network,
    identity: &IdentityId,
    purpose: Purpose,
    outpoint: &OutPoint,
    script_key: &PublicKey,
    sequence: u64,
) -> [u8; 32] {
    tagged_hash(
        "LTMS/credit/1",
        &[
            &[network.byte()],
            identity.as_bytes(),
            &[purpose.code()],
            &outpoint.txid.to_display_bytes(),
            &outpoint.vout.to_le_bytes(),
            script_key.as_bytes(),
            &sequence.to_le_bytes(),
        ],
    )
}

/// What an identity's current key signs to let `delegated` speak for it under rotation `sequence`
/// until `not_after`: `LTMS/key/1`.
#[must_use]
pub fn delegation_hash(
    network: Network,
    identity: &IdentityId,
    delegated: &PublicKey,
    sequence: u64,
    not_after: Timestamp,
) -> [u8; 32] {
    tagged_hash(
        "LTMS/key/1",
        &[
            &[network.byte()],
            identity.as_bytes(),
            delegated.as_bytes(),
            &sequence.to_le_bytes(),
            &not_after.as_millis().to_le_bytes(),
        ],
    )
}

/// What a prover signs to show on a connection that it has the key of an identity:
/// `LTMS/hello/1`. Both peer ids are those of the connection, never bytes of a message, so that a
/// hello is good for nobody else.
#[must_use]
pub fn hello_hash(
    network: Network,
    prover: &PeerId,
    verifier: &PeerId,
    identity: &IdentityId,
    challenge: &[u8; 32],
) -> [u8; 32] {
    let (prover, verifier) = (prover.to_bytes(), verifier.to_bytes());
    let len = |peer: &[u8]| u16::try_from(peer.len()).unwrap_or(u16::MAX).to_le_bytes();
    tagged_hash(
        "LTMS/hello/1",
        &[
            &[network.byte()],
            &len(&prover),
            &prover,
            &len(&verifier),
            &verifier,
            identity.as_bytes(),
            challenge,
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_advertisements_is_the_one_that_is_named() {
        let hash = tagged_hash("LTMS/ad/1", &[&[Network::Test.byte()], b"body"]);
        assert_eq!(ad_hash(Network::Test, b"body"), hash);
        assert_ne!(withdrawal_hash(Network::Test, b"body"), hash);
    }
}
