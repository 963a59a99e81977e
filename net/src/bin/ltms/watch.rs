//! `ltms identity watch`: waits until a burn lies deep enough.

use std::{fmt, time::Duration};

use ltms_core::{BlockHash, OutPoint, Policy};
use ltms_net::chain::{Place, SourceError, place};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Format;
use crate::source::SourceArgs;
use crate::{args, claim};

#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// The output that burns
    #[arg(long, value_name = "TXID:INDEX", value_parser = args::outpoint)]
    burn: OutPoint,
    /// End at so many confirmations: from 6 on an identity counts provisionally, from 72 in full
    #[arg(long, value_name = "N", default_value_t = 72,
        value_parser = clap::value_parser!(u32).range(1..))]
    until: u32,
    /// Seconds from one look at the chain to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    every: u64,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    source: SourceArgs,
}

/// What happened to a burn since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// Neither in a block nor on the way to one.
    Unknown,
    /// On the way to its first block.
    Unconfirmed,
    /// In a block.
    Mined,
    /// Deeper than before.
    Deeper,
    /// In another block than before, or less deep.
    Reorganised,
    /// Out of the chain, and on its way to a block again.
    Unmined,
    /// Out of the chain or of the mempool: spent otherwise, or dropped.
    Vanished,
}

/// What a look brought that the one before did not.
fn news(before: Option<Place>, now: Place) -> Option<What> {
    use Place::{Mined, Unknown, Waiting};
    Some(match (before, now) {
        (before, now) if before == Some(now) => return None,
        (
            Some(Mined { block: old, confirmations: before, .. }),
            Mined { block, confirmations, .. },
        ) => {
            let deeper = old == block && confirmations > before;
            if deeper { What::Deeper } else { What::Reorganised }
        }
        (_, Mined { .. }) => What::Mined,
        (Some(Mined { .. }), Waiting) => What::Unmined,
        (_, Waiting) => What::Unconfirmed,
        (None, Unknown) => What::Unknown,
        (_, Unknown) => What::Vanished,
    })
}

/// A line of the watch.
#[derive(Debug, Serialize)]
struct Progress {
    event: What,
    burn: String,
    tip: u32,
    block: Option<BlockHash>,
    height: Option<u32>,
    confirmations: u32,
    /// What these are enough for.
    standing: &'static str,
    until: u32,
}

impl Progress {
    fn new(event: What, burn: OutPoint, until: u32, tip: u32, place: Place) -> Self {
        let (block, height, confirmations) = match place {
            Place::Mined { block, height, confirmations } => {
                (Some(block), Some(height.get()), confirmations)
            }
            _ => (None, None, 0),
        };
        let burn = burn.to_string();
        let standing = claim::standing(confirmations, &Policy::LOTUS_V1);
        Self { event, burn, tip, block, height, confirmations, standing, until }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |f: &mut fmt::Formatter<'_>| match (self.block, self.height) {
            (Some(block), Some(height)) => write!(f, "block {block} at height {height}"),
            _ => Ok(()),
        };
        match self.event {
            What::Unknown => {
                return f.write_str("unknown: in no block, and not on its way to one either");
            }
            What::Unconfirmed => return f.write_str("unconfirmed: waits for its first block"),
            What::Unmined => {
                return f.write_str("reorganised: its block left the chain, and it waits again");
            }
            What::Vanished => {
                return f.write_str("vanished: spent otherwise or dropped; it may never come back");
            }
            What::Mined => f.write_str("mined: "),
            What::Deeper => f.write_str("confirmed: "),
            What::Reorganised => f.write_str("reorganised: "),
        }?;
        if self.event != What::Deeper {
            place(f)?;
            f.write_str(", ")?;
        }
        write!(f, "{} of {} confirmations: {}", self.confirmations, self.until, self.standing)
    }
}

pub(crate) async fn run(args: WatchArgs) -> Result<(), Failure> {
    let WatchArgs { burn, until, every, format, source } = args;
    let chain = source.open()?.chain;
    let mut before = None;
    loop {
        match place(&*chain, burn.txid).await {
            Ok((tip, now)) => {
                if let Some(event) = news(before, now) {
                    format.print(&Progress::new(event, burn, until, tip.height.get(), now))?;
                }
                before = Some(now);
            }
            // What passes by itself.
            Err(error @ (SourceError::Unavailable(_) | SourceError::Disagreement { .. })) => {
                eprintln!("ltms: {error}");
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(Place::Mined { confirmations, .. }) = before
            && confirmations >= until
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(every)).await;
    }
}

#[cfg(test)]
mod tests {
    use ltms_core::BlockHeight;

    use super::*;

    const fn mined(block: u8, height: u32, confirmations: u32) -> Place {
        let block = BlockHash::from_bytes([block; 32]);
        Place::Mined { block, height: BlockHeight::new(height), confirmations }
    }

    #[test]
    fn what_changed_is_told_by_name() {
        use Place::{Unknown, Waiting};
        for (before, now, expected) in [
            (None, Unknown, Some(What::Unknown)),
            (None, Waiting, Some(What::Unconfirmed)),
            (None, mined(1, 5, 3), Some(What::Mined)),
            (Some(Unknown), Unknown, None),
            (Some(Unknown), Waiting, Some(What::Unconfirmed)),
            (Some(Waiting), Waiting, None),
            (Some(Waiting), mined(1, 5, 1), Some(What::Mined)),
            (Some(Waiting), Unknown, Some(What::Vanished)),
            (Some(mined(1, 5, 1)), mined(1, 5, 1), None),
            (Some(mined(1, 5, 1)), mined(1, 5, 4), Some(What::Deeper)),
            (Some(mined(1, 5, 4)), mined(1, 5, 3), Some(What::Reorganised)),
            (Some(mined(1, 5, 1)), mined(2, 5, 1), Some(What::Reorganised)),
            (Some(mined(1, 5, 1)), mined(2, 4, 3), Some(What::Reorganised)),
            (Some(mined(1, 5, 1)), Waiting, Some(What::Unmined)),
            (Some(mined(1, 5, 1)), Unknown, Some(What::Vanished)),
        ] {
            assert_eq!(news(before, now), expected, "{before:?} {now:?}");
        }
    }
}
