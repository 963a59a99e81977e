//! `ltms demo`: honest nodes register, advertise and find each other while attackers try to stop
//! or to abuse them; all of them are libp2p hosts of their own on 127.0.0.1.

mod attacks;
mod chain;
mod forge;
mod honest;
mod host;
mod ledger;
mod progress;
mod report;
mod verdict;

use std::{error::Error, process::ExitCode, time::Duration};

use futures::{FutureExt, future::join_all};
use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::{
    sync::{Barrier, watch},
    time::{Instant, timeout_at},
};

use ltms_net::config::LogFormat;
use tracing_subscriber::EnvFilter;

use self::{
    attacks::{Kind, Scene, carry_out},
    chain::Burns,
    honest::{Town, When, spread},
    host::Host,
    ledger::Book,
    progress::Progress,
    report::{Report, Spread},
};
use crate::log::Log;

/// What can go wrong with the demonstration itself.
type Failure = Box<dyn Error + Send + Sync>;

/// When what has not happened is given up; the report and the farewell come after it.
const PATIENCE: Duration = Duration::from_secs(50);
/// When honest signers advertise at the latest, whether or not all attacks are in full swing.
const OPENING: Duration = Duration::from_secs(25);
/// Nodes that each attacker connects to.
const VICTIMS: usize = 4;

/// What the demonstration is made from.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Honest nodes, each with a recorded burn of its own
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(8..=13))]
    nodes: u8,
    /// Decides who starts first and who is connected to whom; random if absent
    #[arg(long)]
    seed: Option<u64>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the demonstration: success only if every expectation was met.
pub(crate) async fn run(args: &Args) -> ExitCode {
    let quiet = || EnvFilter::new("error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet());
    let _log = Log::start(filter, LogFormat::Text);
    let progress = Progress::new();
    let report = demonstrate(args, &progress).await;
    progress.end();
    match report {
        Ok(report) => {
            if args.json {
                println!("{}", serde_json::json!(report));
            } else {
                print!("{report}");
            }
            if report.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the demonstration failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate(args: &Args, progress: &Progress) -> Result<Report, Failure> {
    let (opening, deadline) = (Instant::now() + OPENING, Instant::now() + PATIENCE);
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let mut rng = SmallRng::seed_from_u64(seed);
    let (burns, book) = (Burns::new()?, Book::new());

    progress.say(&format!("starting {} nodes, seed {seed}", args.nodes));
    let town = Town::start(args.nodes.into(), &burns, &book, &mut rng).await?;
    let before = async {
        town.connect(&mut rng).await?;
        progress.say("registering identities");
        town.register(&burns).await?;
        progress.say("advertising the first signers");
        let began = town.advertise(When::Before).await?;
        town.until_accepted(When::Before).await;
        Ok::<_, Failure>(began)
    };
    let before = timeout_at(deadline, before).await;
    let before = before.map_err(|_| "the nodes did not get ready")??;

    let mut kinds = Kind::ALL;
    kinds.shuffle(&mut rng);
    progress.say("attacking");
    // The honest signers are one more.
    let start = Barrier::new(Kind::ALL.len() + 1);
    let (underway, _) = watch::channel(0);
    let (end, over) = watch::channel(false);
    let scene = Scene { town: &town, burns: &burns, start, underway, over, deadline };
    let mut attacks = Vec::new();
    for kind in kinds {
        let host = Host::new(town.victims(VICTIMS, &mut rng), kind == Kind::Censor)?;
        attacks.push(carry_out(kind, host, &scene));
    }
    let honest = async {
        // An attack that is late by then is reported as what becomes of it.
        let _ = timeout_at(opening, scene.start.wait()).await;
        let start = town.advertise(When::Start).await;
        let mut striking = scene.underway.subscribe();
        let all = striking.wait_for(|count| *count == Kind::ALL.len());
        let _ = timeout_at(opening, all).await;
        let amid = town.advertise(When::Amid).await;
        // What is not found by then the report says.
        let all = async {
            town.until_accepted(When::Start).await;
            town.until_accepted(When::Amid).await;
        };
        let _ = timeout_at(deadline, all).await;
        // Nobody may be attacking any more.
        let _ = end.send(true);
        Ok::<_, Failure>((start?, amid?))
    };
    let state = || {
        let underway = *scene.underway.borrow();
        let [before, start, amid] = [When::Before, When::Start, When::Amid]
            .map(|when| book.read(|ledger| town.accepted(ledger, when)));
        let accepted = before.0 + start.0 + amid.0;
        let all = before.1 + start.1 + amid.1;
        let attacks = Kind::ALL.len();
        format!("{underway} of {attacks} attacks begun, signers accepted {accepted} of {all} times")
    };
    let attacks = join_all(attacks.into_iter().map(FutureExt::boxed_local));
    let (mut attacks, during) =
        progress.during(state, async { tokio::join!(attacks, honest) }).await;
    attacks.sort_by_key(|attack| attack.kind as u8);
    let (start, amid) = during?;

    progress.say("looking at what is left");
    let spread = Spread {
        before: spread(&town, When::Before, before),
        start: spread(&town, When::Start, start),
        amid: spread(&town, When::Amid, amid),
    };
    let report = Report::new(seed, &town, &attacks, spread, progress.elapsed()).await?;
    progress.say("stopping");
    town.stop().await;
    Ok(report)
}
