//! What of a configuration can change while a node runs.

use toml::{Table, Value};

use super::{Config, env::table_of};

/// Keys, and tables with all their keys, that a running node takes. Rows, deadlines, names and
/// sockets were made by the others.
const CHANGEABLE: [&str; 4] = ["log", "policy.windows", "policy.enforce", "policy.local_envelope"];

/// What a new configuration means for a running node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// The configuration that is in force then.
    pub config: Config,
    /// The keys that change now.
    pub changed: Vec<String>,
    /// The keys that would change, and wait for a restart.
    pub waiting: Vec<String>,
}

impl Config {
    /// What changes when a node that runs with this one is given another.
    #[must_use]
    pub fn reload(&self, new: &Self) -> Reload {
        let mut keys = Vec::new();
        differences("", &table_of(self), &table_of(new), &mut keys);
        let is_changeable = |key: &String| {
            let fits = |part: &&str| {
                key.strip_prefix(*part).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            CHANGEABLE.iter().any(fits)
        };
        let (changed, waiting) = keys.into_iter().partition(is_changeable);
        let mut config = Self { log: new.log.clone(), ..self.clone() };
        config.policy.windows = new.policy.windows;
        config.policy.enforce = new.policy.enforce;
        config.policy.local_envelope = new.policy.local_envelope;
        Reload { config, changed, waiting }
    }
}

/// The keys whose values differ, `.` between their parts.
fn differences(path: &str, one: &Table, other: &Table, found: &mut Vec<String>) {
    let added = other.keys().filter(|key| !one.contains_key(*key));
    for key in one.keys().chain(added) {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (one.get(key), other.get(key)) {
            (Some(Value::Table(one)), Some(Value::Table(other))) => {
                differences(&path, one, other, found);
            }
            (one, other) if one != other => found.push(path),
            _ => {}
        }
    }
}
