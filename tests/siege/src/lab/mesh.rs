//! Whom a node passes messages on to at once, and whom it only tells that it has them, as GossipSub
//! does (v1.1, sections "peer scoring" and "outbound mesh quotas").
//!
//! Attackers ask to be in every mesh, always. A node that has too many keeps the best by its own
//! score, and some that it chose itself.

use ltms_core::Millis;

use super::messages::Peers;
use super::{Happening, Lab, Number, Relay};
use crate::made::Random;

/// Longer than GossipSub's second: only its effect over minutes matters here.
pub(super) const HEARTBEAT: Millis = Millis::from_secs(5);
/// Heartbeats of a minute.
const MINUTE: u64 = 60_000 / HEARTBEAT.get();
/// Of the links outside of the mesh, how many hear in a heartbeat what is here: six, or a half
/// (ADR 57).
const TOLD_LEAST: f64 = 6.0;
const TOLD_SHARE: f64 = 0.5;
/// The heartbeats in which that is told (policy 8: history 10/3).
const TOLD_TIMES: i32 = 3;
/// Until whoever heard of a message has asked for it, ms.
const ASKED: (u64, usize) = (200, 3_000);

/// How long a link that was pruned stays out.
const BACKOFF: Millis = Millis::from_mins(1);
/// Accepted messages that make a minute a busy one (policy 8).
const BUSY: u32 = 5;

/// What the links of a mesh did in a minute.
#[derive(Default)]
pub(super) struct Minute {
    /// The mesh when it began.
    mesh: Vec<Number>,
    /// Who brought a copy of anything.
    pub(super) brought: Peers,
    pub(super) accepted: u32,
}

impl Lab {
    /// From now on nodes pass messages on to so many links at once.
    pub(crate) fn begin_mesh(&mut self, degree: usize) {
        self.degree = degree;
        self.heartbeat();
        self.queue.plan(self.now.saturating_add(HEARTBEAT), Happening::Heartbeat);
    }

    pub(super) fn heartbeat(&mut self) {
        self.heartbeats += 1;
        for node in self.nodes.clone() {
            if self.heartbeats.is_multiple_of(MINUTE) {
                self.end_minute(node);
            }
            self.graft(node);
        }
    }

    /// Tells a node which links of its mesh brought nothing in a busy minute.
    fn end_minute(&mut self, node: Number) {
        self.rules(node).1.end_minute();
        let peer = self.peer(node);
        let mesh = peer.mesh.clone();
        let Minute { mesh: before, brought, accepted } =
            std::mem::replace(&mut peer.minute, Minute { mesh: mesh.clone(), ..Minute::default() });
        let stayed = before.into_iter().filter(|link| mesh.contains(link));
        let silent: Vec<_> = stayed.filter(|link| !brought.contains(*link)).collect();
        for link in silent.into_iter().filter(|_| accepted >= BUSY) {
            let id = self.peer(link).id;
            self.rules(node).1.was_silent(&id);
        }
    }

    fn score(&mut self, node: Number, of: Number) -> f64 {
        let id = self.peer(of).id;
        let (now, rules) = self.rules(node);
        rules.score(now, &id)
    }

