//! What was acknowledged outlives `kill -9` at any moment.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use ltms_core::{Outcome, SessionId, Subject, Timestamp, score::Failure};
use ltms_net::clock::Clock;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::world::{
    ROTATIONS, builder, chain, folder, identity, key, peer, stored, subject, until,
};

/// Where the child keeps its store; without it there is no child.
const FOLDER: &str = "LTMS_KILL_FOLDER";
/// The number of its first action.
const FIRST: &str = "LTMS_KILL_FIRST";
/// How often to kill; `make test` does it 50 times.
const ROUNDS: &str = "LTMS_KILLS";
/// Peers that are banned, again and again until other times.
const PEERS: u32 = 40;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// The end of the ban that action `n` makes: every one is another.
const fn end(n: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000_000 / 256 + n)
}

/// A node that does one thing after the other and says which are done, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let say = |what: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what}").and_then(|()| out.flush()).expect("somebody listens");
    };
    let (chain, burns) = chain(ROTATIONS);
    let node = builder(&chain, Path::new(&folder)).start().await.expect("a node");
    let handle = node.handle();
    say("did start 0".into());
    for n in number(FIRST, 0).. {
        let which = u32::try_from(n).expect("few") % PEERS;
        say(format!("does ban {n}"));
        assert!(handle.ban(peer(which), Some(end(n))).await.expect("stored"));
        say(format!("did ban {n}"));
        if n % 4 == 0 {
            let (secret, outpoint, _) = identity(&chain, u8::try_from(n / 4 % 8).expect("few"));
            until(&handle, "registered", async || {
                handle.register_identity(&secret, outpoint).await.is_ok()
            })
            .await;
            say(format!("did register {}", n / 4 % 8));
        }
        let (.., id) = identity(&chain, 0);
        let Some(known) = handle.identity(id).await.expect("answer") else { continue };
        let (.., other) = identity(&chain, 1);
        if n % 97 == 1 && known.sequence < ROTATIONS.into() {
            let before = u8::try_from(known.sequence).expect("few");
            let burn = burns[usize::from(before)];
            let rotated = handle.rotate_identity(id, &key(before), &key(before + 1), burn).await;
            say(format!("did rotate {}", rotated.expect("rotated").sequence));
        }
        if n % 4 == 2 && handle.identity(other).await.expect("answer").is_some() {
            let mut session = [0; 16];
            session[..8].copy_from_slice(&n.to_be_bytes());
            let outcome = Outcome::Failed(Failure::Timeout);
            let session = SessionId::from_bytes(session);
            let recorded = handle.record_session(session, id, other, outcome).await;
            if recorded.expect("stored").is_accept() {
                let standing = handle.standing(Subject::Identity(id)).await.expect("answer");
                say(format!("did session {}", standing.sessions.1));
            }
        }
    }
}

/// What a child said that has to be in the store.
#[derive(Debug, Default)]
struct Said {
    /// By peer: the last ban that was acknowledged, and the last that was begun.
    bans: BTreeMap<u32, (Option<u64>, u64)>,
    registered: Vec<u8>,
    rotations: u64,
    sessions: u64,
    next: u64,
}

impl Said {
    fn note(&mut self, line: &str) {
        // The test runner says things, too, and may leave its line open.
        let at = line.find("does ").or_else(|| line.find("did "));
        let Some(line) = at.and_then(|at| line.get(at..)) else { return };
        let mut words = line.split(' ');
        let (verb, what, n) = (words.next(), words.next(), words.next());
        // Killed in the middle of a line.
        let Some(Ok(n)) = n.map(str::parse::<u64>) else { return };
        let which = u32::try_from(n).expect("few") % PEERS;
        match (verb, what) {
            (Some("does"), Some("ban")) => {
                self.bans.entry(which).or_default().1 = n;
                self.next = n + 1;
            }
            (_, Some("ban")) => self.bans.entry(which).or_default().0 = Some(n),
            (_, Some("register")) => self.registered.push(u8::try_from(n).expect("few")),
            (_, Some("rotate")) => self.rotations = self.rotations.max(n),
            (_, Some("session")) => self.sessions = self.sessions.max(n),
            _ => {}
        }
    }

    /// That all of it is there, and nothing that was never begun. What was under way and is there
    /// has to stay.
    fn check(&mut self, folder: &Path) {
        let gate = stored(folder).expect("a whole store");
        let Some(gate) = gate else {
            let acknowledged = self.bans.values().any(|(done, _)| done.is_some());
            return assert!(!acknowledged && self.registered.is_empty(), "{self:?}");
        };
        let (now, (chain, _)) = (Clock::system().now(), chain(0));
        for (peer, (done, begun)) in self.bans.clone() {
            let until = gate.standing(now, &subject(peer)).decision.retry_at;
            let found = [done, Some(begun)].into_iter().find(|n| n.map(end) == until);
            let found = found.unwrap_or_else(|| panic!("ban {peer}: {until:?}, {self:?}"));
            self.bans.insert(peer, (found, found.unwrap_or(begun)));
        }
        for number in &self.registered {
            let (.., id) = identity(&chain, *number);
            assert!(gate.identity(&id).is_some(), "identity {number}: {self:?}");
        }
        let (.., id) = identity(&chain, 0);
        let sequence = gate.identity(&id).map_or(0, |known| known.sequence);
        assert!((self.rotations..=self.rotations + 1).contains(&sequence), "{sequence}: {self:?}");
        self.rotations = sequence;
        let failed = u64::from(gate.standing(now, &Subject::Identity(id)).sessions.1);
        assert!((self.sessions..=self.sessions + 1).contains(&failed), "{failed}: {self:?}");
        self.sessions = failed;
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_kill_9_at_any_moment() {
    let (folder, rounds) = (folder("kill"), number(ROUNDS, 50));
    let mut random = SmallRng::seed_from_u64(number("LTMS_SEED", 1));
    let mut said = Said::default();
    for _ in 0..rounds {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &folder)
            .env(FIRST, said.next.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        // Some while they start, before which the runner says a line or two. It goes on
        // meanwhile, so that the moment is another each time.
        let patience = random.random_range(0..40);
        for line in lines.by_ref().take(patience) {
            said.note(&line.expect("text"));
        }
        child.kill().expect("killed");
        // It may have said more than was read.
        for line in lines {
            said.note(&line.expect("text"));
        }
        let ended = child.wait().expect("ended");
        assert_eq!(ended.code(), None, "the child ended by itself: {said:?}");
        said.check(&folder);
    }
    let acknowledged = said.bans.values().filter(|(done, _)| done.is_some()).count();
    println!(
        "{rounds} kills: {} bans begun of {acknowledged} peers, {} rotations, {} sessions",
        said.next, said.rotations, said.sessions
    );
    assert!(acknowledged > 0 && said.rotations > 0, "nothing was tested: {said:?}");
}
