//! Plain values between Python and serde: dicts, lists, whole numbers, text, True, False and None.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Makes a dict of names and values.
macro_rules! dict {
    ($py:expr; $($name:ident: $value:expr),* $(,)?) => {{
        let dict = pyo3::types::PyDict::new($py);
        $(pyo3::types::PyDictMethods::set_item(&dict, stringify!($name), $value)?;)*
        dict
    }};
}
pub(crate) use dict;

/// Any serializable value as Python has it.
pub(crate) fn show<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(value).map_err(crate::errors::input)?;
    to_python(py, &value)
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        // The core has whole numbers without a sign alone.
        Value::Number(number) => number.as_u64().into_pyobject(py)?.into_any(),
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            items.iter().try_for_each(|item| list.append(to_python(py, item)?))?;
            list.into_any()
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            for (name, value) in fields {
                dict.set_item(name, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// Reads a dict. What is wrong is told with the name of the field, `windows.strangers.burst`.
pub(crate) fn read<T: DeserializeOwned>(
    dict: &Bound<'_, PyDict>,
    refuse: impl Fn(String, String) -> PyErr,
) -> PyResult<T> {
    let fields = Value::Object(fields(dict, "", &refuse)?);
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let path = error.path().to_string();
        refuse(if path == "." { String::new() } else { path }, error.inner().to_string())
    })
}

pub(crate) fn fields(
    dict: &Bound<'_, PyDict>,
    path: &str,
    refuse: &impl Fn(String, String) -> PyErr,
) -> PyResult<Map<String, Value>> {
    let mut fields = Map::new();
    // A copy, because a dict that another thread changes meanwhile cannot be gone through.
    for (name, value) in dict.copy()? {
        let name: String =
            name.extract().map_err(|_| PyTypeError::new_err("the names of fields are text"))?;
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let value = if let Ok(dict) = value.cast::<PyDict>() {
            // A dict that contains itself ends here, too.
            if path.matches('.').count() > 3 {
                return Err(refuse(path, "is nested too deeply".into()));
            }
            Value::Object(self::fields(dict, &path, refuse)?)
        } else if let Ok(flag) = value.cast::<PyBool>() {
            Value::Bool(flag.is_true())
        } else if value.is_instance_of::<PyInt>() {
            let number: Result<u64, _> = value.extract();
            Value::from(number.map_err(|_| refuse(path, "is a number from 0 to 2^64 - 1".into()))?)
        } else if let Ok(text) = value.cast::<PyString>() {
            Value::String(text.extract()?)
        } else {
            let kind = value.get_type().name()?.to_string();
            return Err(PyTypeError::new_err(format!("field `{path}` cannot be a {kind}")));
        };
        fields.insert(name, value);
    }
    Ok(fields)
}
