//! Questions, which change nothing.

use ltms_core::{Amount, Ban, Criteria, Found, Registered, Standing, Subject as CoreSubject};
use ltms_core::{OwnedKey, Timestamp};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::Gate;
use super::events::end;
use crate::convert::{Identity, Key, Sats, Score, Size, Time, TypeNumber};
use crate::decision::Decision;
use crate::names::{self, ReasonName};
use crate::plain::{self, dict};
use crate::who::Subject;

type Dict<'py> = Bound<'py, PyDict>;

fn registered<'py>(py: Python<'py>, row: &Registered) -> PyResult<Dict<'py>> {
    Ok(dict!(py;
        id: row.id.to_string(), key: PyBytes::new(py, row.key.as_bytes()),
        sequence: row.sequence, burned: row.burned.sats(), height: row.height.get(),
        evidence: names::evidence(py, row.class)?, suspended: row.suspended, score: row.score))
}

fn found<'py>(py: Python<'py>, row: &Found) -> PyResult<Dict<'py>> {
    Ok(dict!(py;
        key: PyBytes::new(py, row.key.as_bytes()),
        identity: row.identity.map(|id| id.to_string()), score: row.score,
        burned: row.burned.sats(), expires_at: row.expires_at.as_millis()))
}

fn banned<'py>(py: Python<'py>, ban: &Ban) -> PyResult<Dict<'py>> {
    let ms = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    Ok(dict!(py;
        subject: Subject(ban.subject), until: ban.until.and_then(end),
        reason: names::reason(py, ban.reason)?, since: ms(ban.since), first: ms(ban.first),
        evidence: ban.evidence.map(|digest| PyBytes::new(py, &digest)),
        by_operator: ban.by_operator))
}

fn stands<'py>(py: Python<'py>, it: &Standing) -> PyResult<Dict<'py>> {
    let ms = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
    let reason = it.sanction_reason.map(|reason| names::reason(py, reason)).transpose()?;
    let sanctioned = it.sanctioned_at.map(|(first, last)| (first.as_millis(), last.as_millis()));
    Ok(dict!(py;
        decision: Decision(it.decision), known: it.known, sanction_reason: reason,
        sanctioned_at: sanctioned, evidence: PyBytes::new(py, &it.evidence),
        by_operator: it.by_operator, allowed: it.allowed, held_until: ms(it.held_until),
        faults: it.faults, connections: it.connections, group: it.group,
        group_until: ms(it.group_until), prove_by: ms(it.prove_by),
        message_at: ms(it.message_at), signature_at: ms(it.signature_at),
        header_at: ms(it.header_at), span: it.span.get(), violations: it.violations,
        invalid_signatures: it.invalid_signatures, malformed: it.malformed,
        passed_on: it.passed_on, identity: it.identity.map(|id| id.to_string()),
        keys: it.keys, tier: it.tier.map(names::tier), burned: it.burned.sats(),
        confirmations: it.confirmations, suspended: it.suspended, score: it.score,
        displaced: it.displaced, sessions: it.sessions, expires_at: ms(it.expires_at),
        proved_until: ms(it.proved_until)))
}

