"""Who may announce himself as a MuSig2 signer of Lotus, decided without a network.

    identities  txid, identity_id, parse_transaction
    burns       parse_burn_script, build_burn_script, Purpose
    proofs      verify_txoutproof, check_txoutproof, parse_txoutproof
    signatures  schnorr_sign, schnorr_verify, schnorr_verify_batch, public_key
    signers     Reputation, Failure
    decisions   Decision, Verdict, Reason

Keys, hashes that are signed, signatures, scripts and transactions are bytes. Ids of transactions,
blocks and identities are text of 64 hexadecimal digits, in the order in which they are displayed.
Times are milliseconds since 1970, given by the caller: nothing here reads a clock. Amounts are
satoshis, a million to the XPI.

A refusal is a value: a Decision, false in a condition. Misuse is an exception: TypeError for a wrong
type, and otherwise LtmsError or one of its subclasses, most of them InputError, which is also a
ValueError. Everything may be used from many threads at once.
"""

from ._enums import Failure, Purpose, Reason, Verdict
from ._errors import (
    InputError,
    InvalidKeyError,
    LtmsError,
    ProofError,
    ScriptError,
    TransactionError,
)
from ._ltms import (
    BurnScript,
    Decision,
    Reputation,
    __version__,
    build_burn_script,
    check_txoutproof,
    identity_id,
    parse_burn_script,
    parse_transaction,
    parse_txoutproof,
    public_key,
    schnorr_sign,
    schnorr_verify,
    schnorr_verify_batch,
    txid,
    verify_txoutproof,
)

__all__ = [
    "BurnScript",
    "Decision",
    "Failure",
    "InputError",
    "InvalidKeyError",
    "LtmsError",
    "ProofError",
    "Purpose",
    "Reason",
    "Reputation",
    "ScriptError",
    "TransactionError",
    "Verdict",
    "__version__",
    "build_burn_script",
    "check_txoutproof",
    "identity_id",
    "parse_burn_script",
    "parse_transaction",
    "parse_txoutproof",
    "public_key",
    "schnorr_sign",
    "schnorr_verify",
    "schnorr_verify_batch",
    "txid",
    "verify_txoutproof",
]
