//! What a search for signers brings.

use ltms_core::{Criteria, IdentityId, PublicKey};
use tokio::sync::mpsc;

use super::{Command, Handle, NodeError, Signer};

/// How many others a search could ask. Each answer is verified here; a peer can leave signers
/// out, which is why they are to be of different wide groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Peers that were asked for their directories.
    pub asked: usize,
    /// Those that have answered in time.
    pub answered: usize,
    /// Wide address groups (IPv4 /16, IPv6 /32) of those. Addresses of proxies are one group.
    pub groups: usize,
}

impl Reach {
    /// Whether at least three peers in different wide groups have answered. Where that is not so,
    /// few are connected, or few are honest.
    #[must_use]
    pub const fn is_wide(&self) -> bool {
        self.groups >= 3
    }
}

/// The first answer to a search.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The signers that fit, best first, each verified by this node.
    pub signers: Vec<Signer>,
    /// Who was asked for them.
    pub reach: Reach,
}

impl IntoIterator for Findings {
    type Item = Signer;
    type IntoIter = std::vec::IntoIter<Signer>;

    fn into_iter(self) -> Self::IntoIter {
        self.signers.into_iter()
    }
}

/// A search that has had its first answer. It ends by itself, or when it is dropped.
#[derive(Debug)]
pub struct Search {
    /// The first answer.
    pub found: Findings,
    pub(crate) rest: mpsc::Receiver<Signer>,
}

impl Search {
    /// The next signer that fits, in the order in which they are verified and none that was told
    /// already; `None` once all peers have answered, or 30 s after the question.
    pub async fn next(&mut self) -> Option<Signer> {
        self.rest.recv().await
    }
}

impl Handle {
    /// The signers that fit, best first, at most `most`: from the own directory and those of at
    /// least three connected peers in different wide groups, if there are so many. Answers once
    /// all of these have, after 5 s at the latest.
    ///
    /// # Errors
    /// [`NodeError::Busy`], [`NodeError::Stopped`].
    pub async fn find_signers(
        &self,
        criteria: Criteria,
        most: usize,
    ) -> Result<Findings, NodeError> {
        self.search_signers(criteria, most).await.map(|search| search.found)
    }

    /// The same, with what comes after the first answer.
    ///
    /// # Errors
    /// [`NodeError::Busy`], [`NodeError::Stopped`].
    pub async fn search_signers(
        &self,
        criteria: Criteria,
        most: usize,
    ) -> Result<Search, NodeError> {
        let search = self.ask(|reply| Command::Search(criteria, most, reply)).await?;
        search.ok_or(NodeError::Busy)
    }

    /// The signers that fit, best first, at most `most`: what this node has verified already.
    /// Nobody is asked.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn directory(
        &self,
        criteria: Criteria,
        most: usize,
    ) -> Result<Vec<Signer>, NodeError> {
        self.ask(|reply| Command::Find(criteria, most, reply)).await
    }

    /// The signer with this author key, asked for in the DHT if it is not known here.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn look_up(&self, key: PublicKey) -> Result<Option<Signer>, NodeError> {
        self.ask(|reply| Command::LookUp(key, reply)).await
    }

    /// The signers of an identity. Peers are asked for its history if it is not known here, and
    /// the DHT for its current key; what they answer is proved.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn look_up_identity(&self, id: IdentityId) -> Result<Vec<Signer>, NodeError> {
        let known = self.ask(|reply| Command::SeekIdentity(id, reply)).await?;
        let Some(known) = known else { return Ok(Vec::new()) };
        self.look_up(known.key).await?;
        self.ask(|reply| Command::SignersOf(id, reply)).await
    }
}
