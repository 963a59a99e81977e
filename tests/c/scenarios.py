"""tests/vectors/scenarios.json as a C header: everything that has a number there becomes bytes.

Signatures are those of a toy scheme that the program knows, too: whether one holds is the
scenario's to say. Only a hello is really signed, because the Gate checks it.
"""

import functools
import ipaddress
import sys

from header import Header, VECTORS, capitals, document, entries, reason

sys.path.append(str(VECTORS.parent / "oracle"))
from _cbor import cbor  # noqa: E402
from _lotus_burn import double_sha256, transaction  # noqa: E402
from _lotus_schnorr import public_key, sha256, sign, tagged_hash  # noqa: E402
from _proof_judge import block_hash  # noqa: E402

GARBAGE = b"\3" * 64
CHALLENGE, OLD_CHALLENGE = b"\7" * 32, b"\x08" * 32
US = 9
NEVER = 2**48 - 1
KEYS = 100
PURPOSES = {"rotation": 1, "additional_key": 2, "request": 3, "extension": 4, "directory_entry": 5,
            "top_up": 6}
TIERS = ["basic", "verified", "institutional"]
SIBLINGS = [b"\x08" * 32] * 3


def u32(number):
    return number.to_bytes(4, "little")


def u64(number):
    return number.to_bytes(8, "little")


def secret(number):
    return sha256(b"scenario key %d" % number)


@functools.cache
def key(number):
    return public_key(secret(number))


def peer(number):
    return bytes.fromhex("002408011220") + b"\7" * 28 + number.to_bytes(4, "big")


def toy(by, hash_):
    """The signature of a public key: who knows it can make it."""
    return 2 * bytes(a ^ b for a, b in zip(by[1:], hash_))


def end(time):
    return "LTMS_NEVER" if time is None or time == NEVER else f"{time}u"


def delegation(op, identity, author, sign_):
    """Its end and its signature, by whom the operation says."""
    given = op["delegation"]
    sequence, until = op.get("sequence", 0), given["until"]
    hash_ = tagged_hash("LTMS/key/1", b"R" + identity + author + u64(sequence) + u64(until))
    return [until, sign_(given["by"], hash_) if "by" in given else GARBAGE]


def advertisement(op, ids):
    author = key(op["author"])
    body = {1: author, 2: op["created"]}
    if not op.get("withdrawal"):
        body |= {3: op["expires"], 4: peer(op["peer"]), 5: [], 6: op.get("types", [1])}
        if "amount" in op:
            body[7] = op["amount"]
        if op.get("padded"):
            body |= {9: "n" * 64, 10: "d" * 200}
    if "identity" in op:
        identity = ids[op["identity"] - 1]
        body[16] = [identity, op.get("sequence", 0)]
        if "delegation" in op:
            body[17] = delegation(op, identity, author, lambda by, hash_: toy(key(by), hash_))
    kind, tag = (2, "LTMS/withdraw/1") if op.get("withdrawal") else (1, "LTMS/ad/1")
    body = cbor(body)
    signature = GARBAGE if op.get("forged") else toy(author, tagged_hash(tag, b"R" + body))
    return cbor([kind, body, signature])


def hello(op, ids):
    prover, verifier, identity = peer(op["from"]), peer(US), ids[op["identity"] - 1]
    challenge = OLD_CHALLENGE if op.get("old_challenge") else CHALLENGE
    author = key(op["key"])
    body = {1: identity, 2: author, 4: challenge}
    if "delegation" in op:
        given = delegation(op, identity, author, lambda by, hash_: sign(secret(by), hash_))
        body[3] = [*given, op.get("sequence", 0)]
    data = b"R" + b"".join(len(id_).to_bytes(2, "little") + id_ for id_ in (prover, verifier))
    hash_ = tagged_hash("LTMS/hello/1", data + identity + challenge)
    signature = GARBAGE if op.get("forged") else sign(secret(op["key"]), hash_)
    return cbor([5, cbor(body), signature])


def script(of, purpose=None):
    pushes = [b"LTMS", b"\x01", of] + ([bytes([purpose[0]]) + purpose[1]] if purpose else [])
    return b"\x6a" + b"".join(bytes([len(push)]) + push for push in pushes)


def block_header(height, root):
    zeros = bytearray(160)
    zeros[52], zeros[60:64], zeros[96:128] = 1, u32(height), root
    return bytes(zeros)


def registered(number, burn):
    """The transaction that makes the identity of this number, and the identity."""
    raw, txid = transaction((sha256(u32(number)), 0), [(burn[1], script(key(burn[0])))])
    return raw, sha256(txid + b"\0")


