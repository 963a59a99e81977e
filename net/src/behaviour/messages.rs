//! What two peers say to each other directly; `docs/direct.md` is the normative description.

use ltms_core::{IdentityId, PublicKey, Timestamp, size};
use minicbor::{Decoder, Encoder};

/// Items of one directory page, claims and advertisements together.
pub const PAGE_ITEMS: usize = 64;
/// Bytes that the items of one page may have together; the rest of the frame is for their
/// headers (at most 5 bytes each) and the message around them.
pub const PAGE_BYTES: usize = size::FRAME - 5 * PAGE_ITEMS - 16;
/// Credits in one history.
pub const CREDITS: usize = 8;
/// Envelopes of one history: a registration, every rotation after it, and credits.
pub const HISTORY_ITEMS: usize = 1 + size::ROTATIONS as usize + CREDITS;

/// Bytes that are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not CBOR, or not of the message's form.
    #[error("malformed message")]
    Malformed,
    /// A message, but not in its only permitted encoding; also trailing bytes.
    #[error("message is not encoded deterministically")]
    NotDeterministic,
    /// A message that this version does not know, which is nobody's fault.
    #[error("unknown message {0}")]
    Unknown(u64),
    /// More items than [`PAGE_ITEMS`] or [`HISTORY_ITEMS`].
    #[error("list of {0} items")]
    TooManyItems(u64),
}

impl From<minicbor::decode::Error> for DecodeError {
    fn from(_: minicbor::decode::Error) -> Self {
        Self::Malformed
    }
}

/// What a peer asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A fresh challenge for [`Request::Hello`].
    Challenge,
    /// Proof of an identity: an `LTMS/hello/1` envelope over the challenge just given.
    Hello(Vec<u8>),
    /// A signed envelope for us to judge: advertisement, withdrawal, request or claim.
    Push(Vec<u8>),
    /// The claims that lead from the registration of an identity to its current key.
    History(IdentityId),
    /// The signed items that follow an author key in key order; from the start if there is none.
    Directory {
        /// The last author key of the page before.
        after: Option<PublicKey>,
    },
}

/// What a peer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// Thirty-two random bytes for one hello on this connection.
    Challenge([u8; 32]),
    /// What became of a hello or a pushed envelope.
    Judged {
        /// The code of a [`ltms_core::Reason`].
        code: u8,
        /// When the same message would pass, where waiting helps.
        retry_at: Option<Timestamp>,
    },
    /// The envelope of the registration, then those of the rotations in the order of their
    /// sequence: at most [`HISTORY_ITEMS`], none if the identity is not known.
    History(Vec<Vec<u8>>),
    /// A page of the directory: at most [`PAGE_ITEMS`] and [`PAGE_BYTES`].
    Directory {
        /// Claims of the identities that the advertisements name.
        claims: Vec<Vec<u8>>,
        /// Advertisement envelopes in the order of their author keys.
        ads: Vec<Vec<u8>>,
        /// Whether another page follows.
        more: bool,
    },
    /// Not answered, with the code of a [`ltms_core::Reason`].
    Refused(u8),
}

pub(super) type Encoded = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

pub(super) fn encode(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Encoded) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // A vector takes everything, so the result says nothing.
    let _ = write(&mut encoder);
    encoder.into_writer()
}

impl Request {
    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(|e| {
            match self {
                Self::Challenge => e.array(1)?.u8(0)?,
                Self::Hello(envelope) => e.array(2)?.u8(1)?.bytes(envelope)?,
                Self::Push(envelope) => e.array(2)?.u8(2)?.bytes(envelope)?,
                Self::History(identity) => e.array(2)?.u8(3)?.bytes(identity.as_bytes())?,
                Self::Directory { after: None } => e.array(2)?.u8(4)?.null()?,
                Self::Directory { after: Some(key) } => e.array(2)?.u8(4)?.bytes(key.as_bytes())?,
            };
            Ok(())
        })
    }

    /// The message of `bytes`, whose length the caller has limited.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the only encoding of a known message.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        let message = match head(&mut d)? {
            (0, 1) => Self::Challenge,
            (1, 2) => Self::Hello(d.bytes()?.to_vec()),
            (2, 2) => Self::Push(d.bytes()?.to_vec()),
            (3, 2) => Self::History(IdentityId::from_bytes(fixed(&mut d)?)),
            (4, 2) => {
                let after = optional(&mut d, fixed)?.map(PublicKey::from_bytes);
                Self::Directory { after }
            }
            (0..=4, _) => return Err(DecodeError::Malformed),
            (code, _) => return Err(DecodeError::Unknown(code)),
        };
        deterministic(message.encode(), bytes)?;
        Ok(message)
    }
}

