//! A Chronik indexer, asked over HTTP.

mod block;
mod proto;

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use ltms_core::chain::{Header, Transaction};
use ltms_core::{BlockHash, BlockHeight, EvidenceClass, Network, Tip, Txid};
use prost::Message;

use super::check::{self, wrong};
use super::http::{EndpointError, Http, HttpOptions, printable};
use super::{ChainSource, IncludedTransaction, SourceError};
use block::{Block, MAX_TX_MESSAGE, decode_tx, put_transaction};

/// A block of 32 MB, with the spent scripts.
const MAX_BLOCK_ANSWER: usize = 64 << 20;
/// Everything without a transaction in it.
const MAX_ANSWER: usize = 1 << 20;
const PROTOBUF: &str = "application/x-protobuf";

/// A Chronik for Lotus (the stand-alone one, which speaks to lotusd).
///
/// Headers, ids, work and branches are recomputed from whole blocks, so that it can hide a
/// transaction but not invent one. Which chain is the active one it must be believed: several
/// sources in a [`super::Quorum`] need not be. The Chronik inside eCash nodes gives no raw headers,
/// so that only [`Chronik::raw_transaction`] and [`Chronik::broadcast`] work with it.
#[derive(Debug)]
pub struct Chronik {
    http: Http,
    network: Network,
}

/// An answer, where there is one.
enum Found {
    Body(Vec<u8>),
    /// It does not know what was asked for.
    Nothing,
    /// It does not take what was sent to it, and says why.
    Rejected(String),
}

impl Chronik {
    /// A client for the Chronik at `url`, of the form `https://chronik.example`.
    ///
    /// # Errors
    /// [`EndpointError`]. Nothing is sent yet.
    pub fn new(url: &str, network: Network, options: HttpOptions) -> Result<Self, EndpointError> {
        Ok(Self { http: Http::new(url, options)?, network })
    }

