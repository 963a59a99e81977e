//! `ltms identity register` and `rotate`: claims of burns.

use std::{fmt, fs::File, io::Read, path::PathBuf};

use ltms_core::burn::{BurnScript, Tier};
use ltms_core::chain::Transaction;
use ltms_core::schnorr::SecretKey;
use ltms_core::{
    Amount, BlockHash, EvidenceClass, IdentityId, OutPoint, Policy, PublicKey, Reason, size,
};
use ltms_net::chain::{IncludedTransaction, Place, place};
use ltms_net::claim::{registration_envelope, rotation_envelope};
use ltms_net::clock::Clock;
use ltms_net::judge::{Judgement, judge};
use serde::Serialize;

use crate::args;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::peers::{self, Messenger, Target, Verdict};
use crate::source::{Opened, SourceArgs};
use crate::{keys, keys::is_stdin};

/// Who gets a claim.
#[derive(Debug, clap::Args)]
pub(crate) struct HandArgs {
    /// Hand the claim to this peer, with /p2p/PEER at the end; may be repeated
    #[arg(long = "peer", value_name = "MULTIADDR", value_parser = peers::target)]
    peers: Vec<Target>,
    /// Write the claim to this new file, in hexadecimal
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RegisterArgs {
    /// The file with the secret key in the burn; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The output that burns
    #[arg(long, value_name = "TXID:INDEX", value_parser = args::outpoint)]
    burn: OutPoint,
    #[command(flatten)]
    hand: HandArgs,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateArgs {
    /// The file with the identity's current secret key; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The file with the new secret key, which is the one in the burn
    #[arg(long, value_name = "FILE")]
    new_key_file: PathBuf,
    /// The output that burns
    #[arg(long, value_name = "TXID:INDEX", value_parser = args::outpoint)]
    burn: OutPoint,
    /// The number of this rotation; the first is 1
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=size::ROTATIONS))]
    sequence: u64,
    /// The claims so far, one a line: the registration and the rotations as --out wrote them
    /// [default: asked of the peers]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    #[command(flatten)]
    hand: HandArgs,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    source: SourceArgs,
}

pub(crate) async fn register(args: RegisterArgs) -> Result<(), Failure> {
    let opened = args.source.open()?;
    let key = keys::read(&args.key_file)?;
    let burn = Burn::find(&opened, args.burn).await?;
    let claim = registration_envelope(opened.network, &burn.included, burn.vout, &key)
        .map_err(Failure::failed)?;
    let claiming = Claiming { opened, burn, key, sequence: 0, claim, hand: args.hand };
    claiming.finish(&[], None, args.format).await
}

pub(crate) async fn rotate(args: RotateArgs) -> Result<(), Failure> {
    if is_stdin(&args.key_file) && is_stdin(&args.new_key_file) {
        return Err(Failure::usage("only one of the keys can come from standard input"));
    }
    if args.history.is_none() && args.hand.peers.is_empty() {
        return Err(Failure::usage(
            "what the identity did so far is not known: add --history FILE, or --peer MULTIADDR to ask",
        ));
    }
    let opened = args.source.open()?;
    let (old, new) = (keys::read(&args.key_file)?, keys::read(&args.new_key_file)?);
    let history = args.history.as_deref().map(read_history).transpose()?;
    let burn = Burn::find(&opened, args.burn).await?;
    let now = Clock::system().now();
    let claim = rotation_envelope(
        opened.network,
        &burn.included,
        burn.vout,
        (&old, &new),
        args.sequence,
        now,
    );
    let claim = claim.map_err(Failure::failed)?;
    let (history, messenger) = match (history, burn.identity()) {
        (None, Some(identity)) => {
            let messenger = Messenger::start(&opened, &args.hand.peers).await?;
            (messenger.history(identity).await, Some(messenger))
        }
        (history, _) => (history, None),
    };
    let history = history.ok_or_else(|| {
        Failure::failed("no peer knows the identity: register it there, or add --history FILE")
    })?;
    let sequence = args.sequence;
    let claiming = Claiming { opened, burn, key: new, sequence, claim, hand: args.hand };
    claiming.finish(&history, messenger, args.format).await
}

/// Claims in hexadecimal, one a line.
fn read_history(path: &std::path::Path) -> Result<Vec<Vec<u8>>, Failure> {
    let failed = |error: &dyn fmt::Display| {
        Failure::failed(format_args!("cannot read {}: {error}", path.display()))
    };
    // Two digits a byte and a line end.
    let most = (2 * size::ENVELOPE as u64 + 2) * (1 + size::ROTATIONS);
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(most).read_to_string(&mut text).map_err(|error| failed(&error))?;
    text.lines().map(|line| hex::decode(line.trim()).map_err(|error| failed(&error))).collect()
}

/// A burn that is in the chain.
struct Burn {
    included: IncludedTransaction,
    outpoint: OutPoint,
    vout: u8,
    height: u32,
    confirmations: u32,
}

impl Burn {
    async fn find(opened: &Opened, outpoint: OutPoint) -> Result<Self, Failure> {
        let OutPoint { txid, vout } = outpoint;
        let vout = u8::try_from(vout)
            .map_err(|_| Failure::usage("only the outputs 0 to 255 of a transaction can burn"))?;
        let (_, place) = place(&*opened.chain, txid).await?;
        let (height, confirmations) = match place {
            Place::Mined { height, confirmations, .. } => (height.get(), confirmations),
            Place::Waiting => {
                return Err(Failure::failed(format_args!(
                    "transaction {txid} is in no block yet: `ltms identity watch` waits for it"
                )));
            }
            Place::Unknown => {
                return Err(Failure::failed(format_args!("there is no transaction {txid}")));
            }
        };
        let included = opened.chain.transaction(txid).await?;
        let included = included
            .ok_or_else(|| Failure::failed("the chain was reorganised meanwhile: try again"))?;
        Ok(Self { included, outpoint, vout, height, confirmations })
    }

