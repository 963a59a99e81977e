"""Random scenarios: few peers, keys and identities, so that they meet, and clocks that jump."""

import random

from _gate_play import Player
from _gate_rules import DAY, HOUR, MINUTE, LAST, NEVER, SECOND, XPI

START = 1_795_400_000_000
LENGTH = 170
PEERS, KEYS = range(1, 7), range(1, 13)
OWN = 9  # our own peer, which is never connected
ADDRESSES = ["10.1.1.1", "10.1.1.2", "10.1.2.1", "10.2.1.1", "127.0.0.1", "2001:db8::1",
             "2001:db8:0:100::1", "::ffff:10.1.1.9", None]
BURNS = [60, 50, 200, 1_000, 60, 49]  # whole XPI, of the identities in their order

# What a scenario is mostly about: how often each operation is drawn.
MOODS = {
    "mixed": {},
    "ads": {"ad": 60, "again": 12, "settle": 6, "sweep": 4},
    "faults": {"forged": 30, "bad": 20, "connect": 12, "events": 6},
    "haste": {"hasty": 60, "sweep": 4},
    "relapse": {"relapse": 20, "sweep": 4, "events": 4, "fault": 8},
    "breaker": {"outbound": 20, "events": 4, "sweep": 4, "allow": 2},
    "burns": {"claim": 40, "rotate": 40, "credit": 16, "tip": 8, "ad": 12},
    "chain": {"tip": 30, "claim": 24, "ad": 12, "pin": 3, "session": 6},
    "sessions": {"session": 60, "claim": 8},
    "strangers": {"stranger": 50, "connect": 8, "sweep": 8, "again": 8},
    "frames": {"frame": 60, "connect": 12},
}
USUAL = {
    "ad": 20, "stranger": 8, "forged": 3, "hasty": 4, "again": 8, "settle": 5, "frame": 6, "bad": 2,
    "relapse": 1, "allow": 1, "fault": 2, "outbound": 1, "connect": 6, "disconnect": 3, "claim": 6, "rotate": 6, "credit": 3, "hello": 3, "tip": 3,
    "session": 4, "ban": 2, "unban": 1, "pin": 1, "sweep": 2, "events": 1, "ask": 3,
}


