//! Which chain source to ask: flags that several commands share.

use std::{path::PathBuf, sync::Arc};

use ltms_core::{Network, Policy};
use ltms_net::chain::{ChainSource, LotusdConfig, SourceConfig};
use ltms_net::config::Config;

use crate::args::Chain;
use crate::failure::Failure;

/// Chain sources on the command line. They take the place of those in a file.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Chain source")]
pub(crate) struct SourceFlags {
    /// Ask this lotusd, such as http://127.0.0.1:10604
    #[arg(long, value_name = "URL")]
    lotusd: Option<String>,
    /// lotusd's file .cookie, in its data directory
    #[arg(long, value_name = "FILE", requires = "lotusd", conflicts_with = "user")]
    cookie_file: Option<PathBuf>,
    /// lotusd's rpcuser
    #[arg(long, value_name = "NAME", requires_all = ["lotusd", "password_file"])]
    user: Option<String>,
    /// The file with lotusd's rpcpassword in its first line
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Ask this Chronik; may be repeated
    #[arg(long, value_name = "URL")]
    chronik: Vec<String>,
    /// How many sources must say the same [default: more than half]
    #[arg(long, value_name = "N")]
    need: Option<usize>,
    /// Use the recorded regtest chain, which ends 72 blocks above its last burns
    #[arg(long)]
    dev_chain: bool,
}

impl SourceFlags {
    /// Whether a source is named.
    pub(crate) const fn is_given(&self) -> bool {
        self.lotusd.is_some() || !self.chronik.is_empty() || self.dev_chain
    }

    /// What they say; `None` if they say nothing.
    pub(crate) fn config(self) -> Option<SourceConfig> {
        let Self { lotusd, cookie_file, user, password_file, chronik, need, dev_chain } = self;
        let lotusd = lotusd.map(|url| LotusdConfig { url, cookie_file, user, password_file });
        let config =
            SourceConfig { need, dev: dev_chain, chronik, lotusd: lotusd.into_iter().collect() };
        (!config.is_empty()).then_some(config)
    }
}

/// A chain, and who is asked about it.
#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Take network, chain sources and policy from this file of `ltms node`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The chain [default: that of the file; else main, or reg with --dev-chain]
    #[arg(long, value_enum)]
    network: Option<Chain>,
    #[command(flatten)]
    flags: SourceFlags,
}

/// A chain with its source, and the policy for it.
pub(crate) struct Opened {
    pub(crate) network: Network,
    pub(crate) policy: Policy,
    pub(crate) chain: Arc<dyn ChainSource>,
}

impl SourceArgs {
    /// Whether a source is named, or a file that may name one.
    pub(crate) const fn is_given(&self) -> bool {
        self.config.is_some() || self.flags.is_given()
    }

    /// The source. Nothing is asked yet.
    pub(crate) fn open(self) -> Result<Opened, Failure> {
        let mut config = match &self.config {
            Some(path) => Config::read(path).map_err(Failure::usage)?,
            None if self.flags.dev_chain => Config::default(),
            None => Config::default().on(Network::Main),
        };
        if let Some(network) = self.network {
            config = config.on(network.into());
        }
        if let Some(chain) = self.flags.config() {
            config.chain = chain;
        }
        config.validate().map_err(Failure::usage)?;
        let chain = config.source().map_err(Failure::usage)?;
        Ok(Opened { network: config.network, policy: config.policy, chain })
    }
}
