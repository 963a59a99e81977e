//! Every limit of the policy can be set, and is shown.

use ltms_core::{Network, Policy};
use ltms_net::config::Config;
use toml::{Table, Value};

use crate::output_with;

/// The keys in a table, `.` between them, and their values.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => found.extend(
                leaves(inner).into_iter().map(|(path, value)| (format!("{key}.{path}"), value)),
            ),
            value => found.push((key.clone(), value.clone())),
        }
    }
    found
}

/// Another value of the same kind.
fn other(path: &str, value: &Value) -> Value {
    match (path, value) {
        ("network", _) => Value::String("test".to_owned()),
        ("clock", _) => Value::String("chain".to_owned()),
        (_, Value::String(mode)) if mode == "on" => Value::String("observe".to_owned()),
        (_, Value::Integer(number)) => Value::Integer(number + 1),
        (_, Value::Boolean(flag)) => Value::Boolean(!flag),
        _ => panic!("{path} = {value}: what else may it be?"),
    }
}

fn shown() -> Vec<(String, Value)> {
    let shown: Table = Config::default().to_toml().expect("shown").parse().expect("TOML");
    leaves(shown["policy"].as_table().expect("a table"))
}

#[test]
fn every_field_of_the_policy_is_shown() {
    let shown: Vec<_> = shown().into_iter().map(|(path, _)| path).collect();
    let mut count = 0;
    for (group, fields) in Policy::GROUPS {
        for field in *fields {
            let path = [*group, field.name]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(".");
            // A group, a quota with its two numbers, or the field itself.
            let inside = format!("{path}.");
            let found = shown.iter().any(|shown| *shown == path || shown.starts_with(&inside));
            assert!(found, "{path}");
            count += 1;
        }
    }
    assert!(count > 70, "{count}");
}

#[test]
fn every_field_of_the_policy_is_set_by_the_file_alone_shown_and_read_back() {
    let before = Policy::LOTUS_V1.on(Network::Reg);
    for (path, value) in shown() {
        let set = other(&path, &value);
        // A quota is written whole.
        let (text, key) = match path.rsplit_once('.') {
            Some((quota, part @ ("burst" | "interval_us"))) => {
                let numbers = shown();
                let number = |name: &str| {
                    let path = format!("{quota}.{name}");
                    let found = numbers.iter().find(|(found, _)| *found == path);
                    if name == part { set.clone() } else { found.expect("a number").1.clone() }
                };
                let (burst, interval) = (number("burst"), number("interval_us"));
                (
                    format!("policy.{quota} = {{burst = {burst}, interval_us = {interval}}}"),
                    path.clone(),
                )
            }
            _ => (format!("policy.{path} = {set}"), path.clone()),
        };
        let config = Config::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_ne!(config.policy, before, "{text}");
        let again = config.to_toml().expect("shown");
        assert_eq!(Config::parse(&again).expect("a file again"), config, "{text}");
        let table: Table = again.parse().expect("TOML");
        let changed: Vec<_> = leaves(table["policy"].as_table().expect("a table"))
            .into_iter()
            .zip(shown())
            .filter(|(now, before)| now != before)
            .map(|(now, _)| now)
            .collect();
        assert_eq!(changed, [(key, set)], "{text}");
    }
}

#[tokio::test]
async fn what_print_config_prints_is_accepted_again_and_prints_the_same() {
    let variables = [("LTMS_POLICY_KEYS_BASIC", "9"), ("LTMS_STORE_DATA_DIR", "/tmp/none")];
    let (code, first, said) = output_with(&["--print-config"], &variables).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(first.contains("basic = 9"), "{first}");
    let folder = crate::folder("print-config");
    let path = crate::file(&folder, "printed.toml", &first, 0o644);
    let args = ["--config", path.to_str().expect("text"), "--print-config"];
    let (code, second, _) = output_with(&args, &[]).await;
    assert_eq!((code, second), (Some(0), first));
}
