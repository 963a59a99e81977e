//! The burn that a claim is of.

use ltms_core::burn::BurnScript;
use ltms_core::chain::Transaction;
use ltms_core::wire::IncludedBurn;
use ltms_core::{BlockHash, OutPoint};
use pyo3::prelude::*;

use crate::convert::BurnTuple;
use crate::errors::{TransactionError, input, script as script_error};

/// The burn as a claim has it, with its script's content.
pub(crate) struct Burn {
    transaction: Vec<u8>,
    vout: u8,
    block: BlockHash,
    position: u32,
    branch: Vec<[u8; 32]>,
    pub(crate) outpoint: OutPoint,
    pub(crate) script: BurnScript,
}

impl Burn {
    pub(crate) fn read(py: Python<'_>, given: &BurnTuple) -> PyResult<Self> {
        let BurnTuple { transaction, vout, block, position, branch } = given;
        let transaction = transaction.as_bytes(py).to_vec();
        let tx = Transaction::parse(&transaction)
            .map_err(|error| TransactionError::new_err(error.to_string()))?;
        let outpoint = OutPoint { txid: tx.txid(), vout: vout.0 };
        let output =
            tx.output(vout.0).ok_or_else(|| input("the transaction has no such output"))?;
        let script = BurnScript::parse(output.script).map_err(|error| script_error(&error))?;
        let vout =
            u8::try_from(vout.0).map_err(|_| input("an identity's output index is at most 255"))?;
        let branch = branch.iter().map(|hash| hash.0).collect();
        Ok(Self {
            transaction,
            vout,
            block: block.0,
            position: position.0,
            branch,
            outpoint,
            script,
        })
    }

    pub(crate) fn included(&self) -> IncludedBurn<'_> {
        IncludedBurn {
            transaction: &self.transaction,
            vout: self.vout,
            block: self.block,
            position: self.position,
            branch: &self.branch,
        }
    }
}
