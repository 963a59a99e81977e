"""Names and numbers of the core, which never change. A test compares them with the core's own."""

from __future__ import annotations

from enum import Enum

from . import _ltms

# Neither is a str or an int: help() would tell all that those can do for each of them.


class _Name(Enum):
    """A name that is equal to its text; `str()` is the text, `int()` the number."""

    def __eq__(self, other: object) -> bool:
        return self.value == other if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)

    def __int__(self) -> int:
        return self.code

    @property
    def code(self) -> int:
        """The number, as in C, recordings and the wire format."""
        return _ltms._code(type(self).__name__, self.value)


class _Number(Enum):
    """A name that is equal to its number, which `int()` is."""

    def __eq__(self, other: object) -> bool:
        return self.value == other if isinstance(other, int) else self is other

    def __hash__(self) -> int:
        return hash(self.value)

    def __int__(self) -> int:
        return int(self.value)


class Verdict(_Name):
    """What to do with a message: take it, drop it, or drop it and count it against its bringer."""

    __module__ = "ltms"

    IGNORE = "ignore"
    ACCEPT = "accept"
    REJECT = "reject"


class Failure(_Name):
    """How a signing session failed; Reputation.failure and Gate.record_session take it."""

    __module__ = "ltms"

    TIMEOUT = "timeout"
    DISCONNECT = "disconnect"
    INVALID_SIGNATURE = "invalid-signature"
    ABORT = "abort"


class SignatureCheck(_Name):
    """What a ticket's signatures turned out to be."""

    __module__ = "ltms"

    VALID = "valid"
    INVALID = "invalid"
    NOT_DELEGATED = "not-delegated"


class Evidence(_Number):
    """How well it is known that a block is in the chain; more is better.

    WEAK: its own work alone. ANCHORED: a later block that the owner set is linked to it. INDEXER: an
    indexer says so. NODE: a full node says so.
    """

    __module__ = "ltms"

    WEAK = 0
    ANCHORED = 1
    INDEXER = 2
    NODE = 3


class Purpose(_Number):
    """What a burn after the registration is for: equal to the number in its script."""

    __module__ = "ltms"

    ROTATION = 1
    ADDITIONAL_KEY = 2
    SIGNING_REQUEST = 3
    WEEKLY_EXTENSION = 4
    DIRECTORY_ENTRY = 5
    TOP_UP = 6


class Reason(_Name):
    """Why a Decision is what it is: equal to its text, which never changes.

        >>> import ltms
        >>> reason = ltms.Reason("too-soon")
        >>> reason is ltms.Reason.TOO_SOON, reason == "too-soon", int(reason)
        (True, True, 20)
        >>> str(reason.verdict), reason.meaning
        ('ignore', "The author's own window is spent.")
    """

    __module__ = "ltms"

    UNJUDGED = "unjudged"
    NEW = "new"
    KNOWN = "known"
    THROTTLE = "throttle"
    CLEAR = "clear"
    PROVE_IDENTITY = "prove-identity"
    EXPIRED = "expired"
    FUTURE = "future"
    STALE = "stale"
    REPLAYED = "replayed"
    ALREADY_KNOWN = "already-known"
    NOT_LISTED = "not-listed"
    TOO_SOON = "too-soon"
    IDENTITY_WINDOW = "identity-window"
    CONNECTION_WINDOW = "connection-window"
    SIGNATURE_BUDGET = "signature-budget"
    STRANGER_WINDOW = "stranger-window"
    KEY_LIMIT = "key-limit"
    NODE_BUSY = "node-busy"
    HEADER_BUDGET = "header-budget"
    TABLE_FULL = "table-full"
    STRANGER_SHARE = "stranger-share"
    CONNECTION_LIMIT = "connection-limit"
    GROUP_LIMIT = "group-limit"
    UNKNOWN_IDENTITY = "unknown-identity"
    NEED_HISTORY = "need-history"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"
    BURN_USED = "burn-used"
    STRANGER_ELSEWHERE = "stranger-elsewhere"
    NOT_CHARGED = "not-charged"
    IMMATURE = "immature"
    KEY_TAKEN = "key-taken"
    UNKNOWN_BLOCK = "unknown-block"
    GRAYLISTED = "graylisted"
    BLACKLISTED = "blacklisted"
    IDENTITY_BANNED = "identity-banned"
    LOCAL_LIMIT = "local-limit"
    UNSUPPORTED = "unsupported"
    WEAK_EVIDENCE = "weak-evidence"
    NOT_COUNTED = "not-counted"
    NOT_FINAL = "not-final"
    CHAIN_SUSPECT = "chain-suspect"
    GROUP_BANNED = "group-banned"
    OVERSIZE = "oversize"
    MALFORMED = "malformed"
    INVALID_SIGNATURE = "invalid-signature"
    NOT_DELEGATED = "not-delegated"
    LIFETIME = "lifetime"
    ADDRESS = "address"
    TEXT = "text"
    SCRIPT = "script"
    BURN_TOO_SMALL = "burn-too-small"
    NO_SUCH_OUTPUT = "no-such-output"
    NOT_IN_BLOCK = "not-in-block"
    COINBASE = "coinbase"
    TRANSACTION = "transaction"
    UNKNOWN_SESSION = "unknown-session"
    NOT_A_SIGNER = "not-a-signer"
    WRONG_PHASE = "wrong-phase"
    SESSION_LIMIT = "session-limit"
    SHARED_KEY = "shared-key"

    @property
    def verdict(self) -> Verdict:
        """The verdict that belongs to the reason."""
        return Verdict(_ltms._reason(self.value)[0])

    @property
    def meaning(self) -> str:
        """What it means, in a sentence."""
        return _ltms._reason(self.value)[1]
