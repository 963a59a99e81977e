//! A lotusd, asked over JSON-RPC.

mod answer;
mod auth;

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http_body_util::Full;
use hyper::{StatusCode, header};
use ltms_core::chain::{Header, Transaction};
use ltms_core::{BlockHash, BlockHeight, EvidenceClass, Network, Tip, Txid};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::check::{self, wrong};
use super::http::{Answer, EndpointError, Http, HttpOptions};
use super::{ChainSource, IncludedTransaction, SourceError};

pub use answer::{RpcCode, RpcError};
pub use auth::Credentials;
use auth::Login;

/// A block has at most 32 MB (lotusd, `consensus.h`), which hexadecimal doubles.
const MAX_BLOCK_ANSWER: usize = 64 << 20;
/// Every other answer, such as a transaction of the 100 kB that nodes relay.
const MAX_ANSWER: usize = 1 << 20;

/// A lotusd that we trust to know the active chain.
///
/// Everything that can be recomputed is: hashes, ids, work, the transactions of a block. The node
/// needs `txindex=1` and whole blocks; without them the answer is [`SourceError::Unsupported`].
/// Cookies and passwords cross an `http` connection in the clear: use it on the same host or
/// within a tunnel.
#[derive(Debug)]
pub struct LotusdRpc {
    http: Http,
    login: Login,
    network: Network,
}

