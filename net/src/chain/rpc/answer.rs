//! Answers of a JSON-RPC server.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::SourceError;
use super::super::check::wrong;
use super::super::http::printable;

/// What went wrong, as lotusd numbers it (`rpc/protocol.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RpcCode {
    /// −1: wrong parameters, or anything without a number of its own.
    Misc,
    /// −5: no such block or transaction.
    NotFound,
    /// −8: a malformed hash, or a height above the tip.
    InvalidParameter,
    /// −18: the wallet asked for is not loaded.
    NoWallet,
    /// −22: bytes that are no transaction.
    Undecodable,
    /// −25: missing inputs, or a fee above the limit.
    Verify,
    /// −26: against the rules of the chain or of this node.
    Rejected,
    /// −27: the transaction is in a block already.
    AlreadyInChain,
    /// −28: the node is still starting.
    WarmingUp,
    /// −32601: the node does not know the method.
    MethodNotFound,
    /// −32600, −32602, −32603, −32700: our request, or the server itself, is broken.
    Protocol,
    /// Any other number.
    Other(i64),
}

impl From<i64> for RpcCode {
    fn from(number: i64) -> Self {
        match number {
            -1 => Self::Misc,
            -5 => Self::NotFound,
            -8 => Self::InvalidParameter,
            -18 => Self::NoWallet,
            -22 => Self::Undecodable,
            -25 => Self::Verify,
            -26 => Self::Rejected,
            -27 => Self::AlreadyInChain,
            -28 => Self::WarmingUp,
            -32601 => Self::MethodNotFound,
            -32600 | -32602 | -32603 | -32700 => Self::Protocol,
            other => Self::Other(other),
        }
    }
}

/// What lotusd answers instead of a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code:?})")]
pub struct RpcError {
    /// What went wrong.
    pub code: RpcCode,
    /// lotusd's words, at most 200 characters.
    pub message: String,
}

impl From<RpcError> for SourceError {
    fn from(error: RpcError) -> Self {
        let message = error.to_string();
        match error.code {
            RpcCode::WarmingUp => Self::Unavailable(message),
            RpcCode::Rejected | RpcCode::Verify | RpcCode::Undecodable => Self::Rejected(message),
            RpcCode::NotFound if error.message.contains("being indexed") => {
                Self::Unavailable(message)
            }
            _ => Self::Unsupported(message),
        }
    }
}

impl<'de> Deserialize<'de> for RpcError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Fields {
            code: i64,
            message: String,
        }
        let Fields { code, message } = Deserialize::deserialize(deserializer)?;
        Ok(Self { code: code.into(), message: printable(&message) })
    }
}

#[derive(serde::Deserialize)]
struct Reply<'a> {
    /// `null` is a result, too.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    error: Option<RpcError>,
    id: Option<u64>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

type Outcome<'a> = Result<&'a RawValue, RpcError>;

impl<'a> Reply<'a> {
    fn outcome(self) -> Result<Outcome<'a>, SourceError> {
        match (self.result, self.error) {
            (_, Some(error)) => Ok(Err(error)),
            (Some(result), None) => Ok(Ok(result)),
            (None, None) => Err(wrong("neither a result nor an error")),
        }
    }
}

/// At most `N` replies, so that a long list of nothing takes no memory.
struct Replies<'a, const N: usize>(Vec<Reply<'a>>);

impl<'de: 'a, 'a, const N: usize> Deserialize<'de> for Replies<'a, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<const N: usize>;
        impl<'de, const N: usize> Visitor<'de> for Bounded<N> {
            type Value = Vec<Reply<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} replies")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut replies = Vec::new();
                while let Some(reply) = list.next_element()? {
                    if replies.len() == N {
                        return Err(de::Error::custom("more replies than requests"));
                    }
                    replies.push(reply);
                }
                Ok(replies)
            }
        }
        deserializer.deserialize_seq(Bounded::<N>).map(Self)
    }
}

/// The answer to the one request with id 0.
pub(super) fn single(body: &[u8]) -> Result<Outcome<'_>, SourceError> {
    let reply: Reply<'_> = serde_json::from_slice(body).map_err(not_json)?;
    // What cannot be read as a request is answered without an id.
    if reply.id == Some(0) || reply.id.is_none() && reply.error.is_some() {
        reply.outcome()
    } else {
        Err(wrong("an answer to another request"))
    }
}

/// The answers to the requests of a batch, whose ids count from 0; they may come in any order.
pub(super) fn batch<const N: usize>(body: &[u8]) -> Result<[Outcome<'_>; N], SourceError> {
    if body.trim_ascii_start().starts_with(b"{") {
        return match single(body)? {
            Err(error) => Err(error.into()),
            Ok(_) => Err(wrong("one answer to a batch")),
        };
    }
    let Replies::<N>(replies) = serde_json::from_slice(body).map_err(not_json)?;
    let mut outcomes = [const { None }; N];
    for reply in replies {
        let slot = reply.id.and_then(|id| outcomes.get_mut(usize::try_from(id).ok()?));
        match slot {
            Some(slot @ None) => *slot = Some(reply.outcome()?),
            _ => return Err(wrong("an answer to another request")),
        }
    }
    let outcomes: Option<Vec<_>> = outcomes.into_iter().collect();
    outcomes
        .and_then(|outcomes| outcomes.try_into().ok())
        .ok_or_else(|| wrong("a request of the batch without an answer"))
}

fn not_json(error: serde_json::Error) -> SourceError {
    wrong(format!("no JSON-RPC answer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        use RpcCode::{
            AlreadyInChain, InvalidParameter, MethodNotFound, Misc, NoWallet, NotFound, Other,
            Protocol, Rejected, Undecodable, Verify, WarmingUp,
        };
        type Kind = fn(String) -> SourceError;
        let unsupported: Kind = SourceError::Unsupported;
        let rejected: Kind = SourceError::Rejected;
        let unavailable: Kind = SourceError::Unavailable;
        for (number, code, kind) in [
            (-1, Misc, unsupported),
            (-5, NotFound, unsupported),
            (-8, InvalidParameter, unsupported),
            (-18, NoWallet, unsupported),
            (-22, Undecodable, rejected),
            (-25, Verify, rejected),
            (-26, Rejected, rejected),
            (-27, AlreadyInChain, unsupported),
            (-28, WarmingUp, unavailable),
            (-32601, MethodNotFound, unsupported),
            (-32700, Protocol, unsupported),
            (-32603, Protocol, unsupported),
            (7, Other(7), unsupported),
            (i64::MIN, Other(i64::MIN), unsupported),
        ] {
            let body = format!(r#"{{"error":{{"code":{number},"message":"why"}},"id":0}}"#);
            let error = single(body.as_bytes()).unwrap().unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (code, "why"));
            let message = error.to_string();
            assert_eq!(SourceError::from(error), kind(message));
        }
    }

    #[test]
    fn null_is_a_result_and_nothing_is_none() {
        let of = |body: &'static str| single(body.as_bytes());
        let null = of(r#"{"result":null,"error":null,"id":0}"#).unwrap().unwrap();
        assert_eq!(null.get(), "null");
        for body in [
            r#"{"error":null,"id":0}"#,
            r#"{"result":7,"id":1}"#,
            r#"{"result":7}"#,
            "{}",
            "[]",
            "",
        ] {
            assert!(matches!(of(body), Err(SourceError::WrongAnswer(_))), "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(body in r#"[\[\]{}:,0-9"a-z\-]{0,40}"#) {
            let _ = single(body.as_bytes());
            let _ = batch::<2>(body.as_bytes());
        }
    }
}
