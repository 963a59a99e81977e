//! Operations of a scenario as calls of a Gate.

use std::collections::HashMap;

use ltms_core::hash::Seed;
use ltms_core::score::Failure;
use ltms_core::wire::{AdHeader, Hello, HelloDelegation, hello_hash};
use ltms_core::*;
use serde_json::{Value, json};

use crate::actors::*;

/// More than any scenario fills.
const CAPACITY: Capacity = Capacity {
    peers: 64,
    identities: 512,
    tombstones: 256,
    keys: 4_096,
    bans: 256,
    groups: 64,
    cells: 65_536,
    outcomes: 1_024,
};
const US: u32 = 9;
const CHALLENGE: [u8; 32] = [7; 32];

/// What was screened and waits for its signatures or its block.
enum Held {
    Ad(AdTicket),
    Claim(LookupTicket, Burn, Value),
}

pub(crate) struct Player {
    pub(crate) gate: Gate<Heap>,
    /// Key and amount of the burn that makes each identity.
    burns: Vec<(u32, Amount)>,
    held: HashMap<u64, Held>,
}

/// `"reason"`, or `["reason", retry_at]`.
fn shown(decision: Decision) -> Value {
    assert_eq!(decision.verdict, decision.reason.verdict());
    let reason = decision.reason.as_str();
    decision.retry_at.map_or(json!(reason), |at| json!([reason, at.as_millis()]))
}

fn held() -> Value {
    json!("held")
}

pub(crate) fn reason(name: &str) -> Reason {
    let found = Reason::ALL.iter().find(|reason| reason.as_str() == name);
    *found.unwrap_or_else(|| panic!("no reason {name}"))
}

fn source(op: &Value) -> Source {
    let channel = match text(op, "via") {
        "gossip" => Channel::Gossip,
        "direct" => Channel::Direct,
        "directory" => Channel::Directory,
        "dht" => Channel::Dht,
        "own" => Channel::Own,
        other => panic!("no channel {other}"),
    };
    let publisher = op.get("publisher").map(|_| peer(small(op, "publisher")));
    Source { peer: peer(small(op, "from")), publisher, channel }
}

fn connection(op: &Value) -> Connection {
    let direction = if is(op, "outbound") { Direction::Outbound } else { Direction::Inbound };
    let address = op.get("at").map(|at| at.as_str().unwrap().parse().unwrap());
    Connection { peer: peer(small(op, "peer")), address, direction }
}

fn tip(op: &Value) -> (Tip, BlockHeight) {
    let height = BlockHeight::new(small(op, "height"));
    (Tip { height, hash: BlockHash::from_bytes([1; 32]) }, BlockHeight::new(small(op, "fork")))
}

impl Player {
    pub(crate) fn new(policies: &Value, scenario: &Value) -> Self {
        let mut policy = policies[text(scenario, "policy")].clone();
        assert!(policy.is_object(), "no policy of {}", scenario["name"]);
        policy["network"] = json!("reg");
        let policy: Policy = serde_json::from_value(policy).expect("a policy");
        let gate = Gate::new(Heap::new(CAPACITY), policy, Seed::new(*b"scenario's seed!")).unwrap();
        let burns = scenario["identities"].as_array().unwrap().iter().map(|burn| {
            let number = u32::try_from(burn[0].as_u64().unwrap()).unwrap();
            (number, Amount::from_sats(burn[1].as_u64().unwrap()))
        });
        Self { gate, burns: burns.collect(), held: HashMap::new() }
    }

    fn burn(&self, number: u32) -> &(u32, Amount) {
        &self.burns[number as usize - 1]
    }

