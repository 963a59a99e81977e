//! Every public call of a Gate, down to the signatures, with tables that fill.

use ltms_core::burn::BurnScript;
use ltms_core::wire::*;
use ltms_core::*;

use crate::made::*;

/// What the calls are given, made beforehand.
pub(crate) struct Inputs {
    claims: Vec<Claim>,
    /// An identity's, a delegate's, a stranger's, one with a wrong signature, and one too many.
    ads: [Vec<u8>; 5],
    hello: (Hello, Signature),
    script: Vec<u8>,
}

const VERIFIER: u64 = 1000;

impl Inputs {
    pub(crate) fn new() -> Self {
        let claims: Vec<Claim> = (0..4).map(|number| Claim::signed(&secret(number))).collect();
        let (identity, network) = (claims[0].id, POLICY.network);
        let ad = |number: u64| Ad {
            author: secret(number).public_key(),
            identity: Some(identity),
            peer: peer(1),
            created_at: START,
            lasting: DAY,
            delegation: None,
        };
        let (delegate, not_after) = (secret(50).public_key(), START.saturating_add(DAY));
        let delegated = delegation_hash(network, &identity, &delegate, 0, not_after);
        let delegation = Delegation { not_after, signature: secret(0).sign(&delegated) };
        let second = START.saturating_add(SECOND);
        let ads = [
            ad(0).sign(&secret(0)),
            Ad { delegation: Some(delegation), ..ad(50) }.sign(&secret(50)),
            Ad { identity: None, ..ad(60) }.sign(&secret(60)),
            Ad { identity: None, ..ad(61) }.sign(&secret(62)),
            Ad { created_at: second, ..ad(0) }.sign(&secret(0)),
        ];
        let challenge = [3; 32];
        let hash = hello_hash(network, &peer(1), &peer(VERIFIER), &identity, &challenge);
        let delegation = Some(HelloDelegation { delegation, sequence: 0 });
        let hello = Hello { identity, key: delegate, delegation, challenge };
        let signature = secret(50).sign(&hash);
        let script = BurnScript { public_key: delegate, timestamp_ms: None, purpose: None };
        Self { claims, ads, hello: (hello, signature), script: script.build().to_vec() }
    }
}