impl Response {
    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let items = |e: &mut Encoder<Vec<u8>>, items: &[Vec<u8>]| -> Encoded {
            e.array(items.len() as u64)?;
            items.iter().try_for_each(|item| e.bytes(item).map(|_| ()))
        };
        encode(|e| {
            match self {
                Self::Challenge(challenge) => e.array(2)?.u8(0)?.bytes(challenge)?,
                Self::Judged { code, retry_at } => {
                    e.array(3)?.u8(1)?.u8(*code)?;
                    match retry_at {
                        Some(at) => e.u64(at.as_millis())?,
                        None => e.null()?,
                    }
                }
                Self::History(envelopes) => {
                    items(e.array(2)?.u8(2)?, envelopes)?;
                    e
                }
                Self::Directory { claims, ads, more } => {
                    e.array(4)?.u8(3)?;
                    items(e, claims)?;
                    items(e, ads)?;
                    e.bool(*more)?
                }
                Self::Refused(code) => e.array(2)?.u8(4)?.u8(*code)?,
            };
            Ok(())
        })
    }

    /// The message of `bytes`, whose length the caller has limited.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but the only encoding of a known message.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        let message = match head(&mut d)? {
            (0, 2) => Self::Challenge(fixed(&mut d)?),
            (1, 3) => {
                let code = d.u8()?;
                let retry_at = optional(&mut d, |d| Ok(Timestamp::from_millis(d.u64()?)))?;
                Self::Judged { code, retry_at }
            }
            (2, 2) => Self::History(list(&mut d, HISTORY_ITEMS)?),
            (3, 4) => {
                let claims = list(&mut d, PAGE_ITEMS)?;
                let ads = list(&mut d, PAGE_ITEMS - claims.len())?;
                Self::Directory { claims, ads, more: d.bool()? }
            }
            (4, 2) => Self::Refused(d.u8()?),
            (0..=4, _) => return Err(DecodeError::Malformed),
            (code, _) => return Err(DecodeError::Unknown(code)),
        };
        deterministic(message.encode(), bytes)?;
        Ok(message)
    }

    /// Whether a remote would take the message: the items of a list are few enough.
    #[must_use]
    pub fn fits(&self) -> bool {
        match self {
            Self::Directory { claims, ads, .. } => claims.len() + ads.len() <= PAGE_ITEMS,
            Self::History(envelopes) => envelopes.len() <= HISTORY_ITEMS,
            _ => true,
        }
    }
}

/// The code of a message and the length of its array.
pub(super) fn head(d: &mut Decoder<'_>) -> Result<(u64, u64), DecodeError> {
    let fields = d.array()?.ok_or(DecodeError::NotDeterministic)?;
    Ok((d.u64()?, fields))
}

pub(super) fn fixed<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], DecodeError> {
    d.bytes()?.try_into().map_err(|_| DecodeError::Malformed)
}

pub(super) fn optional<'b, T>(
    d: &mut Decoder<'b>,
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    if d.datatype()? == minicbor::data::Type::Null {
        d.null()?;
        return Ok(None);
    }
    read(d).map(Some)
}

fn list(d: &mut Decoder<'_>, most: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let count = d.array()?.ok_or(DecodeError::NotDeterministic)?;
    if count > most as u64 {
        return Err(DecodeError::TooManyItems(count));
    }
    (0..count).map(|_| Ok(d.bytes()?.to_vec())).collect()
}

