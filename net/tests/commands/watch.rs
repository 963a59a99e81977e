use ltms_core::Amount;
use ltms_core::chain::Transaction;
use ltms_net::chain::DevChain;
use serde_json::Value;

use super::lotusd::Lotusd;
use super::{KEY, folder, ltms};

fn burn() -> (Vec<u8>, String) {
    let raw = DevChain::burn_transaction(KEY.parse().unwrap(), Amount::from_xpi(50), Some(1));
    let txid = Transaction::parse(&raw).unwrap().txid();
    (raw, format!("{txid}:0"))
}

/// A burn that is sent, mined, moved, taken out, dropped, sent again and confirmed.
fn eventful(test: &str) -> (Lotusd, String) {
    let lotusd = Lotusd::start(&folder(test));
    let (raw, outpoint) = burn();
    let [one, two, three, four, five] = [(); 5].map(|()| raw.clone());
    lotusd
        .then(|_, _| ())
        .then(move |_, mempool| mempool.push(one))
        .then(|_, _| ())
        .then(move |chain, _| _ = chain.mine(&[two]).unwrap())
        .then(|chain, _| chain.mine_empty(1).unwrap())
        .then(move |chain, _| _ = chain.reorganise(2, &[vec![], vec![three], vec![]]).unwrap())
        .then(|chain, _| _ = chain.reorganise(2, &[vec![], vec![], vec![]]).unwrap())
        .then(|_, mempool| mempool.clear())
        .then(move |_, mempool| mempool.push(four))
        .then(move |chain, _| _ = chain.mine(&[five]).unwrap())
        .then(|chain, _| chain.mine_empty(4).unwrap())
        .then(|chain, _| chain.mine_empty(1).unwrap())
        .then(|chain, _| chain.mine_empty(66).unwrap());
    (lotusd, outpoint)
}

const ASK: [&str; 4] = ["identity", "watch", "--every", "0"];

#[test]
fn each_change_is_a_line_until_there_are_enough_confirmations() {
    let (lotusd, outpoint) = eventful("watch");
    let told = ltms(&[&ASK[..], &lotusd.flags(), &["--burn", &outpoint]].concat()).good();
    let without_block = |line: &str| {
        let words = line.split(' ').filter(|word| word.len() < 64);
        words.collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<_> = told.lines().map(without_block).collect();
    assert_eq!(
        lines,
        [
            "unknown: in no block, and not on its way to one either",
            "unconfirmed: waits for its first block",
            "mined: block at height 188, 1 of 72 confirmations: immature",
            "confirmed: 2 of 72 confirmations: immature",
            "reorganised: block at height 189, 2 of 72 confirmations: immature",
            "reorganised: its block left the chain, and it waits again",
            "vanished: spent otherwise or dropped; it may never come back",
            "unconfirmed: waits for its first block",
            "mined: block at height 192, 1 of 72 confirmations: immature",
            "confirmed: 5 of 72 confirmations: immature",
            "confirmed: 6 of 72 confirmations: provisional",
            "confirmed: 72 of 72 confirmations: full",
        ]
    );
}

#[test]
fn it_ends_where_it_is_told_and_writes_an_object_a_line() {
    let (lotusd, outpoint) = eventful("watch-json");
    let more = ["--burn", &outpoint, "--until", "6", "--json"];
    let told = ltms(&[&ASK[..], &lotusd.flags(), &more].concat()).good();
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "unknown",
            "unconfirmed",
            "mined",
            "deeper",
            "reorganised",
            "unmined",
            "vanished",
            "unconfirmed",
            "mined",
            "deeper",
            "deeper"
        ]
    );
    let last = lines.last().unwrap();
    assert_eq!((last["confirmations"].as_u64(), last["until"].as_u64()), (Some(6), Some(6)));
    assert_eq!((last["height"].as_u64(), last["tip"].as_u64()), (Some(192), Some(197)));
    assert_eq!(
        (last["burn"].as_str(), last["standing"].as_str()),
        (Some(&*outpoint), Some("provisional"))
    );
    assert!(lines[0]["block"].is_null());
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let (_, outpoint) = burn();
    let watch = |more: &[&str]| ltms(&[&["identity", "watch"], more].concat());
    let txid = &outpoint[..64];
    for (args, complaint) in [
        (&["--dev-chain"][..], "--burn"),
        (&["--dev-chain", "--burn", txid], "TXID:INDEX"),
        (&["--dev-chain", "--burn", &outpoint[1..]], "64 hexadecimal digits"),
        (&["--dev-chain", "--burn", &outpoint, "--until", "0"], "--until"),
        (&["--dev-chain", "--burn", &outpoint, "--every", "-1"], "-1"),
        (&["--burn", &outpoint], "needs a chain source"),
        (&["--burn", &outpoint, "--dev-chain", "--network", "main"], "`reg` only"),
        (&["--burn", &outpoint, "--dev-chain", "--chronik", "https://a.example"], "no other"),
        (&["--burn", &outpoint, "--lotusd", "http://127.0.0.1:1"], "cookie file"),
        (&["--burn", &outpoint, "--lotusd", "ftp://h", "--cookie-file", "c"], "http or https"),
        (&["--burn", &outpoint, "--chronik", "https://a.example", "--need", "2"], "do not fit"),
        (&["--burn", &outpoint, "--cookie-file", "c"], "--lotusd"),
        (&["--burn", &outpoint, "--lotusd", "http://h", "--user", "u"], "--password-file"),
        (&["--burn", &outpoint, "--config", "/nowhere.toml"], "/nowhere.toml"),
    ] {
        let said = watch(args).refused(2);
        assert!(said.contains(complaint), "{args:?}: {said}");
    }
    let folder = folder("watch-401");
    let lotusd = Lotusd::start(&folder);
    let other = folder.join("other");
    std::fs::write(&other, "__cookie__:wrong").unwrap();
    let flags = ["--network", "reg", "--lotusd", &lotusd.url, "--burn", &outpoint];
    let said = watch(&[&flags[..], &["--cookie-file", other.to_str().unwrap()]].concat());
    assert!(said.refused(1).contains("password or cookie is wrong"));
}
