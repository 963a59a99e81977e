//! `ltms identity`: keys of identities, and the burns that pay for them.

use std::{fmt, path::PathBuf};

use clap::Subcommand;
use ltms_core::burn::{BurnScript, Purpose};
use ltms_core::schnorr::SecretKey;
use ltms_core::{Amount, IdentityId, Network, OutPoint, Policy, PublicKey, Txid};
use ltms_net::wallet::{Address, Burning, Coin, FeeRate, KeyHash, SignedTransaction};
use serde::Serialize;

use crate::args::{self, BurnPurpose, Chain};
use crate::failure::Failure;
use crate::output::Format;
use crate::{claim, keys, watch};

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Make a key and keep it in a new file that only you can read
    New {
        /// The file to make
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// The chain whose address is shown
        #[arg(long, value_enum, default_value = "main")]
        network: Chain,
        #[command(flatten)]
        format: Format,
    },
    /// Show the public key and the address of a key
    Show {
        /// The file with the secret key; `-` reads it from standard input
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// The chain whose address is shown
        #[arg(long, value_enum, default_value = "main")]
        network: Chain,
        #[command(flatten)]
        format: Format,
    },
    /// Make and sign a burn, without sending it
    Burn(BurnArgs),
    /// Wait until a burn lies deep enough in the chain
    Watch(watch::WatchArgs),
    /// Claim a burn that registers an identity: judge it, and hand it to peers
    Register(claim::RegisterArgs),
    /// Claim a burn that gives an identity another key: judge it, and hand it to peers
    Rotate(claim::RotateArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BurnArgs {
    /// The file with the secret key that owns the coins; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// A coin to spend; may be repeated, and all are spent
    #[arg(long = "utxo", value_name = "TXID:INDEX:XPI", required = true, value_parser = args::coin)]
    coins: Vec<(OutPoint, Amount)>,
    /// What to burn, in XPI
    #[arg(long, value_name = "XPI", value_parser = args::xpi)]
    amount: Amount,
    /// What the burn is for
    #[arg(long, value_enum, default_value_t = BurnPurpose::Registration)]
    purpose: BurnPurpose,
    /// Whose burn it is; for every purpose but a registration
    #[arg(long, value_name = "ID")]
    identity: Option<IdentityId>,
    /// The new key of a rotation or the added key
    #[arg(long, value_name = "KEY", value_parser = args::public_key)]
    new_key: Option<PublicKey>,
    /// When it was made, in milliseconds since 1970; nothing depends on it
    #[arg(long, value_name = "MS")]
    timestamp: Option<u64>,
    /// Where what is left goes [default: the address of the key]
    #[arg(long, value_name = "ADDRESS")]
    change: Option<Address>,
    /// Satoshis for each 1000 bytes, from 1000 to 10000000
    #[arg(long, value_name = "SATS", default_value = "1000")]
    fee_rate: FeeRate,
    /// What nodes mix into signatures: 0, or 0xffdead from when your node's version names on
    /// (2026-12-24T01:03:00Z for lotusd 11.4)
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = args::fork_value)]
    fork_value: u32,
    /// The chain whose addresses are meant
    #[arg(long, value_enum, default_value = "main")]
    network: Chain,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: IdentityCommand) -> Result<(), Failure> {
    match command {
        IdentityCommand::New { key_file, network, format } => {
            format.print(&Key::new(&keys::create(&key_file)?, network.into()))
        }
        IdentityCommand::Show { key_file, network, format } => {
            format.print(&Key::new(&keys::read(&key_file)?, network.into()))
        }
        IdentityCommand::Burn(args) => burn(args),
        IdentityCommand::Watch(args) => watch::run(args).await,
        IdentityCommand::Register(args) => claim::register(args).await,
        IdentityCommand::Rotate(args) => claim::rotate(args).await,
    }
}

/// The public side of a key.
#[derive(Serialize)]
struct Key {
    public_key: PublicKey,
    address: String,
}

impl Key {
    fn new(key: &SecretKey, network: Network) -> Self {
        let public_key = key.public_key();
        Self { public_key, address: Address::of_key(network, &public_key).to_string() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "public key {}", self.public_key)?;
        writeln!(f, "address    {}", self.address)
    }
}

