//! What is read from the command line, and from standard input.

use std::io::{self, Read};

use clap::ValueEnum;
use ltms_core::burn::Purpose;
use ltms_core::chain::Anchor;
use ltms_core::schnorr::VerifyingKey;
use ltms_core::{Amount, BlockHeight, IdentityId, Network, OutPoint, PublicKey};
use serde::Serialize;

use crate::failure::Failure;

/// What a burn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BurnPurpose {
    /// A new identity
    Registration,
    /// Another current key of an identity
    Rotation,
    /// One more key of an identity
    AdditionalKey,
    /// One signing request
    SigningRequest,
    /// Seven more days of lifetime
    WeeklyExtension,
    /// One more transaction type
    DirectoryEntry,
    /// A higher tier
    TopUp,
}

impl BurnPurpose {
    /// The purpose in a script, with whose it is; none for a registration.
    ///
    /// # Errors
    /// A usage failure if an identity is missing, or is there for a registration.
    pub(crate) fn with(
        self,
        identity: Option<IdentityId>,
    ) -> Result<Option<(Purpose, IdentityId)>, Failure> {
        let purpose = match self {
            Self::Registration if identity.is_some() => {
                return Err(Failure::usage(
                    "a registration makes a new identity: leave out --identity, or name another --purpose",
                ));
            }
            Self::Registration => return Ok(None),
            Self::Rotation => Purpose::Rotation,
            Self::AdditionalKey => Purpose::AdditionalKey,
            Self::SigningRequest => Purpose::SigningRequest,
            Self::WeeklyExtension => Purpose::WeeklyExtension,
            Self::DirectoryEntry => Purpose::DirectoryEntry,
            Self::TopUp => Purpose::TopUp,
        };
        match identity {
            Some(identity) => Ok(Some((purpose, identity))),
            None => Err(Failure::usage(format_args!(
                "a burn for {} names whose it is: add --identity ID",
                self.name()
            ))),
        }
    }

    /// The purpose of a burn that was read; none for one that this version has no name for.
    pub(crate) fn of(purpose: Option<Purpose>) -> Option<Self> {
        Some(match purpose {
            None => Self::Registration,
            Some(Purpose::Rotation) => Self::Rotation,
            Some(Purpose::AdditionalKey) => Self::AdditionalKey,
            Some(Purpose::SigningRequest) => Self::SigningRequest,
            Some(Purpose::WeeklyExtension) => Self::WeeklyExtension,
            Some(Purpose::DirectoryEntry) => Self::DirectoryEntry,
            Some(Purpose::TopUp) => Self::TopUp,
            Some(_) => return None,
        })
    }

    /// As it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Rotation => "rotation",
            Self::AdditionalKey => "additional-key",
            Self::SigningRequest => "signing-request",
            Self::WeeklyExtension => "weekly-extension",
            Self::DirectoryEntry => "directory-entry",
            Self::TopUp => "top-up",
        }
    }
}

/// The chain that is meant.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Chain {
    Main,
    Test,
    Reg,
}

impl From<Chain> for Network {
    fn from(chain: Chain) -> Self {
        match chain {
            Chain::Main => Self::Main,
            Chain::Test => Self::Test,
            Chain::Reg => Self::Reg,
        }
    }
}

/// An amount in XPI, such as `50` or `259.998`.
pub(crate) fn xpi(text: &str) -> Result<Amount, String> {
    const DECIMALS: usize = 6;
    let error = || "an amount in XPI has at most six decimals, such as 50 or 259.998".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > DECIMALS {
        return Err(error());
    }
    let part: u64 = format!("{part:0<DECIMALS$}").parse().map_err(|_| error())?;
    let sats = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(Amount::SATS_PER_XPI));
    let amount = sats.and_then(|sats| sats.checked_add(part)).map(Amount::from_sats);
    amount
        .filter(|amount| *amount <= Amount::MAX_MONEY)
        .ok_or_else(|| format!("there are no more than {}", Amount::MAX_MONEY))
}

/// An output that can be spent: `txid:index:amount in XPI`.
pub(crate) fn coin(text: &str) -> Result<(OutPoint, Amount), String> {
    let mut parts = text.splitn(3, ':');
    let (Some(txid), Some(vout), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("a coin is TXID:INDEX:XPI, as in 7b2f…a07b:1:209.999".to_owned());
    };
    let txid = txid.parse().map_err(|_| "a txid has 64 hexadecimal digits".to_owned())?;
    let vout = vout.parse().map_err(|_| "an output index is a whole number".to_owned())?;
    Ok((OutPoint { txid, vout }, xpi(value)?))
}

