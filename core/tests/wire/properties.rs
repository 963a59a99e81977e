//! What holds for every message, valid or not.

use ltms_core::wire::{
    Advertisement, AmountRange, Authority, BurnClaim, Credit, Delegation, Envelope, Hello,
    HelloDelegation, IncludedBurn, Kind, Registration, Rotation, Withdrawal,
};
use ltms_core::{
    Amount, BlockHash, IdentityId, Network, PeerId, PublicKey, Signature, Timestamp, size,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Body, read, reason};

fn any_delegation() -> impl Strategy<Value = Delegation> {
    (any_time(), vec(any::<u8>(), 64)).prop_map(|(not_after, signature)| Delegation {
        not_after,
        signature: Signature::from_bytes(signature.try_into().unwrap()),
    })
}

fn any_authority() -> impl Strategy<Value = Authority> {
    (any::<[u8; 32]>(), any::<u64>(), option::of(any_delegation())).prop_map(
        |(identity, sequence, delegation)| Authority {
            identity: IdentityId::from_bytes(identity),
            sequence,
            delegation,
        },
    )
}

fn any_key() -> impl Strategy<Value = PublicKey> {
    vec(any::<u8>(), 33).prop_map(|key| PublicKey::from_bytes(key.try_into().unwrap()))
}

fn any_peer() -> impl Strategy<Value = Vec<u8>> {
    let form = prop_oneof![
        Just("002408011220"),
        Just("1220"),
        Just("00250802122102"),
        Just("00250802122103"),
    ];
    (form, any::<[u8; 32]>())
        .prop_map(|(form, rest)| [&hex::decode(form).unwrap()[..], &rest].concat())
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..Timestamp::NEVER.as_millis()).prop_map(Timestamp::from_millis)
}

/// Addresses of every form, as bytes, of an advertised `peer`.
fn any_address(peer: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let p2p = |peer: &[u8]| [&[0xA5, 0x03, u8::try_from(peer.len()).unwrap()], peer].concat();
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| [&[0x04], &ip[..]].concat()),
        any::<[u8; 16]>().prop_map(|ip| [&[0x29], &ip[..]].concat()),
    ];
    let transport = (1..=u16::MAX, any::<bool>()).prop_map(|(port, tcp)| {
        let port = port.to_be_bytes();
        if tcp {
            [&[0x06], &port[..]].concat()
        } else {
            [&[0x91, 0x02], &port[..], &[0xCD, 0x03]].concat()
        }
    });
    let relay = option::of(any_peer().prop_map(move |id| [&p2p(&id)[..], &[0xA2, 0x02]].concat()));
    (ip, transport, relay, option::of(Just(p2p(&peer)))).prop_map(|(ip, transport, relay, peer)| {
        [ip, transport, relay.unwrap_or_default(), peer.unwrap_or_default()].concat()
    })
}

/// Valid advertisement bodies for regtest.
fn any_advertisement() -> impl Strategy<Value = Vec<u8>> {
    let place = any_peer().prop_flat_map(|peer| {
        let addresses = vec(any_address(peer.clone()), 0..=size::ADDRESSES);
        (Just(peer), addresses)
    });
    let times = (any_time(), any_time());
    let types = btree_set(any::<u16>(), 1..=size::TYPES);
    let money = (option::of(any::<(u64, u64)>()), option::of(any::<u64>()));
    let texts = (option::of("[a-zé签 ]{0,21}"), option::of("[a-zé签 ]{0,85}"));
    (place, any_key(), times, types, money, texts, option::of(any_authority())).prop_map(
        |((peer, addresses), author, (created_at, expires_at), types, money, texts, authority)| {
            let ad = Advertisement {
                author,
                created_at,
                expires_at,
                peer: PeerId::from_bytes(&peer).unwrap(),
                addresses: addresses.iter().map(Vec::as_slice).collect(),
                types: types.into_iter().collect(),
                amount: money.0.map(|(a, b)| AmountRange {
                    min: Amount::from_sats(a.min(b)),
                    max: Amount::from_sats(a.max(b)),
                }),
                fee: money.1.map(Amount::from_sats),
                nickname: texts.0.as_deref(),
                description: texts.1.as_deref(),
                authority,
            };
            let body = Body::Advertisement(Box::new(ad.clone())).encode();
            assert_eq!(Advertisement::decode(&body, Network::Reg), Ok(ad));
            body
        },
    )
}

fn any_withdrawal() -> impl Strategy<Value = Vec<u8>> {
    (any_key(), any_time(), option::of(any_authority())).prop_map(
        |(author, created_at, authority)| {
            let withdrawal = Withdrawal { author, created_at, authority };
            let body = Body::Withdrawal(withdrawal).encode();
            assert_eq!(Withdrawal::decode(&body), Ok(withdrawal));
            body
        },
    )
}

/// What a claim's burn borrows from, and the rest of it.
#[derive(Clone, Debug)]
struct OwnedBurn {
    transaction: Vec<u8>,
    branch: Vec<[u8; 32]>,
    place: (u8, [u8; 32], u32),
}