    /// Keeps one node's mesh between its bounds.
    fn graft(&mut self, node: Number) {
        let (degree, most, best, chosen) =
            (self.degree, 2 * self.degree, 2 * self.degree / 3, self.degree / 3);
        let links: Vec<_> = self.links(node).iter().collect();
        let mut scored = Vec::with_capacity(links.len());
        for link in links {
            scored.push((self.score(node, link), link));
        }
        // Links come in order.
        let of = |link: Number| {
            scored.binary_search_by_key(&link, |(_, known)| *known).ok().map(|at| scored[at].0)
        };
        let mut mesh = self.peer(node).mesh.clone();
        mesh.retain(|link| of(*link).is_some_and(|score| score >= 0.0));
        let mut others: Vec<_> = scored
            .iter()
            .filter(|(score, link)| *score >= 0.0 && !mesh.contains(link))
            .map(|(_, link)| *link)
            .filter(|link| self.may_graft(node, *link))
            .collect();
        shuffle(&mut self.random, &mut others);
        // Attackers ask first, and are let in up to the upper bound.
        others.sort_by_key(|link| self.peers[*link as usize].rules.is_some());
        let wanted = if mesh.len() < self.degree - 1 { degree } else { 0 };
        for link in others.iter().copied() {
            let asks = self.relay(link) != Relay::Rules;
            if mesh.len() < if asks { most } else { wanted } {
                mesh.push(link);
            }
        }
        let outbound = |lab: &Self, link: &Number| lab.peers[node as usize].opened.contains(*link);
        if mesh.len() >= most {
            shuffle(&mut self.random, &mut mesh);
            mesh.sort_by(|a, b| of(*b).partial_cmp(&of(*a)).expect("no score is NaN"));
            shuffle(&mut self.random, &mut mesh[best..]);
            let mut own = mesh.iter().filter(|link| outbound(self, link)).count();
            let (mut excess, mut place) = (mesh.len() - degree, 0);
            mesh.retain(|link| {
                place += 1;
                let mine = outbound(self, link);
                let leaves = place > best && excess > 0 && !(mine && own <= chosen);
                excess -= usize::from(leaves);
                own -= usize::from(leaves && mine);
                !leaves
            });
        }
        // Of those that this node chose itself it has some in any case.
        let own = mesh.iter().filter(|link| outbound(self, link)).count();
        let missing = chosen.saturating_sub(own);
        let more: Vec<_> = others
            .iter()
            .copied()
            .filter(|link| outbound(self, link) && !mesh.contains(link))
            .take(missing)
            .collect();
        mesh.extend(more);
        // Once a minute, where most deliver nothing, two that deliver more come in.
        let mut known: Vec<_> = mesh.iter().filter_map(|link| of(*link)).collect();
        known.sort_by(f64::total_cmp);
        let due = self.heartbeats.is_multiple_of(MINUTE);
        let median = known.get(known.len() / 2).copied();
        if let Some(median) = median.filter(|score| due && *score < 1.0) {
            let better = scored.iter().filter(|(score, link)| {
                *score > median && !mesh.contains(link) && self.may_graft(node, *link)
            });
            let better: Vec<_> = better.map(|(_, link)| *link).take(2).collect();
            mesh.extend(better);
        }
        self.tell(node, mesh);
    }

    fn may_graft(&self, node: Number, link: Number) -> bool {
        let until = self.peers[node as usize].backoff.get(&link);
        until.is_none_or(|until| *until <= self.now)
    }

    /// A link is in both meshes or in none: who is asked takes it if it has room, or if it opened
    /// the connection itself.
    fn tell(&mut self, node: Number, mut mesh: Vec<Number>) {
        let most = 2 * self.degree;
        for before in std::mem::take(&mut self.peer(node).mesh) {
            if !mesh.contains(&before) {
                self.peer(before).mesh.retain(|other| *other != node);
                let until = self.now.saturating_add(BACKOFF);
                self.peer(node).backoff.insert(before, until);
                self.peer(before).backoff.insert(node, until);
            }
        }
        mesh.retain(|link| {
            if self.relay(*link) != Relay::Rules || self.peer(*link).mesh.contains(&node) {
                return true;
            }
            let good = self.score(*link, node) >= 0.0;
            let asked = self.peer(*link);
            let takes = good && (asked.mesh.len() < most || asked.opened.contains(node));
            if takes {
                asked.mesh.push(node);
            } else {
                let until = self.now.saturating_add(BACKOFF);
                self.peer(node).backoff.insert(*link, until);
                self.peer(*link).backoff.insert(node, until);
            }
            takes
        });
        self.peer(node).mesh = mesh;
    }

    /// Passes a message on to the mesh at once, and later to some who heard that it is here.
    pub(super) fn gossip(&mut self, by: Number, from: Number, message: Number) {
        for to in self.peer(by).mesh.clone() {
            if to != from {
                self.send(by, to, message);
            }
        }
        let links: Vec<_> = self.links(by).iter().collect();
        let mesh = &self.peers[by as usize].mesh;
        let mut others: Vec<_> =
            links.into_iter().filter(|to| *to != from && !mesh.contains(to)).collect();
        let each = (TOLD_LEAST / others.len().max(1) as f64).clamp(TOLD_SHARE, 1.0);
        let told = 1000.0 * (1.0 - (1.0 - each).powi(TOLD_TIMES));
        // Who passes nothing on needs no draw: most links are such.
        others.retain(|to| self.relay(*to) != Relay::Silent);
        for to in others {
            let wait = ASKED.0 + self.random.below(ASKED.1) as u64;
            if self.random.below(1000) < told as usize {
                self.send_after(Millis::new(wait), by, to, message);
            }
        }
    }
}

fn shuffle<T>(random: &mut Random, all: &mut [T]) {
    for last in (1..all.len()).rev() {
        all.swap(last, random.below(last + 1));
    }
}