/// Why a method of lotusd has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// lotusd says so.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// There is no answer from lotusd.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl LotusdRpc {
    /// A client for the lotusd at `url`, of the form `http://127.0.0.1:10604`.
    ///
    /// # Errors
    /// [`EndpointError`]. Nothing is sent yet.
    pub fn new(
        url: &str,
        credentials: Credentials,
        network: Network,
        options: HttpOptions,
    ) -> Result<Self, EndpointError> {
        Ok(Self { http: Http::new(url, options)?, login: Login::new(credentials), network })
    }

    /// Calls any method and returns its result as lotusd wrote it, at most 1 MiB, unchecked. A
    /// node that is starting or busy is asked again until the deadline.
    ///
    /// # Errors
    /// [`CallError`], in which the node's own errors are told apart by their number.
    pub async fn call(&self, method: &str, params: Value) -> Result<Box<RawValue>, CallError> {
        let request = request(0, method, params);
        let outcome = self.http.patiently(async || {
            let body = self.post(&request, MAX_ANSWER).await?;
            match answer::single(&body)? {
                Err(error) if error.code == RpcCode::WarmingUp => Err(error.into()),
                outcome => Ok(outcome.map(ToOwned::to_owned)),
            }
        });
        Ok(outcome.await??)
    }

    /// lotusd's own proof (`gettxoutproof`) that the transaction is in the block; `None` if the
    /// node knows no such block, or the transaction is not in it. Unchecked.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn proof(
        &self,
        txid: Txid,
        block: BlockHash,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let params = json!([[txid.to_string()], block.to_string()]);
        match self.call("gettxoutproof", params).await {
            Ok(result) => bytes(&result).map(Some),
            Err(CallError::Rpc(RpcError { code: RpcCode::NotFound, .. })) => Ok(None),
            Err(CallError::Rpc(error)) => Err(error.into()),
            Err(CallError::Source(error)) => Err(error),
        }
    }

    /// Hands a signed transaction to the network and returns its id. A transaction that the node
    /// or the chain already has is no error.
    ///
    /// # Errors
    /// [`SourceError::Rejected`] for a transaction that the node does not take.
    pub async fn broadcast(&self, raw: &[u8]) -> Result<Txid, SourceError> {
        let transaction =
            Transaction::parse(raw).map_err(|error| SourceError::Rejected(error.to_string()))?;
        let txid = transaction.txid();
        match self.call("sendrawtransaction", json!([hex::encode(raw)])).await {
            Ok(result) if parsed::<Txid>(&result)? == txid => Ok(txid),
            Ok(_) => Err(wrong("another transaction was sent")),
            Err(CallError::Rpc(RpcError { code: RpcCode::AlreadyInChain, .. })) => Ok(txid),
            Err(CallError::Rpc(error)) => Err(error.into()),
            Err(CallError::Source(error)) => Err(error),
        }
    }

    async fn try_tip(&self) -> Result<Tip, SourceError> {
        let body = self.post(&request(0, "getblockchaininfo", json!([])), MAX_ANSWER).await?;
        let info: ChainInfo = parsed(answer::single(&body)??)?;
        if info.chain != chain_name(self.network) {
            return Err(wrong(format!("the chain is {:?}", info.chain)));
        }
        // The blocks of a private chain are as old as they like.
        if info.initialblockdownload && self.network != Network::Reg {
            let message = format!("still fetching blocks, {} so far", info.blocks);
            return Err(SourceError::Unavailable(message));
        }
        let (height, hash) = (BlockHeight::new(info.blocks), info.bestblockhash);
        let params = json!([hash.to_string(), false]);
        let body = self.post(&request(0, "getblockheader", params), MAX_ANSWER).await?;
        let header = check::header(&bytes(answer::single(&body)??)?, &hash, self.network)?;
        if header.height() != height {
            return Err(wrong(format!("block {hash} is not at height {}", height.get())));
        }
        Ok(Tip { height, hash })
    }

    async fn try_raw_header(
        &self,
        hash: BlockHash,
    ) -> Result<Option<([u8; Header::LEN], Header)>, SourceError> {
        let name = hash.to_string();
        let requests = json!([
            request(0, "getblockheader", json!([name, true])),
            request(1, "getblockheader", json!([name, false])),
        ]);
        let body = self.post(&requests, MAX_ANSWER).await?;
        let [standing, raw] = answer::batch(&body)?;
        let (Some(standing), Some(raw)) = (known(standing)?, known(raw)?) else { return Ok(None) };
        let raw = bytes(raw)?;
        let header = check::header(&raw, &hash, self.network)?;
        let raw = raw.try_into().map_err(|_| wrong("the header has another length"))?;
        Ok(parsed::<Standing>(standing)?.is_active().then_some((raw, header)))
    }

    /// Whether the transaction is known and in no block of the active chain.
    async fn try_waiting(&self, txid: Txid) -> Result<bool, SourceError> {
        let params = json!([txid.to_string(), true]);
        let body = self.post(&request(0, "getrawtransaction", params), MAX_ANSWER).await?;
        let Some(found) = known(answer::single(&body)?)? else { return Ok(false) };
        let Mined { hex, blockhash } = parsed(found)?;
        check::transaction(&hex::decode(hex).map_err(wrong)?, &txid)?;
        // One in a block beside the chain is not in the mempool, and may not be valid any more.
        Ok(blockhash.is_none())
    }

    async fn try_transaction(
        &self,
        txid: Txid,
    ) -> Result<Option<IncludedTransaction>, SourceError> {
        let params = json!([txid.to_string(), true]);
        let body = self.post(&request(0, "getrawtransaction", params), MAX_ANSWER).await?;
        let Some(found) = known(answer::single(&body)?)? else { return Ok(None) };
        let Mined { hex, blockhash } = parsed(found)?;
        check::transaction(&hex::decode(hex).map_err(wrong)?, &txid)?;
        let Some(hash) = blockhash else { return Ok(None) };

        let name = hash.to_string();
        let requests = json!([
            request(0, "getblockheader", json!([name, true])),
            request(1, "getblock", json!([name, 0])),
        ]);
        let body = self.post(&requests, MAX_BLOCK_ANSWER).await?;
        let network = self.network;
        check::aside(move || {
            let [standing, block] = answer::batch(&body)?;
            let (Some(standing), Some(block)) = (known(standing)?, known(block)?) else {
                return Err(wrong(format!("transaction {txid} is in an unknown block")));
            };
            let block = check::block(&bytes(block)?, &hash, network)?;
            let included = check::included(&block, &txid)?;
            Ok(parsed::<Standing>(standing)?.is_active().then_some(included))
        })
        .await
    }

    /// Sends requests, once more where a new cookie explains the refusal.
    async fn post(&self, requests: &Value, limit: usize) -> Result<Vec<u8>, SourceError> {
        let body = Bytes::from(requests.to_string());
        let mut login = self.login.header()?;
        let mut answer = self.send(login.clone(), body.clone(), limit).await?;
        if answer.status == StatusCode::UNAUTHORIZED
            && let Some(renewed) = self.login.renewed(&login)?
        {
            login = renewed;
            answer = self.send(login, body, limit).await?;
        }
        let Answer { status, body } = answer;
        let is_json =
            body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[");
        match status {
            StatusCode::UNAUTHORIZED => {
                Err(SourceError::Refused("the name, password or cookie is wrong".to_owned()))
            }
            // lotusd numbers errors in the body, whatever the status.
            _ if is_json || status == StatusCode::OK => Ok(body),
            _ if status.is_server_error() => {
                Err(SourceError::Unavailable(format!("HTTP {status}")))
            }
            _ => Err(wrong(format!("HTTP {status} without JSON"))),
        }
    }

    async fn send(
        &self,
        login: header::HeaderValue,
        body: Bytes,
        limit: usize,
    ) -> Result<Answer, SourceError> {
        let request = self
            .http
            .request("")
            .method("POST")
            .header(header::AUTHORIZATION, login)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| SourceError::Unsupported(error.to_string()))?;
        self.http.send(request, limit).await
    }
}

