//! `/ltms/session/1`: the steps of signing sessions; `docs/session.md` is the normative description.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    StreamProtocol,
    request_response::{self, ProtocolSupport},
};
use ltms_core::{
    SessionId, Signature, Timestamp,
    session::{Cause, End, Phase},
    size,
};
use minicbor::{Decoder, Encoder};

use super::{
    messages::{Encoded, deterministic, encode, fixed, head, optional},
    streams::{self, DecodeError, FrameError, cause},
};

/// The protocol's name.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/ltms/session/1");

/// The request-response behaviour of the protocol.
pub type Signing = request_response::Behaviour<Codec>;

/// The protocol with its limits; unfinished frames share a budget with those of `frames`.
#[must_use]
pub fn behaviour(frames: streams::Codec, deadline: Duration) -> Signing {
    let config = request_response::Config::default()
        .with_request_timeout(deadline)
        .with_max_concurrent_streams(streams::MAX_STREAMS);
    Signing::with_codec(Codec(frames), [(PROTOCOL, ProtocolSupport::Full)], config)
}

/// What a signer contributes to a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// Nobody here looks into it.
    pub data: Vec<u8>,
    /// By the signer's key, over the session, the phase and the data.
    pub signature: Signature,
}

/// A step that a peer takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// It announces a session.
    Announce {
        /// An encoded [`ltms_core::wire::SessionAnnouncement`].
        body: Vec<u8>,
        /// By the announcer's key.
        signature: Signature,
    },
    /// It joins as a signer.
    Join {
        /// The session.
        session: SessionId,
        /// Which signer.
        signer: u8,
        /// By that signer's key.
        signature: Signature,
    },
    /// It, the announcer, begins a phase.
    Begin {
        /// The session.
        session: SessionId,
        /// The phase that begins.
        phase: Phase,
        /// What all signers contributed to the phase before, in their order.
        contributions: Vec<Contribution>,
    },
    /// It contributes to a phase.
    Contribute {
        /// The session.
        session: SessionId,
        /// Which signer.
        signer: u8,
        /// To which phase.
        phase: Phase,
        /// What.
        contribution: Contribution,
    },
    /// It ends the session, or tells how it ended.
    Abort {
        /// The session.
        session: SessionId,
        /// Why.
        end: End,
    },
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The code of a [`ltms_core::Reason`].
    pub code: u8,
    /// When the same step would pass, where waiting helps.
    pub retry_at: Option<Timestamp>,
}

/// A request as it arrives.
pub type Incoming = Result<Request, FrameError>;

impl Contribution {
    fn put(&self, to: &mut Encoder<Vec<u8>>) -> Encoded {
        to.array(2)?.bytes(&self.data)?.bytes(self.signature.as_bytes())?;
        Ok(())
    }

    fn get(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        if d.array()? != Some(2) {
            return Err(DecodeError::Malformed);
        }
        let data = d.bytes()?;
        if data.is_empty() || data.len() > size::CONTRIBUTION {
            return Err(DecodeError::Malformed);
        }
        Ok(Self { data: data.to_vec(), signature: signature(d)? })
    }
}

fn signature(d: &mut Decoder<'_>) -> Result<Signature, DecodeError> {
    fixed(d).map(Signature::from_bytes)
}

fn session(d: &mut Decoder<'_>) -> Result<SessionId, DecodeError> {
    fixed(d).map(SessionId::from_bytes)
}

fn phase(d: &mut Decoder<'_>) -> Result<Phase, DecodeError> {
    Phase::from_code(d.u8()?).ok_or(DecodeError::Malformed)
}

fn signer(d: &mut Decoder<'_>) -> Result<u8, DecodeError> {
    let signer = d.u8()?;
    if usize::from(signer) < size::SIGNERS { Ok(signer) } else { Err(DecodeError::Malformed) }
}

