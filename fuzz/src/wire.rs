//! Messages: one value has one encoding.

use ltms_core::wire::{
    AdHeader, Address, Advertisement, BufferTooSmall, BurnClaim, Envelope, Hello, Kind, WireError,
    Withdrawal, is_plain_text,
};
use ltms_core::{Network, PeerId, Verdict, size};

/// Checks that `encode` writes `body`, and that it notices when a byte is missing.
fn is_encoding(body: &[u8], encode: impl Fn(&mut [u8]) -> Result<usize, BufferTooSmall>) {
    let mut out = vec![0; body.len()];
    assert_eq!(encode(&mut out), Ok(body.len()));
    assert_eq!(out, body, "another encoding of the same");
    if let Some((_, short)) = out.split_last_mut() {
        assert!(encode(short).is_err(), "written to where there is no room");
    }
}

/// What is wrong with a message is said by a reason that takes nothing.
fn refuses<T>(decoded: Result<T, WireError>) -> Option<T> {
    decoded.map_err(|error| assert_ne!(error.reason().verdict(), Verdict::Accept)).ok()
}

/// The envelope around `bytes`, if it is one and the only encoding of what it says.
fn opened(bytes: &[u8]) -> Option<Envelope<'_>> {
    let envelope = refuses(Envelope::decode(bytes))?;
    assert!(bytes.len() <= size::ENVELOPE);
    is_encoding(bytes, |out| envelope.encode(out));
    Some(envelope)
}

/// Advertisements and withdrawals.
pub(crate) fn envelope(bytes: &[u8]) {
    for network in [Network::Reg, Network::Main] {
        let header = refuses(AdHeader::read(network, bytes));
        let Some(envelope) = opened(bytes) else {
            assert!(header.is_none(), "read without an envelope");
            return;
        };
        let Some(header) = header else { continue };
        assert_eq!((header.body, header.envelope), (envelope.body, bytes));
        match header.kind {
            Kind::Advertisement => {
                let ad = Advertisement::decode(envelope.body, network).expect("what was read");
                is_encoding(envelope.body, |out| ad.encode(out));
                assert_eq!((header.author, header.created_at), (ad.author, ad.created_at));
                assert_eq!((header.peer, header.expires_at), (Some(ad.peer), ad.expires_at));
                assert!(ad.types.is_sorted_by(|a, b| a < b) && !ad.types.is_empty());
                assert!(ad.nickname.is_none_or(|text| text.len() <= size::NICKNAME));
                assert!(ad.nickname.iter().chain(&ad.description).all(|text| is_plain_text(text)));
                for address in &ad.addresses {
                    assert!(Address::decode(address, network, &ad.peer).is_ok());
                }
            }
            Kind::Withdrawal => {
                let withdrawal = Withdrawal::decode(envelope.body).expect("what was read");
                is_encoding(envelope.body, |out| withdrawal.encode(out));
                assert_eq!(header.author, withdrawal.author);
            }
            other => panic!("{other:?} is neither"),
        }
    }
}

/// Claims of burns.
pub(crate) fn burn_claim(bytes: &[u8]) {
    let Some((claim, signature)) = refuses(BurnClaim::read(bytes)) else { return };
    let envelope = opened(bytes).expect("a claim is in an envelope");
    assert_eq!(envelope.signature, signature);
    is_encoding(envelope.body, |out| match &claim {
        BurnClaim::Registration(claim) => claim.encode(out),
        BurnClaim::Rotation(claim) => claim.encode(out),
        BurnClaim::Credit(claim) => claim.encode(out),
        other => panic!("no encoder for {other:?}"),
    });
    assert!(claim.burn().branch.len() <= 32);
}

/// Proofs of a connection's identity.
pub(crate) fn hello(bytes: &[u8]) {
    let Some(envelope) = opened(bytes) else { return };
    if envelope.kind == Kind::Hello
        && let Some(hello) = refuses(Hello::decode(envelope.body))
    {
        is_encoding(envelope.body, |out| hello.encode(out));
    }
}

/// The addresses of an advertisement, as [`address`] reads them.
pub(crate) fn addresses(envelope: &[u8]) -> Vec<Vec<u8>> {
    let Ok(Envelope { body, kind: Kind::Advertisement, .. }) = Envelope::decode(envelope) else {
        return Vec::new();
    };
    let Ok(ad) = Advertisement::decode(body, Network::Reg) else { return Vec::new() };
    let peer = ad.peer.to_bytes();
    let len = u8::try_from(peer.len()).expect("peer ids are short");
    ad.addresses.iter().map(|address| [&[len], &peer[..], address].concat()).collect()
}

/// Multiaddrs: a length, that many bytes of the advertised peer, and the address.
pub(crate) fn address(bytes: &[u8]) {
    let Some((len, rest)) = bytes.split_first() else { return };
    let Some((peer, address)) = rest.split_at_checked(usize::from(*len)) else { return };
    let Ok(peer) = PeerId::from_bytes(peer) else { return };
    let on = |network| Address::decode(address, network, &peer);
    if let Ok(main) = on(Network::Main) {
        assert!(address.len() <= size::ADDRESS);
        assert!(main.port != 0 && !main.ip.is_loopback() && !main.ip.is_unspecified());
        assert!(!main.ip.is_multicast());
        assert_eq!(on(Network::Reg), Ok(main), "regtest takes what the main network takes");
    }
    assert_eq!(on(Network::Test), on(Network::Main));
}
