//! Fields of a policy by name, for languages that cannot have the struct.

use core::fmt;
use core::num::NonZeroU32;

use super::{Clock, Mode};
use crate::{Amount, Millis, Network, Quota};

/// Why a field of a policy was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// No field has this name, or it names a whole group.
    Unknown,
    /// No value of the field has this number.
    OutOfRange,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the policy has no such field",
            Self::OutOfRange => "the field has no such value",
        })
    }
}

impl core::error::Error for FieldError {}

/// What is a number, or has numbers under names.
pub(super) trait Named {
    fn number(&self, name: &str) -> Option<u64>;
    fn set_number(&mut self, name: &str, value: u64) -> Result<(), FieldError>;
}

/// The part of a name before the first dot, and the rest.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_once('.').unwrap_or((name, ""))
}

/// `plain!(Type: |value| its number, |number| the value)`: what has no names below its own.
macro_rules! plain {
    ($($type:ty: |$value:ident| $get:expr, |$number:ident| $set:expr;)*) => {$(
        impl Named for $type {
            fn number(&self, name: &str) -> Option<u64> {
                let $value = *self;
                name.is_empty().then(|| $get)
            }

            fn set_number(&mut self, name: &str, $number: u64) -> Result<(), FieldError> {
                if !name.is_empty() {
                    return Err(FieldError::Unknown);
                }
                let value: Option<Self> = $set;
                *self = value.ok_or(FieldError::OutOfRange)?;
                Ok(())
            }
        }
    )*};
}

plain! {
    bool: |value| value.into(), |number| [false, true].get(usize::try_from(number).unwrap_or(2)).copied();
    u8: |value| value.into(), |number| number.try_into().ok();
    u16: |value| value.into(), |number| number.try_into().ok();
    u32: |value| value.into(), |number| number.try_into().ok();
    Millis: |value| value.get(), |number| Some(Self::new(number));
    Amount: |value| value.sats(), |number| Some(Self::from_sats(number));
    Network: |value| value as u64, |number| at(&[Self::Main, Self::Test, Self::Reg], number);
    Clock: |value| value as u64, |number| at(&[Self::System, Self::Chain], number);
    Mode: |value| value as u64, |number| at(&[Self::On, Self::Observe], number);
}

fn at<T: Copy>(values: &[T], number: u64) -> Option<T> {
    values.get(usize::try_from(number).ok()?).copied()
}

impl Named for Quota {
    fn number(&self, name: &str) -> Option<u64> {
        match name {
            "interval_us" => Some(self.interval_us),
            "burst" => Some(self.burst.get().into()),
            _ => None,
        }
    }

    fn set_number(&mut self, name: &str, value: u64) -> Result<(), FieldError> {
        match name {
            "interval_us" => self.interval_us = value,
            "burst" => {
                let burst = u32::try_from(value).ok().and_then(NonZeroU32::new);
                self.burst = burst.ok_or(FieldError::OutOfRange)?;
            }
            _ => return Err(FieldError::Unknown),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::FieldError::{OutOfRange, Unknown};
    use crate::Policy;

    #[test]
    fn every_field_can_be_read_and_set_by_its_name() {
        let names = Policy::GROUPS.iter().flat_map(|(group, fields)| {
            let fields = fields.iter().filter(|field| {
                // Those of the nameless group that are groups have their fields under their names.
                !(group.is_empty() && Policy::GROUPS.iter().any(|(name, _)| *name == field.name))
            });
            fields.flat_map(move |field| {
                let name = if group.is_empty() {
                    std::string::String::from(field.name)
                } else {
                    std::format!("{group}.{}", field.name)
                };
                match field.kind {
                    "Quota" => {
                        std::vec![std::format!("{name}.interval_us"), std::format!("{name}.burst")]
                    }
                    _ => std::vec![name],
                }
            })
        });
        let mut count = 0;
        for name in names {
            let mut policy = Policy::LOTUS_V1;
            let before = policy.number(&name).unwrap_or_else(|| panic!("{name}"));
            let other = if before == 1 { 0 } else { 1 };
            let other = if name.ends_with("burst") { before + 1 } else { other };
            policy.set_number(&name, other).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(policy.number(&name), Some(other), "{name}");
            assert_ne!(policy.hash(), Policy::LOTUS_V1.hash(), "{name}");
            policy.set_number(&name, before).unwrap();
            assert_eq!(policy, Policy::LOTUS_V1, "{name}");
            count += 1;
        }
        assert!(count > 80, "{count}");
    }

    #[test]
    fn wrong_names_and_numbers_change_nothing() {
        let mut policy = Policy::LOTUS_V1;
        for name in ["", ".", "keys", "keys.", "keys.none", "keys.stranger.x", "windows.connection"]
        {
            assert_eq!(policy.number(name), None, "{name}");
            assert_eq!(policy.set_number(name, 1), Err(Unknown), "{name}");
        }
        assert_eq!(policy.set_number("keys.stranger", 65_536), Err(OutOfRange));
        assert_eq!(policy.set_number("network", 3), Err(OutOfRange));
        assert_eq!(policy.set_number("enforce.keys", 2), Err(OutOfRange));
        assert_eq!(policy.set_number("burns.fees", u64::MAX), Err(OutOfRange));
        assert_eq!(policy.set_number("windows.connection.burst", 0), Err(OutOfRange));
        assert_eq!(policy, Policy::LOTUS_V1);
    }
}
