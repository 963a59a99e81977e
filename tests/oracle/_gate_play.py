"""The language of scenarios: what each operation asks of a Gate, and what has to come out.

A scenario is {"name", "policy", "identities": [[key, burned], …], "ops": […]}, an operation
{"op", "now", …, "want"}.
Peers, keys and identities are numbers from 1; identity n is that of the n-th burn. A decision is
wanted as "reason", or as ["reason", retry_at]. Fields that are absent are false, none or nothing.
"""

from _gate_ads import Ad, Delegation
from _gate_claims import Claim
from _gate_model import Refused, Source
from _gate_node import Gate
from _gate_rules import policy

ANY = (0, 2**64 - 1)
# What is wrong with the bytes of a claim, and what that is called.
DEFECTS = {
    "garbage": "transaction",
    "coinbase": "coinbase",
    "output": "no-such-output",
    "script": "script",
    "version": "unsupported",
    "branch": "not-in-block",
}


def decision(call, *args, **kwargs):
    """What a call decided; one that refuses nothing has taken something new."""
    try:
        call(*args, **kwargs)
    except Refused as refused:
        if refused.retry_at is None:
            return refused.reason
        return [refused.reason, refused.retry_at]
    return "new"


def source(op):
    return Source(op["via"], op["from"], op.get("publisher"))


def delegation(op):
    given = op.get("delegation")
    return given and Delegation(given["until"], given.get("by"))


def ad(op):
    withdrawal = op.get("withdrawal", False)
    return Ad(
        withdrawal=withdrawal,
        author=op["author"],
        created=op["created"],
        expires=0 if withdrawal else op["expires"],
        peer=None if withdrawal else op["peer"],
        types=frozenset() if withdrawal else frozenset(op.get("types", [1])),
        amount=ANY if withdrawal else tuple(op.get("amount", ANY)),
        identity=op.get("identity"),
        sequence=op.get("sequence", 0),
        delegation=delegation(op),
        valid=not op.get("forged", False),
        padded=op.get("padded", False),
    )


class Player:
    """Plays operations on the model, one by one."""

    def __init__(self, scenario):
        self.gate = Gate(policy(scenario["policy"]))
        self.burns = scenario["identities"]
        self.held = {}

    def play(self, op):
        """What is wanted of this operation."""
        return getattr(self, f"op_{op['op']}")(op["now"], op)

    def op_screen(self, now, op):
        return decision(self.gate.screen, now, op["peer"], op.get("at"), op.get("outbound", False))

    def op_connected(self, now, op):
        self.gate.connected(now, op["peer"], op.get("at"), op.get("outbound", False))

    def op_disconnected(self, now, op):
        self.gate.disconnected(now, op["peer"])

    def op_frame(self, now, op):
        return decision(self.gate.frame, now, source(op), op["kind"], op["size"])

    def op_malformed(self, now, op):
        return decision(self.gate.malformed, now, source(op), op["reason"])

    def op_ad(self, now, op):
        def call():
            ticket = self.gate.screen_ad(now, source(op), ad(op))
            if "hold" in op:
                self.held[op["hold"]] = ("ad", ticket, op)
                raise Refused("held")
            self.gate.settle_ad(now, ticket)

        return decision(call)

    def claim(self, op):
        what = op["what"]
        key, amount = self.burns[op["identity"] - 1]
        purpose = op.get("purpose")
        return Claim(
            what=what,
            identity=op["identity"],
            sequence=op.get("sequence", 0),
            purpose=purpose,
            names=op.get("names", op["identity"]) if purpose else None,
            key=key if what == "registration" else op["key"],
            amount=amount if what == "registration" else op["amount"],
            place=(op["height"], op["position"], op.get("output", 0)),
            defect=DEFECTS.get(op.get("defect")),
            by=op.get("by"),
            by_new=not op.get("unsigned_by_new", False),
        )

    def op_claim(self, now, op):
        def call():
            ticket = self.gate.screen_claim(now, source(op), self.claim(op))
            self.gate.settle_claim(now, ticket)
            if "hold" in op:
                self.held[op["hold"]] = ("claim", ticket, op)
                raise Refused("held")
            self.settle_burn(now, ticket, op)

        return decision(call)

    def settle_burn(self, now, ticket, op):
        if op.get("lookup"):
            self.gate.charge_lookup(now, ticket)
        self.gate.settle_burn(now, ticket, op.get("block", "found"), op["class"])

    def op_settle(self, now, op):
        """Goes on with what was held."""
        what, ticket, held = self.held.pop(op["held"])
        if what == "ad":
            return decision(self.gate.settle_ad, now, ticket)
        return decision(self.settle_burn, now, ticket, held)

    def op_hello(self, now, op):
        def call():
            self.gate.hello(
                now, Source("direct", op["from"]), op["identity"], op["key"], delegation(op),
                op.get("sequence", 0), not op.get("forged"), not op.get("old_challenge"),
            )
            raise Refused("clear")

        return decision(call)

    def op_tip(self, now, op):
        return decision(self.gate.set_tip, now, op["height"], op["fork"])

    def op_confirm(self, now, op):
        self.gate.confirm_tip(now, op["height"], op["fork"])

    def op_pin(self, now, op):
        return self.gate.pin(now, op["identity"], op.get("pinned", False))

    def op_session(self, now, op):
        return decision(
            self.gate.session, now, op["session"], op["subject"], op.get("counterparty"),
            op["outcome"], op.get("response", 0),
        )

    def op_ban(self, now, op):
        return self.gate.ban(now, op["kind"], op["number"], op.get("until"), op["reason"])

    def op_unban(self, now, op):
        return self.gate.unban(now, op["kind"], op["number"])

    def op_allow(self, now, op):
        self.gate.allow(now, op["peer"], op.get("allowed", False))

    def op_fault(self, now, op):
        return decision(self.gate.fault, now, op["identity"], op["reason"])

    def op_sweep(self, now, op):
        self.gate.sweep(now)
        return min(self.gate.next_sweep, self.gate.due)

    def op_events(self, now, op):
        return self.gate.events(now)

    def op_standing(self, now, op):
        return self.gate.standing(now, op["kind"], op["number"])

    def op_identity(self, now, op):
        return self.gate.registered(op["identity"])

    def op_find(self, now, op):
        return self.gate.find(now, op.get("types", ()), op.get("amount"), op.get("min_score", 0))
