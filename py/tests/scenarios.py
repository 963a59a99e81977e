"""Plays the scenarios of the independent model on a Gate, through the package alone.

Messages are written by the model's own encoder. Their signatures are of a toy scheme that whoever
knows a public key can make, because whether one holds is the scenario's to say; only a hello is
really signed, because the Gate checks it.
"""

import functools
import hashlib
import struct
import sys

import ltms
import vectors

sys.path.insert(0, str(vectors.FOLDER.parent / "oracle"))
from _cbor import cbor  # noqa: E402

# More than any scenario fills.
CAPACITY = {
    "peers": 64, "identities": 512, "tombstones": 256, "keys": 4096, "bans": 256, "groups": 64,
    "cells": 65536, "outcomes": 1024,
}  # fmt: skip
LAST = 2**48 - 2
US = 9
CHALLENGE = b"\7" * 32
GARBAGE = b"\3" * 64
NUMBERS = range(1, 100)
BRANCH = [b"\x08" * 32] * 3
PURPOSES = {
    "rotation": ltms.Purpose.ROTATION, "additional_key": ltms.Purpose.ADDITIONAL_KEY,
    "request": ltms.Purpose.SIGNING_REQUEST, "extension": ltms.Purpose.WEEKLY_EXTENSION,
    "directory_entry": ltms.Purpose.DIRECTORY_ENTRY, "top_up": ltms.Purpose.TOP_UP,
}  # fmt: skip


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, data):
    return sha256(sha256(tag) * 2 + b"R" + data)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def peer(number):
    return bytes.fromhex("002408011220") + b"\7" * 28 + number.to_bytes(4, "big")


def secret(number):
    return sha256(b"scenario key %d" % number)


@functools.lru_cache(maxsize=None)
def key(number):
    return ltms.public_key(secret(number))


def number_of(known, value):
    return next(number for number in NUMBERS if known(number) == value)


def sign(by, message):
    return sha256(b"toy" + by + message) * 2


def holds(ticket):
    told = [signature == sign(by, message) for by, message, signature in ticket.signatures()]
    return ticket.check(told)


def shown(decision):
    assert decision.verdict is decision.reason.verdict
    assert bool(decision) is (decision.verdict is ltms.Verdict.ACCEPT)
    reason = str(decision.reason)
    return reason if decision.retry_at is None else [reason, decision.retry_at]


def source(op):
    if op["via"] == "gossip":
        publisher = peer(op["publisher"]) if "publisher" in op else None
        return ltms.Source.gossip(peer(op["from"]), publisher)
    # Only gossip has a publisher: where another frame names one, the answer is as without.
    return getattr(ltms.Source, op["via"])(peer(op["from"]))


def connection(op):
    return ltms.Connection(peer(op["peer"]), op.get("at"), op.get("outbound", False))


def delegation(op, identity, author, sign):
    """(not_after, signature) by whom the operation says, if by anybody."""
    given = op.get("delegation")
    if not given:
        return None
    data = identity + author + u64(op.get("sequence", 0)) + u64(given["until"])
    message = tagged(b"LTMS/key/1", data)
    return given["until"], sign(given["by"], message) if "by" in given else GARBAGE


def transaction(salt, outputs):
    raw = b"\2\0\0\0\1" + sha256(u32(salt)) + bytes(4) + b"\x3c" + b"\7" * 60 + b"\xff" * 4
    written = [u64(amount) + bytes([len(script)]) + script for amount, script in outputs]
    return raw + bytes([len(written)]) + b"".join(written) + bytes(4)


def header(height, root):
    raw = bytearray(160)
    raw[52], raw[60:64], raw[96:128] = 1, u32(height), root
    return bytes(raw)


def block_hash(raw):
    return ltms.parse_header(raw)["hash"]


