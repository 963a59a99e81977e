"""Who may announce himself as a MuSig2 signer of Lotus, decided without a network.

Signers tell each other by *advertisements*, signed messages, that they are ready to sign, where,
and for which types of transactions. Anybody can make those, so every node has a *Gate*: it is asked
about each connection and message, and answers with a *Decision*: accept, ignore or reject, and why.
Whoever has burned money in a transaction of the Lotus chain has an *identity* there, with more room
and a reputation to lose; everybody else is a *stranger*.

    >>> import ltms
    >>> now, secret = 1_795_400_000_000, bytes([1] * 32)
    >>> peer = bytes.fromhex("002408011220" + "01" * 32)  # what libp2p calls a peer id
    >>> source = ltms.Source.direct(peer)
    >>> gate = ltms.Gate(capacity="small")
    >>> gate.connected(now, ltms.Connection(peer, "198.51.100.7"))
    >>> gate.admit_ad(now, source, ltms.sign_ad(secret, peer, now, now + 3_600_000, types=[1]))
    <Decision accept: new>
    >>> soon = now + 1_000
    >>> told = gate.admit_ad(soon, source, ltms.sign_ad(secret, peer, soon, now + 3_600_000, types=[1]))
    >>> bool(told), str(told.reason), told.retry_at - now
    (False, 'too-soon', 60000)
    >>> told.reason.meaning
    "The author's own window is spent."
    >>> [row["key"] == ltms.public_key(secret) for row in gate.directory(soon, types=[1])]
    [True]

What there is:

    policy      Gate, Connection, Source, Subject, default_policy, policy_fields, certificate
    messages    sign_ad, sign_withdrawal, sign_delegation, sign_hello, parse_envelope
    claims      sign_registration, sign_rotation, sign_credit
    incidents   Replay, and the command python -m ltms
    identities  txid, identity_id, parse_transaction
    burns       parse_burn_script, build_burn_script, Purpose
    proofs      verify_txoutproof, check_txoutproof, parse_txoutproof, verify_inclusion
    blocks      parse_block, parse_header, parse_bits, merkle_branch, merkle_root, ChainClock
    signatures  schnorr_sign, schnorr_verify, schnorr_verify_batch, public_key, sighash
    signers     Reputation, Failure
    decisions   Decision, Verdict, Reason

Keys, hashes that are signed, signatures, scripts and transactions are bytes. Ids of transactions,
blocks and identities are text of 64 hexadecimal digits, in the order in which they are displayed.
Times are milliseconds since 1970, given by the caller: nothing here reads a clock. Amounts are
satoshis, a million to the XPI.

A refusal is a value: a Decision, false in a condition. Misuse is an exception: TypeError for a
wrong type, and otherwise LtmsError or one of its subclasses, most of them InputError, which is also
a ValueError. Everything may be used from many threads at once.
"""

from ._enums import Evidence, Failure, Purpose, Reason, SignatureCheck, Verdict
from ._errors import (
    CapacityError,
    ClosedError,
    InputError,
    InvalidKeyError,
    LtmsError,
    PolicyError,
    ProofError,
    ReplayError,
    ScriptError,
    SnapshotError,
    TicketError,
    TransactionError,
    WireError,
)
from ._ltms import (
    AdTicket,
    BurnScript,
    ChainClock,
    ClaimTicket,
    Connection,
    Decision,
    Gate,
    LookupTicket,
    Replay,
    Reputation,
    Source,
    Subject,
    build_burn_script,
    certificate,
    check_txoutproof,
    default_policy,
    identity_id,
    merkle_branch,
    merkle_root,
    parse_bits,
    parse_block,
    parse_burn_script,
    parse_envelope,
    parse_header,
    parse_transaction,
    parse_txoutproof,
    policy_fields,
    public_key,
    schnorr_sign,
    schnorr_verify,
    schnorr_verify_batch,
    sighash,
    sign_ad,
    sign_credit,
    sign_delegation,
    sign_hello,
    sign_registration,
    sign_rotation,
    sign_withdrawal,
    txid,
    verify_inclusion,
    verify_txoutproof,
    __version__,
)

__all__ = [
    "AdTicket",
    "BurnScript",
    "CapacityError",
    "ChainClock",
    "ClaimTicket",
    "ClosedError",
    "Connection",
    "Decision",
    "Evidence",
    "Failure",
    "Gate",
    "InputError",
    "InvalidKeyError",
    "LookupTicket",
    "LtmsError",
    "PolicyError",
    "ProofError",
    "Purpose",
    "Reason",
    "Replay",
    "ReplayError",
    "Reputation",
    "ScriptError",
    "SignatureCheck",
    "SnapshotError",
    "Source",
    "Subject",
    "TicketError",
    "TransactionError",
    "Verdict",
    "WireError",
    "__version__",
    "build_burn_script",
    "certificate",
    "check_txoutproof",
    "default_policy",
    "identity_id",
    "merkle_branch",
    "merkle_root",
    "parse_bits",
    "parse_block",
    "parse_burn_script",
    "parse_envelope",
    "parse_header",
    "parse_transaction",
    "parse_txoutproof",
    "policy_fields",
    "public_key",
    "schnorr_sign",
    "schnorr_verify",
    "schnorr_verify_batch",
    "sighash",
    "sign_ad",
    "sign_credit",
    "sign_delegation",
    "sign_hello",
    "sign_registration",
    "sign_rotation",
    "sign_withdrawal",
    "txid",
    "verify_inclusion",
    "verify_txoutproof",
]