/// Longer integers, indefinite lengths and trailing bytes all show when the message is written
/// again.
pub(super) fn deterministic(written: Vec<u8>, received: &[u8]) -> Result<(), DecodeError> {
    if written == received { Ok(()) } else { Err(DecodeError::NotDeterministic) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..300)
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            Just(Request::Challenge),
            bytes().prop_map(Request::Hello),
            bytes().prop_map(Request::Push),
            any::<[u8; 32]>().prop_map(|id| Request::History(IdentityId::from_bytes(id))),
            prop::option::of(any::<[u8; 32]>().prop_map(|x| [&[2][..], &x].concat())).prop_map(
                |key| Request::Directory {
                    after: key.map(|k| PublicKey::from_bytes(k.try_into().expect("33 bytes")))
                }
            ),
        ]
    }

    fn response() -> impl Strategy<Value = Response> {
        let items = || prop::collection::vec(bytes(), 0..=PAGE_ITEMS / 2);
        prop_oneof![
            any::<[u8; 32]>().prop_map(Response::Challenge),
            (any::<u8>(), prop::option::of(any::<u64>())).prop_map(|(code, at)| {
                Response::Judged { code, retry_at: at.map(Timestamp::from_millis) }
            }),
            prop::collection::vec(bytes(), 0..=HISTORY_ITEMS).prop_map(Response::History),
            (items(), items(), any::<bool>()).prop_map(|(claims, ads, more)| Response::Directory {
                claims,
                ads,
                more
            }),
            any::<u8>().prop_map(Response::Refused),
        ]
    }

    proptest! {
        #[test]
        fn requests_round_trip(message in request()) {
            prop_assert_eq!(Request::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn responses_round_trip(message in response()) {
            prop_assert_eq!(Response::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn what_decodes_is_what_was_encoded(noise in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(message) = Request::decode(&noise) {
                prop_assert_eq!(message.encode(), noise.clone());
            }
            if let Ok(message) = Response::decode(&noise) {
                prop_assert_eq!(message.encode(), noise);
            }
        }

        #[test]
        fn cut_or_lengthened_messages_are_refused(message in response(), cut in 1usize..50) {
            let mut encoded = message.encode();
            let shorter = encoded.len().saturating_sub(cut);
            prop_assert!(Response::decode(&encoded[..shorter]).is_err());
            encoded.push(0);
            prop_assert_eq!(Response::decode(&encoded), Err(DecodeError::NotDeterministic));
        }
    }

    #[test]
    fn each_refusal_has_its_name() {
        use DecodeError::*;
        let request = |text| Request::decode(&hex::decode(text).expect("hex"));
        let response = |text| Response::decode(&hex::decode(text).expect("hex"));
        assert_eq!(request("8100"), Ok(Request::Challenge));
        assert_eq!(request(""), Err(Malformed));
        assert_eq!(request("00"), Err(Malformed));
        assert_eq!(request("820000"), Err(Malformed));
        assert_eq!(request("8105"), Err(Unknown(5)));
        assert_eq!(request("811903e8"), Err(Unknown(1000)));
        assert_eq!(request("811800"), Err(NotDeterministic), "a longer integer");
        assert_eq!(request("9f00ff"), Err(NotDeterministic), "an indefinite array");
        assert_eq!(request("810000"), Err(NotDeterministic), "a trailing byte");
        assert_eq!(request("8202410a"), Ok(Request::Push(vec![10])));
        assert_eq!(request("820258010a"), Err(NotDeterministic), "a longer length");
        assert_eq!(request("82025f410aff"), Err(Malformed), "an indefinite string");
        assert_eq!(request("8203410a"), Err(Malformed), "a short identity");
        assert_eq!(request("8204f7"), Err(Malformed), "undefined is not null");
        assert_eq!(request("82025b00ffffffffffffff"), Err(Malformed), "a huge length");
        assert_eq!(request("8204f6"), Ok(Request::Directory { after: None }));
        let new = Response::Judged { code: 1, retry_at: None };
        assert_eq!(response("830101f6"), Ok(new));
        assert_eq!(response("82041820"), Ok(Response::Refused(32)));
        assert_eq!(response("820418ff"), Ok(Response::Refused(255)));
        assert_eq!(response("8204190100"), Err(Malformed), "a code above 255");
        assert_eq!(response("820280"), Ok(Response::History(vec![])));
        assert_eq!(response("820282410a410b"), Ok(Response::History(vec![vec![10], vec![11]])));
        assert_eq!(response("8202f6"), Err(Malformed), "null is no list");
        assert_eq!(response("8202410a"), Err(Malformed), "an envelope alone is no list");
        assert_eq!(response("82029801410a"), Err(NotDeterministic), "a longer count");
        assert_eq!(response("82029f410aff"), Err(NotDeterministic), "an indefinite list");
        assert_eq!(response("82029a00ffffff"), Err(TooManyItems(0x00ff_ffff)));
        assert_eq!(response("8403808041"), Err(Malformed));
        assert_eq!(response("84039a00ffffff"), Err(TooManyItems(0x00ff_ffff)));
    }

    #[test]
    fn a_page_has_at_most_64_items_and_then_fits_a_frame() {
        let page = |claims: usize, ads: usize, bytes: usize| Response::Directory {
            claims: vec![vec![1; bytes]; claims],
            ads: vec![vec![2; bytes]; ads],
            more: true,
        };
        let full = page(20, 44, PAGE_BYTES / PAGE_ITEMS);
        assert!(full.fits() && full.encode().len() <= size::FRAME);
        assert_eq!(Response::decode(&full.encode()), Ok(full));
        let over = page(20, 45, 1);
        assert!(!over.fits());
        assert_eq!(Response::decode(&over.encode()), Err(DecodeError::TooManyItems(45)));
        assert_eq!(Response::decode(&page(65, 0, 1).encode()), Err(DecodeError::TooManyItems(65)));
    }

    #[test]
    fn a_history_has_at_most_73_envelopes() {
        let history = |count| Response::History(vec![vec![1; 1_300]; count]);
        let full = history(73);
        assert!(full.fits() && full.encode().len() <= size::FRAME);
        assert_eq!(Response::decode(&full.encode()), Ok(full));
        let over = history(74);
        assert!(!over.fits());
        assert_eq!(Response::decode(&over.encode()), Err(DecodeError::TooManyItems(74)));
    }
}
