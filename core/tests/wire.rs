//! The wire format against the vectors of the independent oracle.

use ltms_core::burn::Purpose;
use ltms_core::hash::tagged_hash;
use ltms_core::schnorr::{self, SecretKey};
use ltms_core::wire::{
    AdHeader, Address, AddressError, Advertisement, AmountRange, Authority, Credit, Delegation,
    Envelope, Hello, HelloDelegation, IncludedBurn, Kind, Registration, Rotation, Transport,
    WireError, Withdrawal, ad_hash, credit_hash, delegation_hash, hello_hash, register_hash,
    request_hash, rotation_hash, withdrawal_hash,
};
use ltms_core::{
    Amount, BlockHash, IdentityId, Network, OutPoint, PeerId, PublicKey, Reason, Signature,
    Timestamp, Txid,
};
use serde_json::Value;

#[path = "wire/claims.rs"]
mod claims;
#[path = "wire/properties.rs"]
mod properties;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire.md");

/// The cases of one list, as many as the manifest says.
fn cases(list: &str) -> Vec<Value> {
    let read = |file: &str| -> Value {
        let bytes = std::fs::read(format!("{VECTORS}/{file}")).expect("part of the checkout");
        serde_json::from_slice(&bytes).expect("the vectors are JSON")
    };
    let expected = number(&read("manifest.json")["wire.json"]["entries"][list]);
    let Value::Array(cases) = read("wire.json")[list].take() else { panic!("no list {list}") };
    assert!(!cases.is_empty(), "{list} is empty");
    assert_eq!(cases.len() as u64, expected, "{list}");
    cases
}

fn text(case: &Value) -> &str {
    case.as_str().expect("a string")
}

fn number(case: &Value) -> u64 {
    case.as_u64().expect("an unsigned number")
}

fn list(case: &Value) -> &[Value] {
    case.as_array().expect("a list")
}

fn hex(case: &Value) -> Vec<u8> {
    hex::decode(text(case)).expect("hex")
}

fn array<const N: usize>(case: &Value) -> [u8; N] {
    hex(case).try_into().expect("as many bytes as the field has")
}

fn network(case: &Value) -> Network {
    let all = [Network::Main, Network::Test, Network::Reg];
    *all.iter().find(|n| n.name() == text(&case["network"])).expect("a network")
}

fn key(case: &Value) -> PublicKey {
    PublicKey::from_bytes(array(case))
}

fn time(case: &Value) -> Timestamp {
    Timestamp::from_millis(number(case))
}

fn peer(case: &Value) -> PeerId {
    PeerId::from_bytes(&hex(case)).expect("a peer id")
}

/// `read` of the field, if it is there.
fn maybe<T>(case: &Value, read: impl Fn(&Value) -> T) -> Option<T> {
    (!case.is_null()).then(|| read(case))
}

fn delegation(case: &Value) -> Delegation {
    let signature = Signature::from_bytes(array(&case["signature"]));
    Delegation { not_after: time(&case["not_after"]), signature }
}

fn authority(case: &Value) -> Authority {
    Authority {
        identity: IdentityId::from_bytes(array(&case["identity"])),
        sequence: number(&case["sequence"]),
        delegation: maybe(&case["delegation"], delegation),
    }
}