class Author:
    """Draws operations with an eye on the model's state, so that many of them mean something."""

    def __init__(self, seed):
        self.random = random.Random(f"ltms {seed}")
        self.mood = self.choose(MOODS)
        self.scenario = {
            "name": f"{seed} ({self.mood})",
            "policy": self.choose(("default",) * 3 + ("tight",) * 5 + ("observed",)),
            "identities": [[n, xpi * XPI] for n, xpi in enumerate(BURNS, 1)],
            "ops": [],
        }
        # Two burns by one key: only one of them becomes an identity.
        self.scenario["identities"].append([1, 60 * XPI])
        self.player = Player(self.scenario)
        self.gate = self.player.gate
        self.now = START
        self.sent = []
        self.tickets = 0

    def choose(self, among):
        return self.random.choice(list(among))

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def number(self, low, high):
        return self.random.randint(low, high)

    def put(self, name, **fields):
        op = {"op": name, "now": self.now}
        op |= {key: value for key, value in fields.items() if value is not None and value is not False}
        want = self.player.play(op)
        if want is not None or name == "identity":
            op["want"] = want
        self.scenario["ops"].append(op)
        return want

    # The clock

    def tick(self):
        steps = (
            (45, lambda: 0),
            (22, lambda: self.number(1, 3 * SECOND)),
            (18, lambda: self.number(SECOND, 3 * MINUTE)),
            (9, lambda: self.number(MINUTE, 2 * HOUR)),
            (3, lambda: self.number(HOUR, 2 * DAY)),
            (1, lambda: self.number(DAY, 40 * DAY)),
            (2, lambda: -self.number(1, 2 * MINUTE)),
            (1, lambda: -self.number(MINUTE, 2 * DAY)),
        )
        step = self.random.choices([s for _, s in steps], [w for w, _ in steps])[0]()
        self.now = min(max(self.now + step, 0), NEVER)
        if self.chance(1) and self.chance(30):
            self.now = self.choose((0, NEVER, NEVER - DAY, START, START + 2**40))
        elif abs(self.now - START) > 400 * DAY and self.chance(40):
            self.now = START

    def soon(self, *times):
        """Goes to the very end of something, or just before it."""
        later = [at for at in times if at is not None and self.now < at < START + 90 * DAY]
        if later:
            self.now = self.choose(later) - self.choose((0, 0, 1))

    # Operations

    def source(self, peer=None):
        via = self.random.choices(
            ("gossip", "direct", "directory", "dht", "own"), (40, 30, 14, 14, 2)
        )[0]
        peers = self.gate.peers.items()
        usual = [n for n, row in peers if row.connections and n not in self.gate.bans]
        if usual and self.chance(90):
            peer = peer if peer in usual else self.choose(usual)
        peer = OWN if via == "own" else peer or self.choose(PEERS)
        publisher = None
        if via == "gossip" and self.chance(95):
            publisher = peer if self.chance(50) else self.choose(PEERS)
        return {"via": via, "from": peer, "publisher": publisher}

    def identity(self):
        known = list(self.gate.identities)
        return self.choose(known) if known and self.chance(96) else self.number(1, len(BURNS))

    def current(self, number):
        """The key of an identity and its sequence; before it registers, those of its burn."""
        row = self.gate.identities.get(number)
        return (row.key, row.sequence) if row else (self.scenario["identities"][number - 1][0], 0)

    def times(self):
        little, more = self.number(0, MINUTE), self.number(0, 6 * MINUTE)
        ago = self.choose((0, 0, 0, 0, little, more, -self.number(0, 6 * MINUTE)))
        if self.chance(3):
            ago = self.number(0, 2 * DAY)
        created = min(max(self.now - ago, 0), LAST)
        usual = self.number(10 * MINUTE, 12 * HOUR)
        lasting = self.choose((10 * MINUTE, HOUR, usual, self.choose((12 * HOUR, DAY))))
        if self.chance(3):
            lasting = self.choose((10 * MINUTE - 1, DAY + 1, 0))
        return {"created": created, "expires": min(created + lasting, LAST)}

    def member(self):
        """An advertisement or withdrawal under an identity."""
        number = self.identity()
        key, sequence = self.current(number)
        if self.chance(6):
            sequence = max(sequence + self.choose((-1, 1)), 0)
        ad = self.times() | {"identity": number, "sequence": sequence or None}
        author = key if self.chance(35) else self.choose(KEYS)
        ad |= {"author": author, "peer": self.choose(PEERS)}
        if author != key and self.chance(95) or self.chance(3):
            by = self.random.choices((key, self.choose(KEYS), None), (90, 5, 5))[0]
            until = ad["expires"] + self.choose((0, HOUR, DAY)) if self.chance(93) else ad["created"]
            ad["delegation"] = {"until": min(until, LAST)} | ({"by": by} if by else {})
        return ad

    def stranger(self):
        source = self.source(self.choose(PEERS))
        if self.chance(85):
            source |= {"via": "direct", "publisher": None}
            if source["from"] == OWN:
                source["from"] = self.choose(PEERS)
        peer = source["from"] if self.chance(92) else self.choose(PEERS)
        return source, self.times() | {"author": self.choose(KEYS), "peer": peer}

    def dress(self, ad):
        if self.chance(7):
            ad["withdrawal"] = True
        ad["types"] = self.choose(([1], [1], [2], [1, 2], [3, 63], [64, 999]))
        ad["amount"] = self.choose((None, None, [100, 200], [150, 2**64 - 1]))
        ad["padded"] = self.chance(5)
        return ad

    def send(self, source, ad):
        if ad.get("withdrawal"):
            for name in ("expires", "peer", "types", "amount", "padded"):
                ad.pop(name, None)
        hold = None
        if self.chance(12):
            self.tickets += 1
            hold = self.tickets
        if self.chance(15) and source["via"] in ("gossip", "direct"):
            self.put("frame", **source, kind=source["via"], size=300)
        self.sent.append(dict(ad))
        return self.put("ad", **source, **ad, hold=hold)

    def do_ad(self):
        self.send(self.source(), self.dress(self.member()))

    def do_stranger(self):
        source, ad = self.stranger()
        want = self.send(source, self.dress(ad))
        if isinstance(want, list) and self.chance(30):
            self.soon(want[1])

    def do_forged(self):
        """Bad signatures, often by the peer that hands them over."""
        source, ad = self.stranger() if self.chance(40) else (self.source(), self.member())
        if source["via"] == "gossip" and self.chance(60):
            source["publisher"] = source["from"]
        for _ in range(self.choose((1, 1, 3))):
            self.send(source, ad | {"forged": True, "created": ad["created"]})
            self.now = min(self.now + self.number(0, 6 * SECOND), NEVER)

    def do_hasty(self):
        """Bodies of one key that were made too close together, pushed and pulled."""
        ad = self.member()
        if self.sent and self.chance(80):
            before = self.choose(self.sent[-6:])
            if "expires" in before:
                ad = dict(before)
        source = self.source()
        if self.chance(50):
            source |= {"via": self.choose(("directory", "dht")), "publisher": None}
        for _ in range(self.choose((1, 2, 4))):
            ad["created"] = min(ad.get("created", self.now) + self.number(1, 70 * SECOND), LAST)
            ad["expires"] = min(max(ad["expires"], ad["created"] + 10 * MINUTE), LAST)
            if "delegation" in ad:
                until = max(ad["delegation"]["until"], ad["expires"])
                ad["delegation"] = ad["delegation"] | {"until": until}
            self.send(source, dict(ad))
            self.now = min(self.now + self.choose((0, SECOND, 59 * SECOND, MINUTE)), NEVER)

    def do_relapse(self):
        """Faults until there is a ban, some time after the last one ended."""
        peer = self.choose(PEERS)
        ended = self.gate.bans[peer].ban.until if peer in self.gate.bans else 0
        if self.now < ended < START + 90 * DAY or self.chance(50):
            again = ended + self.choose((0, HOUR, DAY, DAY + 1))
            self.now = max(self.now, min(again, START + 90 * DAY))
        source = {"via": "gossip", "from": peer, "publisher": 8}
        for _ in range(self.gate.policy.sanctions.invalid_signatures):
            key, sequence = self.current(1)
            ad = {"created": min(self.now, LAST), "expires": min(self.now + HOUR, LAST)}
            ad |= {"author": key, "peer": peer}
            self.put("ad", **source, **ad, identity=1, sequence=sequence, forged=True)

    def do_outbound(self):
        """Peers that we dialled publish too fast, one after another."""
        author = self.current(1)[0]
        for peer in self.random.sample(list(PEERS), self.number(1, 3)):
            if self.chance(60):
                self.put("connected", peer=peer, at=f"10.{peer}.0.1", outbound=True)
            source = {"via": "gossip", "from": peer, "publisher": peer}
            for n in range(self.gate.policy.sanctions.violations + 1):
                made = min(self.now + n, LAST)
                ad = {"created": made, "expires": min(made + HOUR, LAST), "author": author}
                self.put("ad", **source, **ad, peer=peer, identity=1, sequence=self.current(1)[1])
            self.now = min(self.now + self.choose((0, SECOND, 20 * SECOND, MINUTE)), NEVER)
        self.soon(*(row.held_until for row in self.gate.peers.values()), self.gate.open_until)

    def do_allow(self):
        self.put("allow", peer=self.choose(PEERS), allowed=self.chance(50))

    def do_fault(self):
        self.put("fault", identity=self.identity(), reason="malformed")

    def do_again(self):
        """The very same message by another way."""
        if self.sent:
            self.send(self.source(), dict(self.choose(self.sent[-8:])))

    def do_settle(self):
        if self.player.held:
            want = self.put("settle", held=self.choose(self.player.held))
            if isinstance(want, list) and self.chance(20):
                self.soon(want[1])

    def do_frame(self):
        source = self.source()
        kind = {"gossip": "gossip", "dht": "record"}.get(source["via"], "direct")
        size = self.choose((100, 100, 100, 100, 10_000, 10_001, 100_001))
        for _ in range(self.choose((1, 1, 2, 5))):
            want = self.put("frame", **source, kind=kind, size=size)
        if isinstance(want, list) and self.chance(40):
            self.soon(want[1])

    def do_bad(self):
        source = self.source()
        reason = self.choose(("malformed", "malformed", "address", "text", "unsupported"))
        for _ in range(self.choose((1, 3))):
            self.put("malformed", **source, reason=reason)

    def do_connect(self):
        end = {"peer": self.choose(PEERS), "at": self.choose(ADDRESSES), "outbound": self.chance(40)}
        if self.put("screen", **end) == "clear" or self.chance(25):
            self.put("connected", **end)

    def do_disconnect(self):
        self.put("disconnected", peer=self.choose(PEERS))

    def place(self):
        tip = self.gate.tip or 1_000
        deep = self.choose((3, 10, 71, 72, 90, 150, self.number(0, 300)))
        return {
            "height": max(tip - deep, 1),
            "position": self.number(1, 7),
            "output": self.choose((None, None, 1)),
        }

    def claims(self, number, **fields):
        source = self.source()
        if source["via"] in ("directory", "dht"):
            source["via"] = "direct"
        if self.chance(8):
            fields["by"] = self.choose((None, self.choose(KEYS)))
        hold = None
        if self.chance(12):
            self.tickets += 1
            hold = self.tickets
        defect = self.choose(("garbage", "coinbase", "output", "script", "version", "branch"))
        classes = ("node", "indexer", "anchored", "weak")
        want = self.put(
            "claim", **source, identity=number, **fields, hold=hold,
            defect=defect if self.chance(4) else None,
            block=self.choose(("unknown", "other", "root")) if self.chance(6) else None,
            lookup=self.chance(50),
            **{"class": self.random.choices(classes, (50, 30, 15, 5))[0]},
        )
        if isinstance(want, list) and self.chance(30):
            self.soon(want[1])

    def do_claim(self):
        number = self.number(1, len(self.scenario["identities"]))
        suspended = [n for n, row in self.gate.identities.items() if row.suspended(self.now)]
        if suspended and self.chance(60):
            number = self.choose(suspended)
        place = self.place() | {"output": None}
        if self.chance(3):
            place["purpose"] = self.choose(("rotation", "top_up"))
        key = self.scenario["identities"][number - 1][0]
        self.claims(number, what="registration", by=key, **place)

    def do_rotate(self):
        """The next rotation, or one against the last; often at a place where it may lie."""
        number = self.identity()
        row = self.gate.identities.get(number)
        key, sequence = self.current(number)
        by, next_one, place = key, sequence + 1, self.place()
        tip, last = self.gate.tip or 1_000, row.last_used("rotation")[0] if row else 1
        contests = row and row.sequence and self.chance(45)
        if contests:
            by, next_one = row.previous_key or key, sequence
            first = row.previous_rotation[0]
        elif row and row.sequence and self.chance(60):
            tip = max(tip, last + self.choose((90, 99, 100, 180)))
            self.put("tip", height=tip, fork=self.gate.tip)
        if row and self.chance(75):
            low, high = (first, last) if contests else (last, tip - 71)
            place["height"] = self.number(min(low, high), max(low, high))
        if self.chance(6):
            next_one = max(next_one + self.choose((-2, -1, 1)), 0)
        taken = {other.key for other in self.gate.identities.values()}
        free = [n for n in KEYS if n not in taken]
        self.claims(
            number, what="rotation", sequence=next_one, by=by,
            key=self.choose(free) if free and self.chance(85) else self.choose(KEYS),
            purpose="top_up" if self.chance(4) else "rotation",
            names=self.number(1, 6) if self.chance(3) else None,
            amount=5 * XPI if self.chance(4) else 4 * XPI if self.chance(4) else 6 * XPI,
            unsigned_by_new=self.chance(4), **place,
        )

    def do_credit(self):
        number = self.identity()
        key, sequence = self.current(number)
        if self.chance(8):
            sequence = max(sequence + self.choose((-1, 1)), 0)
        purposes = ("additional_key", "top_up", "top_up", "request", "extension", "directory_entry")
        purpose = self.random.choices(purposes, (6, 6, 6, 1, 1, 1))[0]
        self.claims(
            number, what="credit", sequence=sequence, by=key, purpose=purpose,
            key=key if self.chance(85) else self.choose(KEYS),
            names=self.number(1, 6) if self.chance(3) else None,
            amount=self.choose((20, 150, 900, 12, 10, 9)) * XPI, **self.place(),
        )

    def do_hello(self):
        number = self.identity()
        key, sequence = self.current(number)
        prover = key if self.chance(50) else self.choose(KEYS)
        given = None
        if prover != key and self.chance(85):
            until = self.now + self.choose((0, HOUR)) if self.now < START + 2**41 else self.now
            given = {"until": until} | ({"by": key} if self.chance(90) else {})
        if self.chance(8):
            sequence = max(sequence + self.choose((-1, 1)), 0)
        self.put(
            "hello", **{"from": self.choose(PEERS)}, identity=number, key=prover, delegation=given,
            sequence=sequence or None, forged=self.chance(8), old_challenge=self.chance(4),
        )

    def do_tip(self):
        tip = self.gate.tip or 1_000
        places = sorted(row.place[0] for row in self.gate.identities.values())
        fork = tip - self.choose((0, 0, 0, 1, 5, 10, 11, 30))
        if places and self.chance(30):
            fork = self.choose(places) - self.choose((0, 1))
        height = fork + self.choose((0, 1, 2, 12, 40, 100))
        name = "confirm" if self.chance(20) else "tip"
        want = self.put(name, height=max(height, 1), fork=max(fork, 0))
        if isinstance(want, list) and self.chance(60):
            self.soon(want[1])
            self.put(name, height=max(height, 1), fork=max(fork, 0))

    def do_session(self):
        failures = ("timeout", "disconnect", "invalid_signature", "abort")
        outcome = self.choose(("completed",) * 5 + failures)
        response = self.choose((100, 5_000, 5_001, 9_000, 30_000, 31_000, NEVER))
        self.put(
            "session", session=self.number(1, 9), subject=self.identity(),
            counterparty=self.identity(), outcome=outcome,
            response=response if outcome == "completed" else None,
        )

    def somebody(self):
        kind = self.choose(("peer", "key", "identity"))
        numbers = {"peer": PEERS, "key": KEYS, "identity": range(1, 7)}[kind]
        return {"kind": kind, "number": self.choose(numbers)}

    def do_ban(self):
        until = self.choose((None, min(self.now + self.number(0, 3 * HOUR), NEVER), 0))
        self.put("ban", **self.somebody(), until=until, reason=self.choose(("malformed", "too-soon")))

    def do_unban(self):
        self.put("unban", **self.somebody())

    def do_pin(self):
        self.put("pin", identity=self.number(1, 6), pinned=self.chance(70))

    def do_sweep(self):
        if self.chance(50):
            self.soon(*(row.slot_until for row in self.gate.keys.values()))
        self.put("sweep")

    def do_events(self):
        self.put("events")

    def do_ask(self):
        if self.chance(50):
            self.put("standing", **self.somebody())
        else:
            self.find()

    def find(self):
        self.put(
            "find", types=self.choose((None, [1], [1, 2], [63])),
            amount=self.choose((None, 120, 160)), min_score=self.choose((None, None, 40, 60)),
        )

    def write(self):
        weights = USUAL | MOODS[self.mood]
        names, drawn = list(weights), list(weights.values())
        self.put("tip", height=1_000, fork=1_000)
        for peer in list(PEERS)[:5]:
            at = f"10.{peer}.0.1"
            self.put("connected", peer=peer, at=at, outbound=peer % 2 == 0)
        for number in (1, 3, 4)[: self.choose((0, 2, 3, 3))]:
            key = self.scenario["identities"][number - 1][0]
            self.put(
                "claim", **{"via": "direct", "from": 1}, what="registration", identity=number, by=key,
                height=800 + number, position=1, **{"class": "node"},
            )
        while len(self.scenario["ops"]) < LENGTH:
            self.tick()
            getattr(self, f"do_{self.random.choices(names, drawn)[0]}")()
        self.finish()
        return self.scenario

    def finish(self):
        """Everything that can be asked in the end."""
        self.put("events")
        for kind, numbers in (("peer", PEERS), ("key", KEYS), ("identity", range(1, 8))):
            for number in numbers:
                self.put("standing", kind=kind, number=number)
        for number in range(1, 8):
            self.put("identity", identity=number)
        self.put("find")


def random_scenario(seed):
    return Author(seed).write()
