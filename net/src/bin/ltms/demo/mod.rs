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

use std::{error::Error, process::ExitCode, time::Duration};

use futures::{FutureExt, future::join_all};
use rand::{SeedableRng, rngs::SmallRng, seq::SliceRandom};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use tracing_subscriber::EnvFilter;

use self::{
    attacks::{Kind, Scene, carry_out},
    chain::Burns,
    honest::{Town, spread},
    host::Host,
    ledger::Book,
    progress::Progress,
    report::{Report, Spread},
};

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
    crate::log(EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet()));
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
    let deadline = Instant::now() + PATIENCE;
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
        let began = town.advertise(true).await?;
        town.until_accepted(true).await;
        Ok::<_, Failure>(began)
    };
    let before = timeout_at(deadline, before).await;
    let before = before.map_err(|_| "the nodes did not get ready")??;

    let mut kinds = Kind::ALL;
    kinds.shuffle(&mut rng);
    let (underway, _) = watch::channel(0);
    let (end, over) = watch::channel(false);
    let scene = Scene { town: &town, burns: &burns, underway, over, deadline };
    let mut attacks = Vec::new();
    for kind in kinds {
        let host = Host::new(town.victims(VICTIMS, &mut rng), kind == Kind::Censor)?;
        attacks.push(carry_out(kind, host, &scene));
    }
    let honest = async {
        let mut striking = scene.underway.subscribe();
        let all = striking.wait_for(|count| *count == Kind::ALL.len());
        // Who is late by then is late; the report says what became of it.
        let _ = timeout_at(deadline - (PATIENCE - OPENING), all).await;
        let during = town.advertise(false).await;
        let all = timeout_at(deadline, town.until_accepted(false)).await;
        // Attacks end with this, or without anybody listening.
        let _ = end.send(true);
        during.map(|during| (during, all.is_ok()))
    };
    let state = || {
        let underway = *scene.underway.borrow();
        let accepted = book.read(|ledger| town.accepted(ledger, false));
        format!(
            "{underway} of {} attacks in full swing, signers accepted {} of {} times",
            Kind::ALL.len(),
            accepted.0,
            accepted.1
        )
    };
    let attacks = join_all(attacks.into_iter().map(FutureExt::boxed_local));
    let (mut attacks, during) =
        progress.during(state, async { tokio::join!(attacks, honest) }).await;
    attacks.sort_by_key(|attack| attack.kind as u8);
    let (during, _) = during?;

    progress.say("looking at what is left");
    let spread =
        Spread { before: spread(&town, true, before), during: spread(&town, false, during) };
    let report = Report::new(seed, &town, &attacks, spread, progress.elapsed()).await?;
    progress.say("stopping");
    town.stop().await;
    Ok(report)
}
