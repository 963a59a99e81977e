//! What is counted where no protocol sees it: streams that were reset, and the time in which
//! connections were not read.

use std::sync::atomic::AtomicU64;

use libp2p::metrics::Registry;
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Unit,
};

/// Seconds.
pub(super) type Seconds = Counter<f64, AtomicU64>;

/// Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Inbound streams over the limit of their connection.
    pub(super) refused: Counter,
    /// Inbound streams that were reset because they had lasted for too long.
    pub(super) timed_out: Counter,
    /// For how long connections were not read because of their share of a processor, counted when
    /// that begins.
    pub(super) share: Seconds,
    /// The same because of a window.
    pub(super) window: Seconds,
}

impl Counts {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let rests = Family::<[(&str, &str); 1], Seconds>::default();
        let of = |cause| rests.get_or_create(&[("cause", cause)]).clone();
        let counts = Self { share: of("share"), window: of("window"), ..Self::default() };
        let own = registry.sub_registry_with_prefix("ltms");
        let help = "Inbound streams reset at once, because their connection had as many as it may";
        own.register("streams_refused", help, counts.refused.clone());
        let help = "Inbound streams reset because what they carry had not come in time";
        own.register("streams_timed_out", help, counts.timed_out.clone());
        let help = "Time in which connections were not read: over their share of a processor, or \
                    over a window";
        own.register_with_unit("rest", help, Unit::Seconds, rests);
        counts
    }
}