class Burn:
    """A burn in a block, as the claim of an operation names it, perhaps with a defect."""

    def __init__(self, player, op):
        registers, defect = op["what"] == "registration", op.get("defect")
        number, amount = op.get("key"), op.get("amount")
        purpose = named = None
        if registers:
            number, amount = player.burns[op["identity"] - 1]
        if "purpose" in op:
            purpose, named = PURPOSES[op["purpose"]], player.id(op.get("names", op["identity"]))
        self.key, self.purpose = key(number), purpose
        script = bytearray(ltms.build_burn_script(self.key, None, purpose, named))
        if defect == "script":
            script[2] = ord("X")
        elif defect == "version":
            script[7] = 2
        self.vout = op.get("output", 0)
        outputs = [(0, b"\x51")] * self.vout + [(amount, bytes(script))]
        self.raw = transaction(op["identity"] if registers else 1000, outputs)
        self.position = op["position"]
        root = ltms.merkle_root(self.raw, self.position, BRANCH)
        self.header = header(op["height"], b"\1" * 32 if op.get("block") == "root" else root)
        self.block = bytes.fromhex(block_hash(self.header))[::-1]
        if defect == "garbage":
            self.raw = self.raw[:20]
        elif defect == "coinbase":
            self.position = 0
        elif defect == "branch":
            self.position = 9
        elif defect == "output":
            self.vout += 1

    def found(self, op):
        """The header that our source has for the claim's block, if it has one."""
        block = op.get("block", "found")
        return {"unknown": None, "other": header(1, b"\1" * 32)}.get(block, self.header)

    def outpoint(self):
        try:
            txid = bytes.fromhex(ltms.txid(self.raw))
        except ltms.TransactionError:
            txid = bytes(32)
        return txid + u32(self.vout)

    def envelope(self, player, op):
        body = {1: self.raw, 2: self.vout, 3: self.block, 4: self.position, 5: b"".join(BRANCH)}
        outpoint, sequence = self.outpoint(), op.get("sequence", 0)
        identity = bytes.fromhex(player.id(op["identity"]))
        by = key(op["by"]) if "by" in op else None
        if op["what"] == "registration":
            kind, message = 4, tagged(b"LTMS/register/1", outpoint + self.key)
        elif op["what"] == "rotation":
            created_at, old = min(op["now"], LAST), by or self.key
            data = identity + u64(sequence) + old + self.key + outpoint + u64(created_at)
            kind, message = 6, tagged(b"LTMS/rotate/1", data)
            new = GARBAGE if op.get("unsigned_by_new") else sign(self.key, message)
            body |= {6: identity, 7: sequence, 8: created_at, 9: new}
        else:
            data = identity + bytes([int(self.purpose)]) + outpoint + self.key + u64(sequence)
            kind, message = 7, tagged(b"LTMS/credit/1", data)
            body |= {6: identity, 7: sequence}
        return cbor([kind, cbor(body), sign(by, message) if by else GARBAGE])


