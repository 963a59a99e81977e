//! The TOML file.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use ltms_core::{Capacity, Millis, Network, Policy};
use ltms_net::config::{Config, ConfigError, Preset};

use crate::{file, folder, refusal};

#[test]
fn an_empty_file_says_what_no_file_says() {
    let config = Config::parse("").expect("good");
    assert_eq!(config, Config::default());
    assert_eq!(config.policy, Policy::LOTUS_V1.on(Network::Reg));
    assert_eq!(Capacity::from(config.capacity), Capacity::NODE);
    config.validate().expect("good");
}

#[test]
fn a_file_that_says_everything_is_read_back() {
    let shown = Config::default().to_toml().expect("shown");
    assert_eq!(Config::parse(&shown).expect("good"), Config::default());
    let text = r#"
        network = "test"
        listen = ["/ip4/0.0.0.0/tcp/4600", "/ip6/::/tcp/4600"]
        bootstrap = ["/ip4/192.0.2.1/tcp/1"]
        key_file = "peer.key"
        capacity = "small"
        log = "warn,ltms_net=debug"
        [identity]
        id = "0707070707070707070707070707070707070707070707070707070707070707"
        key_file = "identity.key"
        [policy]
        local_envelope = 5000
        [policy.freshness]
        future = 1000
        [policy.windows]
        advertisement = { interval_us = 7, burst = 2 }
    "#;
    let config = Config::parse(text).expect("good");
    assert_eq!((config.listen.len(), config.bootstrap.len()), (2, 1));
    assert_eq!(config.capacity, Preset::Small);
    assert_eq!(Config::parse(&config.to_toml().expect("shown")).expect("good"), config);
    let mut policy = Policy::LOTUS_V1.on(Network::Test);
    policy.local_envelope = 5_000;
    policy.freshness.future = Millis::from_secs(1);
    policy.windows.advertisement.interval_us = 7;
    policy.windows.advertisement.burst = 2.try_into().expect("not zero");
    assert_eq!(config.policy, policy, "what is left out is as in the preset");
}

#[test]
fn unknown_keys_are_named_with_their_line() {
    for (text, key, line) in [
        ("\nnetwrk = 'reg'", "netwrk", 2),
        ("[policy]\nfoo = 1", "foo", 2),
        ("[policy.windows]\n\nadvertisment = {}", "advertisment", 3),
        ("[policy.windows]\nheader = {interval_us = 1, burst = 1, brust = 2}", "brust", 2),
        ("[identity]\nid = '00'\nname = 1", "id", 2),
        ("[polcy]\n", "polcy", 1),
    ] {
        let said = refusal(text);
        assert!(said.contains(key) && said.contains(&format!("line {line}")), "{said}");
    }
}