    pub(crate) fn id(&self, number: u32) -> IdentityId {
        registration(number, self.burn(number)).0.identity_id().unwrap()
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = u32> {
        1..=u32::try_from(self.burns.len()).unwrap()
    }

    pub(crate) fn subject(&self, op: &Value) -> Subject {
        let number = small(op, "number");
        match text(op, "kind") {
            "peer" => Subject::Peer(peer(number)),
            "key" => Subject::Key(key(number)),
            "identity" => Subject::Identity(self.id(number)),
            other => panic!("no {other}"),
        }
    }

    /// Plays one operation; what came out, `null` for nothing.
    pub(crate) fn play(&mut self, op: &Value) -> Value {
        let now = time(op, "now");
        match text(op, "op") {
            "screen" => shown(self.gate.screen_connection(now, &connection(op))),
            "connected" => {
                self.gate.connected(now, &connection(op)).expect("room for a peer");
                Value::Null
            }
            "disconnected" => {
                self.gate.disconnected(now, &peer(small(op, "peer")));
                Value::Null
            }
            "frame" => self.frame(now, op),
            "malformed" => {
                let reason = reason(text(op, "reason"));
                shown(self.gate.malformed(now, &source(op), reason, b"bytes"))
            }
            "ad" => self.ad(now, op),
            "claim" => self.claim(now, op),
            "settle" => self.settle(now, op),
            "hello" => self.hello(now, op),
            "tip" => {
                let (tip, fork) = tip(op);
                shown(self.gate.set_tip(now, tip, fork))
            }
            "confirm" => {
                let (tip, fork) = tip(op);
                self.gate.confirm_tip(now, tip, fork);
                Value::Null
            }
            "pin" => {
                json!(self.gate.pin(now, &self.id(small(op, "identity")), is(op, "pinned")))
            }
            "session" => self.session(now, op),
            "ban" => {
                let until = op.get("until").map(|_| time(op, "until"));
                let why = reason(text(op, "reason"));
                match self.gate.ban(now, &self.subject(op), until, why) {
                    Ok(()) => json!("ok"),
                    Err(CapacityError::Unknown) => json!("unknown"),
                    Err(error) => panic!("{error}"),
                }
            }
            "unban" => json!(self.gate.unban(now, &self.subject(op))),
            "allow" => {
                let allowed = self.gate.allow(now, &peer(small(op, "peer")), is(op, "allowed"));
                allowed.expect("room for the operator's word");
                Value::Null
            }
            "fault" => {
                let (id, why) = (self.id(small(op, "identity")), reason(text(op, "reason")));
                shown(self.gate.record_fault(now, &id, why))
            }
            "sweep" => {
                self.gate.handle_timeout(now);
                json!(self.gate.poll_timeout().as_millis())
            }
            "events" => self.events(now),
            "standing" => self.standing(now, op),
            "identity" => self.identity(op),
            "find" => self.find(now, op),
            other => panic!("no operation {other}"),
        }
    }

    fn frame(&mut self, now: Timestamp, op: &Value) -> Value {
        let kind = match text(op, "kind") {
            "gossip" => FrameKind::Gossip,
            "direct" => FrameKind::Direct,
            "record" => FrameKind::Record,
            other => panic!("no kind {other}"),
        };
        let size = usize::try_from(number(op, "size")).unwrap();
        shown(self.gate.screen_frame(now, &source(op), kind, size))
    }

    fn ad(&mut self, now: Timestamp, op: &Value) -> Value {
        let envelope = envelope(op, |number| self.id(number));
        let header = AdHeader::read(NETWORK, &envelope).expect("an advertisement");
        let ticket = match self.gate.screen_ad(now, &source(op), &header) {
            Screening::Done(decision) => return shown(decision),
            Screening::Proceed(ticket) => ticket,
        };
        if op.get("hold").is_some() {
            self.held.insert(number(op, "hold"), Held::Ad(ticket));
            return held();
        }
        self.settle_ad(now, ticket)
    }

    fn settle_ad(&mut self, now: Timestamp, ticket: AdTicket) -> Value {
        let check = ticket.check(holds);
        shown(self.gate.settle_ad(now, ticket, check))
    }

    fn claim(&mut self, now: Timestamp, op: &Value) -> Value {
        let burn = Burn::of(op, self.burn(small(op, "identity")), |number| self.id(number));
        let (claim, signature) = burn.claim(op, |number| self.id(number));
        let ticket = match self.gate.screen_claim(now, &source(op), &claim, signature) {
            Screening::Done(decision) => return shown(decision),
            Screening::Proceed(ticket) => ticket,
        };
        let check = ticket.check(holds);
        let ticket = match self.gate.settle_claim(now, ticket, check) {
            Screening::Done(decision) => return shown(decision),
            Screening::Proceed(ticket) => ticket,
        };
        if op.get("hold").is_some() {
            self.held.insert(number(op, "hold"), Held::Claim(ticket, burn, op.clone()));
            return held();
        }
        self.settle_burn(now, ticket, &burn, op)
    }

    fn settle_burn(
        &mut self,
        now: Timestamp,
        ticket: LookupTicket,
        burn: &Burn,
        op: &Value,
    ) -> Value {
        if is(op, "lookup")
            && let Err(decision) = self.gate.charge_lookup(now, &ticket)
        {
            return shown(decision);
        }
        let class = serde_json::from_value(op["class"].clone()).expect("a class of evidence");
        let header = burn.found(op);
        let found = header.as_ref().map(|header| BlockEvidence { header, class });
        shown(self.gate.settle_burn(now, ticket, found.as_ref()))
    }

    fn settle(&mut self, now: Timestamp, op: &Value) -> Value {
        match self.held.remove(&number(op, "held")).expect("something held") {
            Held::Ad(ticket) => self.settle_ad(now, ticket),
            Held::Claim(ticket, burn, claim) => self.settle_burn(now, ticket, &burn, &claim),
        }
    }

    fn hello(&mut self, now: Timestamp, op: &Value) -> Value {
        let (from, identity) = (peer(small(op, "from")), self.id(small(op, "identity")));
        let prover = secret(small(op, "key"));
        let sequence = sequence(op);
        let given =
            delegation(op, &identity, &prover.public_key(), |by, hash| secret(by).sign(hash));
        let delegation = given.map(|delegation| HelloDelegation { delegation, sequence });
        let challenge = if is(op, "old_challenge") { [8; 32] } else { CHALLENGE };
        let hello = Hello { identity, key: prover.public_key(), delegation, challenge };
        let hash = hello_hash(NETWORK, &from, &peer(US), &identity, &challenge);
        let signature = if is(op, "forged") { GARBAGE } else { prover.sign(&hash) };
        let (verifier, challenge) = (&peer(US), &CHALLENGE);
        let proof = Proof { verifier, challenge, hello: &hello, signature };
        shown(self.gate.prove_identity(now, &Source::direct(from), &proof))
    }

    fn session(&mut self, now: Timestamp, op: &Value) -> Value {
        let outcome = match text(op, "outcome") {
            "completed" => Outcome::Completed(Millis::new(number(op, "response"))),
            "timeout" => Outcome::Failed(Failure::Timeout),
            "disconnect" => Outcome::Failed(Failure::Disconnect),
            "invalid_signature" => Outcome::Failed(Failure::InvalidSignature),
            "abort" => Outcome::Failed(Failure::Abort),
            other => panic!("no outcome {other}"),
        };
        let session = SessionId::from_bytes([small(op, "session") as u8; 16]);
        let subject = self.id(small(op, "subject"));
        let other = match op.get("counterparty") {
            Some(_) => self.id(small(op, "counterparty")),
            None => IdentityId::OURS,
        };
        shown(self.gate.record_session(now, &session, &subject, &other, outcome))
    }
}
