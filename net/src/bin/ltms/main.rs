//! The `ltms` command.

mod demo;
mod node;

use std::{io::IsTerminal, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

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
    Node(node::NodeArgs),
}

/// Logs to stderr what passes the filter.
fn log(filter: EnvFilter) {
    let stderr = std::io::stderr;
    let colour = stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(stderr).with_ansi(colour).with_env_filter(filter).init();
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(args) => return demo::run(&args).await,
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
