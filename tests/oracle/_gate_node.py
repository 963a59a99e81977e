"""The rest of a Gate's calls: connections, frames, the chain's tip, sessions, the operator, and
what it answers when asked."""

from _gate_claims import Claims
from _gate_model import REJECT, Outcomes, Peer, PeerBan, Refused, groups, is_loopback, within_day
from _gate_rules import MINUTE, NEVER, Ban, chosen_ban, in_seconds, later

SIZES = {"gossip": 10_000, "direct": 100_000, "record": 10_000}


class Gate(Claims):
    # Connections and frames (§1, §3, §10)

    def screen(self, now, number, address, outbound):
        self.look_at_clock(now)
        banned = self.sanction(now, number)
        if banned:
            raise banned
        limits = self.policy.connections
        open_peers = {n: peer for n, peer in self.peers.items() if peer.connections}
        if number in open_peers and open_peers[number].connections >= limits.per_peer:
            raise Refused("connection-limit")
        near = [
            sum(p.connections for p in open_peers.values() if not p.exempt and p.groups[size] == group)
            for size, group in enumerate(groups(address))
        ]
        crowded = near[0] >= limits.per_narrow or near[1] >= limits.per_wide
        exempt = self.exempt(address) or self.is_allowed(number)
        if crowded and not exempt and self.enforces("groups"):
            raise Refused("group-limit")
        dialled = sum(peer.dialled for peer in open_peers.values())
        accepted = sum(peer.connections - peer.dialled for peer in open_peers.values())
        same_way = dialled if outbound else accepted
        if same_way >= (limits.outbound if outbound else limits.inbound):
            raise Refused("connection-limit")
        raise Refused("clear")

    def exempt(self, address):
        return is_loopback(address) and self.policy.network == "reg"

    def connected(self, now, number, address, outbound):
        self.look_at_clock(now)
        peer = self.peers.get(number)
        if peer is None:
            peer = self.peers[number] = Peer()
        if peer.connections == 0:
            # Ids are free: an inbound one begins with the debt of its address group and its own.
            near = [p for p in self.peers.values() if not p.outbound and not p.exempt]
            near = [] if outbound else [p for p in near if p.groups[0] == groups(address)[0]]
            peer.headers.full_at = max(p.headers.full_at for p in [peer, *near])
            peer.signatures.full_at = max(p.signatures.full_at for p in [peer, *near])
            peer.dialled = 0
        peer.connections += 1
        peer.dialled += outbound
        peer.exempt, peer.groups = self.exempt(address), groups(address)

    def disconnected(self, now, number):
        self.look_at_clock(now)
        peer = self.peers.get(number)
        if peer:
            peer.connections = max(peer.connections - 1, 0)
            if peer.connections == 0:
                peer.identity = None
            else:
                # Which of them ended is not told: one that it had opened, as long as there is one.
                peer.dialled = min(peer.dialled, peer.connections)

    def frame(self, now, source, kind, size):
        self.look_at_clock(now)
        self.refuse_sanctioned(now, source)
        if size > SIZES[kind]:
            self.accuse(now, source, "malformed")
            raise Refused("oversize")
        peer, quota = self.peers.get(source.peer), self.policy.windows.connection
        if peer is None:
            raise Refused("connection-limit")
        opens = peer.messages.opens(quota, now)
        observed = not self.enforces("windows")
        if opens is None or kind == "gossip" or observed:
            peer.messages.charge(quota, now)
        if opens is None or observed:
            raise Refused("clear")
        if kind == "gossip":
            # Gossipsub shows no later copy, so it is still processed, and paid for by waiting.
            raise Refused("throttle", peer.messages.opens(quota, now))
        raise Refused("connection-window", opens)

    def malformed(self, now, source, reason):
        self.look_at_clock(now)
        if reason in REJECT:
            self.accuse(now, source, "malformed")
        raise Refused(reason)

    # The chain's tip (§6)

    def set_tip(self, now, height, fork):
        self.look_at_clock(now)
        back = self.highest - fork
        hit = sum(self.is_above(identity, fork) for identity in self.identities.values())
        many = hit > max(len(self.identities) // 10, 8)
        if self.tip is not None and (back > 10 or (back > 0 and many)):
            if self.doubt is None or self.doubt[0] != fork:
                self.doubt = (fork, now)
            believed = later(self.doubt[1], 10 * MINUTE)
            if now < believed:
                raise Refused("chain-suspect", believed)
            self.highest = 0
        self.move_tip(now, height, fork)
        raise Refused("clear")

    def confirm_tip(self, now, height, fork):
        self.look_at_clock(now)
        self.highest = 0
        self.move_tip(now, height, fork)

    def is_above(self, identity, fork):
        return identity.place[0] > fork and identity.suspended_at is None

    def move_tip(self, now, height, fork):
        self.doubt, self.tip = None, height
        self.highest = max(self.highest, height)
        for number, identity in list(self.identities.items()):
            if self.is_above(identity, fork):
                identity.suspended_at, identity.told = height, "suspended"
            elif identity.suspended_at is not None and not identity.pinned:
                if height - identity.suspended_at >= 100:
                    self.lapse(now, number)

    def lapse(self, now, number):
        identity, before = self.identities.pop(number), self.buried.get(number)
        if before and before.sequence > identity.sequence:
            identity.sequence, identity.key = before.sequence, before.key
        identity.left = in_seconds(now)
        self.buried[number] = identity
        self.lapsed += 1
        # Registered anew, it would have to be proved anew.
        for peer in self.peers.values():
            if peer.identity == number:
                peer.identity = None
        for row in self.rows_of(number):
            row.owner, row.current = None, False
            row.leave_slot()

    def pin(self, now, number, pinned):
        self.look_at_clock(now)
        if number in self.identities:
            self.identities[number].pinned = pinned
        return number in self.identities

    # Sessions (§7)

    def session(self, now, session, subject, counterparty, outcome, response):
        self.look_at_clock(now)
        known = counterparty is None or counterparty in self.identities  # none: our own node
        if subject not in self.identities or not known:
            raise Refused("unknown-identity")
        if subject == counterparty:
            raise Refused("not-counted")
        row = self.outcomes.setdefault((subject, counterparty), Outcomes())
        if row.session == session:
            raise Refused("not-counted")
        reputation = self.identities[subject].reputation
        if outcome == "completed":
            recent = sum(within_day(at, now) for at in row.successes)
            if recent >= self.policy.reputation.daily_successes:
                raise Refused("not-counted")
            row.successes = row.successes[1:] + [now]
            reputation.success(now, response)
        else:
            reputation.failure(now, outcome)
        row.session = session
        raise Refused("clear")

    # The operator (§4)

    def ban(self, now, kind, number, until, reason):
        self.look_at_clock(now)
        if kind == "peer":
            row = self.bans.setdefault(number, PeerBan(first=in_seconds(now), last=in_seconds(now)))
            row.operator, row.allowed, row.reason, row.last = True, False, reason, in_seconds(now)
            for_good = until in (None, NEVER)  # a time that never comes is none
            row.blacklisted, row.ban = for_good, chosen_ban(0 if for_good else until)
            if number in self.peers:
                self.peers[number].untold, self.peers[number].held_until = True, 0
            return "ok"
        row = self.banned_row(kind, number)
        if row is None:
            return "unknown"
        row.ban = chosen_ban(NEVER if until is None else until)
        if kind == "identity":
            row.ban_reason, row.untold = reason, False
        return "ok"

    def allow(self, now, number, allowed):
        self.look_at_clock(now)
        if not allowed:
            if self.is_allowed(number):
                del self.bans[number]
            return
        self.bans[number] = PeerBan(first=in_seconds(now), last=in_seconds(now), operator=True, allowed=True)
        if number in self.peers:
            self.peers[number].untold, self.peers[number].held_until = False, 0

    def fault(self, now, number, reason):
        """A proven fault of an identity: the only thing that bans one by itself."""
        self.look_at_clock(now)
        identity, limits = self.identities.get(number), self.policy.sanctions
        if identity is None:
            raise Refused("unknown-identity")
        enough = identity.faults.add(now, limits.span) >= limits.identity_faults
        if enough:
            identity.faults.clear()
        banned = identity.ban.active(now)
        if banned is not None:
            raise Refused("identity-banned", banned)
        if not enough or not self.enforces("sanctions"):
            raise Refused("clear")
        identity.ban.begin(now, limits.identity_ban, limits.identity_ban_max, limits.span)
        identity.ban_reason, identity.untold = reason, True
        raise Refused("identity-banned", identity.ban.until)

    def unban(self, now, kind, number):
        self.look_at_clock(now)
        if kind == "peer":
            banned = self.sanction(now, number) is not None
            if self.is_allowed(number):
                return banned
            self.bans.pop(number, None)
            peer = self.peers.get(number)
            if peer is None:
                return banned
            peer.untold = False
            if not peer.held_until:
                return banned
            # As if it had begun and were lifted.
            peer.held_until = 0
            peer.violations.clear()
            return True
        row = self.banned_row(kind, number)
        if row is None:
            return False
        banned, row.ban = row.ban.active(now) is not None, Ban()
        return banned

    def banned_row(self, kind, number):
        if kind == "key":
            return self.keys.get(number)
        return self.identities.get(number) or self.buried.get(number)

    # Questions

    def events(self, now):
        self.look_at_clock(now)
        told = []
        if self.stepped:
            told.append(["clock-stepped"])
        self.stepped, is_open = False, now < self.open_until
        if is_open != self.told_open:
            told.append(["breaker-opened", self.open_until] if is_open else ["breaker-closed"])
        self.told_open = is_open
        for number, peer in self.peers.items():
            if peer.untold:
                peer.untold = False
                banned = self.sanction(now, number)
                if banned:
                    told.append(["sanctioned", number, banned.retry_at, self.bans[number].reason])
                elif number not in self.bans:  # a ban that has ended is not told
                    told.append(["sanctioned", number, now, "table-full"])
        for number, identity in self.identities.items():
            until = identity.ban.active(now)
            if identity.untold and until is not None:
                told.append(["identity-banned", number, until, identity.ban_reason])
            identity.untold = False
            if identity.told:
                told.append([identity.told, number])
                identity.told = None
        return sorted(told, key=lambda event: event[:2])

    def standing(self, now, kind, number):
        return getattr(self, f"standing_of_{kind}")(now, number)

    def standing_of_peer(self, now, number):
        span, out = self.policy.sanctions.span, {"decision": "clear"}
        peer, row = self.peers.get(number), self.bans.get(number)
        if peer:
            out |= {
                "connections": peer.connections,
                "violations": peer.violations.count(now, span),
                "invalid": peer.invalid.count(now, span),
                "malformed": peer.malformed.count(now, span),
                "passed_on": peer.passed_on.count(now, span),
                "keys": peer.keys,
                "key_limit": self.policy["keys"]["stranger"],
                "held_until": peer.held_until,
            }
            if peer.identity in self.identities:
                out["identity"] = peer.identity
        if row and row.allowed:
            out["by_operator"] = out["allowed"] = True
        elif row:
            out["for"], out["first"], out["last"] = row.reason, row.first, row.last
            out["by_operator"] = row.operator
            banned = self.sanction(now, number)
            if banned:
                out["decision"], out["until"] = banned.reason, banned.retry_at
        out["known"] = bool(peer or row)
        return shown(out)

    def standing_of_key(self, now, number):
        row = self.keys.get(number)
        if row is None:
            return shown({"decision": "clear"})
        kind, owner = row.owner or (None, None)
        out = self.standing_of_identity(now, owner) if kind == "identity" else {"decision": "clear"}
        out["known"] = True
        out["violations"] = row.violations.count(now, self.policy.sanctions.span)
        out["expires_at"] = row.expires_at if row.expires_at > now else None
        banned = row.ban.active(now)
        if banned is not None:
            why = "blacklisted" if row.ban.chosen else "too-soon"
            out |= {"decision": "graylisted", "until": banned, "for": why, "by_operator": row.ban.chosen}
        return shown(out)

    def standing_of_identity(self, now, number):
        identity = self.identities.get(number)
        if identity is None:
            return self.standing_of_buried(now, number)
        banned = identity.ban.active(now)
        suspended = identity.suspended(now)
        decision = "suspended" if suspended else "clear"
        keys = [row for row in self.keys.values() if row.owner == ("identity", number)]
        return shown({
            "decision": "identity-banned" if banned is not None else decision,
            "until": banned,
            "for": identity.ban_reason if banned is not None else None,
            "by_operator": banned is not None and identity.ban.chosen,
            "known": True,
            "faults": identity.faults.count(now, self.policy.sanctions.span),
            "identity": number,
            "keys": identity.keys,
            "key_limit": self.key_limit(identity),
            "tier": self.tier(identity),
            "burned": identity.burned,
            "confirmations": self.confirmations(identity.place[0]),
            "suspended": suspended,
            "score": identity.reputation.score,
            "sessions": [identity.reputation.completed, identity.reputation.failed],
            "expires_at": max([row.expires_at for row in keys if row.expires_at > now], default=None),
        })

    def standing_of_buried(self, now, number):
        identity = self.buried.get(number)
        if identity is None:
            return shown({"decision": "clear"})
        banned = identity.ban.active(now)
        return shown({
            "decision": "clear" if banned is None else "identity-banned",
            "until": banned,
            "for": None if banned is None else identity.ban_reason,
            "by_operator": banned is not None and identity.ban.chosen,
            "identity": number,
            "burned": identity.burned,
        })

    def registered(self, number):
        identity = self.identities.get(number)
        if identity is None:
            return None
        return [identity.key, identity.sequence, identity.place[0], identity.evidence]

    def find(self, now, types=(), amount=None, min_score=0):
        """The keys with a live advertisement that fits, in no order."""
        return sorted(
            number
            for number, row in self.keys.items()
            if row.expires_at > now
            and row.types.issuperset(types)
            and (amount is None or row.amount[0] <= amount <= row.amount[1])
            and row.ban.active(now) is None
            and self.serves(now, row, min_score)
        )

    def serves(self, now, row, min_score):
        kind, number = row.owner or (None, None)
        if kind != "identity":
            return min_score == 0
        identity = self.identities.get(number)
        return (
            identity is not None
            and not identity.suspended(now)
            and identity.ban.active(now) is None
            and identity.sequence == row.sequence
            and identity.reputation.score >= min_score
        )


def shown(fields):
    """Without what is nothing, and without an end that is none."""
    nothing = (None, 0, False, [0, 0])
    lifted = ("until", NEVER)
    named = {name: value for name, value in fields.items() if (name, value) != lifted}
    return {name: value for name, value in named.items() if value not in nothing}
