//! What was measured, the table of it, and what it should be.

use std::fmt::Write;

use crate::{BESIDE, Load, OPEN, OPEN_ECHO, QUIET, Victim, report, victim};

/// Milliseconds from sending to the answer, for all but one of a hundred.
const P99: f64 = 10.0;
/// The same of 2,000 a second.
const P99_WIDE: f64 = 20.0;
/// How much worse it may be beside a flood.
const BESIDE_QUIET: f64 = 2.0;
/// Percent of a core that a flood may take.
const SHARE: f64 = 25.0;
/// Microseconds of the node for a push that it refuses, the stream's aside.
const REFUSAL: f64 = 15.0;
/// MiB by which memory may grow and be called flat: pages that SQLite and the allocator keep.
const GROWTH: u64 = 16;
/// Messages of a connection by its window: at once, and a second.
const WINDOW: (f64, f64) = (60.0, 20.0);

/// What a flood was.
pub(crate) struct Flooded {
    pub(crate) messages: u32,
    /// Pushes that the window let in.
    let_in: u32,
    seconds: f64,
}

impl Flooded {
    pub(crate) fn read(said: &[String]) -> Self {
        let number = |field: usize| said[field].parse::<f64>().expect("a number");
        Self { messages: number(0) as u32, let_in: number(1) as u32, seconds: number(2) }
    }
}

/// One row of the table.
pub(crate) struct Row {
    name: &'static str,
    seconds: u32,
    sent: u32,
    lost: u32,
    p50: f64,
    p99: f64,
    late: f64,
    /// By reason, as `name:count`.
    reasons: String,
    /// Percent of a core.
    pub(crate) share: f64,
    before: u64,
    pub(crate) after: u64,
    pub(crate) flooded: Option<Flooded>,
}

impl Row {
    pub(crate) fn of(load: &Load, before: u64) -> Self {
        Self {
            name: load.name,
            seconds: load.seconds,
            sent: 0,
            lost: 0,
            p50: f64::NAN,
            p99: f64::NAN,
            late: f64::NAN,
            reasons: String::new(),
            share: f64::NAN,
            before,
            after: before,
            flooded: None,
        }
    }

    /// Takes in what the sender said of its answers.
    pub(crate) fn answered(&mut self, said: &[String]) {
        let number = |field: usize| said[field].parse::<f64>().expect("a number");
        (self.sent, self.lost) = (number(0) as u32, number(1) as u32);
        (self.p50, self.p99, self.late) = (number(2), number(3), number(4));
        self.reasons = said[5].clone();
    }

    pub(crate) fn shown(&self) -> String {
        let Self { name, seconds, sent, lost, p50, p99, late, share, before, after, .. } = self;
        let times = match sent {
            0 => "– | – | –".to_owned(),
            _ => format!("{sent}, {lost} | {p50:.2}, {p99:.2} | {late:.2}"),
        };
        let flood = self.flooded.as_ref().map_or_else(
            || "–".to_owned(),
            |flooded| (f64::from(flooded.messages) / flooded.seconds).round().to_string(),
        );
        format!("| {name} | {seconds} s | {times} | {share:.1} % | {before}, {after} | {flood} |")
    }

    /// Microseconds of the victim for each message of a flood.
    fn each(&self) -> f64 {
        let flooded = self
            .flooded
            .as_ref()
            .map_or(f64::NAN, |flooded| f64::from(flooded.messages) / flooded.seconds);
        self.share * 1e4 / flooded
    }

    /// What is wrong with the answers.
    fn wrong(&self, load: &Load) -> Option<String> {
        let expected = match (load.rate, load.copies && load.victim != Victim::Echo) {
            (0, _) => return None,
            (_, true) => format!("already-known:{},new:{}", self.sent / 2, self.sent / 2),
            (_, false) => format!("new:{}", self.sent),
        };
        let right = self.lost == 0 && self.reasons == expected;
        (!right).then(|| format!("{}: lost {}, answers {}", self.name, self.lost, self.reasons))
    }

    fn is_flat(&self) -> bool {
        self.after <= self.before + GROWTH
    }
}