/// Any body, read to its end.
#[derive(Clone, Debug, PartialEq)]
enum Body<'a> {
    Advertisement(Box<Advertisement<'a>>),
    Withdrawal(Withdrawal),
    Registration(Registration<'a>),
    Hello(Hello),
    Rotation(Rotation<'a>),
    Credit(Credit<'a>),
}

impl<'a> Body<'a> {
    fn decode(kind: Kind, body: &'a [u8], network: Network) -> Result<Self, WireError> {
        match kind {
            Kind::Advertisement => {
                Advertisement::decode(body, network).map(|ad| Self::Advertisement(Box::new(ad)))
            }
            Kind::Withdrawal => Withdrawal::decode(body).map(Self::Withdrawal),
            Kind::Registration => Registration::decode(body).map(Self::Registration),
            Kind::Hello => Hello::decode(body).map(Self::Hello),
            Kind::Rotation => Rotation::decode(body).map(Self::Rotation),
            Kind::Credit => Credit::decode(body).map(Self::Credit),
            other => panic!("{other:?} is new: add it here"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; 20_000];
        let len = match self {
            Self::Advertisement(body) => body.encode(&mut out),
            Self::Withdrawal(body) => body.encode(&mut out),
            Self::Registration(body) => body.encode(&mut out),
            Self::Hello(body) => body.encode(&mut out),
            Self::Rotation(body) => body.encode(&mut out),
            Self::Credit(body) => body.encode(&mut out),
        };
        out.truncate(len.expect("room for any body"));
        out
    }
}

/// An envelope and its body, read to their ends.
fn read(bytes: &[u8], network: Network) -> Result<(Envelope<'_>, Body<'_>), WireError> {
    let envelope = Envelope::decode(bytes)?;
    let body = Body::decode(envelope.kind, envelope.body, network)?;
    Ok((envelope, body))
}

fn reason(bytes: &[u8], network: Network) -> &'static str {
    read(bytes, network).map_or_else(|error| error.reason(), |_| Reason::Clear).as_str()
}

fn identity(case: &Value) -> IdentityId {
    IdentityId::from_bytes(array(case))
}

fn check_burn(name: &str, f: &Value, decoded: &IncludedBurn<'_>) {
    let branch: Vec<[u8; 32]> = list(&f["branch"]).iter().map(array).collect();
    let expected = IncludedBurn {
        transaction: &hex(&f["transaction"]),
        vout: u8::try_from(number(&f["vout"])).expect("8 bits"),
        block: BlockHash::from_bytes(array(&f["block"])),
        position: u32::try_from(number(&f["position"])).expect("32 bits"),
        branch: &branch,
    };
    assert_eq!(*decoded, expected, "{name}");
}

fn check_fields(name: &str, f: &Value, decoded: &Body<'_>) {
    match decoded {
        Body::Advertisement(decoded) => {
            let addresses: Vec<_> = list(&f["addresses"]).iter().map(hex).collect();
            let types = list(&f["types"]).iter().map(number);
            let expected = Advertisement {
                author: key(&f["author"]),
                created_at: time(&f["created_at"]),
                expires_at: time(&f["expires_at"]),
                peer: peer(&f["peer"]),
                addresses: addresses.iter().map(Vec::as_slice).collect(),
                types: types.map(|number| u16::try_from(number).expect("16 bits")).collect(),
                amount: maybe(&f["amount"], |range| AmountRange {
                    min: Amount::from_sats(number(&range[0])),
                    max: Amount::from_sats(number(&range[1])),
                }),
                fee: maybe(&f["fee"], |fee| Amount::from_sats(number(fee))),
                nickname: f["nickname"].as_str(),
                description: f["description"].as_str(),
                authority: maybe(&f["authority"], authority),
            };
            assert_eq!(**decoded, expected, "{name}");
        }
        Body::Withdrawal(decoded) => {
            let expected = Withdrawal {
                author: key(&f["author"]),
                created_at: time(&f["created_at"]),
                authority: maybe(&f["authority"], authority),
            };
            assert_eq!(*decoded, expected, "{name}");
        }
        Body::Registration(decoded) => {
            check_burn(name, f, &decoded.burn);
        }
        Body::Rotation(decoded) => {
            check_burn(name, f, &decoded.burn);
            let expected = Rotation {
                burn: decoded.burn,
                identity: identity(&f["identity"]),
                sequence: number(&f["sequence"]),
                created_at: time(&f["created_at"]),
                new_key_signature: Signature::from_bytes(array(&f["new_key_signature"])),
            };
            assert_eq!(*decoded, expected, "{name}");
        }
        Body::Credit(decoded) => {
            check_burn(name, f, &decoded.burn);
            let (identity, sequence) = (identity(&f["identity"]), number(&f["sequence"]));
            assert_eq!(*decoded, Credit { burn: decoded.burn, identity, sequence }, "{name}");
        }
        Body::Hello(decoded) => {
            let expected = Hello {
                identity: identity(&f["identity"]),
                key: key(&f["key"]),
                delegation: maybe(&f["delegation"], |given| HelloDelegation {
                    delegation: delegation(given),
                    sequence: number(&given["sequence"]),
                }),
                challenge: array(&f["challenge"]),
            };
            assert_eq!(*decoded, expected, "{name}");
        }
    }
}

#[test]
fn valid_messages_decode_to_their_fields_and_encode_to_their_bytes() {
    for case in cases("valid") {
        let (name, network) = (text(&case["name"]), network(&case));
        let bytes = hex(&case["envelope"]);
        let (envelope, body) = read(&bytes, network).expect(name);
        assert_eq!(u64::from(envelope.kind.number()), number(&case["kind"]), "{name}");
        assert_eq!(envelope.body, hex(&case["body"]), "{name}");
        assert_eq!(envelope.signature.as_bytes()[..], hex(&case["signature"]), "{name}");
        check_fields(name, &case["fields"], &body);
        assert_eq!(body.encode(), envelope.body, "{name}");
        let mut out = vec![0; bytes.len()];
        assert_eq!(envelope.encode(&mut out), Ok(bytes.len()), "{name}");
        assert_eq!(out, bytes, "{name}");
        out.pop();
        assert!(envelope.encode(&mut out).is_err(), "{name}: one byte too few");
    }
}

fn outpoint(case: &Value, burn: &IncludedBurn<'_>) -> OutPoint {
    OutPoint { txid: Txid::from_display_bytes(array(&case["txid"])), vout: burn.vout.into() }
}

#[test]
fn signed_hashes_are_the_oracles() {
    for case in cases("valid") {
        let (name, network) = (text(&case["name"]), network(&case));
        let bytes = hex(&case["envelope"]);
        let (envelope, body) = read(&bytes, network).expect(name);
        let hash = match body {
            Body::Advertisement(_) => ad_hash(network, envelope.body),
            Body::Withdrawal(_) => withdrawal_hash(network, envelope.body),
            Body::Registration(claim) => {
                register_hash(network, &outpoint(&case, &claim.burn), &key(&case["public_key"]))
            }
            Body::Rotation(claim) => rotation_hash(
                network,
                &claim.identity,
                claim.sequence,
                &key(&case["public_key"]),
                &key(&case["new_public_key"]),
                &outpoint(&case, &claim.burn),
                claim.created_at,
            ),
            Body::Credit(claim) => {
                let code = u8::try_from(number(&case["purpose"])).expect("8 bits");
                credit_hash(
                    network,
                    &claim.identity,
                    Purpose::from_code(code).expect("a purpose"),
                    &outpoint(&case, &claim.burn),
                    &key(&case["script_key"]),
                    claim.sequence,
                )
            }
            Body::Hello(hello) => {
                let (prover, verifier) = (peer(&case["prover"]), peer(&case["verifier"]));
                hello_hash(network, &prover, &verifier, &hello.identity, &hello.challenge)
            }
        };
        assert_eq!(hash[..], hex(&case["hash"]), "{name}");
        let preimage = hex(&case["preimage"]);
        assert_eq!(hash, tagged_hash(text(&case["tag"]), &[&preimage]), "{name}");
    }
    for case in cases("delegations") {
        let hash = delegation_hash(
            network(&case),
            &IdentityId::from_bytes(array(&case["identity"])),
            &key(&case["delegated"]),
            number(&case["sequence"]),
            time(&case["not_after"]),
        );
        assert_eq!(hash[..], hex(&case["hash"]));
    }
}

#[test]
fn signatures_are_the_oracles() {
    for case in [cases("valid"), cases("delegations")].concat() {
        let (key, hash) = (key(&case["public_key"]), array(&case["hash"]));
        let signature = Signature::from_bytes(array(&case["signature"]));
        assert!(schnorr::verify(&key, &hash, &signature), "{case}");
        let secret = SecretKey::from_bytes(&array(&case["secret_key"])).expect("a secret key");
        assert_eq!(secret.sign(&hash), signature, "{case}");
    }
    let valid = cases("valid");
    let rotations: Vec<_> = valid.iter().filter(|case| case["kind"] == 6).collect();
    assert!(!rotations.is_empty());
    for case in rotations {
        let signature = Signature::from_bytes(array(&case["fields"]["new_key_signature"]));
        let (key, hash) = (key(&case["new_public_key"]), array(&case["hash"]));
        assert!(schnorr::verify(&key, &hash, &signature), "{case}");
        let secret = SecretKey::from_bytes(&array(&case["new_secret_key"])).expect("a secret key");
        assert_eq!(secret.sign(&hash), signature, "{case}");
    }
}

#[test]
fn invalid_messages_are_refused_for_the_named_reason() {
    for case in cases("invalid") {
        let found = reason(&hex(&case["envelope"]), network(&case));
        assert_eq!(found, text(&case["reason"]), "{}", case["name"]);
    }
}

#[test]
fn mutated_messages_are_judged_as_the_oracle_judges_them() {
    for case in cases("mutated") {
        let found = reason(&hex(&case["envelope"]), network(&case));
        assert_eq!(found, text(&case["reason"]), "{case}");
    }
}

#[test]
fn a_header_has_the_fields_of_its_message() {
    for case in cases("valid") {
        let (name, network) = (text(&case["name"]), network(&case));
        let bytes = hex(&case["envelope"]);
        let (Envelope { kind, body, signature }, content) = read(&bytes, network).expect(name);
        let types = |ad: &Advertisement<'_>| {
            let below_64 = (0..64).filter(|number| ad.types.contains(number));
            below_64.map(|number| 1 << number).sum()
        };
        let expected = match content {
            Body::Advertisement(ad) => Ok(AdHeader {
                kind,
                author: ad.author,
                created_at: ad.created_at,
                expires_at: ad.expires_at,
                peer: Some(ad.peer),
                types: types(&ad),
                amount: ad.amount,
                authority: ad.authority,
                signature,
                body,
                envelope: &bytes,
            }),
            Body::Withdrawal(withdrawal) => Ok(AdHeader {
                kind,
                author: withdrawal.author,
                created_at: withdrawal.created_at,
                expires_at: Timestamp::EPOCH,
                peer: None,
                types: 0,
                amount: None,
                authority: withdrawal.authority,
                signature,
                body,
                envelope: &bytes,
            }),
            Body::Registration(_) | Body::Rotation(_) | Body::Credit(_) | Body::Hello(_) => {
                Err(WireError::WrongKind)
            }
        };
        let header = AdHeader::read(network, &bytes);
        assert_eq!(header, expected, "{name}");
        if let Ok(header) = header {
            assert_eq!(header.signed_hash(network)[..], hex(&case["hash"]), "{name}");
        }
    }
    assert_eq!(WireError::WrongKind.reason(), Reason::Malformed);
}

#[test]
fn an_address_is_read_as_its_host_and_relay() {
    let bytes = |text: &str| hex::decode(text).unwrap();
    let (named, other) = (format!("1220{}", "01".repeat(32)), format!("1220{}", "02".repeat(32)));
    let peer = PeerId::from_bytes(&bytes(&named)).unwrap();
    let relay = PeerId::from_bytes(&bytes(&other)).unwrap();
    let (at_peer, at_relay) = (format!("a50322{named}"), format!("a50322{other}"));
    let decode = |text: &str, network| Address::decode(&bytes(text), network, &peer);
    let ip = "1.2.3.4".parse().unwrap();
    let mut address = Address { ip, transport: Transport::Tcp, port: 4001, relay: None };
    assert_eq!(decode("0401020304060fa1", Network::Main), Ok(address));
    assert_eq!(decode(&format!("0401020304060fa1{at_peer}"), Network::Main), Ok(address));
    address.relay = Some(relay);
    let relayed = format!("0401020304060fa1{at_relay}a202");
    assert_eq!(decode(&relayed, Network::Main), Ok(address));
    let local = "29000000000000000000000000000000019102ffffcd03";
    let ip = "::1".parse().unwrap();
    let address = Address { ip, transport: Transport::QuicV1, port: 65535, relay: None };
    assert_eq!(decode(local, Network::Reg), Ok(address));
    assert_eq!(decode(local, Network::Main), Err(AddressError::Unreachable));
    let other = decode(&format!("0401020304060fa1{at_relay}"), Network::Reg);
    assert_eq!(other, Err(AddressError::OtherPeer));
    assert_eq!(decode("0401020304060000", Network::Reg), Err(AddressError::Form));
    assert_eq!(decode(&"00".repeat(129), Network::Reg), Err(AddressError::TooLong));
}

#[test]
fn a_message_of_one_network_has_another_hash_on_the_others() {
    let hashes = [Network::Main, Network::Test, Network::Reg].map(|n| ad_hash(n, b"body"));
    assert_ne!(hashes[0], hashes[1]);
    assert_ne!(hashes[1], hashes[2]);
    assert_ne!(hashes[0], hashes[2]);
    assert_ne!(ad_hash(Network::Main, b"body"), withdrawal_hash(Network::Main, b"body"));
    assert_ne!(ad_hash(Network::Main, b"body"), request_hash(Network::Main, b"body"));
    assert_eq!(request_hash(Network::Main, b"body"), tagged_hash("LTMS/request/1", &[b"_body"]));
}

#[test]
fn where_one_peer_id_ends_is_part_of_the_hello() {
    let peer = |start: &str| {
        PeerId::from_bytes(&[&hex::decode(start).unwrap()[..], &[7; 32]].concat()).unwrap()
    };
    let (short, long) = (peer("1220"), peer("00250802122103"));
    let hash = |a, b| hello_hash(Network::Main, a, b, &IdentityId::from_bytes([1; 32]), &[2; 32]);
    assert_ne!(hash(&short, &long), hash(&long, &short));
    let id = [1; 32];
    let parts: [&[u8]; 7] =
        [b"_", &[34, 0], &short.to_bytes(), &[39, 0], &long.to_bytes(), &id, &[2; 32]];
    assert_eq!(hash(&short, &long), tagged_hash("LTMS/hello/1", &parts));
}

#[test]
fn a_peer_id_has_one_of_three_forms() {
    let of = |start: &str, rest: usize| {
        PeerId::from_bytes(&[hex::decode(start).unwrap(), vec![7; rest]].concat())
    };
    for (start, rest) in
        [("1220", 32), ("002408011220", 32), ("00250802122102", 32), ("00250802122103", 32)]
    {
        let bytes = [hex::decode(start).unwrap(), vec![7; rest]].concat();
        assert_eq!(PeerId::from_bytes(&bytes).unwrap().to_bytes(), bytes[..], "{start}");
        assert_eq!(of(start, rest).unwrap().to_string(), hex::encode(bytes));
        assert!(of(start, rest - 1).is_err() && of(start, rest + 1).is_err(), "{start}");
    }
    for start in ["", "1221", "1320", "002508011220", "002408011221", "00250802122104"] {
        assert!(of(start, 32).is_err(), "{start}");
    }
}

#[test]
fn an_envelope_over_the_limit_is_not_written() {
    let mut out = vec![0; 20_000];
    let signature = Signature::from_bytes([0; 64]);
    let of = |body| Envelope { kind: Kind::Registration, body, signature };
    let body = [0; 9_930];
    assert_eq!(of(&body[..9_929]).encode(&mut out), Ok(10_000));
    assert!(of(&body).encode(&mut out).is_err());
}

#[test]
fn the_page_shows_the_vectors_and_every_reason() {
    let page = std::fs::read_to_string(PAGE).expect("the page is part of the checkout");
    for reason in Reason::ALL {
        let verdict = format!("{:?}", reason.verdict()).to_lowercase();
        let (code, meaning) = (reason.code(), reason.meaning());
        let row = format!("| {code} | `{reason}` | {verdict} | {meaning} |");
        assert!(page.contains(&row), "{row}");
    }
    let shown: String = page.split_whitespace().collect();
    let examples = cases("valid");
    let examples = examples.iter().filter(|case| shown.contains(text(&case["envelope"])));
    let mut kinds: Vec<_> = examples.map(|case| number(&case["kind"])).collect();
    kinds.dedup();
    assert_eq!(kinds, [1, 2, 4, 5, 6, 7], "a worked example of every kind");
}
