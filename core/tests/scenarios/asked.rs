//! What a Gate answers when asked, in the form of the scenarios: numbers, and only what is there.

use ltms_core::*;
use serde_json::{Map, Value, json};

use crate::actors::{key, number, peer, small};
use crate::play::Player;

/// More keys and peers than a scenario has.
const NUMBERS: core::ops::Range<u32> = 1..100;

impl Player {
    fn identity_of(&self, id: &IdentityId) -> u32 {
        self.identities().find(|number| self.id(*number) == *id).expect("one of the scenario's")
    }

    pub(crate) fn events(&mut self, now: Timestamp) -> Value {
        let mut told = Vec::new();
        while let Some(event) = self.gate.poll_event(now) {
            let of = |name: &str, id: &IdentityId| json!([name, self.identity_of(id)]);
            told.push(match &event {
                Event::Sanctioned { peer: id, until, reason } => {
                    let number = NUMBERS.clone().find(|number| peer(*number) == *id).unwrap();
                    json!(["sanctioned", number, until.map(Timestamp::as_millis), reason.as_str()])
                }
                Event::IdentityBanned { identity, until, reason } => {
                    let number = self.identity_of(identity);
                    json!(["identity-banned", number, until.as_millis(), reason.as_str()])
                }
                Event::ClockStepped => json!(["clock-stepped"]),
                Event::BreakerOpened { until } => json!(["breaker-opened", until.as_millis()]),
                Event::BreakerClosed => json!(["breaker-closed"]),
                Event::Registered(id) => of("registered", id),
                Event::Suspended(id) => of("suspended", id),
                Event::Resumed(id) => of("resumed", id),
                Event::Rotated(id) => of("rotated", id),
                other => panic!("{other:?}"),
            });
        }
        told.sort_by_key(|event| (event[0].as_str().unwrap().to_owned(), event[1].as_u64()));
        json!(told)
    }

    pub(crate) fn standing(&self, now: Timestamp, op: &Value) -> Value {
        let standing = self.gate.standing(now, &self.subject(op));
        let is_peer = op["kind"] == "peer";
        let time = |at: Timestamp| at.as_millis();
        let mut out = json!({
            "decision": standing.decision.reason.as_str(),
            "until": standing.decision.retry_at.map(time),
            "known": standing.known,
            "for": standing.sanction_reason.map(Reason::as_str),
            "first": standing.sanctioned_at.map(|(first, _)| time(first)),
            "last": standing.sanctioned_at.map(|(_, last)| time(last)),
            "allowed": standing.allowed,
            "held_until": standing.held_until.map(time),
            "faults": standing.faults.0,
            "by_operator": standing.by_operator,
            "connections": standing.connections,
            "violations": standing.violations.0,
            "invalid": standing.invalid_signatures.0,
            "malformed": standing.malformed.0,
            "passed_on": standing.passed_on,
            "identity": standing.identity.map(|id| self.identity_of(&id)),
            "keys": standing.keys.0,
            "key_limit": standing.keys.1,
            "tier": standing.tier.map(|tier| format!("{tier:?}").to_lowercase()),
            "burned": standing.burned.sats(),
            "confirmations": standing.confirmations,
            "suspended": standing.suspended,
            "score": if is_peer { 0 } else { standing.score },
            "sessions": [standing.sessions.0, standing.sessions.1],
            "expires_at": standing.expires_at.map(time),
        });
        let nothing = [json!(null), json!(0), json!(false), json!([0, 0])];
        let fields: &mut Map<String, Value> = out.as_object_mut().unwrap();
        fields.retain(|_, value| !nothing.contains(value));
        out
    }

    pub(crate) fn identity(&self, op: &Value) -> Value {
        let Some(row) = self.gate.identity(&self.id(small(op, "identity"))) else {
            return Value::Null;
        };
        assert_eq!(self.gate.resolve_identity(&row.key), Some(row), "found by its current key");
        let number = NUMBERS.clone().find(|number| key(*number) == row.key).unwrap();
        let class = serde_json::to_value(row.class).unwrap();
        json!([number, row.sequence, row.height.get(), class])
    }

    pub(crate) fn find(&self, now: Timestamp, op: &Value) -> Value {
        let types = op["types"].as_array().into_iter().flatten();
        let criteria = Criteria {
            types: types.fold(0, |mask, bit| mask | 1 << bit.as_u64().unwrap()),
            amount: op.get("amount").map(|_| Amount::from_sats(number(op, "amount"))),
            min_score: op["min_score"].as_u64().unwrap_or(0) as u8,
        };
        let mut out = [Found::default(); 100];
        let count = self.gate.find(now, &criteria, &mut out);
        let numbers = out[..count].iter().map(|found| {
            assert!(self.gate.is_listed(now, &found.key));
            NUMBERS.clone().find(|number| key(*number) == found.key).unwrap()
        });
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        json!(numbers)
    }
}
