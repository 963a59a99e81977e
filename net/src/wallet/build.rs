//! Transactions that burn.

use std::collections::HashSet;

use ltms_core::burn::{BurnScript, Script};
use ltms_core::chain::{HashType, Input, Output, Sighash, SighashError, Transaction, TxError};
use ltms_core::schnorr::SecretKey;
use ltms_core::{Amount, OutPoint, Txid};

use super::{FeeRate, KeyHash};
use crate::chain::raw;

/// The least that an output to a key may hold (lotusd, `policy.cpp`).
const DUST: Amount = Amount::from_sats(546);
/// OP_RETURN outputs of one transaction (lotusd, `policy.cpp`).
const MAX_BURNS: usize = 3;
/// Bytes that nodes relay (lotusd, `policy/policy.h`).
const MAX_LEN: usize = 100_000;
/// Bytes of `push(signature ‖ hash type) push(key)`.
const UNLOCKING: usize = 100;

/// An output that can be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it holds. The signature covers it, so that a wrong amount makes an invalid
    /// transaction, never a lost coin.
    pub value: Amount,
    /// Its script, which must be that of the key that signs ([`KeyHash::script`]).
    pub script: Vec<u8>,
}

impl Coin {
    fn output(&self) -> Output<'_> {
        Output { value: self.value, script: &self.script }
    }
}

/// Why no transaction can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing to spend.
    #[error("there is no coin to spend")]
    NoCoins,
    /// A coin is there twice.
    #[error("the coin {0} is named twice")]
    SameCoin(OutPoint),
    /// The key cannot spend a coin.
    #[error("the coin {0} belongs to another key")]
    OtherKey(OutPoint),
    /// Coins, or burns, are more money than exists.
    #[error("the amounts are more money than exists")]
    TooMuchMoney,
    /// No burn, or more than three: nodes would not relay it.
    #[error("a transaction burns in one to three outputs")]
    Burns,
    /// A burn's key is not on the curve, so that nobody would read the burn.
    #[error("the key in the burn is not on the curve")]
    Key,
    /// The coins do not suffice.
    #[error("the coins hold {coins} and burn and fee take {missing} more: add another coin")]
    InsufficientFunds {
        /// What more is needed.
        missing: Amount,
        /// What there is.
        coins: Amount,
    },
    /// What is left is too little for an output and too much for a fee; a coin more or less helps.
    #[error("the change is dust, and as a fee it would be above 10 XPI for each 1000 bytes")]
    FeeTooHigh,
    /// More bytes than nodes relay.
    #[error("the transaction has {0} bytes and nodes relay 100000: spend fewer coins")]
    TooLarge(usize),
    /// The fork value has more than 24 bits.
    #[error(transparent)]
    Sighash(#[from] SighashError),
    /// What was made cannot be read.
    #[error(transparent)]
    Transaction(#[from] TxError),
}

/// What to burn, and of what.
#[derive(Clone, Debug)]
pub struct Burning<'a> {
    /// The coins; all are spent.
    pub coins: &'a [Coin],
    /// One to three burns: the first outputs, in this order.
    pub burns: &'a [(Amount, BurnScript)],
    /// Who gets what is left, in the output after the burns.
    pub change: KeyHash,
    /// What to pay for being mined.
    pub fee_rate: FeeRate,
    /// 24 bits that nodes mix into what is signed: [`Sighash::NO_FORK`] or, from the time that
    /// their release names, [`Sighash::REPLAY_PROTECTED`].
    pub fork_value: u32,
}

/// A transaction to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    /// The bytes.
    pub raw: Vec<u8>,
    /// The id.
    pub txid: Txid,
    /// What it pays to be mined.
    pub fee: Amount,
    /// What comes back; `None` where so little was left that it went into the fee.
    pub change: Option<Amount>,
}