class Player:
    def __init__(self, policies, scenario):
        policy = {**policies[scenario["policy"]], "network": "reg"}
        self.gate = ltms.Gate(policy, CAPACITY, b"scenario's seed!")
        # Key and amount of the burn that makes each identity.
        self.burns = scenario["identities"]
        self.ids, self.held = {}, {}

    def id(self, number):
        if number not in self.ids:
            by, amount = self.burns[number - 1]
            raw = transaction(number, [(amount, ltms.build_burn_script(key(by)))])
            self.ids[number] = ltms.identity_id(ltms.txid(raw), 0)
        return self.ids[number]

    def identity_of(self, text):
        return next(n for n in range(1, len(self.burns) + 1) if self.id(n) == text)

    def subject(self, op):
        make = {"peer": peer, "key": key, "identity": self.id}[op["kind"]]
        return getattr(ltms.Subject, op["kind"])(make(op["number"]))

    def play(self, op):
        """One operation; what came out, None for nothing."""
        return getattr(self, op["op"])(op["now"], op)

    def screen(self, now, op):
        return shown(self.gate.screen_connection(now, connection(op)))

    def connected(self, now, op):
        self.gate.connected(now, connection(op))

    def disconnected(self, now, op):
        self.gate.disconnected(now, peer(op["peer"]))

    def frame(self, now, op):
        return shown(self.gate.screen_frame(now, source(op), op["kind"], op["size"]))

    def malformed(self, now, op):
        return shown(self.gate.malformed(now, source(op), op["reason"], b"bytes"))

    def ad(self, now, op):
        author = key(op["author"])
        body = {1: author, 2: op["created"]}
        if not op.get("withdrawal"):
            body |= {3: op["expires"], 4: peer(op["peer"]), 5: [], 6: op.get("types", [1])}
            if "amount" in op:
                body[7] = op["amount"]
            if op.get("padded"):
                # Texts that make an envelope longer than a small local limit.
                body |= {9: "n" * 64, 10: "d" * 200}
        if "identity" in op:
            identity = bytes.fromhex(self.id(op["identity"]))
            body[16] = [identity, op.get("sequence", 0)]
            given = delegation(op, identity, author, lambda by, message: sign(key(by), message))
            if given:
                body[17] = list(given)
        kind, tag = (2, b"LTMS/withdraw/1") if op.get("withdrawal") else (1, b"LTMS/ad/1")
        body = cbor(body)
        signature = GARBAGE if op.get("forged") else sign(author, tagged(tag, body))
        ticket = self.gate.screen_ad(now, source(op), cbor([kind, body, signature]))
        if isinstance(ticket, ltms.Decision):
            return shown(ticket)
        if "hold" in op:
            self.held[op["hold"]] = ticket
            return "held"
        return shown(self.gate.settle_ad(now, ticket, holds(ticket)))

    def claim(self, now, op):
        burn = Burn(self, op)
        ticket = self.gate.screen_claim(now, source(op), burn.envelope(self, op))
        if isinstance(ticket, ltms.ClaimTicket):
            ticket = self.gate.settle_claim(now, ticket, holds(ticket))
        if isinstance(ticket, ltms.Decision):
            return shown(ticket)
        if "hold" in op:
            self.held[op["hold"]] = ticket, burn, op
            return "held"
        return self.settle_burn(now, ticket, burn, op)

    def settle_burn(self, now, ticket, burn, op):
        if op.get("lookup"):
            charged = self.gate.charge_lookup(now, ticket)
            if not charged:
                return shown(charged)
        evidence = ltms.Evidence[op["class"].upper()]
        return shown(self.gate.settle_burn(now, ticket, burn.found(op), evidence))

    def settle(self, now, op):
        held = self.held.pop(op["held"])
        if isinstance(held, ltms.AdTicket):
            return shown(self.gate.settle_ad(now, held, holds(held)))
        return self.settle_burn(now, *held)

    def hello(self, now, op):
        given = delegation(
            op, bytes.fromhex(self.id(op["identity"])), key(op["key"]),
            lambda by, message: ltms.schnorr_sign(secret(by), message),
        )
        authority = (self.id(op["identity"]), op.get("sequence", 0), *(given or ()))
        challenge = b"\x08" * 32 if op.get("old_challenge") else CHALLENGE
        envelope = ltms.sign_hello(
            secret(op["key"]), peer(op["from"]), peer(US), challenge, authority, network="reg"
        )
        if op.get("forged"):
            envelope = envelope[:-64] + GARBAGE
        by = ltms.Source.direct(peer(op["from"]))
        return shown(self.gate.prove_identity(now, by, peer(US), CHALLENGE, envelope))

    def tip(self, now, op):
        return shown(self.gate.set_tip(now, op["height"], "01" * 32, op["fork"]))

    def confirm(self, now, op):
        self.gate.confirm_tip(now, op["height"], "01" * 32, op["fork"])

    def pin(self, now, op):
        return self.gate.pin(now, self.id(op["identity"]), op.get("pinned", False))

    def session(self, now, op):
        outcome = op["response"] if op["outcome"] == "completed" else op["outcome"]
        other = self.id(op["counterparty"]) if "counterparty" in op else None
        session = bytes([op["session"] & 0xFF]) * 16
        subject = self.id(op["subject"])
        return shown(self.gate.record_session(now, session, subject, outcome, other))

    def ban(self, now, op):
        try:
            self.gate.ban(now, self.subject(op), op.get("until"), op["reason"])
        except ltms.CapacityError as error:
            assert "is known" in str(error), error
            return "unknown"
        return "ok"

    def unban(self, now, op):
        return self.gate.unban(now, self.subject(op))

    def allow(self, now, op):
        self.gate.allow(now, peer(op["peer"]), op.get("allowed", False))

    def fault(self, now, op):
        return shown(self.gate.record_fault(now, self.id(op["identity"]), op["reason"]))

    def sweep(self, now, op):
        self.gate.handle_timeout(now)
        return self.gate.poll_timeout()

    def events(self, now, op):
        told = []
        for event in self.gate.events(now):
            line = [event["event"]]
            if "peer" in event:
                line.append(number_of(peer, event["peer"]))
            if "identity" in event:
                line.append(self.identity_of(event["identity"]))
            if "until" in event:
                line.append(event["until"])
            if "reason" in event:
                line.append(str(event["reason"]))
            told.append(line)
        return sorted(told, key=lambda line: (line[0], line[1] if len(line) > 1 else -1))

    def standing(self, now, op):
        told = self.gate.standing(now, self.subject(op))
        first, last = told["sanctioned_at"] or (None, None)
        why, identity = told["sanction_reason"], told["identity"]
        out = {
            "decision": str(told["decision"].reason), "until": told["decision"].retry_at,
            "for": why and str(why), "first": first, "last": last, "faults": told["faults"][0],
            "violations": told["violations"][0], "invalid": told["invalid_signatures"][0],
            "malformed": told["malformed"][0], "identity": identity and self.identity_of(identity),
            "keys": told["keys"][0], "key_limit": told["keys"][1],
            "score": 0 if op["kind"] == "peer" else told["score"],
            "sessions": list(told["sessions"]),
        }  # fmt: skip
        for name in (
            "known", "allowed", "held_until", "by_operator", "connections", "passed_on", "tier",
            "burned", "confirmations", "suspended", "expires_at",
        ):  # fmt: skip
            out[name] = told[name]
        return {name: value for name, value in out.items() if value and value != [0, 0]}

    def identity(self, now, op):
        row = self.gate.identity(self.id(op["identity"]))
        if row is None:
            return None
        assert self.gate.resolve_identity(row["key"]) == row
        evidence = row["evidence"].name.lower()
        return [number_of(key, row["key"]), row["sequence"], row["height"], evidence]

    def find(self, now, op):
        types, amount = op.get("types", []), op.get("amount")
        rows = self.gate.directory(now, types, amount, op.get("min_score", 0), 100)
        assert all(self.gate.find_key(now, row["key"]) == row for row in rows)
        return sorted(number_of(key, row["key"]) for row in rows)
