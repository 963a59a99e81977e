//! `ltms economics`: what burns mean beside the coins that miners make (policy §13).

use std::fmt;

use ltms_core::{Amount, Capacity, Network, Policy, burn::Economy};
use serde::Serialize;

use crate::{
    args::xpi,
    failure::Failure,
    output::Format,
    source::SourceArgs,
    table::{Fit, Table, WIDTH, wrapped},
};

/// Blocks of a day, and what one without difficulty makes: policy §13.
const BLOCKS: u128 = 720;
const REWARD: u128 = 260 * Amount::SATS_PER_XPI as u128;
/// Binary digits behind the point of a logarithm.
const SHIFT: u32 = 32;
/// Decimal digits behind the point of a difficulty.
const DECIMALS: usize = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct EconomicsArgs {
    /// So many identities; may be repeated [default: 100, 1000, 10000]
    #[arg(long, value_name = "COUNT")]
    identities: Vec<u64>,
    /// Coins that exist
    #[arg(long, value_name = "XPI", value_parser = xpi, default_value = "1842071183")]
    supply: Amount,
    /// Coins burned so far
    #[arg(long, value_name = "XPI", value_parser = xpi, default_value = "24752006.72")]
    burned: Amount,
    /// Coins made in a day of November 2025
    #[arg(long, value_name = "XPI", value_parser = xpi, default_value = "1027397")]
    issuance: Amount,
    /// Compare with what is made in a day at this difficulty, such as 1.63, and not at height
    /// 1,292,529; a chain source says the present one
    #[arg(long, value_parser = Difficulty::read)]
    difficulty: Option<Difficulty>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    format: Format,
}

/// How much harder a block is than the easiest, as the logarithm to base 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Difficulty {
    log2: u64,
}

impl Difficulty {
    fn read(text: &str) -> Result<Self, String> {
        let problem = || "a decimal number from 1 on, such as 1.63".to_owned();
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > DECIMALS {
            return Err(problem());
        }
        let number: u64 = format!("{whole}{part:0<DECIMALS$}").parse().map_err(|_| problem())?;
        let one = 10_u64.pow(DECIMALS as u32);
        if number < one {
            return Err(problem());
        }
        Ok(Self { log2: log2(number) - log2(one) })
    }

    /// That of a target in compact form, beside the easiest of the network.
    fn of(bits: u32, network: Network) -> Self {
        let easiest: u32 = match network {
            Network::Main => 0x1c10_0000,
            Network::Test => 0x1d00_ffff,
            // Regtest pays the same for every block.
            Network::Reg => bits,
        };
        let size = |bits: u32| i64::from(bits >> 24) * 8;
        let digits = |bits: u32| log2(u64::from((bits & 0x7f_ffff).max(1))).cast_signed();
        let log2 = ((size(easiest) - size(bits)) << SHIFT) + digits(easiest) - digits(bits);
        Self { log2: u64::try_from(log2).unwrap_or(0) }
    }

    /// 720 × 260 × (1 + log2 difficulty) XPI, rounded down to a satoshi.
    fn daily_issuance(self) -> Amount {
        let share = (1 << SHIFT) + u128::from(self.log2);
        let sats = (BLOCKS * REWARD * share) >> SHIFT;
        Amount::from_sats(u64::try_from(sats).unwrap_or(u64::MAX))
    }
}

/// The logarithm to base 2 with [`SHIFT`] binary digits behind the point, rounded down; of a
/// number that is not 0.
fn log2(number: u64) -> u64 {
    let whole = number.ilog2();
    // From 1 to below 2, with 63 digits behind the point: each squaring brings one digit.
    let mut rest = u128::from(number) << (63 - whole);
    let mut log = u64::from(whole);
    for _ in 0..SHIFT {
        rest = (rest * rest) >> 63;
        log <<= 1;
        if rest >> 64 > 0 {
            rest >>= 1;
            log |= 1;
        }
    }
    log
}

/// A burn and its share of a day, in 1/1,000,000.
#[derive(Serialize)]
struct Price {
    what: String,
    burn: Amount,
    november_2025: Option<u64>,
    compared: Option<u64>,
}

#[derive(Serialize)]
struct Economics {
    supply: Amount,
    burned: Amount,
    november_2025: Amount,
    /// What November 2025 is compared with: its name, and the coins of a day.
    at: String,
    compared: Amount,
    prices: Vec<Price>,
    note: &'static str,
}

/// What the analysis that this policy answers says in its section 2.1.
const NOTE: &str = "The analysis that the policy answers says in one place that 1,000 and 10,000 \
    identities cost 0.97 % and 9.7 % of a day's issuance: five times too little. It is 4.87 % and \
    48.7 %, of 1,027,397 XPI.";

/// # Errors
/// [`Failure`] if a chain source is named and does not answer.
pub(crate) async fn run(args: EconomicsArgs) -> Result<(), Failure> {
    let format = args.format;
    let (mut policy, mut at) = (Policy::LOTUS_V1, "height 1292529".to_owned());
    let mut compared = Economy::HEIGHT_1_292_529.daily_issuance;
    if args.source.is_given() {
        let opened = args.source.open()?;
        policy = opened.policy;
        let tip = opened.chain.tip().await?;
        let header = opened.chain.header(tip.hash).await?;
        let header =
            header.ok_or_else(|| Failure::failed("the source does not know its own tip"))?;
        compared = Difficulty::of(header.bits(), opened.network).daily_issuance();
        at = format!("height {}", tip.height.get());
    }
    if let Some(difficulty) = args.difficulty {
        compared = difficulty.daily_issuance();
        "this difficulty".clone_into(&mut at);
    }
    let economy =
        Economy { supply: args.supply, burned: args.burned, daily_issuance: args.issuance };
    let counts =
        if args.identities.is_empty() { vec![100, 1_000, 10_000] } else { args.identities };
    format.print(&economics(&policy, economy, at, compared, &counts))
}