    fn output(&self) -> Option<(Amount, BurnScript)> {
        let transaction = Transaction::parse(&self.included.raw).ok()?;
        let output = transaction.output(self.vout.into())?;
        Some((output.value, BurnScript::parse(output.script).ok()?))
    }

    /// Whose it is.
    fn identity(&self) -> Option<IdentityId> {
        let (_, script) = self.output()?;
        script.purpose.map_or_else(|| self.outpoint.identity_id().ok(), |(_, id)| Some(id))
    }
}

/// A claim that is ready to be judged and handed out.
struct Claiming {
    opened: Opened,
    burn: Burn,
    key: SecretKey,
    sequence: u64,
    claim: Vec<u8>,
    hand: HandArgs,
}

impl Claiming {
    /// Judges the claim, and only then shows it to anybody.
    async fn finish(
        &self,
        history: &[Vec<u8>],
        mut messenger: Option<Messenger>,
        format: Format,
    ) -> Result<(), Failure> {
        let Self { opened, hand, claim, .. } = self;
        let now = Clock::system().now();
        let judged = judge(opened.policy, &*opened.chain, now, history, claim).await;
        let judged = judged.map_err(Failure::failed)?;
        let mut report = self.report(&judged);
        let good = judged.decision.reason == Reason::New;
        if good && let Some(path) = &hand.out {
            output::save(path, &hex::encode(claim))?;
            report.out = Some(path.clone());
        }
        if good && messenger.is_none() && !hand.peers.is_empty() {
            messenger = Some(Messenger::start(opened, &hand.peers).await?);
        }
        if let Some(messenger) = messenger {
            if good {
                report.peers = messenger.hand(claim).await;
            }
            messenger.stop().await;
        }
        if good || format.is_json() {
            format.print(&report)?;
        }
        if !good {
            return Err(refused(judged.decision.reason, report.confirmations, &opened.policy));
        }
        if !report.peers.is_empty() && !report.peers.iter().any(|verdict| verdict.taken) {
            return Err(Failure::failed("no peer took the claim"));
        }
        Ok(())
    }

    fn report(&self, judged: &Judgement) -> Report {
        let Burn { outpoint, height, confirmations, .. } = self.burn;
        Report {
            identity: self.burn.identity(),
            public_key: self.key.public_key(),
            sequence: self.sequence,
            burn: outpoint.to_string(),
            burned_sats: self.burn.output().map_or(0, |(value, _)| value.sats()),
            block: self.burn.included.block,
            height,
            confirmations,
            standing: standing(confirmations, &self.opened.policy),
            tier: judged.tier.map(tier_name),
            total_sats: judged.registered.map(|registered| registered.burned.sats()),
            evidence: self.opened.chain.class(),
            verdict: judged.decision.reason.as_str(),
            out: None,
            peers: Vec::new(),
        }
    }
}

/// What so many confirmations of a registration are enough for.
pub(crate) const fn standing(confirmations: u32, policy: &Policy) -> &'static str {
    match confirmations {
        few if few < policy.burns.provisional => "immature",
        some if some < policy.burns.full => "provisional",
        _ => "full",
    }
}

const fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Basic => "basic",
        Tier::Verified => "verified",
        Tier::Institutional => "institutional",
    }
}

/// Why nobody would take the claim.
fn refused(reason: Reason, confirmations: u32, policy: &Policy) -> Failure {
    let burns = &policy.burns;
    match reason {
        Reason::Immature => Failure::failed(format_args!(
            "refused: immature: {confirmations} confirmations; a registration needs {}, a rotation {}",
            burns.provisional, burns.rotation_depth
        )),
        _ => Failure::failed(format_args!("refused: {reason}")),
    }
}

/// What became of a claim.
#[derive(Serialize)]
struct Report {
    identity: Option<IdentityId>,
    public_key: PublicKey,
    sequence: u64,
    burn: String,
    burned_sats: u64,
    block: BlockHash,
    height: u32,
    confirmations: u32,
    standing: &'static str,
    tier: Option<&'static str>,
    /// All that the identity burned.
    total_sats: Option<u64>,
    evidence: EvidenceClass,
    /// What a Gate of our own says.
    verdict: &'static str,
    out: Option<PathBuf>,
    peers: Vec<Verdict>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(identity) = self.identity {
            writeln!(f, "identity   {identity}")?;
        }
        writeln!(f, "public key {}", self.public_key)?;
        if self.sequence > 0 {
            writeln!(f, "rotation   {}", self.sequence)?;
        }
        writeln!(f, "burned     {}", Amount::from_sats(self.burned_sats))?;
        writeln!(f, "block      {} at height {}", self.block, self.height)?;
        writeln!(f, "depth      {} confirmations: {}", self.confirmations, self.standing)?;
        if let Some(tier) = self.tier {
            writeln!(f, "tier       {tier}")?;
        }
        writeln!(f, "verdict    {}", self.verdict)?;
        if let Some(out) = &self.out {
            writeln!(f, "claim      written to {}", out.display())?;
        }
        if self.out.is_none() && self.peers.is_empty() {
            writeln!(f, "claim      given to nobody: add --peer MULTIADDR or --out FILE")?;
        }
        self.peers.iter().try_for_each(|verdict| write!(f, "{verdict}"))
    }
}
