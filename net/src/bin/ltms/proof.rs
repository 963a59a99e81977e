//! `ltms proof`: that a transaction is in the chain.

use std::{fmt, fs::File, io::Read, path::PathBuf};

use clap::Subcommand;
use ltms_core::chain::{Anchor, InclusionProof, TxOutProof};
use ltms_core::{BlockHash, EvidenceClass, OutPoint, Txid};
use ltms_net::chain::{AnchorAt, prove};
use serde::Serialize;

use crate::args::{self, Chain};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::source::SourceArgs;
use crate::tx::DecodedOutput;

/// Bytes of the longest proof: a transaction of 1,000,000 and two weeks of links.
const MAX_LEN: usize = 2_000_000;

#[derive(Debug, Subcommand)]
pub(crate) enum ProofCommand {
    /// Ask the chain for a proof that leads from an output to a later block
    Make(MakeArgs),
    /// Check a proof without asking anybody
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct MakeArgs {
    /// The transaction
    #[arg(long, value_name = "TXID")]
    txid: Txid,
    /// The index of the output
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    vout: u32,
    /// Lead to this block, which whoever verifies it trusts
    #[arg(long, value_name = "HASH:HEIGHT", value_parser = args::anchor)]
    anchor: Option<Anchor>,
    /// Lead to the block so many blocks below the tip; 0 is the tip
    #[arg(long, value_name = "N", conflicts_with = "anchor", required_unless_present = "anchor")]
    anchor_depth: Option<u32>,
    /// Write the proof to this new file, in hexadecimal
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The proof in hexadecimal, or a file with it; `-` reads standard input
    #[arg(
        required_unless_present = "txoutproof",
        conflicts_with = "txoutproof",
        requires = "outpoint",
        requires = "anchor"
    )]
    proof: Option<String>,
    /// The output that it is to be a proof of
    #[arg(long, value_name = "TXID:INDEX", value_parser = args::outpoint)]
    outpoint: Option<OutPoint>,
    /// The block that you trust. Never take it from whoever brings the proof
    #[arg(long, value_name = "HASH:HEIGHT", value_parser = args::anchor)]
    anchor: Option<Anchor>,
    /// The chain whose addresses are shown
    #[arg(long, value_enum, default_value = "main")]
    network: Chain,
    /// Check what lotusd's gettxoutproof gave instead; `-` reads it from standard input
    #[arg(long, value_name = "HEX", requires_all = ["txid", "block"],
        conflicts_with_all = ["outpoint", "anchor"])]
    txoutproof: Option<String>,
    /// The transaction that it is to be a proof of
    #[arg(long, value_name = "TXID", requires = "txoutproof")]
    txid: Option<Txid>,
    /// The block that you trust
    #[arg(long, value_name = "HASH", requires = "txoutproof")]
    block: Option<BlockHash>,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: ProofCommand) -> Result<(), Failure> {
    match command {
        ProofCommand::Make(args) => make(args).await,
        ProofCommand::Verify(VerifyArgs {
            proof: Some(proof),
            outpoint: Some(outpoint),
            anchor: Some(anchor),
            network,
            format,
            ..
        }) => verify(&proof, &outpoint, &anchor, network, format),
        ProofCommand::Verify(VerifyArgs {
            txoutproof: Some(proof),
            txid: Some(txid),
            block: Some(block),
            format,
            ..
        }) => verify_txoutproof(&proof, &txid, &block, format),
        ProofCommand::Verify(_) => Err(Failure::usage(
            "a proof needs --outpoint and --anchor, a --txoutproof --txid and --block",
        )),
    }
}

/// A proof that was made.
#[derive(Serialize)]
struct Made {
    txid: Txid,
    vout: u32,
    block: BlockHash,
    height: u32,
    anchor_hash: BlockHash,
    anchor_height: u32,
    depth: u32,
    size: usize,
    proof: String,
    out: Option<PathBuf>,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "output     {}:{}", self.txid, self.vout)?;
        writeln!(f, "block      {} at height {}", self.block, self.height)?;
        writeln!(f, "anchor     {}:{}", self.anchor_hash, self.anchor_height)?;
        writeln!(f, "depth      {} blocks", self.depth)?;
        writeln!(f, "size       {} bytes", self.size)?;
        match &self.out {
            Some(path) => writeln!(f, "proof      written to {}", path.display()),
            None => writeln!(f, "proof      {}", self.proof),
        }
    }
}