fn economics(
    policy: &Policy,
    economy: Economy,
    at: String,
    compared: Amount,
    counts: &[u64],
) -> Economics {
    let other = Economy { daily_issuance: compared, ..economy };
    let price = |what: String, burn| Price {
        what,
        burn,
        november_2025: economy.share_of_day(burn),
        compared: other.share_of_day(burn),
    };
    let mut prices: Vec<_> = counts
        .iter()
        .map(|count| price(format!("{count} identities"), Economy::cost(*count, &policy.burns)))
        .collect();
    let certificate = policy.certificate(Capacity::NODE);
    let [basic, verified, institutional] = certificate.displace;
    prices.extend(
        [
            ("a Basic signer out", basic),
            ("a Verified one out", verified),
            ("an Institutional", institutional),
            ("half the directory", certificate.half_directory),
            ("a full table", certificate.fill_newcomers),
        ]
        .map(|(what, of)| price(what.to_owned(), of.burn)),
    );
    Economics {
        supply: economy.supply,
        burned: economy.burned,
        november_2025: economy.daily_issuance,
        at,
        compared,
        prices,
        note: NOTE,
    }
}

/// Millionths in per cent, as the policy's table has them: three digits.
fn percent(millionths: Option<u64>) -> String {
    let Some(of) = millionths else { return "-".to_owned() };
    format!("{}.{:04} %", of / 10_000, of % 10_000)
}

impl fmt::Display for Economics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, amount) in [
            ("supply", self.supply),
            ("burned", self.burned),
            ("a day in November 2025", self.november_2025),
        ] {
            writeln!(f, "{name:<24}{:>24}", amount.to_string())?;
        }
        let name = format!("a day at {}", self.at);
        writeln!(f, "{name:<24}{:>24}\n", self.compared.to_string())?;
        let mut table = Table::new(
            ["WHAT", "BURN", "OF A DAY IN 2025", "AT THE OTHER"].map(|name| (name, Fit::Whole)),
        );
        for Price { what, burn, november_2025, compared } in &self.prices {
            let shares = [november_2025, compared].map(|share| percent(*share));
            let [then, now] = shares;
            table.row([what.clone(), burn.to_string(), then, now]);
        }
        writeln!(f, "{table}\n{}", wrapped(self.note, 0, WIDTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Economics {
        let compared = Economy::HEIGHT_1_292_529.daily_issuance;
        let counts = [100, 1_000, 10_000];
        economics(&Policy::LOTUS_V1, Economy::default(), String::new(), compared, &counts)
    }

    #[test]
    fn the_table_is_that_of_the_policy() {
        let economics = usual();
        let shown: Vec<_> = economics.prices[..3]
            .iter()
            .map(|of| (of.burn.to_string(), percent(of.november_2025), percent(of.compared)))
            .collect();
        let row = |burn: &str, then: &str, now: &str| (burn.into(), then.into(), now.into());
        assert_eq!(
            shown,
            [
                row("5000.000000 XPI", "0.4867 %", "1.5674 %"),
                row("50000.000000 XPI", "4.8667 %", "15.6740 %"),
                row("500000.000000 XPI", "48.6667 %", "156.7398 %"),
            ]
        );
        assert!(economics.to_string().lines().all(|line| line.len() <= WIDTH), "{economics}");
    }

    #[test]
    fn the_prices_are_those_of_the_certificate() {
        let certificate = Policy::LOTUS_V1.certificate(Capacity::NODE);
        let prices = usual().prices;
        for (price, of) in prices[3..6].iter().zip(certificate.displace) {
            let shares = (price.november_2025, price.compared);
            assert_eq!((price.burn, shares), (of.burn, (of.november_2025, of.height_1_292_529)));
        }
    }

    #[test]
    fn issuance_grows_by_260_xpi_a_block_with_each_doubling() {
        let day = |text| Difficulty::read(text).map(|of| of.daily_issuance().sats()).unwrap();
        assert_eq!(day("1"), 187_200_000_000);
        assert_eq!(day("2"), 2 * 187_200_000_000);
        assert_eq!(day("1024"), 11 * 187_200_000_000);
        // 187,200 · (1 + log2 1.5), and log2 1.5 = 0.5849625007…
        assert!((296_704_980_000..296_704_990_000).contains(&day("1.5")), "{}", day("1.5"));
        for text in ["", "0", "0.9", "1.", ".5", "-1", "1e3", "1.123456789", "99999999999999"] {
            assert!(Difficulty::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_bits_of_height_1_292_529_make_about_319_000_xpi_a_day() {
        let day = |bits, network| Difficulty::of(bits, network).daily_issuance().sats() / 1_000_000;
        assert_eq!(day(0x1c09_d010, Network::Main), 319_240);
        assert_eq!(day(0x1c10_0000, Network::Main), 187_200, "the easiest");
        assert_eq!(day(0x1b10_0000, Network::Main), 9 * 187_200, "256 times as hard");
        assert_eq!(day(0x207f_ffff, Network::Reg), 187_200, "always the same");
    }

    #[test]
    fn logarithms_are_exact_where_they_can_be() {
        for power in 0..64 {
            assert_eq!(log2(1 << power), u64::from(power as u32) << SHIFT);
        }
        // 2^32 · log2 3 = 6807362106.9…
        assert_eq!(log2(3), 6_807_362_105);
    }
}