impl Request {
    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(|e| {
            match self {
                Self::Announce { body, signature } => {
                    e.array(3)?.u8(0)?.bytes(body)?.bytes(signature.as_bytes())?;
                }
                Self::Join { session, signer, signature } => {
                    e.array(4)?.u8(1)?.bytes(session.as_bytes())?;
                    e.u8(*signer)?.bytes(signature.as_bytes())?;
                }
                Self::Begin { session, phase, contributions } => {
                    e.array(4)?.u8(2)?.bytes(session.as_bytes())?.u8(phase.code())?;
                    e.array(contributions.len() as u64)?;
                    contributions.iter().try_for_each(|item| item.put(e))?;
                }
                Self::Contribute { session, signer, phase, contribution } => {
                    e.array(5)?.u8(3)?.bytes(session.as_bytes())?;
                    e.u8(*signer)?.u8(phase.code())?;
                    contribution.put(e)?;
                }
                Self::Abort { session, end } => {
                    e.array(4)?.u8(4)?.bytes(session.as_bytes())?.u8(end.cause.code())?;
                    match end.signer {
                        Some(signer) => e.u8(signer)?,
                        None => e.null()?,
                    };
                }
            }
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
            (0, 3) => Self::Announce { body: d.bytes()?.to_vec(), signature: signature(&mut d)? },
            (1, 4) => Self::Join {
                session: session(&mut d)?,
                signer: signer(&mut d)?,
                signature: signature(&mut d)?,
            },
            (2, 4) => {
                let (session, phase) = (session(&mut d)?, phase(&mut d)?);
                let count = d.array()?.ok_or(DecodeError::NotDeterministic)?;
                if count > size::SIGNERS as u64 {
                    return Err(DecodeError::TooManyItems(count));
                }
                let contributions = (0..count).map(|_| Contribution::get(&mut d));
                let contributions = contributions.collect::<Result<_, _>>()?;
                Self::Begin { session, phase, contributions }
            }
            (3, 5) => Self::Contribute {
                session: session(&mut d)?,
                signer: signer(&mut d)?,
                phase: phase(&mut d)?,
                contribution: Contribution::get(&mut d)?,
            },
            (4, 4) => {
                let session = session(&mut d)?;
                let cause = Cause::from_code(d.u8()?).ok_or(DecodeError::Malformed)?;
                let signer = optional(&mut d, signer)?;
                Self::Abort { session, end: End { cause, signer } }
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
        encode(|e| {
            e.array(2)?.u8(self.code)?;
            match self.retry_at {
                Some(at) => e.u64(at.as_millis())?,
                None => e.null()?,
            };
            Ok(())
        })
    }

    /// The message of `bytes`, whose length the caller has limited.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but its only encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        if d.array()? != Some(2) {
            return Err(DecodeError::Malformed);
        }
        let code = d.u8()?;
        let retry_at = optional(&mut d, |d| Ok(Timestamp::from_millis(d.u64()?)))?;
        let message = Self { code, retry_at };
        deterministic(message.encode(), bytes)?;
        Ok(message)
    }
}