async fn make(args: MakeArgs) -> Result<(), Failure> {
    let MakeArgs { txid, vout, anchor, anchor_depth, out, format, source } = args;
    let chain = source.open()?.chain;
    let at = match anchor {
        Some(anchor) => AnchorAt::Block(anchor),
        None => AnchorAt::Depth(anchor_depth.unwrap_or_default()),
    };
    let made = prove(&*chain, &OutPoint { txid, vout }, at).await.map_err(Failure::failed)?;
    let proof = hex::encode(&made.proof);
    if let Some(path) = &out {
        output::save(path, &proof)?;
    }
    let height = made.height.get();
    format.print(&Made {
        txid,
        vout,
        block: made.block,
        height,
        anchor_hash: made.anchor.hash,
        anchor_height: made.anchor.height.get(),
        depth: made.anchor.height.get().saturating_sub(height),
        size: made.proof.len(),
        proof,
        out,
    })
}

/// What a proof proves.
#[derive(Serialize)]
struct Verified {
    txid: Txid,
    block: BlockHash,
    height: u32,
    position: u32,
    /// Blocks from that one to the anchor.
    depth: u32,
    evidence: EvidenceClass,
    output: DecodedOutput,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "proved     {}", self.txid)?;
        writeln!(f, "block      {} at height {}", self.block, self.height)?;
        writeln!(f, "position   {}", self.position)?;
        writeln!(f, "depth      {} blocks below the anchor", self.depth)?;
        write!(f, "\n{}", self.output)
    }
}

fn verify(
    proof: &str,
    outpoint: &OutPoint,
    anchor: &Anchor,
    network: Chain,
    format: Format,
) -> Result<(), Failure> {
    let bytes = args::bytes(&text_of(proof)?, MAX_LEN)?;
    let failed = |error| Failure::failed(format_args!("nothing is proved: {error}"));
    let proof = InclusionProof::parse(&bytes).map_err(failed)?;
    let proved = proof.verify(outpoint, anchor).map_err(failed)?;
    format.print(&Verified {
        txid: proved.txid,
        block: proved.header.hash(),
        height: proved.header.height().get(),
        position: proved.position,
        depth: proved.depth,
        evidence: proved.class,
        output: DecodedOutput::new(*outpoint, &proved.output, network.into()),
    })
}

/// The argument itself if it is hexadecimal or `-`, and otherwise what is in the file of that name.
fn text_of(argument: &str) -> Result<String, Failure> {
    if argument == "-" || argument.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(argument.to_owned());
    }
    let failed = |error| {
        Failure::failed(format_args!(
            "neither hexadecimal nor a readable file: {argument}: {error}"
        ))
    };
    let mut text = String::new();
    // Two digits a byte and a line end.
    let file = File::open(argument).map_err(failed)?;
    file.take(2 * MAX_LEN as u64 + 2).read_to_string(&mut text).map_err(failed)?;
    Ok(text.trim().to_owned())
}

/// What lotusd's proof proves.
#[derive(Serialize)]
struct Included {
    txid: Txid,
    block: BlockHash,
    height: u32,
    position: u32,
}

impl fmt::Display for Included {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "proved     {}", self.txid)?;
        writeln!(f, "block      {} at height {}", self.block, self.height)?;
        writeln!(f, "position   {}", self.position)
    }
}

fn verify_txoutproof(
    proof: &str,
    txid: &Txid,
    block: &BlockHash,
    format: Format,
) -> Result<(), Failure> {
    let bytes = args::bytes(proof, MAX_LEN)?;
    let failed = |error| Failure::failed(format_args!("nothing is proved: {error}"));
    let proof = TxOutProof::parse(&bytes).map_err(failed)?;
    let position = proof.verify(txid).map_err(failed)?;
    let (found, height) = (proof.header().hash(), proof.header().height().get());
    if found != *block {
        return Err(Failure::failed(format_args!("nothing is proved: it is of block {found}")));
    }
    format.print(&Included { txid: *txid, block: found, height, position })
}