#[test]
fn wrong_values_are_named_with_their_line() {
    for (text, line) in [
        ("network = 'lotus'", 1),
        ("network = 1", 1),
        ("listen = '/ip4/127.0.0.1/tcp/0'", 1),
        ("\nlisten = ['127.0.0.1:1']", 2),
        ("capacity = 'large'", 1),
        ("log = 3", 1),
        ("key_file = 3", 1),
        ("[policy.keys]\nbasic = -1", 2),
        ("[policy.keys]\nbasic = 65536", 2),
        ("[policy.keys]\nbasic = 1.5", 2),
        ("[policy.burns]\nfees = 'no'", 2),
        ("[policy.sanctions]\nspan = '24 h'", 2),
        ("[policy.windows]\nconnection = {interval_us = 1, burst = 0}", 2),
        ("[policy.windows]\nconnection = {interval_us = 1}", 2),
        ("policy = 1", 1),
        ("network =", 1),
        ("log = 'a'\nlog = 'b'", 2),
    ] {
        let said = refusal(text);
        assert!(said.contains(&format!("line {line}")), "{text}: {said}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_named() {
    for (text, field) in [
        ("[policy.windows]\nadvertisement = {interval_us = 0, burst = 1}", "windows.advertisement"),
        ("[policy.windows]\nnode_header = {interval_us = 0, burst = 1}", "windows.node_header"),
        ("[policy.windows]\nidentity_span = 0", "windows.identity_span"),
        ("[policy.sanctions]\nspan = 0", "sanctions.span"),
        ("[policy.freshness]\nmax_lifetime = 1", "freshness.max_lifetime"),
        ("[policy.connections]\ninbound = 0", "connections.inbound"),
        ("[policy]\nlocal_envelope = 10001", "local_envelope"),
    ] {
        let said = refusal(text);
        assert!(said.contains(&format!("`{field}`")), "{said}");
    }
    assert!(refusal("log = 'a=b=c'").contains("`log`"));
}

#[test]
fn the_policy_is_for_the_node_s_network() {
    let said = refusal("network = 'test'\n[policy]\nnetwork = 'main'");
    assert_eq!(said, "`policy.network` is `main`, but `network` is `test`");
    assert!(refusal("[policy]\nnetwork = 'main'").contains("`network` is `reg`"));
    let same = Config::parse("network = 'test'\n[policy]\nnetwork = 'test'").expect("good");
    same.validate().expect("good");
    let moved = Config::parse("network = 'test'").expect("good").on(Network::Main);
    assert_eq!(moved.policy.network, Network::Main);
    let apart = Config::parse("[policy]\nnetwork = 'test'").expect("good").on(Network::Main);
    assert!(matches!(apart.validate(), Err(ConfigError::Network(Network::Test, Network::Main))));
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_not_parsed() {
    let folder = folder("size");
    let comment = |len: usize| vec![b'#'; len];
    let whole = file(&folder, "whole.toml", comment(1 << 20), 0o644);
    assert_eq!(Config::read(&whole).expect("good"), Config::default());
    for len in [(1 << 20) + 1, 10_000_000] {
        let large = file(&folder, "large.toml", comment(len), 0o644);
        assert!(matches!(Config::read(&large), Err(ConfigError::TooLarge(_))));
    }
    let noise = file(&folder, "noise.toml", [0xff; 10], 0o644);
    assert!(matches!(Config::read(&noise), Err(ConfigError::Io(..))));
    assert!(matches!(Config::read(&folder.join("none.toml")), Err(ConfigError::Io(..))));
    assert!(matches!(Config::read(&folder), Err(ConfigError::Io(..))), "a folder");
}

#[test]
fn chain_sources_are_named_in_a_table_of_their_own() {
    let folder = folder("sources");
    let secret = file(&folder, "password", "hunter2\n", 0o600);
    let text = format!(
        "network = 'main'\n[chain]\nneed = 2\nchronik = ['https://a.example']\n\
         [[chain.lotusd]]\nurl = 'http://127.0.0.1:10604'\ncookie_file = '/none/.cookie'\n\
         [[chain.lotusd]]\nurl = 'http://127.0.0.1:10605'\nuser = 'u'\npassword_file = '{}'",
        secret.display()
    );
    let config = Config::parse(&text).expect("a configuration");
    assert!(config.source().is_ok());
    let shown = config.to_toml().expect("shown");
    assert_eq!(Config::parse(&shown).expect("a file again"), config);
    assert!(!shown.contains("hunter2"));
    let refused = |text: &str| {
        Config::parse(text)
            .and_then(|config| config.source().map(|_| ()))
            .expect_err(text)
            .to_string()
    };
    let open = file(&folder, "open", "hunter2\n", 0o644);
    for (from, to, complaint) in [
        ("need = 2", "need = 1", "do not fit"),
        ("need = 2", "need = 4", "do not fit"),
        ("need = 2", "dev = true", "no other chain source"),
        ("need = 2", "needed = 2", "needed"),
        ("cookie_file = '/none/.cookie'", "", "cookie file"),
        ("cookie_file", "user = 'u'\ncookie_file", "cookie file"),
        ("user = 'u'", "user = 'u:v'", "characters"),
        ("https://a.example", "https://u:p@a.example", "user name or password"),
        (secret.to_str().expect("text"), open.to_str().expect("text"), "chmod 600"),
        (secret.to_str().expect("text"), "/nowhere", "/nowhere"),
    ] {
        let said = refused(&text.replace(from, to));
        assert!(said.contains(complaint), "{complaint}: {said}");
    }
    assert!(refused("network = 'test'\n[chain]\ndev = true").contains("`reg` only"));
    assert!(refused("network = 'test'").contains("needs a chain source"));
    assert!(Config::parse("[chain]\ndev = true").is_ok_and(|config| config.source().is_ok()));
}

#[test]
fn a_door_on_an_address_needs_a_token_and_a_loopback_address() {
    let folder = folder("doors");
    let open = file(&folder, "open", "a token\n", 0o644);
    let door = |http: &str, more: &str| format!("[admin]\nhttp = '{http}'\n{more}");
    assert!(refusal(&door("127.0.0.1:0", "")).contains("token_file"));
    let fresh = folder.join("token");
    let token = |path: &Path| format!("token_file = '{}'", path.display());
    assert!(refusal(&door("0.0.0.0:1", &token(&fresh))).contains("no loopback address"));
    assert!(refusal(&door("127.0.0.1:0", &token(&open))).contains("chmod 600"));

    let config = Config::parse(&door("[::1]:0", &token(&fresh))).expect("good");
    config.validate().expect("good");
    assert!(!fresh.exists(), "checking makes no files");
    let made = config.doors().expect("doors").http.expect("a door").1;
    assert_eq!(made.len(), 64);
    assert_eq!(fs::metadata(&fresh).expect("a file").mode() & 0o777, 0o600);
    assert_eq!(config.doors().expect("doors").http.expect("a door").1, made, "it is kept");
    assert_eq!(Config::parse(&config.to_toml().expect("shown")).expect("a file again"), config);
}
