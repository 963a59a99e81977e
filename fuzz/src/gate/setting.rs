//! Under which limits a history is played.

use ltms_core::{Capacity, Connection, Heap, Millis, Mode, Policy, Quota};

use super::call::Call;
use crate::mutate::Random;
use crate::world::{MINUTE, POLICY, SECOND, World};
use core::net::{IpAddr, Ipv4Addr};

/// What the first byte of an input chooses.
#[derive(Clone, Copy)]
pub(super) struct Setting(pub(super) u8);

impl Setting {
    const fn has(self, bit: u8) -> bool {
        self.0 & (1 << bit) != 0
    }

    pub(super) const fn clock_may_step_back(self) -> bool {
        self.has(0)
    }

    /// Tables that are soon full, or some with more room.
    pub(super) fn capacity(self) -> Capacity {
        let mut capacity = Capacity { keys: 64, ..Capacity::SMALL };
        if self.has(1) {
            (capacity.peers, capacity.identities, capacity.keys) = (7, 3, 16);
            capacity.tombstones = 2;
            (capacity.bans, capacity.groups, capacity.cells, capacity.outcomes) = (4, 2, 4, 3);
        }
        capacity
    }

    /// The preset with limits that a few calls reach, and on choice only observed.
    pub(super) fn policy(self) -> Policy {
        let mut policy = POLICY;
        let sanctions = &mut policy.sanctions;
        (sanctions.violations, sanctions.invalid_signatures, sanctions.malformed) = (2, 2, 1);
        (sanctions.identity_faults, sanctions.leaving_faults) = (2, 2);
        sanctions.group_members = 2;
        let windows = &mut policy.windows;
        windows.connection = Quota::every(Millis::new(333), 5);
        windows.signatures = Quota::every(SECOND, 3);
        windows.node_signatures = Quota::every(Millis::new(500), 5);
        windows.header = Quota::every(MINUTE, 2);
        windows.node_header = Quota::every(SECOND, 4);
        (policy.keys.basic, policy.keys.stranger) = (2, 1);
        (policy.connections.per_narrow, policy.connections.per_wide) = (2, 5);
        (policy.breaker.peers, policy.breaker.groups) = (2, 1);
        policy.local_envelope = 290;
        if self.has(2) {
            let observed = if self.has(3) { Mode::Observe } else { Mode::On };
            policy.enforce.windows = observed;
            policy.enforce.keys = observed;
            policy.enforce.sanctions = Mode::Observe;
            policy.enforce.groups = observed;
        }
        policy
    }

    /// What has happened before: everybody is connected, two identities are registered.
    pub(super) fn before(self) -> impl Iterator<Item = Call> {
        let connects = (0..8).map(|peer| [11, peer, 0, 0, 0, 0, 0, 0]);
        let claims = (0..2).map(|identity| [8, identity, 0, identity, 0, 0, 0, 0]);
        connects.chain(claims).filter(move |_| self.0 & 0x30 != 0).map(Call::read)
    }
}

/// How a peer connects: the first ones from groups of their own, the others from one.
pub(super) fn connection(call: &Call) -> Connection {
    let mut connection = World::<Heap>::connection(call.peer);
    if call.peer >= 3 {
        let last = u8::try_from(call.peer).expect("few peers");
        connection.address = Some(IpAddr::V4(Ipv4Addr::new(61, 0, 0, last)));
    }
    if call.flag(1) {
        connection.direction = ltms_core::Direction::Outbound;
    }
    connection
}

/// Histories to begin with: many of any calls, and a few whose end is seldom reached by chance.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let any = (0..64).map(|seed| Random::new(seed).bytes(1_601));
    // Peers of one address group are banned and leave. The next ban finds the table full, so that
    // the group stands for them; then they come back.
    let connect = |peer| [11, peer, 0, 0, 1, 0, 0, 0];
    let malformed = |peer| [17, peer, 0, 0, 8, 0, 0, 0];
    let leave = |peer| [12, peer, 0, 0, 16, 0, 0, 0];
    let members = [3, 4];
    let last = vec![malformed(1), malformed(0)];
    let merged = [members.map(malformed), members.map(leave)].concat();
    let merged = [merged, last, members.map(connect).to_vec()].concat();
    // A rotation lies deep enough, and the next follows before it is final.
    let claim = |number| [8, 0, 0, number, 0, 0, 0, 0];
    let rotated = vec![[16, 0, 0, 0, 34, 0, 0, 0], claim(11), claim(13)];
    // A credit by a burn before the last.
    let credited = [16, 15].map(claim).to_vec();
    // Three strangers of one address group advertise at once.
    let advertise = |number| [0, 3 + number, number, 0, 8, 0, 0, 0];
    let strangers = [vec![connect(5)], [0, 1, 2].map(advertise).to_vec()].concat();
    // Two peers that we dialled pass on what their identities advertise too soon: the breaker.
    let dial = |peer| [11, peer, 0, 0, 3, 0, 0, 0];
    let hasty = |(peer, identity)| [[0, peer, peer, identity, 8, 29, 0, 0]; 4];
    let haste = [(0, 0x10), (1, 0x13)].map(hasty).concat();
    let haste = [[0, 1].map(dial).to_vec(), haste].concat();
    // Both keys of an identity advertise, and one again a minute later.
    let later = [0, 0, 0, 0x10, 8, 14, 0x48, 0xEE];
    let often = vec![[0, 0, 0, 0x10, 8, 0, 0, 0], [0, 0, 1, 0x10, 8, 0, 0, 0], later];
    let roomy = [rotated, credited, strangers, haste, often].map(|calls| (0x10, calls));
    let told = [(0x12, merged)].into_iter().chain(roomy);
    any.chain(told.map(|(setting, calls)| [vec![setting], calls.concat()].concat())).collect()
}
