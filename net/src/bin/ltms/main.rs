//! The `ltms` command.

mod args;
mod claim;
mod demo;
mod failure;
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
mod tx;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Print what a running node counts, as OpenMetrics
    Metrics(operator::Door),
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
