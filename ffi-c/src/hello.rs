//! Proof that a connection belongs to an identity.

use ltms_core::wire::{Authority, Envelope, Hello, HelloDelegation, Kind, WireError, hello_hash};
use ltms_core::{PeerId, Proof, Signature, Source};

use crate::gate::{ltms_gate, with};
use crate::guard::run;
use crate::messages::{BODY, encoded, ltms_authority, seal};
use crate::raw;
use crate::schnorr::secret;
use crate::status::{Status, ltms_status};
use crate::types::{ltms_decision, ltms_peer, ltms_source, network, time};

/// Answers a challenge of 32 bytes, to show on a connection that it belongs to an identity, as an
/// envelope that only `verifier` can take, and only from `prover`: the peer ids of the connection.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE (also for an authority of kind 0), LTMS_KEY_OUT_OF_RANGE,
/// LTMS_BUFFER_TOO_SMALL.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_hello_sign(
    envelope: *mut u8,
    capacity: usize,
    envelope_len: *mut usize,
    prover: *const ltms_peer,
    verifier: *const ltms_peer,
    challenge: *const u8,
    authority: *const ltms_authority,
    network_number: u8,
    secret_key: *const u8,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let (out, len) = (raw::buffer(envelope, capacity)?, raw::out(envelope_len)?);
        let prover: PeerId = raw::get(prover)?.try_into()?;
        let verifier: PeerId = raw::get(verifier)?.try_into()?;
        let challenge = *raw::array(challenge)?;
        let authority: Option<Authority> = raw::get(authority)?.try_into()?;
        let authority = authority.ok_or(Status::Value)?;
        let (network, secret) = (network(network_number)?, secret(secret_key)?);
        let under = |delegation| HelloDelegation { delegation, sequence: authority.sequence };
        let hello = Hello {
            identity: authority.identity,
            key: secret.public_key(),
            delegation: authority.delegation.map(under),
            challenge,
        };
        let mut room = [0; BODY];
        let body = encoded(&mut room, |to| hello.encode(to))?;
        let hash = hello_hash(network, &prover, &verifier, &hello.identity, &challenge);
        len.write(seal(out, Kind::Hello, body, secret.sign(&hash))?);
        Ok(())
    })
}

/// Whether the connection of `source` belongs to the identity that its answer names: an envelope
/// of ltms_hello_sign. `verifier` is our own peer id, `challenge` the 32 bytes that we asked on this
/// connection; each is good for one answer. LTMS_REASON_CLEAR: the connection has the identity's
/// benefits until it ends.
///
/// Errors: LTMS_PEER_ID, LTMS_VALUE. Bad envelopes are decisions, not errors.
/// Threads: one at a time for a Gate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ltms_gate_prove_identity(
    gate: *mut ltms_gate,
    decision: *mut ltms_decision,
    now_ms: u64,
    source: *const ltms_source,
    verifier: *const ltms_peer,
    challenge: *const u8,
    envelope: *const u8,
    envelope_len: usize,
) -> ltms_status {
    // SAFETY: the contract at the top of the header.
    run(|| unsafe {
        let decision = raw::out(decision)?;
        let source = Source::try_from(raw::get(source)?)?;
        let verifier = raw::get(verifier)?.try_into()?;
        let challenge = raw::array(challenge)?;
        let envelope = raw::items(envelope, envelope_len)?;
        let given = with(gate, |gate| {
            Ok(match read_hello(envelope) {
                Ok((hello, signature)) => {
                    let proof = Proof { verifier: &verifier, challenge, hello: &hello, signature };
                    gate.prove_identity(time(now_ms), &source, &proof)
                }
                Err(error) => gate.malformed(time(now_ms), &source, error.reason(), envelope),
            })
        })?;
        decision.write(given.into());
        Ok(())
    })
}

fn read_hello(envelope: &[u8]) -> core::result::Result<(Hello, Signature), WireError> {
    let Envelope { kind, body, signature } = Envelope::decode(envelope)?;
    if kind == Kind::Hello {
        Ok((Hello::decode(body)?, signature))
    } else {
        Err(WireError::WrongKind)
    }
}
