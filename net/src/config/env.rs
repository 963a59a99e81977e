//! Variables of the environment that set single keys: `LTMS_ADMIN_SOCKET` is `admin.socket`.

use std::{collections::BTreeMap, ffi::OsString, iter};

use libp2p::multiaddr::{Multiaddr, Protocol};
use ltms_core::IdentityId;
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    Admin, Config, ConfigError, Identity, Peers, Store,
    error::{nearest, with_hint},
};
use crate::{
    chain::{LotusdConfig, SourceConfig},
    limits::Limits,
};

/// Before the name of every variable.
const PREFIX: &str = "LTMS_";
/// What other parts of the command read.
const OTHERS: [&str; 1] = ["LTMS_CONFIG"];

/// A name without what all begin with, which makes none more like another.
fn own_part(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

impl Config {
    /// Names every variable of the environment that sets a key, with that key.
    #[must_use]
    pub fn variables() -> BTreeMap<String, String> {
        keys().into_iter().map(|(name, (path, _))| (name, path.join("."))).collect()
    }

    /// As it is with these variables, those of the prefix `LTMS_` among them, and what is wrong
    /// with them. A text stands for itself, a list of texts is separated by commas, all else is
    /// as in TOML. A variable without a value is none.
    #[must_use]
    pub fn with_variables(
        self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> (Self, Vec<ConfigError>) {
        let mut faults = Vec::new();
        let keys = keys();
        let mut set = Vec::new();
        for (name, text) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if OTHERS.contains(&name) || text.is_empty() {
                continue;
            }
            let Some((path, example)) = keys.get(name) else {
                let known = keys.keys().map(String::as_str).chain(OTHERS);
                let nearest = nearest(own_part(name), known.map(own_part));
                let nearest = nearest.map(|name| format!("{PREFIX}{name}"));
                faults.push(ConfigError::UnknownVariable { name: name.to_owned(), nearest });
                continue;
            };
            let value = text.to_str().ok_or_else(|| "is not UTF-8".to_owned());
            match value.and_then(|text| value_like(example, text)) {
                // In a configuration with every key, nothing else can be wrong.
                Ok(value) => {
                    match put(table_of(&everything()), iter::once((path, value.clone()))) {
                        Ok(_) => set.push((name.to_owned(), path, value)),
                        Err(problem) => {
                            faults.push(ConfigError::Variable { name: name.to_owned(), problem });
                        }
                    }
                }
                Err(problem) => {
                    faults.push(ConfigError::Variable { name: name.to_owned(), problem });
                }
            }
        }
        if set.is_empty() {
            return (self, faults);
        }
        let network = set.iter().find(|(_, path, _)| **path == ["network"]);
        let network = network.and_then(|(.., value)| value.clone().try_into().ok());
        let before = network.map_or_else(|| self.clone(), |network| self.clone().on(network));
        match put(table_of(&before), set.iter().map(|(_, path, value)| (*path, value.clone()))) {
            Ok(config) => (config, faults),
            Err(problem) => {
                let names: Vec<_> = set.into_iter().map(|(name, ..)| name).collect();
                faults.push(ConfigError::Variable { name: names.join(", "), problem });
                (self, faults)
            }
        }
    }
}

/// A configuration in which nothing is left out.
fn everything() -> Config {
    let address = Multiaddr::empty().with(Protocol::Tcp(0));
    let text = || Some("text".into());
    let Config { network, capacity, log, log_format, gossip, dht, policy, .. } = Config::default();
    let on_error = Store::default().on_error;
    Config {
        network,
        listen: vec![address.clone()],
        bootstrap: vec![address.clone()],
        key_file: text(),
        capacity,
        log,
        log_format,
        identity: Some(Identity { id: IdentityId::from_bytes([0; 32]), key_file: "text".into() }),
        chain: SourceConfig {
            need: Some(1),
            dev: true,
            chronik: vec!["text".to_owned()],
            lotusd: vec![LotusdConfig {
                url: "text".to_owned(),
                cookie_file: None,
                user: None,
                password_file: None,
            }],
        },
        admin: Admin { socket: text(), http: Some(([127, 0, 0, 1], 0).into()), token_file: text() },
        store: Store { data_dir: text(), on_error },
        peers: Peers {
            persistent: vec![address.clone()],
            allow: vec!["text".to_owned()],
            socks5: Some(([127, 0, 0, 1], 0).into()),
        },
        limits: Limits::DEFAULT,
        gossip,
        dht,
        policy,
    }
}

pub(super) fn table_of(config: &Config) -> Table {
    // Only numbers that no file can have are not shown.
    Table::try_from(config).unwrap_or_default()
}

/// Every variable with the path to its key and an example of its value.
fn keys() -> BTreeMap<String, (Vec<String>, Value)> {
    fn walk(table: Table, path: &[String], keys: &mut BTreeMap<String, (Vec<String>, Value)>) {
        for (key, value) in table {
            let path = [path, &[key]].concat();
            match value {
                Value::Table(table) => walk(table, &path, keys),
                value => {
                    let name = format!("{PREFIX}{}", path.join("_").to_uppercase());
                    let double = keys.insert(name, (path, value));
                    debug_assert!(double.is_none(), "two keys with one name");
                }
            }
        }
    }
    let mut keys = BTreeMap::new();
    walk(table_of(&everything()), &[], &mut keys);
    keys
}

/// The text as a value of the example's kind.
fn value_like(example: &Value, text: &str) -> Result<Value, String> {
    let toml = || {
        let table: Result<Table, _> = format!("v = {text}").parse();
        table.ok().and_then(|mut table| table.remove("v"))
    };
    let kind = match example {
        Value::String(_) => return Ok(Value::String(text.to_owned())),
        Value::Array(items) if items.iter().all(Value::is_str) && !text.starts_with('[') => {
            let items = text.split(',').map(|item| Value::String(item.trim().to_owned()));
            return Ok(Value::Array(items.collect()));
        }
        Value::Array(_) => "a list as in TOML",
        Value::Integer(_) => "a whole number",
        Value::Boolean(_) => "`true` or `false`",
        _ => "a value as in TOML",
    };
    let value = toml().filter(|value| value.same_type(example));
    value.ok_or_else(|| format!("`{text}` is not {kind}"))
}

/// The configuration that a table says with some values replaced.
fn put<'a>(
    mut table: Table,
    values: impl Iterator<Item = (&'a Vec<String>, Value)>,
) -> Result<Config, String> {
    for (path, value) in values {
        let Some((key, folders)) = path.split_last() else { continue };
        let mut at = &mut table;
        for folder in folders {
            let inner = at.entry(folder).or_insert_with(|| Value::Table(Table::new()));
            at = inner.as_table_mut().ok_or_else(|| format!("`{folder}` is no table"))?;
        }
        at.insert(key.clone(), value);
    }
    Config::deserialize(table).map_err(|error| with_hint(error.message()))
}
