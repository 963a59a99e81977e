//! `ltms script`: the output scripts of burns.

use std::fmt;

use clap::Subcommand;
use ltms_core::burn::BurnScript;
use ltms_core::{IdentityId, PublicKey};
use serde::Serialize;

use crate::args::{self, BurnPurpose};
use crate::failure::Failure;
use crate::output::Format;

/// Bytes of the longest script that a chain may hold.
const MAX_LEN: usize = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum ScriptCommand {
    /// Say what a script burns for, or why it is no burn
    Parse {
        /// The script in hexadecimal; `-` reads it from standard input
        script: String,
        #[command(flatten)]
        format: Format,
    },
    /// Write the script of a burn
    Build {
        /// The public key: the new identity's, the new or added one, or else the current one
        #[arg(long, value_name = "KEY", value_parser = args::public_key)]
        key: PublicKey,
        /// When it was made, in milliseconds since 1970; nothing depends on it
        #[arg(long, value_name = "MS")]
        timestamp: Option<u64>,
        /// What the burn is for
        #[arg(long, value_enum, default_value_t = BurnPurpose::Registration)]
        purpose: BurnPurpose,
        /// Whose burn it is; for every purpose but a registration
        #[arg(long, value_name = "ID")]
        identity: Option<IdentityId>,
        #[command(flatten)]
        format: Format,
    },
}

/// What a burn's script says.
#[derive(Debug, Serialize)]
pub(crate) struct Burn {
    pub(crate) purpose: Option<BurnPurpose>,
    public_key: PublicKey,
    timestamp_ms: Option<u64>,
    /// Whose it is; of a registration only where the transaction is known.
    pub(crate) identity: Option<IdentityId>,
}

impl From<BurnScript> for Burn {
    fn from(burn: BurnScript) -> Self {
        Self {
            purpose: BurnPurpose::of(burn.purpose.map(|(purpose, _)| purpose)),
            public_key: burn.public_key,
            timestamp_ms: burn.timestamp_ms,
            identity: burn.purpose.map(|(_, identity)| identity),
        }
    }
}

impl fmt::Display for Burn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "purpose    {}", self.purpose.map_or("unknown", BurnPurpose::name))?;
        writeln!(f, "public key {}", self.public_key)?;
        if let Some(ms) = self.timestamp_ms {
            writeln!(f, "timestamp  {ms} ms")?;
        }
        if let Some(identity) = self.identity {
            writeln!(f, "identity   {identity}")?;
        }
        Ok(())
    }
}

/// Why a script is no burn, for programs.
#[derive(Serialize)]
struct NoBurn {
    error: String,
    older_sdk_reads: bool,
}

impl fmt::Display for NoBurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

/// A script that was written.
#[derive(Serialize)]
struct Script {
    script: String,
    size: usize,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.script)
    }
}

pub(crate) fn run(command: ScriptCommand) -> Result<(), Failure> {
    match command {
        ScriptCommand::Parse { script, format } => parse(&script, format),
        ScriptCommand::Build { key, timestamp, purpose, identity, format } => {
            let purpose = purpose.with(identity)?;
            let burn = BurnScript { public_key: key, timestamp_ms: timestamp, purpose };
            let script = burn.build();
            format.print(&Script { script: hex::encode(&script), size: script.len() })
        }
    }
}

fn parse(script: &str, format: Format) -> Result<(), Failure> {
    let error = match BurnScript::parse(&args::bytes(script, MAX_LEN)?) {
        Ok(burn) => return format.print(&Burn::from(burn)),
        Err(error) => error,
    };
    if format.is_json() {
        format.print(&NoBurn {
            error: error.kind().to_string(),
            older_sdk_reads: error.older_sdk_reads(),
        })?;
    }
    Err(Failure::failed(format_args!("no burn: {error}")))
}
