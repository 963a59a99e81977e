"""The command `python -m ltms`."""

from __future__ import annotations

import argparse
import binascii
import contextlib
import json
import os
import string
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterable

import ltms

from . import _explain

NO = 1  # the answer is no
USAGE = 2  # the question cannot be answered

HELP = """\
Reads what the Lotus MuSig2 admission policy reads, without a network.

HEX is hexadecimal digits, @FILE (of digits, or of the bytes themselves), or - for standard input.
"""
EXITS = """\
exit codes: 0 done; 1 the answer is no (no burn script, a proof that does not hold, a recording
that is answered otherwise now); 2 the input or the command line is wrong
"""


class Refused(Exception):
    """What is told on standard error, with the exit code."""

    def __init__(self, what: object, code: int = USAGE) -> None:
        super().__init__(str(what))
        self.code = code


def digits(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    if os.path.isfile(text):
        raise Refused(f"{text} is a file: write @{text}")
    if all(digit in string.hexdigits for digit in text):
        raise Refused("an odd number of hexadecimal digits: one is missing, or too many")
    raise Refused("not hexadecimal digits, @FILE or -")


def content(name: str) -> bytes:
    """The bytes of a file, or of standard input."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Refused(f"{name}: {error.strerror}") from None


def given(argument: str) -> bytes:
    """The bytes that HEX stands for."""
    if argument != "-" and not argument.startswith("@"):
        return digits(argument)
    raw = content(argument if argument == "-" else argument[1:])
    try:
        return binascii.unhexlify(b"".join(raw.split()))
    except binascii.Error:
        if all(byte in string.printable.encode() for byte in raw):
            # Neither a transaction, a script, a message nor a proof is readable as it stands.
            whole = "standard input" if argument == "-" else argument[1:]
            raise Refused(f"{whole}: text, but not of hexadecimal digits alone") from None
        return raw


def sequence(name: str) -> bytes:
    """A recording: its bytes, or its lines of digits, in which # begins a comment."""
    raw = content(name)
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError:
        return raw  # the first byte of an array is no text
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(bytes.fromhex(line.split("#")[0]))
        except ValueError:
            raise Refused(f"{name}: line {number} is not hexadecimal digits") from None
    return b"".join(records)


def say(args: argparse.Namespace, told: Any, lines: Iterable[str]) -> None:
    if args.json:
        print(json.dumps(told, default=lambda value: value.hex()))
    else:
        for line in lines:
            print(line)


def burn(script: bytes) -> dict[str, Any]:
    told = ltms.parse_burn_script(script)
    return {
        "public_key": told.public_key.hex(),
        "purpose": _explain.purpose(told.purpose),
        "identity_id": told.identity_id,
        "timestamp_ms": told.timestamp_ms,
    }


def script(args: argparse.Namespace) -> int:
    raw = given(args.script)
    try:
        told = burn(raw)
    except ltms.ScriptError as error:
        told = {"error": str(error), "older_sdk_reads": error.older_sdk_reads}
        say(args, told, [f"no burn: {error}"])
        return NO
    say(args, told, _explain.script(told))
    return 0


def tx(args: argparse.Namespace) -> int:
    told = ltms.parse_transaction(given(args.transaction))
    for vout, output in enumerate(told["outputs"]):
        try:
            found = burn(output["script"])
        except ltms.ScriptError as error:
            output.update(no_burn=str(error), older_sdk_reads=error.older_sdk_reads)
            continue
        new = found["purpose"] is None and vout <= 255
        output["burn"] = {**found, "creates": ltms.identity_id(told["txid"], vout) if new else None}
    say(args, told, _explain.transaction(told))
    return 0


def message(args: argparse.Namespace) -> int:
    try:
        told = ltms.parse_envelope(given(args.envelope), args.network)
    except ltms.WireError as error:
        told = {"error": str(error), "reason": str(error.reason)}
        say(args, told, [f"{error.reason.verdict} {error.reason}: {error}"])
        return NO
    told = json.loads(json.dumps(told, default=lambda value: value.hex()))
    say(args, told, _explain.message(told))
    return 0


def proof(args: argparse.Namespace) -> int:
    raw = given(args.proof)
    told: dict[str, Any] = {"holds": False, "position": None, "problem": None, "block": None}
    try:
        told["position"] = ltms.check_txoutproof(raw, args.txid, args.block)
        told["holds"] = True
    except ltms.ProofError as error:
        told["problem"] = str(error)
    with contextlib.suppress(ltms.ProofError):
        told["block"] = ltms.parse_txoutproof(raw)
    say(args, told, _explain.proof(told))
    return 0 if told["holds"] else NO


def explained(step: dict[str, Any]) -> dict[str, Any]:
    """A step with whom it is about, and its decision in plain values."""
    decision = step.pop("decision")
    step["who"] = _explain.who(step["call"], step["arguments"])
    step["verdict"] = None if decision is None else str(decision.verdict)
    step["reason"] = None if decision is None else str(decision.reason)
    step["retry_at"] = None if decision is None else decision.retry_at
    return step


def replay(args: argparse.Namespace) -> int:
    recorded = ltms.Replay(sequence(args.recording))
    peer = args.peer.lower() if args.peer else ""
    if not all(digit in string.hexdigits for digit in peer):
        raise Refused(f"--peer {args.peer}: not hexadecimal digits")
    reasons: Counter[str] = Counter()
    calls = differ = found = 0
    try:
        for step in map(explained, recorded):
            calls += 1
            differ += not step["holds"]
            if step["reason"]:
                reasons[step["reason"]] += 1
            refused = step["verdict"] in ("ignore", "reject")
            wanted = refused if args.refused else not args.quiet
            about = peer in step["who"]
            found += about
            if about and (wanted or not step["holds"]):
                say(args, step, [_explain.step(step)])
    except ltms.ReplayError as error:
        # After an answer that differs, the rest of a recording may make no sense.
        if not differ:
            raise
        print(f"ltms: {error}", file=sys.stderr)
    if not found and calls:
        print(f"ltms: no call is about {peer}", file=sys.stderr)
    told = {"version": recorded.version, "calls": calls, "differ": differ, "reasons": dict(reasons)}
    say(args, told, _explain.replayed(told))
    return NO if differ else 0


def costs(args: argparse.Namespace) -> int:
    policy = None
    if args.policy:
        try:
            policy = json.loads(content(args.policy))
        except (ValueError, RecursionError) as error:
            raise Refused(f"{args.policy}: no JSON that a policy could be: {error}") from None
        if not isinstance(policy, dict):
            raise Refused(f"{args.policy}: a policy is an object, as `policy --json` shows")
    try:
        told = ltms.certificate(policy, args.capacity)
    except TypeError as error:
        raise Refused(f"{args.policy}: {error}") from None
    say(args, told, _explain.costs(told))
    return 0


def policy(args: argparse.Namespace) -> int:
    told, fields = ltms.default_policy(args.network), ltms.policy_fields()
    if args.json:
        print(json.dumps(told, indent=2))
        return 0
    for name, meaning in fields.items():
        value = told
        for part in name.split("."):
            value = value[part]
        print(f"{name} = {json.dumps(value)}\n    {meaning}")
    return 0


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "python -m ltms", description=HELP, epilog=EXITS, formatter_class=form
    )
    top.add_argument("--version", action="version", version=f"ltms {ltms.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Any, about: str, more: str = "") -> argparse.ArgumentParser:
        whole = f"{about[0].upper()}{about[1:]}.{more}"
        sub = commands.add_parser(
            name, help=about, description=whole, epilog=EXITS, formatter_class=form
        )
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="one JSON object instead of lines")
        return sub

    def network(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--network", choices=("main", "test", "reg"), default="main")

    sub = command("script", script, "what the output script of a burn says, or why it is none")
    sub.add_argument("script", metavar="HEX")
    sub = command("tx", tx, "what a raw transaction says, with its burns and their identities")
    sub.add_argument("transaction", metavar="HEX")
    sub = command("message", message, "what a signed message says, or how it would be refused",
                  "\nIts signature is not checked.")
    sub.add_argument("envelope", metavar="HEX")
    network(sub)
    sub = command("proof", proof, "whether a proof of gettxoutproof shows a transaction in a block")
    sub.add_argument("proof", metavar="HEX")
    sub.add_argument("txid", metavar="TXID")
    sub.add_argument("block", metavar="BLOCKHASH")
    sub = command("replay", replay, "decide again what a Gate decided, and explain each verdict",
                  "\nRECORDING is a file of `ltms node --record` or Gate.recording(), in bytes or"
                  "\nin lines of digits, or - for standard input. With --json, a call is a line.")
    sub.add_argument("recording", metavar="RECORDING")
    show = sub.add_mutually_exclusive_group()
    show.add_argument("--refused", action="store_true", help="only calls that did not accept")
    show.add_argument("--quiet", action="store_true", help="only calls answered otherwise now")
    sub.add_argument("--peer", metavar="HEX", help="only calls about whoever's id has these digits")
    sub = command("costs", costs, "what a policy bounds, and what attacks on it cost")
    sub.add_argument("--policy", metavar="FILE", help="JSON of the fields that are not the default")
    sub.add_argument("--capacity", choices=("node", "small", "tiny"), default="node")
    sub = command("policy", policy, "the default policy, each field with meaning, unit and reason")
    network(sub)
    return top


def main(arguments: list[str] | None = None) -> int:
    args = parser().parse_args(arguments)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except Refused as error:
        print(f"ltms: {error}", file=sys.stderr)
        return error.code
    except ltms.LtmsError as error:
        print(f"ltms: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # Whoever reads has enough; nothing is to be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"ltms: the answer cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