#[pymethods]
impl Gate {
    /// The policy in force, a dict as default_policy() gives it.
    fn policy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain::show(py, &self.with(py, |gate| *gate.policy())?)
    }

    /// The chain's end as last told, a dict of height and hash, or None.
    fn tip<'py>(&self, py: Python<'py>) -> PyResult<Option<Dict<'py>>> {
        let tip = self.with(py, |gate| gate.tip())?;
        tip.map(|tip| Ok(dict!(py; height: tip.height.get(), hash: tip.hash.to_string())))
            .transpose()
    }

    /// How strangers are treated: "normal", "lockdown" or "guarded".
    fn posture(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.with(py, |gate| names::posture(gate.posture()))
    }

    /// Counters and gauges, a dict of numbers by their names; amounts in satoshis.
    fn metrics<'py>(&self, py: Python<'py>, now_ms: Time) -> PyResult<Bound<'py, PyAny>> {
        plain::show(py, &self.with(py, |gate| gate.metrics(now_ms.0))?)
    }

    /// How often the Gate decided for this reason.
    fn decisions(&self, py: Python<'_>, reason: ReasonName) -> PyResult<u64> {
        self.with(py, |gate| gate.decisions(reason.0))
    }

    /// How full each table is: dicts of table, rows and capacity.
    fn fill<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain::show(py, &self.with(py, |gate| gate.fill())?)
    }

    /// The identities that are registered: dicts of id (text), key (bytes), sequence of the last
    /// rotation, burned (satoshis), height of the burn, evidence, suspended and score.
    fn identities<'py>(&self, py: Python<'py>) -> PyResult<Vec<Dict<'py>>> {
        let rows: Vec<Registered> =
            self.with(py, |gate| gate.identities(0).map(|(_, row)| row).collect())?;
        rows.iter().map(|row| registered(py, row)).collect()
    }

    /// One of identities(), or None.
    fn identity<'py>(&self, py: Python<'py>, id: Identity) -> PyResult<Option<Dict<'py>>> {
        let row = self.with(py, |gate| gate.identity(&id.0))?;
        row.map(|row| registered(py, &row)).transpose()
    }

    /// The identity whose current key this is, as one of identities(), or None.
    fn resolve_identity<'py>(&self, py: Python<'py>, key: Key) -> PyResult<Option<Dict<'py>>> {
        let row = self.with(py, |gate| gate.resolve_identity(&key.0))?;
        row.map(|row| registered(py, &row)).transpose()
    }

    /// The keys that take a slot of an identity: dicts of key, current and ends, when its newest
    /// advertisement does.
    fn owned_keys<'py>(&self, py: Python<'py>, id: Identity) -> PyResult<Vec<Dict<'py>>> {
        let keys: Vec<OwnedKey> = self.with(py, |gate| gate.owned_keys(&id.0).collect())?;
        let show = |it: &OwnedKey| {
            Ok(dict!(py;
                key: PyBytes::new(py, it.key.as_bytes()), current: it.current,
                ends: it.ends.as_millis()))
        };
        keys.iter().map(show).collect()
    }

    /// Every ban that is in force: dicts of subject, until (None: until lifted), reason, since and
    /// first (None where nobody noted them), evidence (the first 8 bytes of the SHA-256 of what
    /// completed the count, or None) and by_operator.
    fn bans<'py>(&self, py: Python<'py>, now_ms: Time) -> PyResult<Vec<Dict<'py>>> {
        let bans: Vec<Ban> = self.with(py, |gate| gate.bans(now_ms.0).collect())?;
        bans.iter().map(|ban| banned(py, ban)).collect()
    }

    /// How many more bans of peers the operator's quarter of the table has room for.
    fn operator_room(&self, py: Python<'_>, now_ms: Time) -> PyResult<u32> {
        self.with(py, |gate| gate.operator_room(now_ms.0))
    }

    /// The best live signers, best first: dicts of key (bytes), identity (text, None for a
    /// stranger), score, burned (satoshis) and expires_at.
    ///
    /// types: numbers of transaction types below 64, all of which are wanted. amount: satoshis that
    /// a transaction is worth. min_score: strangers are found only with 0. limit: how many at most;
    /// each 20 are a pass over the tables.
    #[pyo3(signature = (now_ms, types = Vec::new(), amount = None, min_score = Score(0), limit = Size(20)),
    text_signature = "($self, now_ms, types=[], amount=None, min_score=0, limit=20)")]
    fn directory<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        types: Vec<TypeNumber>,
        amount: Option<Sats>,
        min_score: Score,
        limit: Size,
    ) -> PyResult<Vec<Dict<'py>>> {
        let criteria = Criteria {
            types: types.iter().fold(0, |mask, number| mask | 1 << number.0),
            amount: amount.map(|sats| Amount::from_sats(sats.0)),
            min_score: min_score.0,
        };
        let places = self.with(py, |gate| {
            let keys = gate.fill().iter().find(|fill| fill.table == "keys").map_or(0, |it| it.rows);
            let most = usize::try_from(keys).unwrap_or(usize::MAX).min(limit.0);
            let mut places = vec![Found::default(); most];
            let len = gate.find(now_ms.0, &criteria, &mut places);
            places.truncate(len);
            places
        })?;
        places.iter().map(|row| found(py, row)).collect()
    }

    /// The live advertisement of a key, as one of directory(), or None.
    fn find_key<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        key: Key,
    ) -> PyResult<Option<Dict<'py>>> {
        let row = self.with(py, |gate| gate.find_key(now_ms.0, &key.0))?;
        row.map(|row| found(py, &row)).transpose()
    }

    /// What is known about a Subject and what follows from it: a dict, of which decision is the
    /// sanction in force, or clear. Pairs are how many there are and how many there may be; of
    /// sessions, completed and failed. Spans and times are milliseconds.
    fn standing<'py>(
        &self,
        py: Python<'py>,
        now_ms: Time,
        subject: &Subject,
    ) -> PyResult<Dict<'py>> {
        let whom: CoreSubject = subject.0;
        stands(py, &self.with(py, |gate| gate.standing(now_ms.0, &whom))?)
    }
}
