//! What of a configuration can change while a node runs.

use toml::{Table, Value};

use super::{Config, ConfigError, env::table_of};
use crate::{handle::Change, limits::Limits};

/// Keys, and tables with all their keys, that a running node takes. Rows, deadlines, names and
/// sockets were made by the others. `docs/operator.md` has the list, too.
const CHANGEABLE: [&str; 13] = [
    "log",
    "bootstrap",
    "peers.persistent",
    "peers.allow",
    "dht.server",
    "limits.pending",
    "limits.pending_per_group",
    "limits.spare_ping",
    "limits.spare_delivery",
    "limits.spare_proven",
    "policy.windows",
    "policy.enforce",
    "policy.local_envelope",
];

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
        let mut config = Self {
            log: new.log.clone(),
            bootstrap: new.bootstrap.clone(),
            dht: new.dht,
            limits: Limits {
                pending: new.limits.pending,
                pending_per_group: new.limits.pending_per_group,
                spare_ping: new.limits.spare_ping,
                spare_delivery: new.limits.spare_delivery,
                spare_proven: new.limits.spare_proven,
                ..self.limits
            },
            ..self.clone()
        };
        config.peers.persistent.clone_from(&new.peers.persistent);
        config.peers.allow.clone_from(&new.peers.allow);
        config.policy.windows = new.policy.windows;
        config.policy.enforce = new.policy.enforce;
        config.policy.local_envelope = new.policy.local_envelope;
        Reload { config, changed, waiting }
    }

    /// What a node is told that runs with `before`, and is to run with this.
    ///
    /// # Errors
    /// [`ConfigError::Peer`].
    pub fn change(&self, before: &Self, waiting: Vec<String>) -> Result<Change, ConfigError> {
        let (old, new) = (before.peers.allowed()?, self.peers.allowed()?);
        Ok(Change {
            policy: self.policy,
            limits: self.limits,
            server: self.dht.server,
            allow: new.iter().filter(|peer| !old.contains(peer)).copied().collect(),
            disallow: old.iter().filter(|peer| !new.contains(peer)).copied().collect(),
            persistent: self.peers.persistent.clone(),
            bootstrap: self.bootstrap.clone(),
            waiting,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key but those of lists, with a value that is not its own.
    #[test]
    fn what_changes_at_once_and_what_waits_is_what_the_guide_says() {
        let guide = include_str!("../../../docs/operator.md");
        let (_, after) = guide.split_once("| taken over at SIGHUP |").expect("the table");
        let (table, _) = after.split_once("\n\n").expect("its end");
        // The keys are in the first column, between backquotes.
        let cells = table.lines().skip(2).filter_map(|row| row.split('|').nth(1));
        let mut named: Vec<_> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        named.sort_unstable();
        let mut known = CHANGEABLE;
        known.sort_unstable();
        assert_eq!(named, known);
    }

    #[test]
    fn a_key_that_changes_at_once_is_in_force_and_another_is_not() {
        let old = Config::default();
        let text = "log = 'debug'\nbootstrap = ['/ip4/192.0.2.1/tcp/1']\nlisten = []\n\
            [peers]\nallow = ['12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb']\n\
            persistent = ['/ip4/192.0.2.1/tcp/1/p2p/\
            12D3KooWCUPfTdqjyNXT2Y91vop1StYQLmtLjXkX2jkx5yL6wdUb']\n\
            [dht]\nserver = true\n\
            [limits]\npending = 1\npending_per_group = 1\nspare_ping = 1\nspare_delivery = 1\n\
            spare_proven = 1\nframe = 1\n\
            [policy]\nlocal_envelope = 9000\n[policy.windows]\nwide_factor = 3\n\
            [policy.enforce]\nwindows = 'observe'\n[policy.keys]\nbasic = 9\n";
        let new = Config::parse(text).expect("a configuration");
        let Reload { config, changed, waiting } = old.reload(&new);
        assert_eq!(waiting, ["limits.frame", "listen", "policy.keys.basic"]);
        // One of every key that can.
        for key in CHANGEABLE {
            assert!(changed.iter().any(|changed| changed.starts_with(key)), "{key}");
        }
        // What is in force differs from what was wanted in nothing else.
        let mut keys = Vec::new();
        differences("", &table_of(&config), &table_of(&new), &mut keys);
        assert_eq!(keys, waiting);
        let change = config.change(&old, waiting).expect("peers");
        assert_eq!((change.allow.len(), change.disallow.len()), (1, 0));
        let change = old.change(&config, Vec::new()).expect("peers");
        assert_eq!((change.allow.len(), change.disallow.len()), (0, 1));
    }
}
