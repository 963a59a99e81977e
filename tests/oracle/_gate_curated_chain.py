"""Scenarios by hand: burns, rotations, the chain's tip, proofs."""

from _gate_rules import DAY, XPI
from _gate_script import Script


def chain():
    s = Script("a rotation, a contest by the earlier burn, and what is void then")
    s.connect(1)
    s.register(1)
    s.delegate("new", 10, 1, 1)
    s.rotation("new", 1, 1, 1, 2, 920)
    s.delegate("superseded", 11, 1, 1)
    s.ad("new", 2, 1, sequence=1)
    s.delegate("need-history", 11, 1, 9, sequence=1)
    s.rotation("superseded", 1, 1, 1, 3, 921)
    s.rotation("burn-used", 1, 1, 1, 3, 800)
    s.rotation("need-history", 1, 3, 2, 3, 925)
    s.rotation("not-final", 1, 2, 2, 3, 925)
    s.rotation("new", 1, 1, 1, 3, 910)
    s.put("find")
    s.ad("need-history", 2, 1, sequence=1, created=s.now + 1)
    s.ad("new", 3, 1, sequence=1)
    s.put("tip", height=1_010, fork=1_000)
    s.rotation("superseded", 1, 1, 1, 4, 905)
    s.rotation("new", 1, 2, 3, 4, 930)
    s.rotation("superseded", 1, 1, 1, 5, 905)
    yield s.done()

    s = Script("rotations one after another, a hundred blocks apart")
    s.connect(1)
    s.register(1)
    for n in range(1, 5):
        s.put("tip", height=1_000 + 100 * n, fork=900 + 100 * n)
        s.rotation("new", 1, n, n, n + 1, 920 + 100 * n)
    s.ad("need-history", 9, 1, sequence=4)
    s.put("tip", height=1_600, fork=1_400)
    s.ad("superseded", 9, 1, sequence=4)
    s.ad("superseded", 9, 1, sequence=3)
    # Who signed as the old key is not the one known here; others may know another.
    s.rotation("superseded", 1, 5, 9, 9, 1_400)
    yield s.done()

    s = Script("credits buy slots and tiers once")
    s.connect(1)
    s.register(1, 2)

    def credit(reason, purpose, amount, height, **fields):
        given = {"what": "credit", "purpose": purpose, "amount": amount * XPI, "by": 1, "key": 1}
        s.claim(reason, 1, **given | {"height": height, "lookup": False} | fields)

    credit("new", "additional_key", 25, 900, key=7)
    credit("burn-used", "additional_key", 25, 900, key=7)
    credit("burn-used", "additional_key", 25, 900, position=1)
    credit("new", "additional_key", 25, 900, output=1)
    credit("new", "top_up", 150, 901)
    credit("burn-too-small", "top_up", 9, 902)
    credit("not-charged", "request", 5, 902)
    credit("superseded", "top_up", 10, 902, key=3)
    credit("need-history", "top_up", 10, 902, sequence=1)
    credit("invalid-signature", "top_up", 10, 902, by=2)
    credit("script", "top_up", 10, 902, names=2)
    credit("immature", "top_up", 10, 930)
    credit("new", "top_up", 800, 902)
    yield s.done()

    s = Script("a reorganisation suspends, a second proof resumes, a hundred blocks lapse")
    s.connect(1)
    s.register(1, 2)
    s.put("tip", height=1_001, fork=991)
    s.claim("new", 3, height=993)
    s.ad("new", 3, 3)
    s.put("tip", height=1_002, fork=992)
    s.ad("suspended", 3, 3, created=s.now + 1)
    s.rotation("suspended", 3, 1, 3, 9, 900)
    s.put("events")
    s.claim("new", 3, height=994)
    s.put("events")
    s.ad("too-soon", 3, 3, created=s.now + 1)
    s.put("tip", height=1_003, fork=993)
    s.put("tip", height=1_102, fork=1_003)
    s.put("identity", identity=3)
    s.put("pin", identity=3, pinned=True)
    s.put("tip", height=1_103, fork=1_102)
    s.put("identity", identity=3)
    s.put("pin", identity=3)
    s.put("tip", height=1_104, fork=1_103)
    s.put("identity", identity=3)
    s.ad("unknown-identity", 3, 3, created=s.now + 2)
    yield s.done()

    s = Script("a step back that is too deep, or would suspend too many, is doubted", identities=12)
    s.connect(1)
    for number in range(1, 13):
        s.claim("new", number, height=990)
    believed = s.expect("chain-suspect", "tip", height=1_001, fork=989)
    s.at_and_before(
        believed,
        lambda: s.expect("chain-suspect", "tip", height=1_001, fork=989),
        lambda: s.expect("clear", "tip", height=1_001, fork=989),
    )
    for number in range(1, 10):
        s.claim("new", number, height=992)
    s.expect("chain-suspect", "tip", height=1_001, fork=991)
    s.put("confirm", height=1_002, fork=991)
    yield s.done()

    s = Script("an anchored proof is Basic, ends after thirty days and is proved again")
    s.connect(1)
    s.claim("immature", 1, height=930, **{"class": "anchored"})
    s.claim("new", 1, height=929, **{"class": "anchored"})
    s.claim("weak-evidence", 2, **{"class": "weak"})
    s.now += 20 * DAY
    s.claim("already-known", 1, height=929, **{"class": "anchored"})
    s.now += 3 * DAY
    s.claim("new", 1, height=929, **{"class": "anchored"})
    s.now += 30 * DAY - 1
    s.ad("new", 1, 1)
    s.now += 1
    s.ad("suspended", 1, 1)
    s.claim("new", 1, height=929, **{"class": "indexer"})
    s.ad("too-soon", 1, 1)
    yield s.done()


def header_looks():
    s = Script("half of the look-ups of headers is kept for peers that we dialled", "tight")
    s.connect(1)
    s.put("connected", peer=2, at="10.2.0.1", outbound=True)
    unknown = {"lookup": True, "block": "unknown"}
    for peer in (1, 2):
        for n in range(3):
            reason = "unknown-block" if n < 2 else "header-budget"
            opens = s.claim(reason, 1, **unknown, **{"from": peer})
    s.at_and_before(
        opens,
        lambda: s.claim("header-budget", 1, **unknown, **{"from": 2}),
        lambda: s.claim("new", 1, lookup=True, **{"from": 2}),
    )
    yield s.done()

    s = Script("a fresh peer begins with the look-ups that its address group has left")
    s.connect(1)
    unknown = {"lookup": True, "block": "unknown"}
    for _ in range(3):
        s.claim("unknown-block", 1, **unknown)
    s.put("connected", peer=2, at="10.1.0.2")
    s.put("connected", peer=3, at="10.1.0.3", outbound=True)
    opens = s.claim("header-budget", 1, **unknown, **{"from": 2})
    s.claim("unknown-block", 1, **unknown, **{"from": 3})
    s.at_and_before(
        opens,
        lambda: s.claim("header-budget", 1, **unknown, **{"from": 2}),
        lambda: s.claim("unknown-block", 1, **unknown, **{"from": 2}),
    )
    yield s.done()
