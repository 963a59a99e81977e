"""Writes a scenario by hand, with the reasons that the hand expects."""

from _gate_play import Player
from _gate_rules import DAY, HOUR, XPI

START = 1_795_400_000_000


class Script:
    """Writes operations down and plays them, so that each knows what it has to give."""

    def __init__(self, name, policy="default", identities=4):
        burns = [[n, 60 * XPI] for n in range(1, identities + 1)]
        self.scenario = {"name": name, "policy": policy, "identities": burns, "ops": []}
        self.player = Player(self.scenario)
        self.now = START
        self.put("tip", height=1_000, fork=1_000)

    def put(self, op, /, **fields):
        op = {"op": op, "now": self.now} | fields
        want = self.player.play(op)
        if want is not None or op["op"] == "identity":
            op["want"] = want
        self.scenario["ops"].append(op)
        return want

    def expect(self, reason, op, /, **fields):
        """The hand that writes knows the reason; the model has to agree."""
        want = self.put(op, **fields)
        got = want[0] if isinstance(want, list) else want
        assert got == reason, f"{self.scenario['name']}: {reason} was expected, not {want}"
        return want[1] if isinstance(want, list) else None

    def connect(self, *peers):
        for peer in peers:
            self.put("connected", peer=peer, at=f"10.{peer}.0.1")

    def register(self, *numbers):
        for number in numbers:
            self.claim("new", number)

    def claim(self, reason, number, **fields):
        key = self.scenario["identities"][number - 1][0]
        claim = {
            "via": "direct", "from": 1, "what": "registration", "identity": number, "by": key,
            "height": 800 + number, "position": 1, "class": "node",
        }
        return self.expect(reason, "claim", **claim | fields)

    def rotation(self, reason, number, sequence, by, key, height, **fields):
        return self.claim(
            reason, number, what="rotation", sequence=sequence, by=by, key=key, height=height,
            purpose="rotation", amount=6 * XPI, **fields,
        )

    def ad(self, reason, author, number=None, lasting=HOUR, via="direct", **fields):
        ad = {"via": via, "from": 1, "author": author, "created": self.now, "peer": 1}
        if number:
            ad["identity"] = number
        ad |= fields
        ad.setdefault("expires", ad["created"] + lasting)
        return self.expect(reason, "ad", **ad)

    def delegate(self, reason, author, number, by, until=None, **fields):
        given = {"by": by, "until": until or self.now + DAY}
        return self.ad(reason, author, number, delegation=given, **fields)

    def at_and_before(self, retry_at, refused, passes):
        """Refused one millisecond before the time that was named, passing at it."""
        self.now = retry_at - 1
        refused()
        self.now = retry_at
        passes()

    def done(self):
        self.put("events")
        for kind in ("peer", "key", "identity"):
            for number in range(1, 5):
                self.put("standing", kind=kind, number=number)
        self.put("find")
        return self.scenario
