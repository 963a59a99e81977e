//! Who appears in a history: keys and claims, made once.

use std::sync::OnceLock;

use ltms_core::burn::Purpose;
use ltms_core::schnorr::SecretKey;
use ltms_core::{Amount, IdentityId, PublicKey};

use crate::claims::{Claim, named, secret};
use crate::world::TIP;

pub(super) const PEERS: u32 = 8;
pub(super) const IDENTITIES: u32 = 5;
pub(super) const AUTHORS: u32 = 8;
/// Strangers that come when a history is over.
pub(super) const NEWCOMERS: u32 = 9;

pub(super) struct Cast {
    pub(super) authors: Vec<SecretKey>,
    pub(super) newcomers: Vec<SecretKey>,
    /// Those of `authors`.
    pub(super) keys: Vec<PublicKey>,
    /// Registrations of all identities, then rotations and credits of the first two, then larger ones and
    /// some that are too small, too young or for what costs nothing.
    pub(super) claims: Vec<Claim>,
    pub(super) ids: Vec<IdentityId>,
}

pub(super) fn cast() -> &'static Cast {
    static CAST: OnceLock<Cast> = OnceLock::new();
    CAST.get_or_init(|| {
        let make = |role, count| (0..count).map(|n| named(&format!("{role} {n}"))).collect();
        let authors: Vec<SecretKey> = make("author", AUTHORS);
        let mut claims: Vec<_> = (0..IDENTITIES).map(Claim::real).collect();
        let ids: Vec<_> = claims.iter().map(Claim::id).collect();
        for (owner, id) in (0..2).map(secret).zip(&ids) {
            for (sequence, height) in [(1, 200), (2, 250), (3, 300), (1, 380), (2, 390)] {
                for (new, later) in authors.iter().skip(2 * sequence as usize).zip([0, 7]) {
                    claims.push(Claim::rotation(&owner, new, id, sequence, height + later));
                }
            }
            for purpose in [Purpose::AdditionalKey, Purpose::TopUp] {
                for height in [210, 260] {
                    claims.push(Claim::credit(&owner, purpose, id, Amount::from_xpi(10), height));
                }
            }
        }
        for (n, xpi) in (100..).zip([60, 300, 1_200]) {
            claims.push(Claim::made(&secret(n), Amount::from_xpi(xpi), 220 + n));
        }
        let owner = secret(0);
        let little = Amount::from_xpi(1);
        claims.push(Claim::made(&owner, little, 300));
        claims.push(Claim::made(&owner, Amount::from_xpi(60), TIP - 3));
        claims.push(Claim::credit(&owner, Purpose::TopUp, &ids[0], little, 220));
        claims.push(Claim::credit(&owner, Purpose::SigningRequest, &ids[0], little, 230));
        let keys = authors.iter().map(SecretKey::public_key).collect();
        Cast { authors, newcomers: make("newcomer", NEWCOMERS), keys, claims, ids }
    })
}
