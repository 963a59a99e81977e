//! What a node counted over the last hour and the last day, for charts that are there when they
//! are looked at.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    extract::{Query, State},
};
use ltms_core::{Timestamp, Verdict};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use super::api::{Answer, Failure};
use crate::handle::{Handle, NodeError};

/// How often a sample is taken. Together with [`SAMPLES`] an hour.
const STEP: Duration = Duration::from_secs(10);
/// Samples that are kept of each span.
const SAMPLES: usize = 360;
/// Every so many samples one is kept for the day: 24 h in [`SAMPLES`].
const COARSE: u64 = 24;

/// A moment of a node. What counts upwards since the node started is drawn as differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Sample {
    /// Milliseconds since 1970.
    at: Timestamp,
    active_peers: u64,
    identities: u64,
    keys: u64,
    graylisted: u64,
    blacklisted: u64,
    /// Since the start, as the three after it.
    accepted: u64,
    ignored: u64,
    rejected: u64,
    signature_checks: u64,
    dht_queries_per_minute: u64,
    dht_latency_ms: u64,
}

impl Sample {
    async fn take(handle: &Handle) -> Result<Self, NodeError> {
        let (metrics, decisions) = (handle.metrics().await?, handle.decisions().await?);
        let of = |verdict| {
            let counts = decisions.iter().filter(|(reason, _)| reason.verdict() == verdict);
            counts.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count))
        };
        let (queries, latency) = handle.meters.queries();
        Ok(Self {
            at: handle.clock.now(),
            active_peers: metrics.active_peers,
            identities: metrics.identities_registered,
            keys: metrics.advertised_keys,
            graylisted: metrics.graylisted_peers,
            blacklisted: metrics.blacklisted_peers,
            accepted: of(Verdict::Accept),
            ignored: of(Verdict::Ignore),
            rejected: of(Verdict::Reject),
            signature_checks: metrics.signature_checks,
            dht_queries_per_minute: queries.into(),
            dht_latency_ms: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// The newest samples, as many as are kept.
#[derive(Debug, Default)]
struct Ring(VecDeque<Sample>);

impl Ring {
    fn push(&mut self, sample: Sample) {
        if self.0.len() >= SAMPLES {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }
}

#[derive(Debug, Default)]
struct Rings {
    taken: u64,
    hour: Ring,
    day: Ring,
}

impl Rings {
    fn push(&mut self, sample: Sample) {
        self.hour.push(sample);
        if self.taken.is_multiple_of(COARSE) {
            self.day.push(sample);
        }
        self.taken += 1;
    }
}

/// What was sampled; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct History(Arc<Mutex<Rings>>);

impl History {
    /// Takes samples until the node has stopped.
    pub(super) async fn keep(self, handle: Handle) {
        let mut ticks = interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Ok(sample) = Sample::take(&handle).await else { return };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        }
    }

    fn of(&self, span: Span) -> Vec<Sample> {
        let rings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = match span {
            Span::Hour => &rings.hour,
            Span::Day => &rings.day,
        };
        ring.0.iter().copied().collect()
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Span {
    Hour,
    Day,
}

/// How far back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    span: Span,
}

#[derive(Serialize)]
pub(super) struct Told {
    /// Milliseconds that are told at most.
    span: u64,
    /// Oldest first; the last is of now.
    samples: Vec<Sample>,
}

pub(super) async fn told(
    State((handle, history)): State<(Handle, History)>,
    Query(Asked { span }): Query<Asked>,
) -> Answer<Told> {
    let mut samples = history.of(span);
    samples.push(Sample::take(&handle).await.map_err(Failure::from)?);
    let hours = match span {
        Span::Hour => 1,
        Span::Day => 24,
    };
    Ok(Json(Told { span: hours * 3_600_000, samples }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_and_a_day_are_kept_and_no_more() {
        let mut rings = Rings::default();
        let taken = 3 * SAMPLES as u64 * COARSE;
        for number in 0..taken {
            let at = Timestamp::from_millis(number * 10_000);
            rings.push(Sample { at, ..Sample::default() });
        }
        let span = |ring: &Ring| {
            let (first, last) = (ring.0.front().expect("one"), ring.0.back().expect("one"));
            (ring.0.len(), last.at.since(first.at).get())
        };
        assert_eq!(span(&rings.hour), (SAMPLES, 3_600_000 - 10_000));
        assert_eq!(span(&rings.day), (SAMPLES, 86_400_000 - 240_000));
        let newest = rings.hour.0.back().expect("one").at.as_millis();
        assert_eq!(newest, (taken - 1) * 10_000);
    }
}
