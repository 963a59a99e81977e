use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::hash::sha256;
use ltms_core::schnorr::SecretKey;
use ltms_core::wire::BurnClaim;
use ltms_core::{Amount, IdentityId};
use ltms_net::chain::DevChain;
use serde_json::json;

use super::lotusd::Lotusd;
use super::{Answer, folder, ltms, ltms_with};

/// A key of this name, and a file with it.
fn key(folder: &Path, name: &str) -> (SecretKey, String) {
    let secret = sha256(&[name.as_bytes()]);
    let path = folder.join(name);
    fs::write(&path, hex::encode(secret)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (SecretKey::from_bytes(&secret).unwrap(), path.to_str().unwrap().to_owned())
}

fn registration(key: &SecretKey, xpi: u64) -> Vec<u8> {
    DevChain::burn_transaction(key.public_key(), Amount::from_xpi(xpi), Some(1))
}

fn rotation(new: &SecretKey, identity: &str) -> Vec<u8> {
    let identity: IdentityId = identity.parse().unwrap();
    let purpose = Some((Purpose::Rotation, identity));
    let script = BurnScript { public_key: new.public_key(), timestamp_ms: Some(1), purpose };
    DevChain::purpose_transaction(&script, Amount::from_xpi(20))
}

fn register(lotusd: &Lotusd, burn: &str, more: &[&str]) -> Answer {
    ltms(&[&["identity", "register", "--burn", burn], &lotusd.flags()[..], more].concat())
}

/// A node of its own, ended with the test.
struct Peer {
    child: Child,
    address: String,
}

impl Peer {
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ltms"))
            .args([&["node", "--capacity", "small"], flags].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit(' ').next().unwrap().to_owned();
        assert!(address.starts_with("/ip4/127.0.0.1/tcp/"), "{line}");
        Self { child, address }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_burn_is_claimed_once_it_lies_deep_enough() {
    let folder = folder("register");
    let (lotusd, (owner, file)) = (Lotusd::start(&folder), key(&folder, "owner"));
    let burn = lotusd.mine(&registration(&owner, 50), 5);
    let id = burn.identity_id().unwrap().to_string();
    let burn = burn.to_string();
    let ask = |more: &[&str]| register(&lotusd, &burn, &[&["--key-file", &file], more].concat());
    let said = ask(&[]).refused(1);
    assert!(said.contains("immature: 5 confirmations; a registration needs 6"), "{said}");
    let refused = ask(&["--json"]);
    assert_eq!(refused.code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(report["verdict"], "immature");

    lotusd.chain.mine_empty(1).unwrap();
    let told = ask(&["--json"]).json();
    let expected = json!({
        "identity": id, "public_key": owner.public_key(), "sequence": 0, "burn": burn,
        "burned_sats": 50_000_000, "block": told["block"], "height": 188, "confirmations": 6,
        "standing": "provisional", "tier": "basic", "total_sats": 50_000_000, "evidence": "node",
        "verdict": "new", "out": null, "peers": [],
    });
    assert_eq!(told, expected);

    let out = folder.join("claim");
    let out = ["--out", out.to_str().unwrap()];
    lotusd.chain.mine_empty(66).unwrap();
    let told = ask(&out).good();
    assert!(told.contains("depth      72 confirmations: full\n"), "{told}");
    let claim = fs::read_to_string(out[1]).unwrap();
    assert!(BurnClaim::read(&hex::decode(claim.trim_end()).unwrap()).is_ok());
    assert!(ask(&out).refused(1).contains("exists"));
    assert_eq!(fs::read_to_string(out[1]).unwrap(), claim, "left as it is");
}

#[test]
fn a_claim_that_others_would_refuse_is_not_made() {
    let folder = folder("register-bad");
    let (lotusd, (owner, file)) = (Lotusd::start(&folder), key(&folder, "owner"));
    let (_, other) = key(&folder, "other");
    let burn = lotusd.mine(&registration(&owner, 50), 10);
    let small = lotusd.mine(&registration(&owner, 49), 10).to_string();
    let waiting = registration(&owner, 60);
    let txid = ltms_core::chain::Transaction::parse(&waiting).unwrap().txid();
    let (txid, unknown) = (format!("{txid}:0"), format!("{}:0", "1".repeat(64)));
    lotusd.then(move |_, mempool| mempool.push(waiting));
    let (burn, change) = (burn.to_string(), format!("{}:1", burn.txid));
    let file = file.as_str();
    for (burn, file, code, complaint) in [
        (&txid, file, 1, "identity watch"),
        (&burn, &other, 1, "registers another key"),
        (&change, file, 1, "no registration"),
        (&format!("{}:256", &burn[..64]), file, 2, "0 to 255"),
        (&small, file, 1, "refused: burn-too-small"),
        (&unknown, file, 1, "there is no transaction"),
        (&burn, "/nowhere", 1, "/nowhere"),
    ] {
        let said = register(&lotusd, burn, &["--key-file", file]).refused(code);
        assert!(said.contains(complaint), "{said}");
    }
    let peer = ["--key-file", file, "--peer", "/ip4/127.0.0.1/tcp/1"];
    assert!(register(&lotusd, &burn, &peer).refused(2).contains("/p2p/PEER"));
}

#[test]
fn peers_get_a_registration_and_then_a_rotation() {
    let folder = folder("peers");
    let lotusd = Lotusd::start(&folder);
    let ((owner, old), (successor, new)) = (key(&folder, "owner"), key(&folder, "successor"));
    let burn = lotusd.mine(&registration(&owner, 50), 100);
    let id = burn.identity_id().unwrap().to_string();
    let rotated = lotusd.mine(&rotation(&successor, &id), 72).to_string();
    let (burn, peer) = (burn.to_string(), Peer::start(&lotusd.flags()));
    let absent = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWEgYDnUnTN1ogLzREHzDPBgNAUnfrUWFDsPxcfJMYchyq";

    let rotate = |more: &[&str]| {
        let keys = ["identity", "rotate", "--key-file", &old, "--new-key-file", &new];
        ltms(&[&keys[..], &["--burn", &rotated], &lotusd.flags()[..], more].concat())
    };
    let said = rotate(&["--peer", &peer.address]).refused(1);
    assert!(said.contains("no peer knows the identity"), "{said}");

    let alone = register(&lotusd, &burn, &["--key-file", &old, "--peer", absent]);
    assert_eq!((alone.code, alone.complaint().as_str()), (Some(1), "no peer took the claim"));
    assert!(alone.out.contains("cannot be reached"), "{}", alone.out);
    let both = ["--key-file", &old, "--peer", absent, "--peer", &peer.address, "--json"];
    let told = register(&lotusd, &burn, &both).json();
    assert_eq!(told["peers"][0]["taken"], false);
    let name = peer.address.rsplit('/').next().unwrap();
    assert_eq!(told["peers"][1], json!({ "peer": name, "taken": true, "verdict": "new" }));
    let again = register(&lotusd, &burn, &both).json();
    assert_eq!(again["peers"][1]["verdict"], "already-known");

    let told = rotate(&["--peer", &peer.address, "--json"]).json();
    assert_eq!((told["identity"].as_str(), told["sequence"].as_u64()), (Some(&*id), Some(1)));
    assert_eq!(told["public_key"], json!(successor.public_key()));
    assert_eq!((told["verdict"].as_str(), told["tier"].as_str()), (Some("new"), Some("basic")));
    assert_eq!(told["peers"][0]["verdict"], "new");
}

#[test]
fn a_rotation_is_judged_after_the_claims_before_it() {
    let folder = folder("rotate");
    let lotusd = Lotusd::start(&folder);
    let ((owner, old), (successor, new)) = (key(&folder, "owner"), key(&folder, "successor"));
    let burn = lotusd.mine(&registration(&owner, 50), 100);
    let id = burn.identity_id().unwrap().to_string();
    let rotated = lotusd.mine(&rotation(&successor, &id), 71).to_string();
    let history = folder.join("history");
    let history = history.to_str().unwrap();
    register(&lotusd, &burn.to_string(), &["--key-file", &old, "--out", history]).good();

    let rotate = |keys: [&str; 2], more: &[&str]| {
        let keys = ["identity", "rotate", "--key-file", keys[0], "--new-key-file", keys[1]];
        ltms(&[&keys[..], &["--burn", &rotated], &lotusd.flags()[..], more].concat())
    };
    let known = ["--history", history];
    let said = rotate([&old, &new], &known).refused(1);
    assert!(said.contains("immature: 71 confirmations") && said.contains("rotation 72"), "{said}");
    lotusd.chain.mine_empty(1).unwrap();
    let told = rotate([&old, &new], &known).good();
    assert!(told.contains("rotation   1\n") && told.contains("verdict    new\n"), "{told}");

    let refused = |keys, more: &[&str]| rotate(keys, &[&known[..], more].concat()).refused(1);
    assert!(refused([&old, &new], &["--sequence", "2"]).contains("refused: need-history"));
    for sequence in ["0", "65"] {
        assert!(rotate([&old, &new], &["--sequence", sequence]).refused(2).contains("--sequence"));
    }
    assert!(refused([&new, &new], &[]).contains("refused: invalid-signature"));
    assert!(refused([&new, &old], &[]).contains("registers another key"));
    let wrong = folder.join("wrong");
    let wrong = wrong.to_str().unwrap();
    for (text, complaint) in [("", "unknown-identity"), ("00\n", "claim 1"), ("xy", "wrong: ")] {
        fs::write(wrong, text).unwrap();
        let said = rotate([&old, &new], &["--history", wrong]).refused(1);
        assert!(said.contains(complaint), "{said}");
    }
    assert!(rotate([&old, &new], &[]).refused(2).contains("--history"));
    let keys = ["identity", "rotate", "--key-file", "-", "--new-key-file", "-", "--dev-chain"];
    let said = ltms_with(&[&keys[..], &["--burn", &rotated, "--history", wrong]].concat(), "");
    assert!(said.refused(2).contains("only one of the keys"));
}