/// Reads and writes the frames of the direct protocol with these messages in them.
#[derive(Clone, Debug)]
pub struct Codec(streams::Codec);

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Incoming;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Incoming>
    where
        T: AsyncRead + Unpin + Send,
    {
        match self.0.read(io).await {
            Ok(frame) => Ok(Request::decode(&frame).map_err(FrameError::from)),
            Err(error) => cause(&error).map(Err).ok_or(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        Response::decode(&self.0.read(io).await?).map_err(streams::invalid)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Incoming,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        streams::Codec::write(io, request.map_err(streams::invalid)?.encode()).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        streams::Codec::write(io, response.encode()).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contribution() -> impl Strategy<Value = Contribution> {
        (prop::collection::vec(any::<u8>(), 1..100), any::<[u8; 32]>()).prop_map(|(data, half)| {
            let signature = [half, half].concat().try_into().expect("64 bytes");
            Contribution { data, signature: Signature::from_bytes(signature) }
        })
    }

    fn request() -> impl Strategy<Value = Request> {
        let session = || any::<[u8; 16]>().prop_map(SessionId::from_bytes);
        let signature = || contribution().prop_map(|contribution| contribution.signature);
        let phase = || (1u8..4).prop_map(|code| Phase::from_code(code).expect("a phase"));
        let end = (1u8..5, prop::option::of(0u8..15)).prop_map(|(code, signer)| End {
            cause: Cause::from_code(code).expect("a cause"),
            signer,
        });
        prop_oneof![
            (prop::collection::vec(any::<u8>(), 0..300), signature())
                .prop_map(|(body, signature)| Request::Announce { body, signature }),
            (session(), 0u8..15, signature()).prop_map(|(session, signer, signature)| {
                Request::Join { session, signer, signature }
            }),
            (session(), phase(), prop::collection::vec(contribution(), 0..=size::SIGNERS))
                .prop_map(|(session, phase, contributions)| Request::Begin {
                    session,
                    phase,
                    contributions
                }),
            (session(), 0u8..15, phase(), contribution()).prop_map(
                |(session, signer, phase, contribution)| Request::Contribute {
                    session,
                    signer,
                    phase,
                    contribution
                }
            ),
            (session(), end).prop_map(|(session, end)| Request::Abort { session, end }),
        ]
    }

    proptest! {
        #[test]
        fn requests_round_trip_and_nothing_else_does(message in request(), cut in 1usize..50) {
            let mut encoded = message.encode();
            prop_assert_eq!(Request::decode(&encoded), Ok(message));
            let shorter = encoded.len().saturating_sub(cut);
            prop_assert!(Request::decode(&encoded[..shorter]).is_err());
            encoded.push(0);
            prop_assert_eq!(Request::decode(&encoded), Err(DecodeError::NotDeterministic));
        }

        #[test]
        fn responses_round_trip(code in any::<u8>(), at in prop::option::of(0u64..1 << 40)) {
            let message = Response { code, retry_at: at.map(Timestamp::from_millis) };
            prop_assert_eq!(Response::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn noise_is_the_only_encoding_of_what_it_decodes_to(noise in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(message) = Request::decode(&noise) {
                prop_assert_eq!(message.encode(), noise.clone());
            }
            if let Ok(message) = Response::decode(&noise) {
                prop_assert_eq!(message.encode(), noise);
            }
        }
    }

    #[test]
    fn each_refusal_has_its_name() {
        use DecodeError::*;
        let id = "50".to_owned() + &"11".repeat(16);
        let signature = "5840".to_owned() + &"22".repeat(64);
        let request = |text: String| Request::decode(&hex::decode(text).expect("hex"));
        assert!(request(format!("8401{id}0e{signature}")).is_ok());
        assert_eq!(request(format!("8401{id}0f{signature}")), Err(Malformed), "a 16th signer");
        assert_eq!(request(format!("8402{id}0080")), Err(Malformed), "no phase begins with 0");
        assert_eq!(request(format!("8402{id}0480")), Err(Malformed), "nor with 4");
        assert!(request(format!("8402{id}0180")).is_ok());
        assert_eq!(request(format!("8402{id}0190")), Err(TooManyItems(16)));
        assert_eq!(request(format!("8402{id}019a00ffffff")), Err(TooManyItems(0x00ff_ffff)));
        assert_eq!(request(format!("8503{id}00018240{signature}")), Err(Malformed), "no data");
        assert!(request(format!("8503{id}000182410a{signature}")).is_ok());
        assert_eq!(request(format!("8404{id}00f6")), Err(Malformed), "cause 0 is none to tell");
        assert_eq!(request(format!("8404{id}05f6")), Err(Malformed));
        assert!(request(format!("8404{id}04f6")).is_ok());
        assert_eq!(request("8105".to_owned()), Err(Unknown(5)));
        assert_eq!(request("8100".to_owned()), Err(Malformed));
        assert_eq!(request(String::new()), Err(Malformed));
    }

    #[test]
    fn the_contributions_of_fifteen_fit_a_frame_and_one_byte_more_is_none() {
        let most = |bytes: usize| Request::Begin {
            session: SessionId::from_bytes([1; 16]),
            phase: Phase::Finish,
            contributions: vec![
                Contribution {
                    data: vec![7; bytes],
                    signature: Signature::from_bytes([8; 64])
                };
                size::SIGNERS
            ],
        };
        let full = most(size::CONTRIBUTION);
        assert!(full.encode().len() <= size::FRAME);
        assert_eq!(Request::decode(&full.encode()), Ok(full));
        let over = most(size::CONTRIBUTION + 1);
        assert_eq!(Request::decode(&over.encode()), Err(DecodeError::Malformed));
    }
}
