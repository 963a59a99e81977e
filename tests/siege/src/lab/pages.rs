//! Directories that nodes read from each other (policy 9), where the rules have such a thing.

use ltms_core::Millis;

use super::{Happening, Lab, Number};

/// How often a node reads the directory of one of its links, as net does.
pub(super) const EVERY: Millis = Millis::from_mins(1);
/// Between two items: the connection's window lets in 20 a second (policy 3).
const ITEM: Millis = Millis::new(50);
/// How long one reading may take.
const LONGEST: Millis = Millis::from_secs(30);

impl Lab {
    /// From now on nodes read directories.
    pub(crate) fn begin_reading(&mut self) {
        for node in self.nodes.clone() {
            let phase = self.random.below(EVERY.get() as usize) as u64;
            self.queue.plan(self.now.saturating_add(Millis::new(phase)), Happening::Read(node));
        }
    }

    /// A node reads the directory of one of its links, whichever.
    pub(super) fn read_any(&mut self, node: Number) {
        let links = self.links(node).len();
        if links > 0 {
            let other = self.random.below(links);
            let other = self.links(node).iter().nth(other).expect("there are so many");
            self.read(node, other);
        }
        self.queue.plan(self.now.saturating_add(EVERY), Happening::Read(node));
    }

    /// Whether a peer has a directory for who asks. Attackers have nothing to tell.
    pub(crate) fn serves_directory(&self, peer: Number) -> bool {
        let rules = &self.peers[peer as usize].rules;
        rules.as_ref().is_some_and(|rules| rules.serves_directory())
    }

    /// A node asks a link for its directory.
    pub(crate) fn read(&mut self, node: Number, other: Number) {
        if self.serves_directory(other) {
            let (least, more) = self.delay;
            let asked = Millis::new(2 * (least + self.random.below(more) as u64));
            let at = self.now.saturating_add(asked);
            self.queue.plan(at, Happening::Page { from: other, to: node });
        }
    }

    /// What the asked node has, item by item.
    pub(super) fn page(&mut self, from: Number, to: Number) {
        let has = |message: &Number| self.messages[*message].listed.contains(from);
        let items: Vec<_> = self.newest.values().copied().filter(has).collect();
        let most = (LONGEST.get() / ITEM.get()) as usize;
        let mut at = self.now;
        for message in items.into_iter().take(most) {
            self.queue.plan(at, Happening::Item { from, to, message });
            at = at.saturating_add(ITEM);
        }
    }

    pub(super) fn item(&mut self, from: Number, to: Number, number: Number) {
        if !self.links(to).contains(from) {
            return;
        }
        self.judge(from, to, number, true);
    }
}
