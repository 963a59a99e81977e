"""What the policy counts with: times, rate windows, tallies, bans, points. Exact, unbounded.

Times are milliseconds since the Unix epoch, the arithmetic of windows is in microseconds.
"""

from dataclasses import dataclass, field
from fractions import Fraction

# The latest time there is; what would be later stops here. "Until lifted" is this.
NEVER = 2**48 - 1
# The latest time that a message can name.
LAST = NEVER - 1
# The latest time at which a window can be full again, in microseconds.
LAST_MICROSECOND = 2**56 - 1
# The longest response that an average can be, in microseconds.
SLOWEST = 2**32 - 1

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
XPI = 1_000_000


def later(time, span):
    return min(time + span, NEVER)


def micros(time):
    return time * 1000


def in_seconds(time):
    """As bans are shown: in whole seconds, of which there are 32 bits."""
    return min(time // 1000, 2**32 - 1) * 1000


def elapsed(since, now):
    return max(now - since, 0)


class Rules(dict):
    """A dictionary whose entries can be read as attributes, so that rules read like the policy."""

    def __getattr__(self, name):
        value = self[name]
        return Rules(value) if isinstance(value, dict) else value


def every(interval, burst):
    return {"interval_us": interval * 1000, "burst": burst}


def per_second(rate, burst):
    return {"interval_us": 1_000_000 // rate, "burst": burst}


# Every number of policy.md that a Gate decides by, under the names of the fields of `Policy`.
LOTUS_V1 = {
    "network": "reg",
    "freshness": {
        "min_lifetime": 10 * MINUTE,
        "max_lifetime": DAY,
        "future": 5 * MINUTE,
        "gossip_age": 5 * MINUTE,
    },
    "windows": {
        "advertisement": every(MINUTE, 1),
        "identity_span": 10 * MINUTE,
        "connection": per_second(20, 60),
        "signatures": per_second(10, 20),
        "node_signatures": per_second(2_000, 4_000),
        "reserve": 250,
        "strangers": every(MINUTE, 2),
        "wide_factor": 8,
        "header": every(10 * SECOND, 3),
        "node_header": per_second(20, 100),
    },
    "sanctions": {
        "span": DAY,
        "violations": 10,
        "invalid_signatures": 10,
        "malformed": 50,
        "graylist": HOUR,
        "graylist_max": DAY,
        "identity_faults": 3,
        "identity_ban": DAY,
        "identity_ban_max": 30 * DAY,
    },
    "breaker": {"share": 300, "peers": 8, "groups": 4, "hold": MINUTE, "daily": 10},
    "enforce": {"windows": "on", "keys": "on", "groups": "on", "sanctions": "on"},
    "keys": {
        "basic": 10,
        "verified": 50,
        "institutional": 100,
        "stranger": 10,
        "slot_hold": 10 * MINUTE,
    },
    "burns": {
        "registration": 50 * XPI,
        "rotation": 5 * XPI,
        "additional_key": 10 * XPI,
        "request": 5 * XPI,
        "extension": XPI,
        "directory_entry": 2 * XPI,
        "top_up": 10 * XPI,
        "verified": 200 * XPI,
        "institutional": 1_000 * XPI,
        "provisional": 6,
        "full": 72,
        "rotation_depth": 72,
    },
    "reputation": {
        "start": 50,
        "rate": 60,
        "volume": 20,
        "timeout": 5,
        "disconnect": 10,
        "invalid_signature": 20,
        "abort": 3,
        "half_life": 7 * DAY,
        "daily_successes": 3,
    },
    "connections": {
        "inbound": 128,
        "outbound": 64,
        "per_peer": 2,
        "per_narrow": 8,
        "per_wide": 16,
        "per_identity": 2,
    },
    "local_envelope": 10_000,
}

# The same rules with small numbers, so that short scenarios reach every limit.
TIGHT = {
    "freshness": {"max_lifetime": 12 * HOUR},
    "windows": {
        "connection": per_second(1, 6),
        "signatures": every(5 * SECOND, 4),
        "node_signatures": every(SECOND, 8),
        "node_header": every(5 * SECOND, 4),
    },
    "sanctions": {"violations": 3, "invalid_signatures": 3, "malformed": 4, "identity_faults": 2},
    "breaker": {"peers": 2, "groups": 2, "daily": 2},
    "keys": {"basic": 3, "verified": 4, "institutional": 6, "stranger": 2},
    "burns": {"registration": 60 * XPI, "rotation": 6 * XPI, "top_up": 12 * XPI},
    "connections": {"inbound": 6, "outbound": 3, "per_narrow": 3, "per_wide": 4, "per_identity": 1},
    "local_envelope": 400,
}

# Small limits that only count what they would have refused.
OBSERVED = TIGHT | {
    "enforce": {"windows": "observe", "keys": "observe", "groups": "observe", "sanctions": "observe"}
}

POLICIES = {"default": {}, "tight": TIGHT, "observed": OBSERVED}


def policy(name):
    """The rules of a policy: those of version 1, but for what it changes."""

    def merged(base, changes):
        both = dict(base)
        for key, value in changes.items():
            group = isinstance(base[key], dict) and "burst" not in base[key]
            both[key] = merged(base[key], value) if group else value
        return both

    return Rules(merged(LOTUS_V1, POLICIES[name]))


def spread(span, count):
    """`count` tokens in `span`, all of which may be saved up."""
    return Rules(interval_us=max(span * 1000 // count, 1), burst=count)


def halved(quota):
    return Rules(interval_us=quota.interval_us * 2, burst=max(quota.burst // 2, 1))


def without(quota, share):
    left = quota.burst * (1000 - share) // 1000
    return Rules(interval_us=quota.interval_us, burst=max(left, 1))


def widened(quota, factor):
    return Rules(interval_us=quota.interval_us // factor, burst=quota.burst * factor)


@dataclass
class Window:
    """A rate window. All that has to be known is when it will be full again."""

    full_at: int = 0

    def tokens(self, quota, now):
        missing = Fraction(max(self.full_at - micros(now), 0), quota.interval_us)
        return quota.burst - missing

    def opens(self, quota, now):
        """The first millisecond with a token; None if there is one now."""
        if self.tokens(quota, now) >= 1:
            return None
        one = self.full_at - (quota.burst - 1) * quota.interval_us
        return -(-one // 1000)

    def charge(self, quota, now):
        """Takes a token, if need be on credit, of which there is never more than one refill."""
        full_at = max(self.full_at, micros(now)) + quota.interval_us
        self.full_at = full_at
        self.cut(quota, now)

    def give_back(self, quota):
        self.full_at = max(self.full_at - quota.interval_us, 0)

    def is_full(self, now):
        return self.full_at <= micros(now)

    def cut(self, quota, now):
        longest = micros(now) + quota.interval_us * quota.burst
        self.full_at = min(self.full_at, longest, LAST_MICROSECOND)


@dataclass
class Tally:
    """Faults within a span that begins with the first of them, or up to 65 s earlier."""

    first: int = 0
    faults: int = 0

    def count(self, now, span):
        return self.faults if elapsed(self.first, now) < span else 0

    def add(self, now, span):
        count = self.count(now, span)
        if count == 0:
            self.first = now >> 16 << 16
        self.faults = count + 1
        return self.faults

    def clear(self):
        self.first = self.faults = 0

    def cap(self, most):
        self.faults = min(self.faults, most)

    def cut(self, now):
        self.first = min(self.first, now >> 16 << 16)


@dataclass
class Ban:
    """A ban until a time: one that doubles when repeated, or one whose end somebody chose."""

    until: int = 0
    level: int = 0
    chosen: bool = False

    def active(self, now):
        return self.until if self.until > now else None

    def begin(self, now, first, longest, memory):
        if self.active(now) is not None:
            return
        repeated = not self.chosen and self.until > 0 and elapsed(self.until, now) <= memory
        self.chosen = False
        self.level = self.level + 1 if repeated else 0
        # What ends by itself is not "until lifted", not even at the end of time.
        self.until = min(later(now, min(first * 2**self.level, longest)), NEVER - 1)

    def is_forgotten(self, now, memory):
        return self.until == 0 or later(self.until, memory + 1) <= now

    def cut(self, now, longest):
        if not self.chosen:
            self.until = min(self.until, later(now, longest))


def chosen_ban(until):
    return Ban(until=until, chosen=True)


@dataclass
class Reputation:
    """Policy §7, in fractions."""

    points: Rules
    anchor: int
    score: int = field(init=False)
    completed: int = 0
    failed: int = 0
    average: int = 0
    debt: int = 0

    def __post_init__(self):
        self.score = self.points.start

    def cut(self, now):
        self.anchor = min(self.anchor, now)

    def live_down(self, now):
        weeks = elapsed(self.anchor, now) // self.points.half_life
        self.debt = self.debt // 2**weeks if weeks < 64 else 0
        # A clock that stepped back moves the anchor with it.
        self.anchor = min(self.anchor + weeks * self.points.half_life, now)

    def success(self, now, response):
        self.live_down(now)
        sample = micros(response)
        first = self.completed == 0
        average = sample if first else (sample + 9 * self.average + 5) // 10
        self.average = min(average, SLOWEST)
        self.completed += 1
        self.debt = max(self.debt - 1, 0)
        self.score = max(0, self.formula() - self.debt)

    def failure(self, now, kind):
        self.live_down(now)
        self.failed += 1
        penalty = self.points[kind]
        self.debt += penalty
        self.score = max(0, self.score - penalty)
        self.anchor = now

    def formula(self):
        total = self.completed + self.failed
        steps = ((5_000_000, 20), (10_000_000, 10), (30_000_000, 5))
        speed = next((points for limit, points in steps if self.average <= limit), 0)
        exact = Fraction(self.points.rate * self.completed, total)
        exact += min(Fraction(self.points.volume), Fraction(total, 10)) + speed
        return int(exact + Fraction(1, 2))
