//! What stands between two steps of a decision. A ticket is good for one settlement.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ltms_core::{self as core, Signed};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{TicketError, input};
use crate::names;

/// (key, hash, signature), as schnorr_verify_batch takes them.
type Item<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

fn items<'py>(py: Python<'py>, signed: &[Signed]) -> Vec<Item<'py>> {
    let item = |it: &Signed| {
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
        (bytes(it.key.as_bytes()), bytes(&it.hash), bytes(it.signature.as_bytes()))
    };
    signed.iter().map(item).collect()
}

fn used() -> PyErr {
    TicketError::new_err("the ticket is used already")
}

macro_rules! ticket {
    ($(#[doc = $doc:literal])* $name:ident { $($methods:item)* }) => {
        $(#[doc = $doc])*
        #[pyclass(frozen, module = "ltms")]
        pub(crate) struct $name {
            gate: u64,
            ticket: Mutex<Option<core::$name>>,
        }

        impl $name {
            pub(super) fn new(gate: u64, ticket: core::$name) -> Self {
                Self { gate, ticket: Mutex::new(Some(ticket)) }
            }

            fn lock(&self) -> MutexGuard<'_, Option<core::$name>> {
                self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
            }

            fn look<T>(&self, look: impl FnOnce(&core::$name) -> T) -> PyResult<T> {
                self.lock().as_ref().map(look).ok_or_else(used)
            }

            /// Only the Gate that gave it out may have it.
            fn belongs(&self, gate: u64) -> PyResult<()> {
                if self.gate == gate {
                    Ok(())
                } else {
                    Err(TicketError::new_err("the ticket is of another Gate"))
                }
            }

            pub(super) fn take(&self, gate: u64) -> PyResult<core::$name> {
                self.belongs(gate)?;
                self.lock().take().ok_or_else(used)
            }
        }

        #[pymethods]
        impl $name { $($methods)* }
    };
}

macro_rules! signatures {
    ($(#[doc = $doc:literal])* $name:ident) => {
        ticket! {
            $(#[doc = $doc])*
            $name {
                /// The registered identity that it names, as text; None without one.
                #[getter]
                fn identity(&self) -> PyResult<Option<String>> {
                    self.look(|ticket| ticket.identity().map(ToString::to_string))
                }

                /// Checks the signatures, while other Python threads go on: a SignatureCheck.
                fn verify<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    let check = py.detach(|| self.lock().as_ref().map(|ticket| ticket.verify()));
                    names::check(py, check.ok_or_else(used)?)
                }

                /// The signatures to check, one or two (key, hash, signature), for
                /// schnorr_verify_batch.
                fn signatures<'py>(&self, py: Python<'py>) -> PyResult<Vec<Item<'py>>> {
                    let signed: Vec<Signed> =
                        self.look(|ticket| ticket.signatures().copied().collect())?;
                    Ok(items(py, &signed))
                }

                /// What follows from the checks of its signatures, a bool for each in their order.
                fn check<'py>(&self, py: Python<'py>, holds: Vec<bool>) -> PyResult<Bound<'py, PyAny>> {
                    let check = self.look(|ticket| {
                        let mut told = holds.iter();
                        let check = ticket.check(|_| told.next() == Some(&true));
                        (ticket.signatures().count() == holds.len()).then_some(check)
                    })?;
                    names::check(py, check.ok_or_else(|| input("a bool for each signature"))?)
                }
            }
        }
    };
}

signatures! {
    /// An advertisement or withdrawal that passed all checks but that of its signature. Give it to
    /// Gate.settle_ad, once, with what verify() says.
    AdTicket
}
signatures! {
    /// A claim of a burn that passed all checks but that of its signatures. Give it to
    /// Gate.settle_claim, once, with what verify() says.
    ClaimTicket
}
ticket! {
    /// A claim whose signatures hold, and whose block is to be looked up. Give it to
    /// Gate.settle_burn, once.
    LookupTicket {
        /// The block whose header is asked for, as text.
        #[getter]
        fn block(&self) -> PyResult<String> {
            self.look(|ticket| ticket.block().to_string())
        }

        /// The identity that the burn is claimed for, as text.
        #[getter]
        fn identity(&self) -> PyResult<String> {
            self.look(|ticket| ticket.identity().to_string())
        }
    }
}

impl LookupTicket {
    pub(super) fn copy(&self, gate: u64) -> PyResult<core::LookupTicket> {
        self.belongs(gate)?;
        self.look(|ticket| *ticket)
    }
}
