"""The state of a Gate, in plain dictionaries without bounds, and what everything else rests on:
the clock, who pays for a fault, budgets, rows that may be forgotten."""

import ipaddress
from dataclasses import dataclass, field

from _gate_rules import DAY, HOUR, MINUTE, NEVER, Ban, Reputation, Tally, Window, elapsed, halved, in_seconds, later
from _gate_rules import spread, widened, without

JITTER = MINUTE  # a clock may be corrected by this much without any cut
LEAP, POSTPONED = HOUR, 10 * MINUTE  # a step forward, and how long nothing is swept after it
SWEEP = 5 * MINUTE
ANCHORED = 30 * DAY

ACCEPT = {"new", "known", "throttle", "clear"}
REJECT = {
    "oversize", "malformed", "invalid-signature", "not-delegated", "lifetime", "address", "text",
    "script", "burn-too-small", "no-such-output", "not-in-block", "coinbase", "transaction",
}


class Refused(Exception):
    """A decision: the reason, and when to come again, where waiting helps."""

    def __init__(self, reason, retry_at=None):
        super().__init__(reason, retry_at)
        self.reason, self.retry_at = reason, retry_at


@dataclass(frozen=True)
class Source:
    """The way a message came."""

    via: str
    peer: int
    publisher: object = None

    @property
    def own(self):
        """Whether the connected peer made it, as far as the transport can tell."""
        if self.publisher is not None:
            return self.publisher == self.peer
        return self.via == "direct"

    @property
    def relayed(self):
        return self.via == "gossip" and not self.own

    @property
    def pushed(self):
        return self.via in ("gossip", "direct", "own")


def groups(address):
    """The narrow and the wide group of an observed address; of an unknown one, those of none, and
    of a proxy's (loopback), too."""
    if address is None or is_loopback(address):
        return ("none", "none")
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    narrow, wide = (24, 16) if ip.version == 4 else (56, 32)
    return tuple(str(ipaddress.ip_network((ip, size), strict=False)) for size in (narrow, wide))


def is_loopback(address):
    if address is None:
        return False
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


@dataclass
class Peer:
    connections: int = 0
    dialled: int = 0  # connections that we opened, or had when it was last connected
    exempt: bool = False
    groups: tuple = ("none", "none")
    messages: Window = field(default_factory=Window)
    signatures: Window = field(default_factory=Window)
    headers: Window = field(default_factory=Window)
    violations: Tally = field(default_factory=Tally)
    invalid: Tally = field(default_factory=Tally)
    malformed: Tally = field(default_factory=Tally)
    passed_on: Tally = field(default_factory=Tally)
    identity: object = None  # proved while it is connected …
    proved: int = 0  # … as which of all proofs
    keys: int = 0  # slots of its own as a stranger
    untold: bool = False  # a sanction that nobody was told of
    held_until: int = 0  # when a window sanction that waits is due

    @property
    def outbound(self):
        return self.dialled > 0

    def tallies(self):
        return (self.violations, self.invalid, self.malformed, self.passed_on)


@dataclass
class PeerBan:
    first: int
    last: int
    ban: Ban = field(default_factory=Ban)
    blacklisted: bool = False
    operator: bool = False
    allowed: bool = False  # no ban at all: exempt from group limits and automatic sanctions
    reason: str = "unjudged"


