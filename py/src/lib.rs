//! The Python module `ltms._ltms`, which `ltms` shows to the world.
//!
//! It converts, locks and calls the core; what the core knows is not known here a second time.
#![warn(unreachable_pub)]

mod burn;
mod chain;
mod clock;
mod convert;
mod decision;
mod errors;
mod gate;
mod names;
mod plain;
mod policy;
mod proofs;
mod replay;
mod reputation;
mod schnorr;
mod sighash;
mod who;
mod wire;

/// The compiled part of ltms; import that.
#[pyo3::pymodule(gil_used = false)]
mod _ltms {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::chain::{
        BurnScript, build_burn_script, identity_id, parse_burn_script, parse_transaction, txid,
    };
    #[pymodule_export]
    use crate::clock::ChainClock;
    #[pymodule_export]
    use crate::decision::Decision;
    #[pymodule_export]
    use crate::gate::{AdTicket, ClaimTicket, Gate, LookupTicket};
    #[pymodule_export]
    use crate::names::{about, all, code};
    #[pymodule_export]
    use crate::policy::{certificate, default_policy, policy_fields};
    #[pymodule_export]
    use crate::proofs::{
        check_txoutproof, merkle_branch, merkle_root, parse_bits, parse_block, parse_header,
        parse_txoutproof, verify_inclusion, verify_txoutproof,
    };
    #[pymodule_export]
    use crate::replay::Replay;
    #[pymodule_export]
    use crate::reputation::Reputation;
    #[pymodule_export]
    use crate::schnorr::{public_key, schnorr_sign, schnorr_verify, schnorr_verify_batch};
    #[pymodule_export]
    use crate::sighash::sighash;
    #[pymodule_export]
    use crate::who::{Connection, Source, Subject};
    #[pymodule_export]
    use crate::wire::{
        parse_envelope, sign_ad, sign_credit, sign_delegation, sign_hello, sign_registration,
        sign_rotation, sign_withdrawal,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
