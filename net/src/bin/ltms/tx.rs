//! `ltms tx`: raw transactions.

use std::fmt;

use clap::Subcommand;
use ltms_core::burn::BurnScript;
use ltms_core::chain::{Input, Output, Transaction};
use ltms_core::{Amount, Network, OutPoint, PublicKey, Txhash, Txid};
use ltms_net::wallet::{Address, KeyHash};
use serde::Serialize;

use crate::args::{self, Chain};
use crate::failure::Failure;
use crate::output::Format;
use crate::script::Burn;

/// Bytes of the largest transaction of the chain (lotusd, `consensus.h`).
const MAX_LEN: usize = 1_000_000;

#[derive(Debug, Subcommand)]
pub(crate) enum TxCommand {
    /// Show what a raw transaction spends, pays and burns
    Decode {
        /// The transaction in hexadecimal; `-` reads it from standard input
        transaction: String,
        /// The chain whose addresses are shown
        #[arg(long, value_enum, default_value = "main")]
        network: Chain,
        #[command(flatten)]
        format: Format,
    },
}

pub(crate) fn run(command: TxCommand) -> Result<(), Failure> {
    let TxCommand::Decode { transaction, network, format } = command;
    let raw = args::bytes(&transaction, MAX_LEN)?;
    let transaction = Transaction::parse(&raw)
        .map_err(|error| Failure::failed(format_args!("no transaction: {error}")))?;
    format.print(&Decoded::new(&transaction, network.into()))
}

#[derive(Serialize)]
struct Decoded {
    txid: Txid,
    txhash: Txhash,
    size: usize,
    version: i32,
    lock_time: u32,
    coinbase: bool,
    inputs: Vec<DecodedInput>,
    outputs: Vec<DecodedOutput>,
}

#[derive(Serialize)]
struct DecodedInput {
    txid: Txid,
    vout: u32,
    sequence: u32,
    script: String,
    /// Whose key signed, where that can be seen.
    address: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct DecodedOutput {
    vout: u32,
    value_sats: u64,
    script: String,
    address: Option<String>,
    burn: Option<Burn>,
    /// Why an output that is meant as a burn is none.
    burn_error: Option<String>,
}

impl Decoded {
    fn new(transaction: &Transaction<'_>, network: Network) -> Self {
        let txid = transaction.txid();
        let outputs = (0..).zip(transaction.outputs());
        Self {
            txid,
            txhash: transaction.txhash(),
            size: transaction.len(),
            version: transaction.version(),
            lock_time: transaction.lock_time(),
            coinbase: transaction.is_coinbase(),
            inputs: transaction.inputs().map(|input| DecodedInput::new(&input, network)).collect(),
            outputs: outputs
                .map(|(vout, output)| DecodedOutput::new(OutPoint { txid, vout }, &output, network))
                .collect(),
        }
    }
}

impl DecodedInput {
    fn new(input: &Input<'_>, network: Network) -> Self {
        Self {
            txid: input.previous.txid,
            vout: input.previous.vout,
            sequence: input.sequence,
            script: hex::encode(input.script),
            address: signer(input.script).map(|key| Address::of_key(network, &key).to_string()),
        }
    }
}

/// The key in a script that unlocks an ordinary output: `push(signature) push(key)`.
fn signer(script: &[u8]) -> Option<PublicKey> {
    let (len, rest) = script.split_first().filter(|(len, _)| (9..=73).contains(*len))?;
    let (_, key) = rest.split_at_checked(usize::from(*len))?;
    let key: [u8; 33] = key.strip_prefix(&[33])?.try_into().ok()?;
    matches!(key[0], 2 | 3).then(|| PublicKey::from_bytes(key))
}

impl DecodedOutput {
    pub(crate) fn new(outpoint: OutPoint, output: &Output<'_>, network: Network) -> Self {
        let script = output.script;
        let address = || Address { network, script: script.to_vec() }.to_string();
        let (mut burn, mut burn_error) = (None, None);
        match BurnScript::parse(script) {
            Ok(read) => {
                let mut read = Burn::from(read);
                read.identity = read.identity.or_else(|| outpoint.identity_id().ok());
                burn = Some(read);
            }
            Err(error) if error.older_sdk_reads() || script.starts_with(b"\x6a\x04LTMS") => {
                burn_error = Some(error.to_string());
            }
            Err(_) => {}
        }
        Self {
            vout: outpoint.vout,
            value_sats: output.value.sats(),
            script: hex::encode(script),
            address: KeyHash::from_script(script).map(|_| address()),
            burn,
            burn_error,
        }
    }
}

impl fmt::Display for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "txid       {}", self.txid)?;
        writeln!(f, "txhash     {}", self.txhash)?;
        writeln!(f, "size       {} bytes", self.size)?;
        writeln!(f, "version    {}", self.version)?;
        writeln!(f, "lock time  {}", self.lock_time)?;
        for (index, input) in self.inputs.iter().enumerate() {
            let spent = OutPoint { txid: input.txid, vout: input.vout };
            let from = if self.coinbase { "new money".to_owned() } else { spent.to_string() };
            writeln!(f, "\ninput {index}    {from}")?;
            if let Some(address) = &input.address {
                writeln!(f, "signed by  {address}")?;
            }
            if input.sequence != u32::MAX {
                writeln!(f, "sequence   {}", input.sequence)?;
            }
        }
        self.outputs.iter().try_for_each(|output| write!(f, "\n{output}"))
    }
}

impl fmt::Display for DecodedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "output {}   {}", self.vout, Amount::from_sats(self.value_sats))?;
        if let Some(address) = &self.address {
            return writeln!(f, "pays       {address}");
        }
        writeln!(f, "script     {}", self.script)?;
        if let Some(burn) = &self.burn {
            write!(f, "{burn}")?;
        }
        if let Some(error) = &self.burn_error {
            writeln!(f, "no burn    {error}")?;
        }
        Ok(())
    }
}