impl Burning<'_> {
    /// Signs with the key that owns the coins, `ALL|FORKID` and Schnorr. The same input gives the
    /// same bytes.
    ///
    /// # Errors
    /// [`BuildError`] for what nodes would not take, or not as it is meant.
    pub fn sign(&self, key: &SecretKey) -> Result<SignedTransaction, BuildError> {
        let coins = self.check_coins(&KeyHash::of(&key.public_key()))?;
        let scripts = self.burn_scripts()?;
        let change_script = self.change.script();
        let burns = self.burns.iter().zip(&scripts);
        let mut outputs: Vec<_> =
            burns.map(|((value, _), script)| Output { value: *value, script }).collect();
        let burned = total(outputs.iter().map(|output| output.value))?;

        let without_change = self.encode(&outputs, &[]).len();
        outputs.push(Output { value: Amount::ZERO, script: &change_script });
        let with_change = self.encode(&outputs, &[]).len();
        let (fee, change) = self.share(coins, burned, without_change, with_change)?;
        match (change, outputs.last_mut()) {
            (Some(value), Some(output)) => output.value = value,
            _ => drop(outputs.pop()),
        }

        let unsigned = self.encode(&outputs, &[]);
        if unsigned.len() > MAX_LEN {
            return Err(BuildError::TooLarge(unsigned.len()));
        }
        let raw = self.encode(&outputs, &self.unlock(&unsigned, key)?);
        let txid = Transaction::parse(&raw)?.txid();
        Ok(SignedTransaction { raw, txid, fee, change })
    }

    /// What the coins hold together, if `owner` can spend each of them once.
    fn check_coins(&self, owner: &KeyHash) -> Result<Amount, BuildError> {
        if self.coins.is_empty() {
            return Err(BuildError::NoCoins);
        }
        let mut seen = HashSet::new();
        for coin in self.coins {
            if !seen.insert(coin.outpoint) {
                return Err(BuildError::SameCoin(coin.outpoint));
            }
            if coin.script != owner.script() {
                return Err(BuildError::OtherKey(coin.outpoint));
            }
        }
        total(self.coins.iter().map(|coin| coin.value))
    }

    /// The scripts of the burns, if everybody reads them as they are meant.
    fn burn_scripts(&self) -> Result<Vec<Script>, BuildError> {
        if !(1..=MAX_BURNS).contains(&self.burns.len()) {
            return Err(BuildError::Burns);
        }
        let build = |(_, burn): &(Amount, BurnScript)| {
            let script = burn.build();
            BurnScript::parse(&script).map(|_| script).map_err(|_| BuildError::Key)
        };
        self.burns.iter().map(build).collect()
    }

    /// Fee and change. What would be dust as change goes into the fee.
    fn share(
        &self,
        coins: Amount,
        burned: Amount,
        without_change: usize,
        with_change: usize,
    ) -> Result<(Amount, Option<Amount>), BuildError> {
        let least = self.fee_rate.fee(without_change);
        let needed = burned.saturating_add(least).sats();
        let Some(left) =
            coins.sats().checked_sub(burned.sats()).filter(|left| *left >= least.sats())
        else {
            let missing = Amount::from_sats(needed - coins.sats());
            return Err(BuildError::InsufficientFunds { missing, coins });
        };
        let fee = self.fee_rate.fee(with_change);
        match left.checked_sub(fee.sats()).map(Amount::from_sats) {
            Some(change) if change >= DUST => Ok((fee, Some(change))),
            _ if left > FeeRate::MAX.fee(without_change).sats() => Err(BuildError::FeeTooHigh),
            _ => Ok((Amount::from_sats(left), None)),
        }
    }

    /// The transaction, with scripts that unlock the coins. Where none are given there are zeros
    /// of the same length, so that the size is the right one.
    fn encode(&self, outputs: &[Output<'_>], unlocking: &[[u8; UNLOCKING]]) -> Vec<u8> {
        let input = |(at, coin): (usize, &Coin)| Input {
            previous: coin.outpoint,
            script: unlocking.get(at).unwrap_or(&[0; UNLOCKING]),
            sequence: u32::MAX,
        };
        // `map` over a slice's enumeration keeps the exact length.
        raw::transaction(self.coins.iter().enumerate().map(input), outputs.iter().copied())
    }

    /// `push(signature ‖ hash type) push(key)` for every coin.
    fn unlock(&self, unsigned: &[u8], key: &SecretKey) -> Result<Vec<[u8; UNLOCKING]>, BuildError> {
        let transaction = Transaction::parse(unsigned)?;
        let spent: Vec<_> = self.coins.iter().map(Coin::output).collect();
        let unlock = |index: u32| {
            let sighash =
                Sighash::new(&transaction, index, &spent, HashType::ALL, self.fork_value)?;
            let mut script = [0; UNLOCKING];
            script[0] = 65;
            script[1..65].copy_from_slice(key.sign(&sighash.hash()).as_bytes());
            script[65] = HashType::ALL.byte();
            script[66] = 33;
            script[67..].copy_from_slice(key.public_key().as_bytes());
            Ok(script)
        };
        (0..self.coins.len() as u32).map(unlock).collect()
    }
}

/// The sum, if there is so much money.
fn total(values: impl Iterator<Item = Amount>) -> Result<Amount, BuildError> {
    let total = values.fold(Amount::ZERO, Amount::saturating_add);
    if total > Amount::MAX_MONEY { Err(BuildError::TooMuchMoney) } else { Ok(total) }
}

#[cfg(test)]
mod tests;