/// The table, with what it had before for loads that were not run.
pub(crate) fn table(loads: &[Load], rows: &[Option<Row>], old: &str) -> String {
    let mut table = format!("Measured on {} cores.\n\n", report::cores());
    table.push_str(
        "| load | for | sent, lost | p50, p99 in ms | sender late, p99 | share of a core | MiB before, after | flood a second |\n",
    );
    table.push_str("|---|---|---|---|---|---|---|---|\n");
    for (load, row) in loads.iter().zip(rows) {
        let begin = format!("| {} |", load.name);
        let before = || old.lines().find(|line| line.starts_with(&begin)).map(str::to_owned);
        if let Some(line) = row.as_ref().map(Row::shown).or_else(before) {
            writeln!(table, "{line}").expect("room");
        }
    }
    let hop = match hop(rows) {
        Some(hop) => Some(sentence(hop)),
        None => old.lines().find(|line| line.starts_with("A refused push")).map(str::to_owned),
    };
    if let Some(hop) = hop {
        writeln!(table, "\n{hop}").expect("room");
    }
    table
}

/// Microseconds for a refused push, by node and echo.
fn hop(rows: &[Option<Row>]) -> Option<(f64, f64)> {
    Some((rows[OPEN].as_ref()?.each(), rows[OPEN_ECHO].as_ref()?.each()))
}

fn sentence((node, echo): (f64, f64)) -> String {
    format!(
        "A refused push takes {node:.1} µs of the node's processor with its stream, of which an echo takes {echo:.1}: {:.1} µs are the driver's and the Gate's.",
        node - echo
    )
}

/// The goals that were missed.
pub(crate) fn missed(loads: &[Load], rows: &[Option<Row>]) -> Vec<String> {
    let mut missed = Vec::new();
    for (load, row) in loads.iter().zip(rows) {
        let Some(row) = row else { continue };
        missed.extend(row.wrong(load));
        let name = row.name;
        let most = if load.victim == Victim::Wide { P99_WIDE } else { P99 };
        if row.p99 > most && load.victim != Victim::Echo && load.flood.is_none() {
            missed.push(format!("{name}: p99 {:.2} ms, more than {most}", row.p99));
        }
        if load.rate == 0 && load.victim == Victim::Node && row.share > SHARE {
            missed.push(format!("{name}: {:.0} % of a core, more than {SHARE}", row.share));
        }
        if load.rate > 0 && !row.is_flat() {
            missed.push(format!("{name}: memory grew from {} to {} MiB", row.before, row.after));
        }
    }
    if let (Some(quiet), Some(beside)) = (&rows[QUIET], &rows[BESIDE]) {
        if beside.p99 > BESIDE_QUIET * quiet.p99 {
            missed.push(format!("p99 {:.2} ms beside a flood, {:.2} else", beside.p99, quiet.p99));
        }
        if beside.share - quiet.share > SHARE {
            missed.push(format!("the flood took {:.0} % of a core", beside.share - quiet.share));
        }
    }
    if let Some((node, echo)) = hop(rows) {
        println!("{}", sentence((node, echo)));
        if node - echo > REFUSAL {
            missed.push(format!("a refused push takes {:.1} µs, more than {REFUSAL}", node - echo));
        }
    }
    missed
}

/// A few seconds of the loads that say most, without a look at times: on a machine that does other
/// things, too, all verdicts are what they should be and the flood is held to its window.
pub(crate) fn smoke(loads: &[Load]) {
    let wide = loads.len() - 1;
    for number in [BESIDE, wide] {
        let load = &loads[number];
        let row = victim::run(number, loads, load.seconds, load.preload);
        println!("{}", row.shown());
        let wrong = row.wrong(load);
        assert!(wrong.is_none(), "{wrong:?}");
        if let Some(flooded) = &row.flooded {
            let most = WINDOW.0 + WINDOW.1 * flooded.seconds + 1.0;
            let let_in = f64::from(flooded.let_in);
            assert!(let_in > 0.0 && let_in <= most, "{let_in} were let in, at most {most} may be");
        }
    }
}
