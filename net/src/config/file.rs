//! Reading the TOML file: every fault in it with its line, not the first one only.

use std::{ops::Range, path::Path};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer, Error},
};

use super::{Config, ConfigError, error::with_hint};

/// Faults of one file that are told.
const MOST: usize = 32;

/// What the text says, without what is wrong in it, and what that is.
pub(super) fn read(text: &str, file: Option<&Path>) -> (Config, Vec<ConfigError>) {
    let fault = |error: &Error, key: Option<&str>| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = &text.as_bytes()[..start];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        ConfigError::File {
            file: file.map(Path::to_owned),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: start - line_start + 1,
            problem: match key {
                // What is unknown is named by the complaint itself.
                Some(key) if !error.message().starts_with("unknown field") => {
                    format!("`{key}`: {}", with_hint(error.message()))
                }
                _ => with_hint(error.message()),
            },
        }
    };
    let (mut tree, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What was not understood may be missing where it should be.
        return (
            Config::default(),
            errors.iter().take(MOST).map(|error| fault(error, None)).collect(),
        );
    }
    let policy = tree.get_ref().get("policy").and_then(|policy| policy.get_ref().as_table());
    let own_network = policy.is_some_and(|policy| policy.contains_key("network"));
    let mut faults = Vec::new();
    loop {
        match Config::deserialize(Deserializer::from(tree.clone())) {
            Ok(mut config) => {
                if !own_network {
                    config.policy.network = config.network;
                }
                return (config, faults);
            }
            Err(error) => {
                let cut = error.span().and_then(|span| cut(tree.get_mut(), &span));
                faults.push(fault(&error, cut.as_deref()));
                if cut.is_none() || faults.len() >= MOST {
                    return (Config::default(), faults);
                }
            }
        }
    }
}

/// Takes the smallest entry away that a fault lies in, so that the next one shows, and names its
/// key.
fn cut(table: &mut DeTable<'_>, fault: &Range<usize>) -> Option<String> {
    for (key, value) in table.iter_mut() {
        if let Some(inner) = cut_within(value, fault) {
            let dot = if inner.is_empty() { "" } else { "." };
            return Some(format!("{}{dot}{inner}", key.get_ref()));
        }
    }
    let found =
        table.iter().find(|(key, value)| holds(&key.span(), fault) || holds(&value.span(), fault));
    let key = found?.0.clone();
    table.remove(&key);
    Some(key.into_inner().into_owned())
}

/// The same in a value; no key is named for an item of a list.
fn cut_within(value: &mut Spanned<DeValue<'_>>, fault: &Range<usize>) -> Option<String> {
    match value.get_mut() {
        DeValue::Table(table) => cut(table, fault),
        DeValue::Array(items) => {
            if let Some(inner) = items.iter_mut().find_map(|item| cut_within(item, fault)) {
                return Some(inner);
            }
            let before = items.len();
            *items = items.iter().filter(|item| !holds(&item.span(), fault)).cloned().collect();
            (items.len() < before).then(String::new)
        }
        _ => None,
    }
}

fn holds(span: &Range<usize>, fault: &Range<usize>) -> bool {
    span.start <= fault.start && fault.end <= span.end
}