impl OwnedBurn {
    fn borrow(&self) -> IncludedBurn<'_> {
        let (vout, block, position) = self.place;
        let block = BlockHash::from_bytes(block);
        let (transaction, branch) = (&self.transaction[..], &self.branch[..]);
        IncludedBurn { transaction, vout, block, position, branch }
    }
}

fn any_burn() -> impl Strategy<Value = OwnedBurn> {
    (vec(any::<u8>(), 0..=300), vec(any::<[u8; 32]>(), 0..=32), any::<(u8, [u8; 32], u32)>())
        .prop_map(|(transaction, branch, place)| OwnedBurn { transaction, branch, place })
}

fn any_registration() -> impl Strategy<Value = Vec<u8>> {
    any_burn().prop_map(|burn| {
        let claim = Registration { burn: burn.borrow() };
        let body = Body::Registration(claim).encode();
        assert_eq!(Registration::decode(&body), Ok(claim));
        body
    })
}

fn any_rotation() -> impl Strategy<Value = Vec<u8>> {
    let signature = vec(any::<u8>(), 64);
    (any_burn(), any::<[u8; 32]>(), 1..=size::ROTATIONS, any_time(), signature).prop_map(
        |(burn, identity, sequence, created_at, signature)| {
            let claim = Rotation {
                burn: burn.borrow(),
                identity: IdentityId::from_bytes(identity),
                sequence,
                created_at,
                new_key_signature: Signature::from_bytes(signature.try_into().unwrap()),
            };
            let body = Body::Rotation(claim).encode();
            assert_eq!(Rotation::decode(&body), Ok(claim));
            body
        },
    )
}

fn any_credit() -> impl Strategy<Value = Vec<u8>> {
    (any_burn(), any::<[u8; 32]>(), 0..=size::ROTATIONS).prop_map(|(burn, identity, sequence)| {
        let identity = IdentityId::from_bytes(identity);
        let claim = Credit { burn: burn.borrow(), identity, sequence };
        let body = Body::Credit(claim).encode();
        assert_eq!(Credit::decode(&body), Ok(claim));
        body
    })
}

fn any_hello() -> impl Strategy<Value = Vec<u8>> {
    let delegation = (any_delegation(), any::<u64>())
        .prop_map(|(delegation, sequence)| HelloDelegation { delegation, sequence });
    (any::<[u8; 32]>(), any_key(), option::of(delegation), any::<[u8; 32]>()).prop_map(
        |(identity, key, delegation, challenge)| {
            let identity = IdentityId::from_bytes(identity);
            let hello = Hello { identity, key, delegation, challenge };
            let body = Body::Hello(hello).encode();
            assert_eq!(Hello::decode(&body), Ok(hello));
            body
        },
    )
}

/// Valid envelopes of every kind; making one asserts that its body comes back as it was.
fn any_envelope() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        any_advertisement().prop_map(|body| (Kind::Advertisement, body)),
        any_withdrawal().prop_map(|body| (Kind::Withdrawal, body)),
        any_registration().prop_map(|body| (Kind::Registration, body)),
        any_hello().prop_map(|body| (Kind::Hello, body)),
        any_rotation().prop_map(|body| (Kind::Rotation, body)),
        any_credit().prop_map(|body| (Kind::Credit, body)),
    ];
    body.prop_map(|(kind, body)| {
        let envelope = Envelope { kind, body: &body, signature: Signature::from_bytes([7; 64]) };
        let mut out = vec![0; size::ENVELOPE];
        let len = envelope.encode(&mut out).expect("bodies made here fit");
        assert_eq!(Envelope::decode(&out[..len]), Ok(envelope));
        out.truncate(len);
        out
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(envelope in any_envelope()) {
        prop_assert!(read(&envelope, Network::Reg).is_ok());
    }

    #[test]
    fn no_other_byte_leaves_a_message_as_it_was(
        envelope in any_envelope(),
        at in any::<Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut changed = envelope.clone();
        changed[at.index(envelope.len())] ^= flip;
        let decoded = read(&changed, Network::Reg);
        prop_assert!(decoded.is_err() || decoded != read(&envelope, Network::Reg));
    }

    #[test]
    fn a_message_cut_or_continued_is_malformed(
        envelope in any_envelope(),
        at in any::<Index>(),
        more in vec(any::<u8>(), 1..10),
    ) {
        let cut = &envelope[..at.index(envelope.len())];
        prop_assert_eq!(reason(cut, Network::Reg), "malformed");
        let continued = [&envelope[..], &more].concat();
        prop_assert_eq!(reason(&continued, Network::Reg), "malformed");
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, Network::Main);
        let _ = BurnClaim::read(&bytes);
        for kind in (0..=u64::from(u8::MAX)).filter_map(Kind::from_number) {
            let _ = Body::decode(kind, &bytes, Network::Main);
        }
    }

    #[test]
    fn what_is_decoded_is_the_only_encoding(
        envelope in any_envelope(),
        changes in vec(any::<(Index, u8)>(), 1..4),
    ) {
        let mut changed = envelope;
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        if let Ok((envelope, body)) = read(&changed, Network::Reg) {
            prop_assert_eq!(body.encode(), envelope.body);
            let mut out = vec![0; changed.len()];
            prop_assert_eq!(envelope.encode(&mut out), Ok(changed.len()));
            prop_assert_eq!(&out, &changed);
        }
    }
}