/// Makes every call through `call`, which is told its name.
pub(crate) fn all<S: Storage>(
    gate: &mut Gate<S>,
    inputs: &Inputs,
    call: &mut dyn FnMut(&str, &mut dyn FnMut()),
) {
    let source = Source::direct(peer(1));
    call("set_tip", &mut || set_tip(gate, START));
    call("connected", &mut || gate.connected(START, &connection(1, 1)).unwrap());
    call("BurnScript::parse", &mut || _ = BurnScript::parse(&inputs.script).unwrap());
    for (claim, expected) in inputs.claims.iter().zip([Reason::New, Reason::New, Reason::TableFull])
    {
        let mut ticket = None;
        call("screen_claim", &mut || ticket = claim.screen(gate, START, &source).proceed());
        let (mut ticket, mut lookup) = (ticket, None);
        call("settle_claim", &mut || {
            let ticket = ticket.take().unwrap();
            let check = ticket.verify();
            assert_eq!(check, SignatureCheck::Valid);
            lookup = gate.settle_claim(START, ticket, check).proceed();
        });
        call("charge_lookup", &mut || {
            gate.charge_lookup(START, lookup.as_ref().unwrap()).unwrap();
        });
        call("settle_burn", &mut || {
            let found = BlockEvidence { header: &claim.header, class: EvidenceClass::Node };
            let decision = gate.settle_burn(START, lookup.take().unwrap(), Some(&found));
            assert_eq!(decision.reason, expected);
        });
    }
    let expected = [
        Reason::New,
        Reason::New,
        Reason::New,
        Reason::InvalidSignature,
        Reason::TooSoon,
        Reason::Known,
    ];
    let again = Source { channel: Channel::Gossip, ..source };
    for (index, expected) in expected.into_iter().enumerate() {
        let (source, envelope) = match inputs.ads.get(index) {
            Some(envelope) => (&source, envelope),
            None => (&again, &inputs.ads[0]),
        };
        let kind = FrameKind::Direct;
        call("screen_frame", &mut || {
            assert!(gate.screen_frame(START, source, kind, envelope.len()).is_accept());
        });
        call("admit_ad", &mut || {
            assert_eq!(gate.admit_ad(START, source, envelope).reason, expected);
        });
    }
    call("prove_identity", &mut || {
        let (hello, signature) = &inputs.hello;
        let (verifier, challenge) = (&peer(VERIFIER), &hello.challenge);
        let proof = Proof { verifier, challenge, hello, signature: *signature };
        assert_eq!(gate.prove_identity(START, &source, &proof).reason, Reason::Clear);
    });
    let (first, second) = (inputs.claims[0].id, inputs.claims[1].id);
    let key = secret(0).public_key();
    call("find", &mut || {
        assert_eq!(gate.find(START, &Criteria::default(), &mut [Found::default(); 20]), 3);
        assert!(gate.find_key(START, &key).is_some() && gate.is_listed(START, &key));
    });
    call("identity", &mut || {
        assert_eq!(gate.resolve_identity(&key), gate.identity(&first));
    });
    call("record_session", &mut || {
        let session = SessionId::from_bytes([1; 16]);
        let outcome = Outcome::Completed(SECOND);
        let decision = gate.record_session(START, &session, &first, &second, outcome);
        assert_eq!(decision.reason, Reason::Clear);
    });
    call("record_fault", &mut || {
        assert_eq!(gate.record_fault(START, &second, Reason::Text).reason, Reason::Clear);
    });
    call("pin", &mut || assert!(gate.pin(START, &first, true)));
    for subject in [Subject::Identity(second), Subject::Key(key), Subject::Peer(peer(500))] {
        call("ban", &mut || gate.ban(START, &subject, None, Reason::Text).unwrap());
        call("standing", &mut || assert!(!gate.standing(START, &subject).decision.is_accept()));
        call("unban", &mut || assert!(gate.unban(START, &subject)));
    }
    call("allow", &mut || gate.allow(START, &peer(501), true).unwrap());
    call("metrics", &mut || {
        assert_eq!(gate.metrics(START).identities_registered, 2);
        assert_eq!(gate.decisions(Reason::Known), 1);
    });
    // More than there is room for, from few groups: rows are displaced, merged and refused.
    for number in 2000..2200u64 {
        let group = if number < 2_100 { 1 } else { number as u32 % 11 };
        let connection = connection(number, 10 + group);
        let source = Source::direct(connection.peer);
        call("screen_connection", &mut || {
            _ = gate.screen_connection(START, &connection);
            gate.connected(START, &connection).unwrap();
        });
        call("malformed", &mut || {
            for _ in 0..number % 60 {
                _ = gate.malformed(START, &source, Reason::Malformed, b"x");
            }
        });
        call("disconnected", &mut || gate.disconnected(START, &connection.peer));
        call("poll_event", &mut || while gate.poll_event(START).is_some() {});
    }
    let metrics = gate.metrics(START);
    assert!(metrics.bans_merged > 0 && metrics.bans_not_recorded > 0, "{metrics:?}");
    call("handle_timeout", &mut || {
        assert!(gate.poll_timeout() < Timestamp::NEVER);
        // Days later, and then the clock steps back.
        for days in [1, 8, 30, 2] {
            gate.handle_timeout(START.saturating_add(DAY.saturating_mul(days)));
        }
    });
    call("confirm_tip", &mut || {
        let tip = Tip { height: BlockHeight::new(50), hash: BlockHash::from_bytes([2; 32]) };
        gate.confirm_tip(START, tip, BlockHeight::new(40));
        assert_eq!(gate.tip(), Some(tip));
    });
    call("poll_event", &mut || while gate.poll_event(START).is_some() {});
}

trait Proceeds<T> {
    fn proceed(self) -> Option<T>;
}

impl<T> Proceeds<T> for Screening<T> {
    /// The ticket.
    fn proceed(self) -> Option<T> {
        match self {
            Self::Proceed(ticket) => Some(ticket),
            Self::Done(_) => None,
        }
    }
}
