"""Claims of burns and proofs of identity (policy §5, §6)."""

from dataclasses import dataclass

from _gate_ads import Ads
from _gate_model import ANCHORED, REJECT, Identity, Key, Refused
from _gate_rules import DAY, LOTUS_V1, NEVER, Reputation, halved, later

RENEWAL = 7 * DAY
ROTATIONS = 64
PURPOSES = ("rotation", "additional_key", "request", "extension", "directory_entry", "top_up")
CHARGED = ("additional_key", "top_up")  # the others are off by default and not consumed


@dataclass(frozen=True)
class Claim:
    what: str  # registration, rotation or credit
    identity: int
    sequence: int
    purpose: object  # of the script; None for a registration's
    names: object  # the identity in the script
    key: int  # in the script
    amount: int
    place: tuple  # height, position, output
    defect: object  # what is wrong with the bytes
    by: object  # the key that signs the claim; None if its signature is garbage
    by_new: bool  # whether the new key signed a rotation


class Claims(Ads):
    def screen_claim(self, now, source, claim):
        self.look_at_clock(now)
        try:
            self.refuse_sanctioned(now, source)
            if claim.defect:
                raise Refused(claim.defect)
            signer = getattr(self, f"screen_{claim.what}")(now, claim)
            self.take_signature(now, source)
        except Refused as refused:
            self.pay_for_claim(now, source, refused)
            raise
        return source, claim, signer

    def settle_claim(self, now, ticket):
        source, claim, signer = ticket
        self.look_at_clock(now)
        if claim.by == signer and (claim.what != "rotation" or claim.by_new):
            self.give_back(source, signature=True)
            return
        # Whose signature it should be follows from the burn alone only before the first rotation.
        first = {"registration": True, "rotation": claim.sequence == 1, "credit": claim.sequence == 0}
        refused = Refused("invalid-signature" if first[claim.what] else "superseded")
        self.pay_for_claim(now, source, refused)
        raise refused

    def pay_for_claim(self, now, source, refused):
        if refused.reason == "invalid-signature":
            self.accuse(now, source, "invalid-signature")
        elif refused.reason in REJECT:
            self.accuse(now, source, "malformed")

    def judge_value(self, amount, price):
        if amount < LOTUS_V1["burns"][price]:
            raise Refused("burn-too-small")
        if amount < self.policy.burns[price]:
            raise Refused("local-limit")

    def judge_new_key(self, key):
        if key in self.keys and self.keys[key].current:
            raise Refused("key-taken")

    def claimant(self, now, number):
        identity = self.identities.get(number)
        if identity is None:
            raise Refused("unknown-identity")
        if identity.suspended(now):
            raise Refused("suspended")
        return identity

    def wants_proof(self, now, identity):
        return identity.suspended_at is not None or identity.proved_until <= later(now, RENEWAL)

    def screen_registration(self, now, claim):
        # With another script it is another transaction, and so another outpoint.
        known = self.identities.get(claim.identity) if claim.purpose is None else None
        if known and not self.wants_proof(now, known):
            raise Refused("already-known")
        if claim.purpose is not None:
            raise Refused("script")
        self.judge_value(claim.amount, "registration")
        if not known:
            self.judge_new_key(claim.key)
        return claim.key

    def screen_rotation(self, now, claim):
        if claim.purpose != "rotation" or claim.names != claim.identity:
            raise Refused("script")
        self.judge_value(claim.amount, "rotation")
        identity = self.claimant(now, claim.identity)
        if claim.sequence == identity.sequence + 1:
            signer = identity.key
        elif claim.sequence == identity.sequence and identity.sequence > 0:
            if claim.key == identity.key:
                raise Refused("already-known")
            signer = identity.previous_key
            if signer is None or not self.contestable(identity):
                raise Refused("superseded")
        elif claim.sequence < identity.sequence or claim.sequence == 0:
            raise Refused("superseded")
        else:
            raise Refused("need-history")
        if claim.sequence > ROTATIONS:
            raise Refused("superseded")
        self.judge_new_key(claim.key)
        return signer

    def screen_credit(self, now, claim):
        if claim.purpose in (None, "rotation") or claim.names != claim.identity:
            raise Refused("script")
        if claim.purpose not in CHARGED:
            raise Refused("not-charged")
        self.judge_value(claim.amount, claim.purpose)
        identity = self.claimant(now, claim.identity)
        if claim.sequence > identity.sequence:
            raise Refused("need-history")
        by_current = claim.purpose == "additional_key" or claim.key == identity.key
        if claim.sequence < identity.sequence or not by_current:
            raise Refused("superseded")
        return identity.key

    # The block

    def charge_lookup(self, now, ticket):
        source, *_ = ticket
        self.look_at_clock(now)
        if source.via == "own":
            return
        peer, windows = self.peers.get(source.peer), self.policy.windows
        if peer is None:
            raise Refused("connection-limit")
        budgets = [(peer.headers, windows.header), (self.node_headers, windows.node_header)]
        if not peer.outbound:  # half is kept for those that we dialled
            budgets.insert(1, (self.inbound_headers, halved(windows.node_header)))
        closed = [window.opens(quota, now) for window, quota in budgets]
        closed = [opens for opens in closed if opens is not None]
        if closed:
            raise Refused("header-budget", max(closed))
        for window, quota in budgets:
            window.charge(quota, now)

    def settle_burn(self, now, ticket, block, evidence):
        source, claim, signer = ticket
        self.look_at_clock(now)
        try:
            if block in ("unknown", "other"):
                raise Refused("unknown-block")
            if block == "root":
                raise Refused("not-in-block")
            if evidence == "weak":
                raise Refused("weak-evidence")
            self.judge_depth(claim, evidence)
            if claim.what == "registration":
                self.register(now, claim, evidence)
            elif claim.what == "rotation":
                self.rotate(now, claim, signer)
            else:
                self.credit(now, claim, signer)
        except Refused as refused:
            self.pay_for_claim(now, source, refused)
            raise
        peer = self.peers.get(source.peer)
        if peer:
            peer.headers.give_back(self.policy.windows.header)

    def judge_depth(self, claim, evidence):
        burns = self.policy.burns
        if claim.what == "registration":
            wanted = burns.full if evidence == "anchored" else burns.provisional
        else:
            wanted = burns.rotation_depth if claim.what == "rotation" else burns.full
        if self.tip is None or self.confirmations(claim.place[0]) < wanted:
            raise Refused("immature")

    def register(self, now, claim, evidence):
        until = later(now, ANCHORED) if evidence == "anchored" else NEVER
        known = self.identities.get(claim.identity)
        if known:
            if not self.wants_proof(now, known):
                raise Refused("already-known")
            known.place, known.evidence, known.proved_until = claim.place, evidence, until
            if known.suspended_at is not None:
                known.suspended_at, known.told = None, "resumed"
            return
        self.judge_new_key(claim.key)
        reputation = Reputation(self.policy.reputation, now)
        identity = Identity(claim.key, claim.amount, claim.place, evidence, until, reputation)
        identity.used = {purpose: claim.place for purpose in PURPOSES}
        identity.told = "registered"
        self.identities[claim.identity] = identity
        before = self.buried.get(claim.identity)
        if before:
            identity.ban, identity.ban_reason, identity.left = before.ban, before.ban_reason, before.left
            identity.resuming = before.sequence > 0
            if not identity.resuming:
                del self.buried[claim.identity]
        self.take_key(claim.identity, claim.key)

    def rotate(self, now, claim, signer):
        self.judge_new_key(claim.key)
        identity = self.claimant(now, claim.identity)
        last, final = identity.last_used("rotation"), not self.contestable(identity)
        contests = claim.sequence == identity.sequence and identity.sequence > 0
        if signer != (identity.previous_key if contests else identity.key):
            raise Refused("superseded")
        if contests:
            # Of two with one sequence the earlier in the chain is the rotation.
            if final or claim.place >= last:
                raise Refused("superseded")
            if claim.place <= identity.previous_rotation:
                raise Refused("burn-used")
        elif claim.sequence != identity.sequence + 1:
            raise Refused("superseded")
        elif claim.place <= last:
            raise Refused("burn-used")
        elif not final:
            raise Refused("not-final")
        before = self.buried[claim.identity] if identity.resuming else None
        if before and claim.sequence == before.sequence and claim.key != before.key:
            raise Refused("superseded")
        retired = identity.key
        if contests:
            # The other is void, with all that was made under it.
            for row in self.rows_of(claim.identity):
                row.sequence = min(row.sequence, claim.sequence - 1)
        else:
            identity.previous_key, identity.previous_rotation = retired, last
        identity.key, identity.sequence = claim.key, claim.sequence
        identity.used["rotation"] = claim.place
        identity.told = "rotated"
        row = self.keys.get(retired)
        if row is not None:
            row.current = False
            if not row.has_slot():
                row.leave_slot()
        self.take_key(claim.identity, claim.key)
        if before and claim.sequence >= before.sequence:
            identity.resuming = False
            del self.buried[claim.identity]

    def credit(self, now, claim, signer):
        identity = self.claimant(now, claim.identity)
        if claim.sequence != identity.sequence or signer != identity.key:
            raise Refused("superseded")
        if claim.place <= identity.last_used(claim.purpose):
            raise Refused("burn-used")
        if claim.purpose == "additional_key":
            identity.extra_keys += claim.amount // self.policy.burns.additional_key
        else:
            identity.burned += claim.amount
        identity.used[claim.purpose] = claim.place

    def take_key(self, number, key):
        row = self.keys.setdefault(key, Key())
        if row.owner != ("identity", number):
            if row.has_slot():
                self.free_slot(row.owner)
            row.leave_slot()
            row.owner = ("identity", number)
        row.current = True

    # Proof of identity (LTMS/hello/1)

    def hello(self, now, source, number, key, delegation, sequence, valid, answers):
        self.look_at_clock(now)
        try:
            self.refuse_sanctioned(now, source)
            if not answers:
                raise Refused("replayed")
            identity = self.identities.get(number)
            if identity is None:
                raise self.absent(now, number)
            self.judge_identity(now, identity)
            self.take_signature(now, source)
            delegated = key != identity.key and delegation is not None
            self.judge_sequence(number, sequence if delegated else identity.sequence)
            if key != identity.key:
                if delegation is None:
                    raise Refused(self.undelegated(number))
                if delegation.until <= now:
                    raise Refused("expired")
                if delegation.by != identity.key:
                    raise Refused(self.undelegated(number))
            if not valid:
                raise Refused("invalid-signature")
        except Refused as refused:
            self.pay_for_claim(now, source, refused)
            raise
        self.give_back(source, signature=True)
        self.proofs += 1
        peer = self.peers.get(source.peer)
        if peer and peer.connections:
            peer.identity, peer.proved = number, self.proofs
            same = [p for p in self.peers.values() if p.identity == number]
            if len(same) > self.policy.connections.per_identity:
                min(same, key=lambda p: p.proved).identity = None
