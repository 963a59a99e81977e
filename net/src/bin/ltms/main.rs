//! The `ltms` command.

mod args;
mod bans;
mod claim;
mod demo;
mod economics;
mod explain;
mod failure;
mod generate;
mod identities;
mod identity;
mod keys;
mod log;
mod node;
mod operator;
mod output;
mod peers;
mod policy;
mod proof;
mod replay;
mod script;
mod source;
mod table;
mod tx;
mod watch;
mod when;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;

/// MuSig2 signer discovery for Lotus, with admission control.
#[derive(Parser)]
#[command(name = "ltms", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Honest nodes under attack, on this machine
    Demo(demo::Args),
    /// Run one node until Ctrl-C or SIGTERM
    Node(Box<node::NodeArgs>),
    /// Ask a running node about its peers, ban and forgive
    #[command(subcommand)]
    Peers(operator::PeersCommand),
    /// Ask a running node about bans, hand them on, take them over and undo them
    #[command(subcommand)]
    Bans(bans::BansCommand),
    /// Ask a running node about the identities that it knows
    #[command(subcommand)]
    Identities(identities::IdentitiesCommand),
    /// Print what a running node counts, as OpenMetrics
    Metrics(operator::Door),
    /// What identities and attacks cost, beside the coins that are made in a day
    Economics(economics::EconomicsArgs),
    /// Make an identity, prove it to others, change its key
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    /// Show the limits, what they mean and what they add up to
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Make and check proofs that a transaction is in the chain
    #[command(subcommand)]
    Proof(proof::ProofCommand),
    /// Make the decisions of a recording again
    Replay(replay::ReplayArgs),
    /// Read and write the output scripts of burns
    #[command(subcommand)]
    Script(script::ScriptCommand),
    /// Read transactions
    #[command(subcommand)]
    Tx(tx::TxCommand),
    /// Print what teaches a shell to complete these commands
    Completions {
        /// The shell
        shell: generate::Shell,
    },
    /// Write a manual page of every command
    Man {
        /// The folder to write them in, made if it is missing
        folder: std::path::PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("ltms: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

async fn run() -> Result<ExitCode, Failure> {
    match Cli::try_parse()?.command {
        Command::Demo(args) => return Ok(demo::run(&args).await),
        Command::Node(args) => node::run(*args).await?,
        Command::Peers(command) => operator::peers(command).await?,
        Command::Bans(command) => bans::run(command).await?,
        Command::Identities(command) => identities::run(command).await?,
        Command::Economics(args) => economics::run(args).await?,
        Command::Completions { shell } => generate::completions(shell, Cli::command())?,
        Command::Man { folder } => generate::man(&folder, Cli::command())?,
        Command::Metrics(door) => operator::metrics(door).await?,
        Command::Identity(command) => identity::run(command).await?,
        Command::Policy(command) => policy::run(command)?,
        Command::Proof(command) => proof::run(command).await?,
        Command::Replay(args) => replay::run(&args)?,
        Command::Script(command) => script::run(command)?,
        Command::Tx(command) => tx::run(command)?,
    }
    Ok(ExitCode::SUCCESS)
}