def claim(op, burns, ids):
    """The envelope, and the header that our source has for its block, if any."""
    defect, registers = op.get("defect"), op["what"] == "registration"
    number, amount = burns[op["identity"] - 1] if registers else (op["key"], op["amount"])
    new, sequence = key(number), op.get("sequence", 0)
    identity = ids[op["identity"] - 1]
    purpose = None
    if "purpose" in op:
        purpose = PURPOSES[op["purpose"]], ids[op.get("names", op["identity"]) - 1]
    written = bytearray(script(new, purpose))
    if defect == "script":
        written[2] = ord("X")
    elif defect == "version":
        written[7] = 2
    vout = op.get("output", 0)
    salt = op["identity"] if registers else 1000
    outputs = [(0, b"\x51")] * vout + [(amount, bytes(written))]
    raw, txid = transaction((sha256(u32(salt)), 0), outputs)
    node, position = double_sha256(double_sha256(raw) + txid[::-1]), op["position"]
    for level, sibling in enumerate(SIBLINGS):
        node = double_sha256(sibling + node if position >> level & 1 else node + sibling)
    header = block_header(op["height"], b"\1" * 32 if op.get("block") == "root" else node)
    if defect == "garbage":
        raw, txid = raw[:20], bytes(32)
    position = {"coinbase": 0, "branch": 9}.get(defect, position)
    vout += defect == "output"
    body = {1: raw, 2: vout, 3: block_hash(header), 4: position, 5: b"".join(SIBLINGS)}
    by = key(op["by"]) if "by" in op else None
    point = txid[::-1] + u32(vout)
    if registers:
        kind, tag, data = 4, "LTMS/register/1", b"R" + txid + u32(vout) + new
    elif op["what"] == "rotation":
        created = min(op["now"], NEVER - 1)
        kind, tag = 6, "LTMS/rotate/1"
        data = b"R" + identity + u64(sequence) + (by or new) + new + txid + u32(vout) + u64(created)
        unsigned = op.get("unsigned_by_new")
        by_new = GARBAGE if unsigned else toy(new, tagged_hash(tag, data))
        body |= {6: identity, 7: sequence, 8: created, 9: by_new}
    else:
        kind, tag = 7, "LTMS/credit/1"
        data = b"R" + identity + bytes([purpose[0]]) + txid + u32(vout) + new + u64(sequence)
        body |= {6: identity, 7: sequence}
    signature = toy(by, tagged_hash(tag, data)) if by else GARBAGE
    found = {"unknown": b"", "other": block_header(1, b"\1" * 32)}.get(op.get("block"), header)
    return cbor([kind, cbor(body), signature]), found


