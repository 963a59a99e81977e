//! Addresses of Lotus: `lotus`, a character for the network, and a script in base 58.

use std::{fmt, str::FromStr};

use ltms_core::{Network, PublicKey, hash::sha256};
use ripemd::{Digest, Ripemd160};

/// What every address begins with.
const TOKEN: &str = "lotus";
/// The type of an address that holds a whole script.
const SCRIPT: u8 = 0;
/// Bytes of the checksum.
const CHECK: usize = 4;
/// More than the address of any script that is in use; base 58 takes quadratic time.
const MAX_TEXT: usize = 256;

/// RIPEMD-160 of SHA-256 of a compressed public key: who may spend an ordinary (P2PKH) output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 20]);

impl KeyHash {
    const PREFIX: [u8; 3] = [0x76, 0xa9, 20]; // OP_DUP OP_HASH160 push(20)
    const SUFFIX: [u8; 2] = [0x88, 0xac]; // OP_EQUALVERIFY OP_CHECKSIG

    /// Of a key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(Ripemd160::digest(sha256(&[key.as_bytes()])).into())
    }

    /// The script of an output that the key may spend.
    #[must_use]
    pub fn script(&self) -> [u8; 25] {
        let mut script = [0; 25];
        script[..3].copy_from_slice(&Self::PREFIX);
        script[3..23].copy_from_slice(&self.0);
        script[23..].copy_from_slice(&Self::SUFFIX);
        script
    }

    /// The hash in such a script; `None` for every other script.
    #[must_use]
    pub fn from_script(script: &[u8]) -> Option<Self> {
        let hash = script.strip_prefix(&Self::PREFIX)?.strip_suffix(&Self::SUFFIX)?;
        hash.try_into().ok().map(Self)
    }
}

/// Where money can be sent: a script and the network it is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The network.
    pub network: Network,
    /// The script of the output.
    pub script: Vec<u8>,
}

impl Address {
    /// The address of a key.
    #[must_use]
    pub fn of_key(network: Network, key: &PublicKey) -> Self {
        Self { network, script: KeyHash::of(key).script().to_vec() }
    }

    fn checksum(network: Network, payload: &[u8]) -> [u8; CHECK] {
        let hash = sha256(&[TOKEN.as_bytes(), &[network.byte()], payload]);
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut payload = [&[SCRIPT], self.script.as_slice()].concat();
        payload.extend(Self::checksum(self.network, &payload));
        let text = bs58::encode(payload).into_string();
        write!(f, "{TOKEN}{}{text}", char::from(self.network.byte()))
    }
}

/// Why text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not begin with `lotus`, or is too long.
    #[error("an address begins with lotus_ (lotusT and lotusR on test chains)")]
    Token,
    /// The character after `lotus` names no network.
    #[error("the address is of an unknown network")]
    Network,
    /// It has characters that base 58 has not, or too few.
    #[error("the address is not written in base 58")]
    Base58,
    /// Its checksum is wrong.
    #[error("the address has a wrong checksum: it was mistyped or cut")]
    Checksum,
    /// It is not the address of a plain script.
    #[error("addresses of this type are not supported")]
    Type,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = Some(text).filter(|text| text.len() <= MAX_TEXT);
        let rest = text.and_then(|text| text.strip_prefix(TOKEN)).ok_or(AddressError::Token)?;
        let networks = [Network::Main, Network::Test, Network::Reg];
        let (network, encoded) = networks
            .into_iter()
            .find_map(|network| Some((network, rest.strip_prefix(char::from(network.byte()))?)))
            .ok_or(AddressError::Network)?;
        let bytes = bs58::decode(encoded).into_vec().map_err(|_| AddressError::Base58)?;
        let (payload, check) = bytes.split_last_chunk::<CHECK>().ok_or(AddressError::Base58)?;
        if *check != Self::checksum(network, payload) {
            return Err(AddressError::Checksum);
        }
        match payload {
            [SCRIPT, script @ ..] => Ok(Self { network, script: script.to_vec() }),
            _ => Err(AddressError::Type),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn recorded() -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/chain.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn addresses_of_a_real_node() {
        let recorded = recorded();
        let addresses = recorded["addresses"].as_array().unwrap();
        assert_eq!(addresses.len(), 6);
        for entry in addresses {
            let text = entry["address"].as_str().unwrap();
            let address: Address = text.parse().unwrap();
            assert_eq!(hex::encode(&address.script), entry["script_pubkey_hex"]);
            assert_eq!(char::from(address.network.byte()).to_string(), entry["network_byte"]);
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn the_script_of_a_key_is_the_one_that_it_spent() {
        let recorded = recorded();
        let entry = &recorded["sighash"][0];
        let key: PublicKey = entry["pubkey_hex"].as_str().unwrap().parse().unwrap();
        let script = KeyHash::of(&key).script();
        assert_eq!(hex::encode(script), entry["spent_script_hex"]);
        assert_eq!(KeyHash::from_script(&script), Some(KeyHash::of(&key)));
        assert_eq!(KeyHash::from_script(&script[..24]), None);
        assert_eq!(KeyHash::from_script(&[&script[..], &[0]].concat()), None);
        assert_eq!(KeyHash::from_script(&[0x6a]), None);
    }

    #[test]
    fn what_is_mistyped_is_refused() {
        let good = "lotus_16PSJNf1EDEfGvaYzaXJCJZrXH4pgiTo7kyW61iGi";
        for at in 6..good.len() {
            let mut typo = good.as_bytes().to_vec();
            typo[at] = if typo[at] == b'2' { b'3' } else { b'2' };
            let typo = String::from_utf8(typo).unwrap();
            assert_eq!(typo.parse::<Address>(), Err(AddressError::Checksum), "{typo}");
        }
        let other_network = good.replace('_', "R");
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert_eq!(error(&other_network), AddressError::Checksum);
        assert_eq!(error(&good.replace('_', "X")), AddressError::Network);
        assert_eq!(error(&good[5..]), AddressError::Token);
        assert_eq!(error("lotus"), AddressError::Network);
        assert_eq!(error("lotus_"), AddressError::Base58);
        assert_eq!(error("lotus_0OIl"), AddressError::Base58);
        assert_eq!(error("lotus_é"), AddressError::Base58);
        assert_eq!(error(&format!("lotus_{}", "2".repeat(100_000))), AddressError::Token);
        assert_eq!(error("bitcoincash:qq"), AddressError::Token);
    }

    #[test]
    fn only_scripts_are_addressed() {
        let mut payload = [&[2], [7; 33].as_slice()].concat();
        payload.extend(Address::checksum(Network::Main, &payload));
        let text = format!("lotus_{}", bs58::encode(payload).into_string());
        assert_eq!(text.parse::<Address>(), Err(AddressError::Type));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(script in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
            for network in [Network::Main, Network::Test, Network::Reg] {
                let address = Address { network, script: script.clone() };
                proptest::prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
