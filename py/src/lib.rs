//! The Python module `ltms._ltms`, which `ltms` shows to the world.
//!
//! It converts, locks and calls the core; what the core knows is not known here a second time.
#![warn(unreachable_pub)]

mod chain;
mod convert;
mod decision;
mod errors;
mod names;
mod reputation;
mod schnorr;

/// The compiled part of ltms; import that.
#[pyo3::pymodule(gil_used = false)]
mod _ltms {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::chain::{
        BurnScript, build_burn_script, check_txoutproof, identity_id, parse_burn_script,
        parse_transaction, parse_txoutproof, txid, verify_txoutproof,
    };
    #[pymodule_export]
    use crate::decision::Decision;
    #[pymodule_export]
    use crate::names::{about, all, code};
    #[pymodule_export]
    use crate::reputation::Reputation;
    #[pymodule_export]
    use crate::schnorr::{public_key, schnorr_sign, schnorr_verify, schnorr_verify_batch};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