/// An output: `txid:index`.
pub(crate) fn outpoint(text: &str) -> Result<OutPoint, String> {
    let error = || "an output is TXID:INDEX, as in 7b2f…a07b:0".to_owned();
    let (txid, vout) = text.split_once(':').ok_or_else(error)?;
    let txid = txid.parse().map_err(|_| "a txid has 64 hexadecimal digits".to_owned())?;
    Ok(OutPoint { txid, vout: vout.parse().map_err(|_| error())? })
}

/// A block that is trusted: `hash:height`.
pub(crate) fn anchor(text: &str) -> Result<Anchor, String> {
    let error = || "an anchor is HASH:HEIGHT, as in 439b…5e5f:122".to_owned();
    let (hash, height) = text.split_once(':').ok_or_else(error)?;
    let hash = hash.parse().map_err(|_| "a block hash has 64 hexadecimal digits".to_owned())?;
    Ok(Anchor { hash, height: BlockHeight::new(height.parse().map_err(|_| error())?) })
}

/// A compressed public key that lies on the curve.
pub(crate) fn public_key(text: &str) -> Result<PublicKey, String> {
    let key = text.parse().map_err(|_| "a public key has 66 hexadecimal digits".to_owned())?;
    VerifyingKey::parse(&key).map(|_| key).map_err(|error| error.to_string())
}

/// 24 bits, decimal or as `0x…`.
pub(crate) fn fork_value(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number
        .ok()
        .filter(|number| *number <= 0xff_ffff)
        .ok_or_else(|| "a fork value is a number up to 0xffffff".to_owned())
}

/// Bytes given as hexadecimal digits, or on standard input if the argument is `-`.
pub(crate) fn bytes(argument: &str, max: usize) -> Result<Vec<u8>, Failure> {
    let mut input = String::new();
    let text = if argument == "-" {
        // Two digits a byte and a line end.
        let limit = 2 * max as u64 + 2;
        io::stdin().take(limit).read_to_string(&mut input).map_err(|error| {
            Failure::failed(format_args!("cannot read standard input: {error}"))
        })?;
        input.trim()
    } else {
        argument
    };
    if text.len() > 2 * max {
        return Err(Failure::usage(format_args!("more than {max} bytes are given")));
    }
    hex::decode(text)
        .map_err(|error| Failure::usage(format_args!("that is no hexadecimal text: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimal() {
        let sats = |text| xpi(text).map(Amount::sats).ok();
        assert_eq!(sats("50"), Some(50_000_000));
        assert_eq!(sats("0.000001"), Some(1));
        assert_eq!(sats("259.998"), Some(259_998_000));
        assert_eq!(sats("2100000000"), Some(Amount::MAX_MONEY.sats()));
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1.0000001",
            "2100000000.000001",
            "-1",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "0x10",
            "1.2.3",
            "99999999999999999999",
            "18446744073710",
            "١",
        ] {
            assert_eq!(sats(text), None, "{text}");
        }
    }

    #[test]
    fn coins_have_three_parts() {
        let txid = "f14f544fb8ec001ac14f6219fe56aa4e5a02cd7000e9b334ecd1b545d9f16625";
        let (outpoint, value) = coin(&format!("{txid}:1:209.999")).unwrap();
        assert_eq!(outpoint.to_string(), format!("{txid}:1"));
        assert_eq!(value, Amount::from_sats(209_999_000));
        for text in [
            "",
            txid,
            &format!("{txid}:1"),
            &format!("{txid}::5"),
            &format!("{txid}:1:"),
            &format!("{txid}:-1:5"),
            &format!("{txid}:4294967296:5"),
            &format!("{}:1:5", &txid[1..]),
            &format!("{txid}:1:5:5"),
        ] {
            assert!(coin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fork_values_have_24_bits() {
        assert_eq!(fork_value("0xffdead"), Ok(0xff_dead));
        assert_eq!(fork_value("16777215"), Ok(0xff_ffff));
        for text in ["", "0x", "16777216", "0x1000000", "-1", "ffdead", "0x-1"] {
            assert!(fork_value(text).is_err(), "{text}");
        }
    }
}
