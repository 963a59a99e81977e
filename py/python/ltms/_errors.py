"""What this package raises. A wrong type is a TypeError, as everywhere in Python."""

from __future__ import annotations

from ._enums import Reason


class LtmsError(Exception):
    """What this package raises of its own. A refusal of the Gate is no error but a Decision.

        >>> import ltms
        >>> try:
        ...     ltms.txid(b"")
        ... except ltms.LtmsError as error:
        ...     print(type(error).__name__, "-", error)
        TransactionError - the transaction ends too early
    """

    __module__ = "ltms"


class InputError(LtmsError, ValueError):
    """An argument is out of range, of the wrong length, or not of the form that is asked for."""

    __module__ = "ltms"


class ScriptError(InputError):
    """Bytes that are no burn script.

    kind: what is wrong, in a word that never changes, "Truncated".
    older_sdk_reads: whether older software reads a key out of them all the same, so that somebody
    may have burned money in this form.
    """

    __module__ = "ltms"
    kind: str
    older_sdk_reads: bool

    def __init__(self, message: str, kind: str = "", older_sdk_reads: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.older_sdk_reads = older_sdk_reads


class TransactionError(InputError):
    """Bytes that are no transaction."""

    __module__ = "ltms"


class ProofError(InputError):
    """A proof of inclusion that does not hold, or is none.

    kind: what is wrong, in a word that never changes, "Root" or "Branch(Index)".
    """

    __module__ = "ltms"
    kind: str

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class PolicyError(InputError):
    """A policy that cannot be used.

    field: the field at fault with the group it is in, "windows.strangers"; empty for the whole.
    """

    __module__ = "ltms"
    field: str

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class WireError(InputError):
    """Bytes that are no message of the kind that is asked for.

    reason: the Reason to decide by, for Gate.malformed.
    """

    __module__ = "ltms"
    reason: Reason

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


class SnapshotError(InputError):
    """Bytes that are no snapshot of this Gate's, or a Gate that is in use already."""

    __module__ = "ltms"


class ReplayError(InputError):
    """Bytes that are no recording of this version, or that do not fit what came before."""

    __module__ = "ltms"


class TicketError(InputError):
    """A ticket that was used before, or that another Gate gave out."""

    __module__ = "ltms"


class CapacityError(LtmsError):
    """A table has no room for what was asked, or no row of whom it was asked for."""

    __module__ = "ltms"


class ClosedError(LtmsError):
    """The Gate is closed: close() was called, or its `with` has ended."""

    __module__ = "ltms"


class InvalidKeyError(InputError):
    """Bytes that are no public or no secret key of the curve."""

    __module__ = "ltms"
