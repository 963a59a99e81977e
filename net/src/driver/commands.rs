//! What handles ask for.

use libp2p::{Multiaddr, kad};
use ltms_core::{
    Criteria, Decision, Found, PublicKey, Reason, Source,
    wire::{Advertisement, Envelope},
};
use tokio::sync::oneshot;

use super::{Asked, Driver, Message, Origin, Sought, admit::HOLD_PULLED};
use crate::{
    behaviour::dht,
    door::{core_peer, net_peer},
    handle::{Command, Health, Link, Signer, Stored},
    store::Keeper,
};

/// The most signers that one question is answered with.
const MOST: usize = 1_024;
/// Keys that may be asked for in the DHT at a time.
const SOUGHT: usize = 64;

impl Driver {
    pub(super) fn on_command(&mut self, command: Command) {
        let now = self.now();
        // Whoever asked may have gone; their answer is then dropped.
        match command {
            Command::Advertise(offered, reply) => {
                let _ = reply.send(self.advertise(*offered));
            }
            Command::Withdraw(key, envelope, reply) => {
                let _ = reply.send(self.withdraw(key, envelope));
            }
            Command::Claim(envelope, reply) => self.claim(envelope, reply),
            Command::Find(criteria, most, reply) => {
                let _ = reply.send(self.find(&criteria, most));
            }
            Command::Search(criteria, most, reply) => self.search(criteria, most, reply),
            Command::LookUp(key, reply) => self.seek_key(key, reply),
            Command::SeekIdentity(id, reply) => self.seek_identity(id, reply),
            Command::SignersOf(id, reply) => {
                let _ = reply.send(self.signers_of(&id));
            }
            Command::Identity(id, reply) => {
                let _ = reply.send(self.gate().identity(&id));
            }
            Command::RecordSession(session, subject, counterparty, outcome, reply) => {
                let decision =
                    self.gate().record_session(now, &session, &subject, &counterparty, outcome);
                self.tell_stored(reply, decision);
            }
            Command::Ban(subject, until, reply) => {
                let banned = self.ban(&subject, until, Reason::Blacklisted);
                self.tell_stored(reply, banned);
            }
            Command::Unban(subject, reply) => {
                let lifted = self.unban(&subject);
                self.tell_stored(reply, lifted);
            }
            Command::Bans(reply) => {
                let gate = self.gate();
                let _ = reply.send(gate.bans(now).chain(gate.held_bans()).collect());
            }
            Command::ImportBans(bans, dry, reply) => {
                let taken = self.import(&bans, dry);
                self.tell_stored(reply, taken);
            }
            Command::UndoBans(undo, dry, reply) => {
                let undone = self.undo(&undo, dry);
                self.tell_stored(reply, undone);
            }
            Command::Identities(from, reply) => {
                let _ = reply.send(self.page(from));
            }
            Command::OwnedKeys(id, reply) => {
                let _ = reply.send(self.gate().owned_keys(&id).collect());
            }
            Command::Metrics(reply) => {
                let _ = reply.send(self.gate().metrics(now));
            }
            Command::Decisions(reply) => {
                let gate = self.gate();
                let counts = Reason::ALL.iter().map(|reason| (*reason, gate.decisions(*reason)));
                let _ = reply.send(counts.filter(|(_, count)| *count > 0).collect());
            }
            Command::Fill(reply) => {
                let _ = reply.send(self.gate().fill());
            }
            Command::Standing(subject, reply) => {
                let _ = reply.send(Box::new(self.gate().standing(now, &subject)));
            }
            Command::Health(reply) => {
                let _ = reply.send(self.health());
            }
            Command::Reload(change, reply) => {
                let _ = reply.send(self.reload(*change));
            }
            Command::Dial(address, reply) => {
                let dialled = self.swarm.dial(address).map_err(|error| error.to_string());
                let _ = reply.send(dialled);
            }
            Command::Peers(reply) => {
                let _ = reply.send(self.swarm.connected_peers().copied().collect());
            }
            Command::Links(reply) => {
                let _ = reply.send(self.links());
            }
            // Without a connection the reply is dropped, which is an answer, too.
            Command::Ask(peer, request, reply) => {
                self.ask(&peer, request, Asked::ByHandle(reply));
            }
            Command::Session(command) => self.on_session_command(command),
            Command::Stop => {}
        }
    }

    fn links(&self) -> Vec<Link> {
        let guests = self.swarm.behaviour().connections.guests();
        let link = |(peer, address, outbound)| {
            let agent = self.identified.get(&peer).cloned();
            Link { peer, address, outbound, agent }
        };
        guests.map(link).collect()
    }

    /// Takes an own claim through the Gate; it is published once it is registered here.
    pub(super) fn claim(&mut self, envelope: Vec<u8>, reply: Stored<Decision>) {
        let source = Source::own(core_peer(&self.local()));
        let deadline = self.now().saturating_add(HOLD_PULLED);
        let origin = Origin::Own(reply);
        self.admit(Message { source, envelope, origin, deadline, history_sought: true });
    }

    fn health(&mut self) -> Health {
        Health {
            posture: self.gate().posture(),
            store: self.keeper.as_ref().map(Keeper::problem),
            reloads: self.reloads,
            waiting: self.waiting_keys.clone(),
        }
    }

    pub(super) fn find(&mut self, criteria: &Criteria, most: usize) -> Vec<Signer> {
        let now = self.now();
        let mut found = vec![Found::default(); most.min(MOST)];
        let count = self.gate().find(now, criteria, &mut found);
        found.truncate(count);
        found.iter().filter_map(|found| self.signer(found)).collect()
    }

    pub(super) fn signer(&self, found: &Found) -> Option<Signer> {
        let envelope = Envelope::decode(self.envelopes.ad(&found.key)?).ok()?;
        let ad = Advertisement::decode(envelope.body, self.network).ok()?;
        Some(Signer {
            key: found.key,
            identity: found.identity,
            score: found.score,
            burned: found.burned,
            peer: net_peer(&ad.peer)?,
            addresses: addresses(&ad),
            types: ad.types.to_vec(),
            expires_at: found.expires_at,
        })
    }

    fn known(&mut self, key: &PublicKey) -> Option<Signer> {
        let now = self.now();
        let found = self.gate().find_key(now, key)?;
        self.signer(&found)
    }

    fn seek_key(&mut self, key: PublicKey, reply: oneshot::Sender<Option<Signer>>) {
        let known = self.known(&key);
        if known.is_some() || self.sought.len() >= SOUGHT {
            let _ = reply.send(known);
            return;
        }
        let record = dht::record_key(self.network, &key);
        let query = self.swarm.behaviour_mut().dht.kad.get_record(record);
        self.sought.insert(query, Sought { key, reply, open: 0, finished: false });
    }

    /// Answers whoever asked for a key, once it is known or nothing more is to come.
    pub(super) fn answer_sought(&mut self, query: kad::QueryId) {
        let Some(sought) = self.sought.get(&query) else { return };
        let (key, over) = (sought.key, sought.finished && sought.open == 0);
        let known = self.known(&key);
        if (known.is_some() || over)
            && let Some(sought) = self.sought.remove(&query)
        {
            if let Some(mut query) = self.swarm.behaviour_mut().dht.kad.query_mut(&query) {
                query.finish();
            }
            let _ = sought.reply.send(known);
        }
    }
}

fn addresses(ad: &Advertisement<'_>) -> Vec<Multiaddr> {
    ad.addresses.iter().filter_map(|bytes| Multiaddr::try_from(bytes.to_vec()).ok()).collect()
}
