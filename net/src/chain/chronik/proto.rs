//! The messages of Chronik, as far as they are the same in the NNG Chronik of Lotus and in the
//! one inside eCash nodes. Hashes are in the order in which they are hashed.

/// `GET /blockchain-info`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BlockchainInfo {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) tip_hash: Vec<u8>,
    #[prost(int32, tag = "2")]
    pub(super) tip_height: i32,
}

/// `GET /tx/:txid`, and the transactions of a block.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tx {
    #[prost(int32, tag = "2")]
    pub(super) version: i32,
    #[prost(message, repeated, tag = "3")]
    pub(super) inputs: Vec<TxInput>,
    #[prost(message, repeated, tag = "4")]
    pub(super) outputs: Vec<TxOutput>,
    #[prost(uint32, tag = "5")]
    pub(super) lock_time: u32,
    #[prost(message, optional, tag = "8")]
    pub(super) block: Option<BlockMetadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TxInput {
    #[prost(message, optional, tag = "1")]
    pub(super) prev_out: Option<OutPoint>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) input_script: Vec<u8>,
    #[prost(uint32, tag = "5")]
    pub(super) sequence_no: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OutPoint {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) txid: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(super) out_idx: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TxOutput {
    #[prost(int64, tag = "1")]
    pub(super) value: i64,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) output_script: Vec<u8>,
}

/// The block that a transaction is in.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BlockMetadata {
    #[prost(bytes = "vec", tag = "2")]
    pub(super) hash: Vec<u8>,
}

/// `GET /raw-tx/:txid` inside eCash nodes; the NNG Chronik answers with the bytes alone.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RawTx {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) raw_tx: Vec<u8>,
}

/// `POST /broadcast-tx`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BroadcastTxRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) raw_tx: Vec<u8>,
}

/// Its answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BroadcastTxResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) txid: Vec<u8>,
}

/// The answer with any status but 200.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Error {
    /// Empty inside eCash nodes.
    #[prost(string, tag = "1")]
    pub(super) error_code: String,
    #[prost(string, tag = "2")]
    pub(super) msg: String,
}
