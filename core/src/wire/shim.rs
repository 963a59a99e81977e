use super::Registration as R;
use crate::*;
#[derive(Clone, Copy)]
pub struct IncludedBurn<'a> {
    pub transaction: &'a [u8],
    pub vout: u8,
    pub block: BlockHash,
    pub position: u32,
    pub branch: &'a [[u8; 32]],
}
#[derive(Clone, Copy)]
pub struct Rotation<'a> {
    pub burn: IncludedBurn<'a>,
    pub identity: IdentityId,
    pub sequence: u64,
    pub created_at: Timestamp,
    pub new_signature: Signature,
}
#[derive(Clone, Copy)]
pub struct Credit<'a> {
    pub burn: IncludedBurn<'a>,
    pub identity: IdentityId,
    pub sequence: u64,
}
pub enum BurnClaim<'a> {
    Registration(R<'a>),
    Rotation(Rotation<'a>),
    Credit(Credit<'a>),
}
impl<'a> BurnClaim<'a> {
    pub fn burn(&self) -> &IncludedBurn<'a> {
        loop {}
    }
}
pub fn rotation_hash(
    _: Network,
    _: &IdentityId,
    _: u64,
    _: &PublicKey,
    _: &PublicKey,
    _: &OutPoint,
    _: Timestamp,
) -> [u8; 32] {
    [0; 32]
}
pub fn credit_hash(
    _: Network,
    _: &IdentityId,
    _: u8,
    _: &OutPoint,
    _: &PublicKey,
    _: u64,
) -> [u8; 32] {
    [0; 32]
}