class Scenarios:
    def __init__(self):
        self.out = Header()
        self.steps, self.events, self.standings, self.identities, self.keys = [], [], [], [], []
        self.fields = []

    def standing(self, op):
        want, of = dict(op["want"]), {}
        sessions = want.pop("sessions", [0, 0])
        number = want.pop("identity", 0)
        of["decision.reason"] = reason(want.pop("decision"))
        of["decision.retry_at_ms"] = f"{want.pop('until', 0)}u"
        if "for" in want:
            of["sanction_reason"] = reason(want.pop("for"))
        for name, field in (("first", "first_sanctioned_at_ms"), ("last", "last_sanctioned_at_ms"),
                            ("held_until", "held_until_ms"), ("expires_at", "expires_at_ms")):
            if name in want:
                of[field] = end(want.pop(name))
        of["tier"] = TIERS.index(want.pop("tier")) + 1 if "tier" in want else 0
        of["sessions_completed"], of["sessions_failed"] = sessions
        for name, field in (("invalid", "invalid_signatures"), ("key_limit", "keys_max"),
                            ("burned", "burned_sats")):
            of[field] = f"{want.pop(name, 0)}u"
        of |= {name: f"{int(value)}u" for name, value in want.items()}
        of = {name: value for name, value in of.items() if value not in (0, "0u")}
        given = ", ".join(f".{name} = {value}" for name, value in of.items())
        return f"{{{number}, {{{given}}}}}"

    def event(self, event):
        name, *about = event
        number = until = 0
        why = "0"
        if name in ("sanctioned", "identity-banned"):
            number, until, why = about[0], about[1], reason(about[2])
        elif name == "breaker-opened":
            until = about[0]
        elif about:
            number = about[0]
        until = "0" if until == 0 else end(until)
        return f"{{LTMS_EVENT_{capitals(name)}, {why}, {number}, {until}}}"

    def add(self, table, rows):
        first = len(table)
        table += rows
        return {"want": "WANT_ROWS", "first": first, "count": len(rows)}

    def wanted(self, op):
        want, name = op.get("want"), op["op"]
        if name == "events":
            return self.add(self.events, [self.event(event) for event in want])
        if name == "standing":
            return self.add(self.standings, [self.standing(op)])
        if name == "find":
            return self.add(self.keys, want)
        if name == "identity":
            rows = [want] if want else []
            return self.add(self.identities, [
                f"{{{number}, {sequence}u, {height}u, LTMS_EVIDENCE_{capitals(evidence)}}}"
                for number, sequence, height, evidence in rows
            ])
        if name == "sweep":
            return {"want": "WANT_NUMBER", "wanted": end(want)}
        if name == "ban":
            ok = {"ok": "LTMS_OK", "unknown": "LTMS_CAPACITY_UNKNOWN"}[want]
            return {"want": "WANT_NUMBER", "wanted": ok}
        if isinstance(want, bool):
            return {"want": "WANT_NUMBER", "wanted": int(want)}
        if want == "held":
            return {"want": "WANT_HELD"}
        if want is None:
            return {"want": "WANT_NOTHING"}
        why, retry = want if isinstance(want, list) else (want, 0)
        return {"want": "WANT_DECISION", "wanted_reason": reason(why), "wanted": f"{retry}u"}

    def step(self, op, burns, ids):
        name = op["op"]
        of = {"op": f"OP_{name.upper()}", "now": f"{op['now']}u"}
        if "via" in op:
            of["channel"] = f"LTMS_CHANNEL_{op['via'].upper()}"
        for field in ("peer", "publisher", "identity", "counterparty"):
            if field in op:
                of[field] = op[field]
        if "from" in op:
            of["peer"] = op["from"]
        if name in ("screen", "connected"):
            of["flag"] = "LTMS_OUTBOUND" if op.get("outbound") else "LTMS_INBOUND"
            if "at" in op:
                of["bytes"] = self.out.bytes(ipaddress.ip_address(op["at"]).packed)
        elif name == "frame":
            of |= {"kind": f"LTMS_FRAME_{op['kind'].upper()}", "number": f"{op['size']}u"}
        elif name == "ad":
            of |= {"bytes": self.out.bytes(advertisement(op, ids)), "hold": op.get("hold", 0)}
        elif name == "hello":
            of["bytes"] = self.out.bytes(hello(op, ids))
        elif name == "claim":
            envelope, header = claim(op, burns, ids)
            of |= {"bytes": self.out.bytes(envelope), "hold": op.get("hold", 0)}
            of |= {"flag": int(op.get("lookup", False))}
            of["evidence"] = f"LTMS_EVIDENCE_{capitals(op['class'])}"
            if op["what"] == "rotation" and op.get("sequence", 0) == 0:
                # The model may ask the core for what no envelope can say.
                of["op"] = "OP_UNSENDABLE"
            if header:
                of["header"] = self.out.bytes(header)
        elif name == "settle":
            of["hold"] = op["held"]
        elif name in ("tip", "confirm"):
            of |= {"number": f"{op['height']}u", "until": f"{op['fork']}u"}
        elif name == "session":
            of |= {"identity": op["subject"], "hold": op["session"]}
            of["kind"] = f"LTMS_OUTCOME_{op['outcome'].upper()}"
            of["number"] = f"{op.get('response', 0)}u"
        elif name == "find":
            of["number"] = f"{sum(1 << bit for bit in op.get('types', []))}u"
            of |= {"flag": int("amount" in op), "until": f"{op.get('amount', 0)}u"}
            of["kind"] = op.get("min_score", 0)
        if name in ("ban", "unban", "standing"):
            of["kind"] = f"LTMS_SUBJECT_{op['kind'].upper()}"
            of[op["kind"]] = op["number"]
        if name == "ban":
            of["until"] = f"{op['until']}u" if "until" in op else "LTMS_NEVER"
        if "reason" in op:
            of["reason"] = reason(op["reason"])
        if name in ("pin", "allow"):
            of["flag"] = int(op.get("pinned" if name == "pin" else "allowed", False))
        of |= self.wanted(op)
        self.steps.append("{" + ", ".join(f".{field} = {value}" for field, value in of.items()
                                          if value not in (0, "0u")) + "}")

    def policy(self, fields, prefix=""):
        for name, value in fields.items():
            if isinstance(value, dict):
                yield from self.policy(value, f"{prefix}{name}.")
            else:
                number = {"on": 0, "observe": 1, "system": 0, "chain": 1}.get(value, value)
                yield f'{{"{prefix}{name}", {int(number)}u}}'

    def play(self, list_, policies):
        rows = []
        for scenario in entries("scenarios.json", list_):
            burns, first = scenario["identities"], len(self.steps)
            ids = [registered(number, burn)[1] for number, burn in enumerate(burns, 1)]
            fields = list(self.policy(policies[scenario["policy"]]))
            for op in scenario["ops"]:
                self.step(op, burns, ids)
            name = scenario["name"].replace('"', "'")
            rows.append((f'"{name}"', len(self.fields), len(fields), first,
                         len(self.steps) - first, self.out.bytes(b"".join(ids))))
            self.fields += fields
        self.out.rows(f"scenarios_{list_}", "scenario", [
            "{" + ", ".join(map(str, row)) + "}" for row in rows
        ])
        self.out.counts[f"scenarios_{list_}"] = len(rows)


def write(path):
    """Writes the header, and says how many scenarios each list has."""
    made = Scenarios()
    policies = document("scenarios.json")["policies"]
    for list_ in ("curated", "random"):
        made.play(list_, policies)
    out = made.out
    out.rows("KEYS", "ltms_span", [out.bytes(key(number)) for number in range(1, KEYS)])
    for name, type_, rows in (
        ("STEPS", "step", made.steps), ("EVENTS", "wanted_event", made.events),
        ("STANDINGS", "wanted_standing", made.standings), ("FOUND", "uint32_t", made.keys),
        ("IDENTITIES", "wanted_identity", made.identities), ("FIELDS", "policy_field", made.fields),
    ):
        out.rows(name, type_, rows)
    out.write(path, "scenario.h")
    return out.counts
