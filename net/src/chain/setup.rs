//! Which chain sources to ask, as a file or a command line names them.

use std::{path::PathBuf, sync::Arc};

use ltms_core::{Network, Policy};
use serde::{Deserialize, Serialize};

use super::{
    ChainSource, Chronik, Credentials, DevChain, EndpointError, HttpOptions, LotusdRpc, MineError,
    Quorum, QuorumError, RecordingError,
};
use crate::key_file::{self, KeyFileError};

/// A lotusd and how to log in to it: with its cookie, or with a name and a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotusdConfig {
    /// Such as `http://127.0.0.1:10604`.
    pub url: String,
    /// The file `.cookie` in lotusd's data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie_file: Option<PathBuf>,
    /// What `rpcuser` was set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The file with what `rpcpassword` was set to, in its first line; for its owner's eyes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

/// The chain sources, together at most 8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// How many sources must say the same. Default more than half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<usize>,
    /// The recorded regtest chain instead of a real one. Default only on `reg`, without any source.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dev: bool,
    /// URLs of Chroniks, such as `https://chronik.example`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chronik: Vec<String>,
    /// Nodes of one's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lotusd: Vec<LotusdConfig>,
}

/// Why there is no chain source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// None is named on a network where nothing can stand in for it.
    #[error("network `{}` needs a chain source: add `--lotusd URL` or `--chronik URL`, or a `[chain]` table to the configuration", .0.name())]
    None(Network),
    /// The recorded chain is of another network.
    #[error("the development chain is on network `reg` only, not on `{}`", .0.name())]
    Dev(Network),
    /// The recorded chain agrees with no other.
    #[error("the development chain goes with no other chain source")]
    DevAmongOthers,
    /// Neither a cookie file, nor a name with a password file, or both.
    #[error("lotusd {0} needs either a cookie file, or a user name and a password file")]
    Login(String),
    /// A source cannot be asked like this.
    #[error("chain source {0}: {1}")]
    Endpoint(String, EndpointError),
    /// A password file cannot be used.
    #[error(transparent)]
    Password(#[from] KeyFileError),
    /// The sources cannot be compared.
    #[error("`need` and the number of chain sources do not fit: {0}")]
    Quorum(#[from] QuorumError),
    /// The recorded chain was changed.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The recorded chain cannot be continued.
    #[error(transparent)]
    Mine(#[from] MineError),
}

impl SourceConfig {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The source to ask: the one that is named, several in a [`Quorum`], or the recorded chain,
    /// which is continued, by the same blocks in each process, until its burns are final. Nothing
    /// is asked yet.
    ///
    /// # Errors
    /// [`SetupError`] for the first thing that is wrong.
    pub fn source(
        &self,
        network: Network,
        options: &HttpOptions,
    ) -> Result<Arc<dyn ChainSource>, SetupError> {
        let named = self.lotusd.len() + self.chronik.len();
        if self.dev && named > 0 {
            return Err(SetupError::DevAmongOthers);
        }
        if self.dev && network != Network::Reg {
            return Err(SetupError::Dev(network));
        }
        if named == 0 {
            if network != Network::Reg {
                return Err(SetupError::None(network));
            }
            if self.need.is_some_and(|need| need != 1) {
                return Err(QuorumError::Need.into());
            }
            let chain = DevChain::recorded()?;
            chain.mine_empty(Policy::LOTUS_V1.burns.full)?;
            return Ok(Arc::new(chain));
        }
        let mut sources: Vec<(String, Arc<dyn ChainSource>)> = Vec::new();
        for lotusd in &self.lotusd {
            let failed = |error| SetupError::Endpoint(lotusd.url.clone(), error);
            let login = lotusd.credentials()?;
            let rpc = LotusdRpc::new(&lotusd.url, login, network, options.clone());
            sources.push((lotusd.url.clone(), Arc::new(rpc.map_err(failed)?)));
        }
        for url in &self.chronik {
            let failed = |error| SetupError::Endpoint(url.clone(), error);
            let chronik = Chronik::new(url, network, options.clone()).map_err(failed)?;
            sources.push((url.clone(), Arc::new(chronik)));
        }
        let need = self.need.unwrap_or(named / 2 + 1);
        match sources.as_slice() {
            [(_, alone)] if need == 1 => Ok(alone.clone()),
            _ => Ok(Arc::new(Quorum::new(sources, need)?)),
        }
    }
}

impl LotusdConfig {
    fn credentials(&self) -> Result<Credentials, SetupError> {
        match (&self.cookie_file, &self.user, &self.password_file) {
            (Some(cookie), None, None) => Ok(Credentials::cookie_file(cookie)),
            (None, Some(user), Some(path)) => {
                Credentials::password(user, &key_file::password(path)?)
                    .map_err(|error| SetupError::Endpoint(self.url.clone(), error))
            }
            _ => Err(SetupError::Login(self.url.clone())),
        }
    }
}