    /// The raw bytes of a transaction, in a block or not; `None` if it is unknown.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn raw_transaction(&self, txid: Txid) -> Result<Option<Vec<u8>>, SourceError> {
        self.http.patiently(|| self.try_raw_transaction(txid)).await
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
        self.http.patiently(|| self.try_broadcast(raw, txid)).await
    }

    async fn try_tip(&self) -> Result<Tip, SourceError> {
        let Some(body) = self.get("/blockchain-info", MAX_ANSWER).await? else {
            return Err(wrong("it knows no chain"));
        };
        let info = proto::BlockchainInfo::decode(body.as_slice()).map_err(wrong)?;
        let hash = BlockHash::from_bytes(hash(&info.tip_hash)?);
        // A reorganisation may come in between.
        let (_, header) = self.try_raw_header(hash).await?.ok_or_else(|| {
            SourceError::Unavailable(format!("the tip {hash} is no longer there"))
        })?;
        let height = BlockHeight::new(u32::try_from(info.tip_height).map_err(wrong)?);
        if header.height() != height {
            return Err(wrong(format!("block {hash} is not at height {}", height.get())));
        }
        Ok(Tip { height, hash })
    }

    async fn try_raw_header(
        &self,
        hash: BlockHash,
    ) -> Result<Option<([u8; Header::LEN], Header)>, SourceError> {
        let Some(body) = self.get(&format!("/block/{hash}"), MAX_BLOCK_ANSWER).await? else {
            return Ok(None);
        };
        let raw = Block::decode(&body)?.header();
        let header = check::header(raw, &hash, self.network)?;
        let raw = raw.try_into().map_err(|_| wrong("the header has another length"))?;
        Ok(Some((raw, header)))
    }

    /// Whether the transaction is known and in no block.
    async fn try_waiting(&self, txid: Txid) -> Result<bool, SourceError> {
        let body = self.get(&format!("/tx/{txid}"), MAX_TX_MESSAGE).await?;
        body.map_or(Ok(false), |body| Ok(decode_tx(&body)?.block.is_none()))
    }

    async fn try_transaction(
        &self,
        txid: Txid,
    ) -> Result<Option<IncludedTransaction>, SourceError> {
        let Some(body) = self.get(&format!("/tx/{txid}"), MAX_TX_MESSAGE).await? else {
            return Ok(None);
        };
        let tx = decode_tx(&body)?;
        let mut raw = Vec::new();
        put_transaction(&mut raw, &tx)?;
        check::transaction(&raw, &txid)?;
        let Some(mined) = tx.block else { return Ok(None) };

        let name = BlockHash::from_bytes(hash(&mined.hash)?);
        let Some(body) = self.get(&format!("/block/{name}"), MAX_BLOCK_ANSWER).await? else {
            return Err(SourceError::Unavailable(format!("block {name} is no longer there")));
        };
        let network = self.network;
        check::aside(move || {
            let raw = Block::decode(&body)?.to_raw()?;
            check::included(&check::block(&raw, &name, network)?, &txid).map(Some)
        })
        .await
    }

    async fn try_raw_transaction(&self, txid: Txid) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(body) = self.get(&format!("/raw-tx/{txid}"), MAX_TX_MESSAGE).await? else {
            return Ok(None);
        };
        if check::transaction(&body, &txid).is_ok() {
            return Ok(Some(body));
        }
        let proto::RawTx { raw_tx } =
            proto::RawTx::decode(body.as_slice()).map_err(|_| wrong("no transaction"))?;
        check::transaction(&raw_tx, &txid)?;
        Ok(Some(raw_tx))
    }

    async fn try_broadcast(&self, raw: &[u8], txid: Txid) -> Result<Txid, SourceError> {
        let message = proto::BroadcastTxRequest { raw_tx: raw.to_vec() }.encode_to_vec();
        let request = self
            .http
            .request("/broadcast-tx")
            .method("POST")
            .header(header::CONTENT_TYPE, PROTOBUF)
            .body(Full::new(Bytes::from(message)))
            .map_err(|error| SourceError::Unsupported(error.to_string()))?;
        match self.exchange(request, MAX_ANSWER).await? {
            Found::Body(body) => {
                let sent = proto::BroadcastTxResponse::decode(body.as_slice()).map_err(wrong)?;
                if sent.txid != txid.as_bytes() {
                    return Err(wrong("another transaction was sent"));
                }
                Ok(txid)
            }
            Found::Rejected(message) if is_known_already(&message) => Ok(txid),
            Found::Rejected(message) => Err(SourceError::Rejected(message)),
            Found::Nothing => Err(wrong("it knows no way to send")),
        }
    }

    async fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let request = self
            .http
            .request(path)
            .body(Full::default())
            .map_err(|error| SourceError::Unsupported(error.to_string()))?;
        match self.exchange(request, limit).await? {
            Found::Body(body) => Ok(Some(body)),
            Found::Nothing => Ok(None),
            Found::Rejected(message) => Err(wrong(message)),
        }
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Found, SourceError> {
        let answer = self.http.send(request, limit).await?;
        let status = answer.status;
        if status == StatusCode::OK {
            return Ok(Found::Body(answer.body));
        }
        // A web server on the way has 404s of its own, which say nothing about the chain.
        let said = proto::Error::decode(answer.body.as_slice())
            .ok()
            .filter(|error| !error.msg.is_empty())
            .map(|error| printable(&format!("{} {}", error.error_code, error.msg)));
        match (status, said) {
            (StatusCode::NOT_FOUND, Some(_)) => Ok(Found::Nothing),
            (StatusCode::BAD_REQUEST, Some(message)) => Ok(Found::Rejected(message)),
            (StatusCode::UNAUTHORIZED, _) => Err(SourceError::Refused(format!("HTTP {status}"))),
            _ if status.is_server_error() => {
                Err(SourceError::Unavailable(format!("HTTP {status}")))
            }
            (_, said) => Err(wrong(format!("HTTP {status} {}", said.unwrap_or_default()))),
        }
    }
}

impl ChainSource for Chronik {
    fn class(&self) -> EvidenceClass {
        EvidenceClass::Indexer
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

fn hash(bytes: &[u8]) -> Result<[u8; 32], SourceError> {
    bytes.try_into().map_err(|_| wrong("a hash is not 32 bytes"))
}

/// How lotusd's refusal reads where there is nothing left to do.
fn is_known_already(message: &str) -> bool {
    ["txn-already-in-mempool", "txn-already-known", "already in block chain"]
        .iter()
        .any(|known| message.contains(known))
}