impl ChainSource for LotusdRpc {
    fn class(&self) -> EvidenceClass {
        EvidenceClass::Node
    }

    fn tip(&self) -> BoxFuture<'_, Result<Tip, SourceError>> {
        self.http.patiently(|| self.try_tip()).boxed()
    }

    fn header(&self, hash: BlockHash) -> BoxFuture<'_, Result<Option<Header>, SourceError>> {
        let found = self.http.patiently(move || self.try_raw_header(hash));
        async { Ok(found.await?.map(|(_, header)| header)) }.boxed()
    }

    fn raw_header(
        &self,
        hash: BlockHash,
    ) -> BoxFuture<'_, Result<Option<[u8; Header::LEN]>, SourceError>> {
        let found = self.http.patiently(move || self.try_raw_header(hash));
        async { Ok(found.await?.map(|(raw, _)| raw)) }.boxed()
    }

    fn is_waiting(&self, txid: Txid) -> BoxFuture<'_, Result<bool, SourceError>> {
        self.http.patiently(move || self.try_waiting(txid)).boxed()
    }

    fn transaction(
        &self,
        txid: Txid,
    ) -> BoxFuture<'_, Result<Option<IncludedTransaction>, SourceError>> {
        self.http.patiently(move || self.try_transaction(txid)).boxed()
    }
}

#[derive(Deserialize)]
struct ChainInfo {
    chain: String,
    blocks: u32,
    bestblockhash: BlockHash,
    initialblockdownload: bool,
}

/// Where a block stands.
#[derive(Deserialize)]
struct Standing {
    confirmations: i64,
}

impl Standing {
    /// −1 is a block beside the active chain; the tip has 1.
    fn is_active(&self) -> bool {
        self.confirmations > 0
    }
}

/// A transaction; the decimal amounts in the answer are for people.
#[derive(Deserialize)]
struct Mined<'a> {
    hex: &'a str,
    blockhash: Option<BlockHash>,
}

fn chain_name(network: Network) -> &'static str {
    match network {
        Network::Main => "main",
        Network::Test => "test",
        Network::Reg => "regtest",
    }
}

fn request(id: u32, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "1.0", "id": id, "method": method, "params": params })
}

/// `None` for what the node does not know.
fn known(outcome: Result<&RawValue, RpcError>) -> Result<Option<&RawValue>, SourceError> {
    match outcome {
        Ok(result) => Ok(Some(result)),
        // Without its index a node knows no transaction, and cannot say that there is none.
        Err(error) if error.code == RpcCode::NotFound && error.message.contains("index") => {
            Err(error.into())
        }
        Err(RpcError { code: RpcCode::NotFound, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn parsed<'a, T: Deserialize<'a>>(result: &'a RawValue) -> Result<T, SourceError> {
    serde_json::from_str(result.get()).map_err(wrong)
}

/// Bytes in hexadecimal.
fn bytes(result: &RawValue) -> Result<Vec<u8>, SourceError> {
    hex::decode(parsed::<&str>(result)?).map_err(wrong)
}
