//! The `ltms` command.

mod node;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// MuSig2 signer discovery for Lotus, with admission control.
#[derive(Parser)]
#[command(name = "ltms")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one node until Ctrl-C or SIGTERM
    Node(node::NodeArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Node(args) => node::run(args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ltms: {error}");
            ExitCode::from(error.code())
        }
    }
}
