"""What this package raises. A wrong type is a TypeError, as everywhere in Python."""

from __future__ import annotations


class LtmsError(Exception):
    """What this package raises of its own. A refusal of the Gate is no error but a Decision."""

    __module__ = "ltms"


class InputError(LtmsError, ValueError):
    """An argument is out of range, of the wrong length, or not of the form that is asked for."""

    __module__ = "ltms"


class ScriptError(InputError):
    """Bytes that are no burn script.

    older_sdk_reads: whether older software reads a key out of them all the same, so that somebody
    may have burned money in this form.
    """

    __module__ = "ltms"
    older_sdk_reads: bool

    def __init__(self, message: str, older_sdk_reads: bool = False) -> None:
        super().__init__(message)
        self.older_sdk_reads = older_sdk_reads


class TransactionError(InputError):
    """Bytes that are no transaction."""

    __module__ = "ltms"


class ProofError(InputError):
    """A proof of inclusion that does not hold, or is none."""

    __module__ = "ltms"


class InvalidKeyError(InputError):
    """Bytes that are no public or no secret key of the curve."""

    __module__ = "ltms"