@dataclass
class Key:
    owner: object = None  # ("identity", n) or ("stranger", n)
    current: bool = False
    sequence: int = 0
    not_after: int = 0
    delegation: object = None  # the signature that was checked
    created_at: int = 0  # the watermark: when its newest message was made …
    content: object = None  # … what it says …
    channels: set = field(default_factory=set)  # … and how it came
    window: Window = field(default_factory=Window)
    violations: Tally = field(default_factory=Tally)
    hasty_at: int = 0
    ban: Ban = field(default_factory=Ban)
    expires_at: int = 0
    slot_until: int = 0
    ends: int = 0
    remember_until: int = 0
    types: frozenset = frozenset()
    amount: tuple = (0, 2**64 - 1)

    def has_slot(self):
        return self.slot_until != 0

    def leave_slot(self):
        """A key that is neither listed nor current is no identity's."""
        self.slot_until = self.expires_at = 0
        if self.owner and self.owner[0] == "identity" and not self.current:
            self.owner = None

    def remember(self, ends, until):
        """When the newest message ends, and how much longer another could be replayed, in 16 ms."""
        self.ends, self.remember_until = ends, ends + -(-max(until - ends, 0) // 16) * 16


@dataclass
class Identity:
    key: int
    burned: int
    place: tuple  # height, position, output of the registration
    evidence: str
    proved_until: int
    reputation: Reputation
    sequence: int = 0
    suspended_at: object = None
    pinned: bool = False
    previous_key: object = None
    previous_rotation: object = None
    used: dict = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    keys: int = 0
    extra_keys: int = 0
    ban: Ban = field(default_factory=Ban)
    ban_reason: str = "unjudged"
    faults: Tally = field(default_factory=Tally)
    untold: bool = False
    told: object = None
    left: int = 0  # when its row left the table last
    resuming: bool = False  # it has not shown all its rotations since then

    def last_used(self, purpose):
        return self.used[purpose]

    def suspended(self, now):
        return self.suspended_at is not None or self.proved_until <= now


@dataclass
class Outcomes:
    successes: list = field(default_factory=lambda: [0, 0, 0])
    session: object = None


class Model:
    """The tables, and what all calls share."""

    def __init__(self, policy):
        self.policy = policy
        self.peers, self.bans, self.keys = {}, {}, {}
        self.identities, self.outcomes = {}, {}
        self.buried = {}  # identities that left the table, as they were
        self.narrow, self.wide = {}, {}  # strangers' windows by group and day
        self.node_signatures, self.node_headers = Window(), Window()
        self.inbound_headers = Window()  # the half that inbound connections may use
        self.tip = self.doubt = None
        self.highest = 0
        self.next_sweep = self.latest = 0
        self.stepped, self.proofs = False, 0
        self.open_until, self.openings = 0, Tally()  # the breaker
        self.due, self.told_open = NEVER, False
        self.lapsed = 0

    # The clock (§2)

    def look_at_clock(self, now):
        if later(now, JITTER) >= self.latest:
            if self.latest and elapsed(self.latest, now) > LEAP:
                self.stepped, self.next_sweep = True, later(now, POSTPONED)
            self.latest = max(self.latest, now)
        else:
            self.latest = now
            self.cut_deadlines(now)
        self.apply_held(now)

    def cut_deadlines(self, now):
        """No stored deadline is later than its rule could make it now."""
        windows, sanctions = self.policy.windows, self.policy.sanctions
        self.node_signatures.cut(windows.node_signatures, now)
        self.node_headers.cut(windows.node_header, now)
        self.inbound_headers.cut(halved(windows.node_header), now)
        self.next_sweep = min(self.next_sweep, now)
        hold = later(now, self.policy.breaker.hold)
        self.open_until = min(self.open_until, hold)
        self.openings.cut(now)
        self.due = self.open_until if now < self.open_until else NEVER
        if self.doubt:
            fork, since = self.doubt
            self.doubt = (fork, min(since, now))
        for peer in self.peers.values():
            peer.messages.cut(windows.connection, now)
            peer.signatures.cut(windows.signatures, now)
            peer.headers.cut(windows.header, now)
            peer.held_until = min(peer.held_until, hold)
            if peer.held_until:
                self.due = min(self.due, peer.held_until)
            for tally in peer.tallies():
                tally.cut(now)
        for row in self.bans.values():
            row.ban.cut(now, sanctions.graylist_max)
            row.first = in_seconds(min(row.first, now))
            row.last = in_seconds(min(row.last, now))
        for identity in self.identities.values():
            identity.window.cut(self.identity_quota(identity), now)
            identity.faults.cut(now)
            identity.reputation.cut(now)
            if identity.evidence == "anchored":
                identity.proved_until = min(identity.proved_until, later(now, ANCHORED))
        for identity in [*self.identities.values(), *self.buried.values()]:
            identity.ban.cut(now, sanctions.identity_ban_max)
            identity.left = in_seconds(min(identity.left, now))
        freshness = self.policy.freshness
        longest = freshness.max_lifetime + freshness.future
        for key in self.keys.values():
            key.window.cut(windows.advertisement, now)
            key.ban.cut(now, sanctions.graylist_max)
            key.violations.cut(now)
            slot = later(now, longest + self.policy["keys"]["slot_hold"])
            key.slot_until = min(key.slot_until, slot)
            key.expires_at = min(key.expires_at, later(now, longest))
            key.remember(min(key.ends, later(now, longest)), min(key.remember_until, later(now, longest)))
            ahead = later(now, freshness.future)
            # A time that nobody gave accuses nobody.
            excused = later(ahead, -(-windows.advertisement.interval_us // 1000))
            key.hasty_at = excused if key.created_at > ahead else min(key.hasty_at, ahead)
            key.created_at = min(key.created_at, ahead)
        for row in self.outcomes.values():
            row.successes = [min(at, now) for at in row.successes]
        for window in self.narrow.values():
            window.cut(windows.strangers, now)
        for window in self.wide.values():
            window.cut(widened(windows.strangers, windows.wide_factor), now)

    # Sanctions (§3, §4)

    def sanction(self, now, peer):
        row = self.bans.get(peer)
        if row is None or row.allowed:
            return None
        if row.blacklisted:
            return Refused("blacklisted")
        until = row.ban.active(now)
        return None if until is None else Refused("graylisted", until)

    def refuse_sanctioned(self, now, source):
        """A ban of the forwarder says nothing about what others made and it delivered first."""
        banned = self.sanction(now, source.peer)
        if banned and not source.relayed:
            raise banned

    def is_allowed(self, number):
        return number in self.bans and self.bans[number].allowed

    def enforces(self, rules):
        return self.policy.enforce[rules] == "on"

    def accuse(self, now, source, fault):
        """The connection pays, and for good only for what is its own."""
        peer = self.peers.get(source.peer)
        if peer is None:
            return
        limits = self.policy.sanctions
        invalid = fault == "invalid-signature"
        limit = limits.invalid_signatures if invalid else limits.malformed
        own = peer.invalid if invalid else peer.malformed
        tally = own if source.own else peer.passed_on
        if tally.add(now, limits.span) >= limit:
            tally.clear()
            self.sanction_peer(now, source.peer, fault, for_good=source.own)

    def accuse_of_haste(self, now, source):
        peer = self.peers.get(source.peer)
        if peer is None or not source.own or not self.enforces("windows"):
            return
        limits = self.policy.sanctions
        if peer.violations.add(now, limits.span) < limits.violations:
            return
        if self.is_allowed(source.peer) or now < self.open_until:
            # One short of the limit, so that whoever goes on is sanctioned later.
            peer.violations.cap(limits.violations - 1)
        elif not peer.outbound:
            peer.violations.clear()
            self.sanction_peer(now, source.peer, "too-soon", for_good=False)
        elif not peer.held_until:
            # Whom we chose is held back, to see whether others follow.
            peer.held_until = later(now, self.policy.breaker.hold)
            self.due = min(self.due, peer.held_until)
            self.try_breaker(now)

    def try_breaker(self, now):
        """Enough outbound peers at once in enough wide groups: we are what is slow."""
        rules, limits = self.policy.breaker, self.policy.sanctions
        outbound = [p for p in self.peers.values() if p.outbound]
        # Who was held back and is just gone may be so for the same reason.
        outbound = [p for p in outbound if p.connections or p.held_until]
        held = [p for p in outbound if p.held_until]
        wide = {p.groups[1] for p in held}
        many = 1000 * len(held) > rules.share * len(outbound)
        if not many or len(held) < rules.peers or len(wide) < rules.groups:
            return
        if self.openings.count(now, DAY) >= rules.daily:
            return
        self.openings.add(now, DAY)
        self.open_until = self.due = later(now, rules.hold)
        for peer in self.peers.values():
            if peer.held_until:
                peer.held_until = 0
                peer.violations.cap(limits.violations - 1)

    def apply_held(self, now):
        """What nobody else joined in comes into force as of when it was due."""
        if now < self.due:
            return
        self.due = self.open_until if now < self.open_until else NEVER
        for number, peer in self.peers.items():
            if not peer.held_until:
                continue
            if now < peer.held_until:
                self.due = min(self.due, peer.held_until)
                continue
            due, peer.held_until = peer.held_until, 0
            peer.violations.clear()
            if self.enforces("windows"):
                self.sanction_peer(due, number, "too-soon", for_good=False)

    def sanction_peer(self, now, number, fault, for_good):
        limits = self.policy.sanctions
        if self.is_allowed(number) or not self.enforces("sanctions"):
            return
        self.peers[number].untold = True
        row = self.bans.get(number)
        if row and row.operator:
            if self.sanction(now, number):
                return
            row = None  # what the operator had chosen is over
        if row is None:
            row = self.bans[number] = PeerBan(first=in_seconds(now), last=in_seconds(now))
        row.reason, row.last = fault, in_seconds(now)
        if for_good:
            row.blacklisted = True
        else:
            row.ban.begin(now, limits.graylist, limits.graylist_max, limits.span)

    # Budgets (§3)

    def take_signature(self, now, source):
        if source.via == "own":
            return
        windows = self.policy.windows
        peer = self.peers.get(source.peer)
        if peer is None:
            raise Refused("connection-limit")
        whole = windows.node_signatures
        chosen = peer.outbound or peer.identity is not None
        # The last of them are kept for those that we dialled or that proved an identity.
        common = whole if chosen else without(whole, windows.reserve)
        for window, quota, reason in (
            (peer.signatures, windows.signatures, "signature-budget"),
            (self.node_signatures, common, "node-busy"),
        ):
            opens = window.opens(quota, now)
            if opens is not None:
                raise Refused(reason, opens)
        peer.signatures.charge(windows.signatures, now)
        self.node_signatures.charge(windows.node_signatures, now)

    def give_back(self, source, signature):
        """What turned out valid costs its relay nothing."""
        if source.via == "own":
            return
        windows = self.policy.windows
        peer = self.peers.get(source.peer)
        if peer:
            peer.messages.give_back(windows.connection)
            if signature:
                peer.signatures.give_back(windows.signatures)
        if signature:
            self.node_signatures.give_back(windows.node_signatures)

    # Slots (§5)

    def tip_height(self):
        return self.tip or 0

    def confirmations(self, height):
        return max(self.tip_height() + 1 - height, 0)

    def tier(self, identity):
        burns = self.policy.burns
        deep = self.confirmations(identity.place[0]) >= burns.full
        if not deep or identity.evidence in ("weak", "anchored"):
            return "basic"
        if identity.burned >= burns.institutional:
            return "institutional"
        return "verified" if identity.burned >= burns.verified else "basic"

    def key_limit(self, identity):
        return self.policy["keys"][self.tier(identity)] + identity.extra_keys

    def identity_quota(self, identity):
        return spread(self.policy.windows.identity_span, max(self.key_limit(identity), 1))

    def free_slot(self, owner):
        kind, number = owner or (None, None)
        holder = {"identity": self.identities, "stranger": self.peers}.get(kind, {}).get(number)
        if holder:
            holder.keys = max(holder.keys - 1, 0)

    def rows_of(self, identity):
        return [row for row in self.keys.values() if row.owner == ("identity", identity)]

    # What may be forgotten (§2)

    def sweep(self, now):
        self.look_at_clock(now)
        if now < self.next_sweep or self.next_sweep == NEVER:
            return
        self.next_sweep = later(now, SWEEP)
        memory = self.policy.sanctions.span
        for identity in self.identities.values():
            if not self.contestable(identity):
                identity.previous_key = None
        contests = {identity.previous_key for identity in self.identities.values()}
        for number, row in list(self.keys.items()):
            if row.has_slot() and row.slot_until <= now:
                self.free_slot(row.owner)
                row.leave_slot()
            # What is held against a key outlives its advertisement.
            held = row.violations.count(now, memory) > 0 or not row.ban.is_forgotten(now, memory)
            spent = row.slot_until <= now and row.remember_until <= now
            if spent and not held and not row.current and number not in contests:
                del self.keys[number]
        for number, peer in list(self.peers.items()):
            held = peer.untold or peer.keys or peer.held_until
            held = held or any(tally.count(now, memory) for tally in peer.tallies())
            windows = (peer.messages, peer.signatures, peer.headers)
            if not peer.connections and not held and all(w.is_full(now) for w in windows):
                del self.peers[number]
        for number, row in list(self.bans.items()):
            if row.blacklisted or row.allowed:
                continue
            # What the operator chose is nothing to remember once it is over.
            ended = row.operator and row.ban.active(now) is None
            if ended or not row.operator and row.ban.is_forgotten(now, memory):
                del self.bans[number]


def within_day(at, now):
    return at != 0 and elapsed(at, now) < DAY
