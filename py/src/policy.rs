//! Policies and capacities, as dicts.

use ltms_core::{Capacity, Network, Policy};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::Value;

use crate::errors::{input, policy};
use crate::names::NetworkName;
use crate::plain;

/// Rows that a table may have, as in a recording: it is memory that is taken at once.
const MOST_ROWS: u32 = 1 << 20;

/// The policy that a node has if nobody says otherwise: a dict of groups of fields.
///
/// network: "main", "test" or "reg". Spans are milliseconds, quotas {"interval_us": microseconds
/// until a token comes back, "burst": tokens at once}, amounts satoshis, shares thousandths.
/// policy_fields() tells what each field means. Changes are made in the dict, and it is given to
/// Gate; what a dict leaves out is as here.
///
///     >>> import ltms
///     >>> ltms.default_policy()["windows"]["strangers"]
///     {'burst': 2, 'interval_us': 60000000}
#[pyfunction]
#[pyo3(signature = (network = NetworkName(Network::Main)),
    text_signature = "(network=\"main\")")]
pub(crate) fn default_policy(py: Python<'_>, network: NetworkName) -> PyResult<Bound<'_, PyAny>> {
    plain::show(py, &Policy::LOTUS_V1.on(network.0))
}

/// What each field of a policy means, with its unit, default and reason: a dict of text by
/// the name of the field.
///
///     >>> import ltms
///     >>> ltms.policy_fields()["windows.strangers"]
///     "Strangers' advertisements of one narrow address group. Default 1 per 60 s, 2."
#[pyfunction]
pub(crate) fn policy_fields(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (group, fields) in Policy::GROUPS {
        for field in *fields {
            let nested =
                group.is_empty() && Policy::GROUPS.iter().any(|(name, _)| *name == field.name);
            if !nested {
                let dot = if group.is_empty() { "" } else { "." };
                let text: Vec<_> = field.doc.iter().map(|line| line.trim()).collect();
                // Links are for readers of the Rust.
                let text = text.join(" ").replace("[`crate::", "`").replace("[`", "`");
                dict.set_item(format!("{group}{dot}{}", field.name), text.replace("`]", "`"))?;
            }
        }
    }
    Ok(dict)
}

/// A whole policy: what the dict leaves out is as in the default.
pub(crate) struct PolicyDict(pub(crate) Policy);

impl FromPyObject<'_, '_> for PolicyDict {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let value: &Bound<'_, PyAny> = &value;
        let read: Policy = plain::read(value.cast::<PyDict>()?, policy)?;
        read.validate().map_err(|error| {
            let problem = error.to_string();
            let (_, problem) = problem.rsplit_once("` ").unwrap_or(("", &problem));
            policy(error.field().into(), problem.into())
        })?;
        Ok(Self(read))
    }
}

/// Rows of each table: a preset's name, or a dict, which lacks what a node has.
pub(crate) struct CapacityDict(pub(crate) Capacity);

impl FromPyObject<'_, '_> for CapacityDict {
    type Error = PyErr;
    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let value: &Bound<'_, PyAny> = &value;
        if let Ok(name) = value.cast::<PyString>() {
            let name: String = name.extract()?;
            return match name.as_str() {
                "node" => Ok(Self(Capacity::NODE)),
                "small" => Ok(Self(Capacity::SMALL)),
                "tiny" => Ok(Self(Capacity::TINY)),
                _ => Err(input(format_args!("no capacity is called {name:?}"))),
            };
        }
        let refuse =
            |field: String, problem: String| input(format!("capacity `{field}`: {problem}"));
        let given = plain::fields(value.cast::<PyDict>()?, "", &refuse)?;
        if let Some((name, rows)) =
            given.iter().find(|(_, rows)| rows.as_u64().is_none_or(|rows| rows > MOST_ROWS.into()))
        {
            return Err(input(format!("table {name:?} has 0 to {MOST_ROWS} rows, not {rows}")));
        }
        let Ok(Value::Object(mut all)) = serde_json::to_value(Capacity::NODE) else {
            return Err(input("no capacity"));
        };
        all.extend(given);
        serde_json::from_value(Value::Object(all)).map(Self).map_err(input)
    }
}

/// What a policy bounds with tables of a capacity, and what it costs an attacker to be in their
/// way: a dict of the work, memory and connections that a node can be made to spend, the address
/// groups that attacks take, and burns (in satoshis, with their share of a day's issuance in
/// millionths).
///
/// policy and capacity are what Gate takes. Raises PolicyError and InputError as that does.
///
///     >>> import ltms
///     >>> ltms.certificate(capacity="small")["half_directory"]["burn"] > 10**9
///     True
#[pyfunction]
#[pyo3(signature = (policy = None, capacity = None))]
pub(crate) fn certificate(
    py: Python<'_>,
    policy: Option<PolicyDict>,
    capacity: Option<CapacityDict>,
) -> PyResult<Bound<'_, PyAny>> {
    let policy = policy.map_or(Policy::LOTUS_V1, |given| given.0);
    let capacity = capacity.map_or(Capacity::NODE, |given| given.0);
    plain::show(py, &policy.certificate(capacity))
}
