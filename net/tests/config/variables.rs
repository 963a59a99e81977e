//! The environment.

use std::ffi::OsString;

use ltms_core::Network;
use ltms_net::config::{Config, Preset};

use crate::{file, folder, output_with};

fn with(config: Config, variables: &[(&str, &str)]) -> (Config, Vec<String>) {
    let variables = variables.iter().map(|(name, text)| (OsString::from(name), (*text).into()));
    let (config, faults) = config.with_variables(variables);
    (config, faults.iter().map(ToString::to_string).collect())
}

#[test]
fn every_key_of_a_file_has_a_variable() {
    let variables = Config::variables();
    for (name, key) in [
        ("LTMS_NETWORK", "network"),
        ("LTMS_LISTEN", "listen"),
        ("LTMS_KEY_FILE", "key_file"),
        ("LTMS_IDENTITY_ID", "identity.id"),
        ("LTMS_CHAIN_LOTUSD", "chain.lotusd"),
        ("LTMS_ADMIN_SOCKET", "admin.socket"),
        ("LTMS_STORE_DATA_DIR", "store.data_dir"),
        ("LTMS_STORE_ON_ERROR", "store.on_error"),
        ("LTMS_LOG_FORMAT", "log_format"),
        ("LTMS_POLICY_WINDOWS_ADVERTISEMENT_BURST", "policy.windows.advertisement.burst"),
        ("LTMS_POLICY_ENFORCE_SANCTIONS", "policy.enforce.sanctions"),
        ("LTMS_POLICY_LOCAL_ENVELOPE", "policy.local_envelope"),
    ] {
        assert_eq!(variables.get(name).map(String::as_str), Some(key));
    }
    // As many names as keys: no two keys share one.
    let keys: std::collections::BTreeSet<_> = variables.values().collect();
    assert_eq!(keys.len(), variables.len());
}

#[test]
fn variables_of_each_kind_are_read() {
    let (config, faults) = with(
        Config::default(),
        &[
            ("LTMS_NETWORK", "test"),
            ("LTMS_LISTEN", "/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2"),
            ("LTMS_BOOTSTRAP", "['/ip4/192.0.2.1/tcp/1']"),
            ("LTMS_CAPACITY", "small"),
            ("LTMS_CHAIN_NEED", "1"),
            ("LTMS_CHAIN_LOTUSD", "[{url = 'http://127.0.0.1:1', cookie_file = 'c'}]"),
            ("LTMS_IDENTITY_ID", &"07".repeat(32)),
            ("LTMS_IDENTITY_KEY_FILE", "identity.key"),
            ("LTMS_POLICY_WINDOWS_HEADER_BURST", "9"),
            ("LTMS_POLICY_ENFORCE_WINDOWS", "observe"),
            ("LTMS_LOG", ""),
            ("UNRELATED", "1"),
        ],
    );
    assert_eq!(faults, [""; 0]);
    assert_eq!((config.network, config.policy.network), (Network::Test, Network::Test));
    assert_eq!((config.listen.len(), config.bootstrap.len()), (2, 1));
    assert_eq!((config.capacity, config.chain.need), (Preset::Small, Some(1)));
    assert_eq!(config.chain.lotusd[0].url, "http://127.0.0.1:1");
    assert!(config.identity.is_some());
    assert_eq!(config.policy.windows.header.burst.get(), 9);
    assert_eq!(config.policy.windows.header.interval_us, 10_000_000, "the rest is as it was");
    assert_eq!(config.log, "info", "an empty variable is none");
}

#[test]
fn wrong_variables_are_all_named_and_the_good_ones_hold() {
    let (config, faults) = with(
        Config::default(),
        &[
            ("LTMS_POLICY_KEYS_BASC", "9"),
            ("LTMS_POLICY_KEYS_BASIC", "many"),
            ("LTMS_POLICY_KEYS_VERIFIED", "70000"),
            ("LTMS_NETWORK", "lotus"),
            ("LTMS_POLICY_BURNS_FEES", "no"),
            ("LTMS_POLICY_KEYS_STRANGER", "3"),
        ],
    );
    let expected = [
        ("LTMS_POLICY_KEYS_BASC", "LTMS_POLICY_KEYS_BASIC"),
        ("LTMS_POLICY_KEYS_BASIC", "a whole number"),
        ("LTMS_POLICY_KEYS_VERIFIED", "70000"),
        ("LTMS_NETWORK", "`main`"),
        ("LTMS_POLICY_BURNS_FEES", "`true` or `false`"),
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for (said, (name, allowed)) in faults.iter().zip(expected) {
        assert!(said.contains(name) && said.contains(allowed), "{said}");
    }
    assert_eq!(config.policy.keys.stranger, 3);
    let (_, faults) = with(Config::default(), &[("LTMS_IDENTITY_KEY_FILE", "identity.key")]);
    assert!(faults[0].contains("LTMS_IDENTITY_KEY_FILE") && faults[0].contains("id"), "{faults:?}");
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = folder("precedence");
    let path = file(&folder, "ltms.toml", "log = 'error'\ncapacity = 'small'", 0o644);
    let path = path.to_str().expect("text");
    let log = async |args: &[&str], variables: &[(&str, &str)]| {
        let args = [&["--print-config"], args].concat();
        let variables = [&[("LTMS_CONFIG", path)], variables].concat();
        let (code, shown, said) = output_with(&args, &variables).await;
        assert_eq!(code, Some(0), "{said}");
        let config = Config::parse(&shown).expect("a file again");
        assert_eq!(config.capacity, Preset::Small, "the file is read");
        config.log
    };
    assert_eq!(log(&[], &[]).await, "error");
    assert_eq!(log(&[], &[("RUST_LOG", "warn")]).await, "warn");
    let both = [("RUST_LOG", "warn"), ("LTMS_LOG", "debug")];
    assert_eq!(log(&[], &both).await, "debug");
    assert_eq!(log(&["--log", "trace"], &both).await, "trace");
    let (code, _, said) = output_with(&[], &[("LTMS_NETWROK", "main")]).await;
    assert_eq!(code, Some(2));
    assert!(said.contains("did you mean LTMS_NETWORK?"), "{said}");
    let (code, _, said) = output_with(&[], &[("LTMS_COLOUR", "red")]).await;
    assert_eq!(code, Some(2));
    assert!(said.contains("LTMS_COLOUR sets nothing") && !said.contains("did you mean"), "{said}");
}