fn burn(args: BurnArgs) -> Result<(), Failure> {
    let purpose = args.purpose.with(args.identity)?;
    check_amount(args.amount, args.purpose, purpose.map(|(purpose, _)| purpose))?;
    check_new_key(&args)?;
    let change = args.change.map(|address| key_hash(&address, args.network.into())).transpose()?;

    let key = keys::read(&args.key_file)?;
    let own = KeyHash::of(&key.public_key());
    let coin = |(outpoint, value)| Coin { outpoint, value, script: own.script().to_vec() };
    let coins: Vec<_> = args.coins.into_iter().map(coin).collect();
    let public_key = args.new_key.unwrap_or_else(|| key.public_key());
    let script = BurnScript { public_key, timestamp_ms: args.timestamp, purpose };
    let burning = Burning {
        coins: &coins,
        burns: &[(args.amount, script)],
        change: change.unwrap_or(own),
        fee_rate: args.fee_rate,
        fork_value: args.fork_value,
    };
    let signed = burning.sign(&key).map_err(Failure::failed)?;
    let new = OutPoint { txid: signed.txid, vout: 0 }.identity_id().map_err(Failure::failed)?;
    let identity = purpose.map_or(new, |(_, identity)| identity);
    args.format.print(&Burned::new(signed, args.amount, args.purpose, public_key, identity))
}

/// Refuses to burn less than what is bought costs. Nodes may ask for more.
fn check_amount(
    amount: Amount,
    name: BurnPurpose,
    purpose: Option<Purpose>,
) -> Result<(), Failure> {
    let burns = &Policy::LOTUS_V1.burns;
    let price = purpose.map_or(burns.registration, |purpose| purpose.price(burns));
    if amount < price {
        let name = name.name();
        return Err(Failure::usage(format_args!(
            "{amount} would be lost: --purpose {name} costs {price}"
        )));
    }
    if purpose.is_some_and(|purpose| !purpose.is_charged(burns)) {
        eprintln!("ltms: note: nodes do not charge for {} unless told to", name.name());
    }
    Ok(())
}

/// A new key is named where one is bought, and only there.
fn check_new_key(args: &BurnArgs) -> Result<(), Failure> {
    let name = args.purpose.name();
    let wanted = matches!(args.purpose, BurnPurpose::Rotation | BurnPurpose::AdditionalKey);
    match (wanted, args.new_key) {
        (true, None) => {
            Err(Failure::usage(format_args!("--purpose {name} needs the key: add --new-key KEY")))
        }
        (false, Some(_)) => {
            Err(Failure::usage(format_args!("--purpose {name} takes no --new-key: leave it out")))
        }
        _ => Ok(()),
    }
}

/// The key that owns an address of this network.
fn key_hash(address: &Address, network: Network) -> Result<KeyHash, Failure> {
    if address.network != network {
        return Err(Failure::usage(format_args!(
            "the address for --change is of network {}: name it with --network",
            address.network.name()
        )));
    }
    KeyHash::from_script(&address.script)
        .ok_or_else(|| Failure::usage("the address for --change must be that of a key"))
}

/// A burn to be sent.
#[derive(Serialize)]
struct Burned {
    raw: String,
    txid: Txid,
    size: usize,
    purpose: BurnPurpose,
    public_key: PublicKey,
    identity: IdentityId,
    burned_sats: u64,
    fee_sats: u64,
    change_sats: Option<u64>,
}

impl Burned {
    fn new(
        signed: SignedTransaction,
        burned: Amount,
        purpose: BurnPurpose,
        public_key: PublicKey,
        identity: IdentityId,
    ) -> Self {
        Self {
            raw: hex::encode(&signed.raw),
            txid: signed.txid,
            size: signed.raw.len(),
            purpose,
            public_key,
            identity,
            burned_sats: burned.sats(),
            fee_sats: signed.fee.sats(),
            change_sats: signed.change.map(Amount::sats),
        }
    }
}

impl fmt::Display for Burned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "purpose    {}", self.purpose.name())?;
        writeln!(f, "public key {}", self.public_key)?;
        writeln!(f, "identity   {}", self.identity)?;
        writeln!(f, "burned     {}", Amount::from_sats(self.burned_sats))?;
        writeln!(f, "fee        {}", Amount::from_sats(self.fee_sats))?;
        match self.change_sats {
            Some(sats) => writeln!(f, "change     {}", Amount::from_sats(sats))?,
            None => writeln!(f, "change     none: what was left is part of the fee")?,
        }
        writeln!(f, "size       {} bytes", self.size)?;
        writeln!(f, "txid       {}", self.txid)?;
        writeln!(f, "raw        {}", self.raw)
    }
}
