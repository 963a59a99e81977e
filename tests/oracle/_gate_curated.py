"""Scenarios by hand: the ends of windows and bans, and states that chance seldom reaches."""

from _gate_curated_chain import chain, header_looks
from _gate_rules import DAY, HOUR, LAST, MINUTE, NEVER, SECOND
from _gate_script import START, Script

MINUTES_10 = 10 * MINUTE


def windows():
    s = Script("a window opens at the very millisecond it names")
    s.connect(1)
    s.register(1)
    s.ad("new", 1, 1)
    s.now += SECOND
    opens = s.ad("too-soon", 1, 1)
    assert opens == START + MINUTE
    s.at_and_before(opens, lambda: s.ad("too-soon", 1, 1), lambda: s.ad("new", 1, 1))
    yield s.done()

    s = Script("the keys of an identity share one window")
    s.connect(1)
    s.register(1)
    for round_ in range(2):
        for author in range(10, 20):
            reason = "new" if round_ == 0 or author == 10 else "identity-window"
            opens = s.delegate(reason, author, 1, 1)
        s.now += MINUTE
    yield s.done()

    s = Script("an eleventh key waits for a slot")
    s.connect(1)
    s.register(1)
    for author in range(10, 20):
        s.delegate("new", author, 1, 1, lasting=MINUTES_10 + (author - 10) * MINUTE)
    s.now += MINUTES_10
    free = s.delegate("key-limit", 20, 1, 1)
    assert free == START + 2 * MINUTES_10
    s.at_and_before(
        free,
        lambda: s.delegate("key-limit", 20, 1, 1),
        lambda: s.delegate("new", 20, 1, 1),
    )
    yield s.done()

    s = Script("a relay of honest traffic pays nothing, a busy one is read more slowly")
    s.connect(1)
    frame = {"via": "gossip", "from": 1, "publisher": 2, "kind": "gossip", "size": 300}
    for n in range(62):
        s.expect("clear" if n < 60 else "throttle", "frame", **frame)
    opens = s.expect("connection-window", "frame", **frame | {"via": "direct", "kind": "direct"})
    s.now = opens
    s.expect("clear", "frame", **frame)
    yield s.done()

    s = Script("strangers of one address group share a window, and a wide group eight")
    s.connect(1, 2, 3)
    for author in (10, 11, 12):
        opens = s.ad("new" if author < 12 else "stranger-window", author)
    s.at_and_before(
        opens, lambda: s.ad("stranger-window", 12), lambda: s.ad("new", 12),
    )
    for peer in range(11, 21):
        s.put("connected", peer=peer, at=f"10.9.{peer}.1")
        for author in (0, 1):
            number = (peer - 11) * 2 + author
            fields = {"from": peer, "peer": peer}
            opens = s.ad("new" if number < 16 else "stranger-window", 30 + number, **fields)
    yield s.done()

    s = Script("signatures have budgets", "tight")
    s.connect(1, 2, 3)
    forged = {"via": "gossip", "publisher": 9, "forged": True, "identity": 1}
    s.register(1)
    for n in range(5):
        opens = s.ad("invalid-signature" if n < 4 else "signature-budget", 1, **forged)
        if n == 2:
            s.put("unban", kind="peer", number=1)
    s.at_and_before(
        opens,
        lambda: s.ad("signature-budget", 1, **forged),
        lambda: s.ad("invalid-signature", 1, **forged),
    )
    yield s.done()

    s = Script("the last checks are kept for who was dialled or proved an identity", "tight")
    s.connect(1, 2, 3, 4, 7)
    s.put("connected", peer=6, at="10.6.0.1", outbound=True)
    s.register(1, 2)
    s.expect("clear", "hello", identity=2, key=2, **{"from": 7})
    for n in range(6):
        s.ad("invalid-signature", 1, **forged | {"from": 1 + n // 2})
    opens = s.ad("node-busy", 1, **forged | {"from": 4})
    s.ad("invalid-signature", 1, **forged | {"from": 6})
    s.ad("invalid-signature", 1, **forged | {"from": 7})
    s.ad("node-busy", 1, **forged | {"from": 7})
    # What comes back is theirs first.
    s.now = opens
    s.ad("node-busy", 1, **forged | {"from": 4})
    s.ad("invalid-signature", 1, **forged | {"from": 6})
    yield s.done()


def sanctions():
    s = Script("graylistings double to a day, and a quiet day forgets")
    s.connect(1)
    s.register(1)
    for hours, quiet in ((1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (24, 0), (24, 1), (1, 0)):
        s.ad("new", 1, 1, via="gossip", publisher=1)
        for _ in range(10):
            s.now += 1
            s.ad("too-soon", 1, 1, via="gossip", publisher=1, lasting=2 * HOUR)
        until = s.ad("graylisted", 1, 1, via="gossip", publisher=1)
        assert until == s.now + hours * HOUR
        s.put("events")
        # The tenth violation comes a day after the end, or a millisecond later than that.
        s.now = until + DAY - 10 + quiet
    yield s.done()

    s = Script("who publishes ten bad signatures is banned for good, who passes on only for an hour")
    s.connect(1, 2)
    s.register(1)
    for n in range(10):
        for publisher in (1, 9):
            peer = 1 if publisher == 1 else 2
            fields = {"via": "gossip", "publisher": publisher, "from": peer, "forged": True}
            s.ad("invalid-signature", 1, 1, **fields)
        s.now += HOUR
    s.now -= HOUR
    s.put("events")
    s.ad("blacklisted", 1, 1)
    until = s.ad("graylisted", 1, 1, **{"from": 2})
    s.ad("new", 1, 1, via="gossip", publisher=9, **{"from": 2})
    s.now = until
    s.expect("clear", "screen", peer=2, at="10.2.0.1")
    yield s.done()

    s = Script("fifty malformed items in a day, or faults that are nobody's")
    s.connect(1, 2, 3)
    own = {"via": "direct", "from": 1}
    for _ in range(50):
        s.put("malformed", **own, reason="malformed")
        s.put("malformed", via="direct", **{"from": 2}, reason="unsupported")
        s.put("frame", via="gossip", publisher=9, kind="gossip", size=10_001, **{"from": 3})
    s.put("events")
    s.expect("blacklisted", "frame", **own, kind="direct", size=10)
    s.expect("clear", "frame", via="direct", kind="direct", size=10, **{"from": 2})
    s.expect("graylisted", "frame", via="direct", kind="direct", size=10, **{"from": 3})
    yield s.done()

    s = Script("a key violates by two verified bodies, ten times in a day, whatever is swept")
    s.connect(1)
    s.register(1)
    for n in range(10):
        if n == 5:
            s.now += HOUR
            s.put("sweep")
        fields = {"via": "directory", "lasting": MINUTES_10}
        s.delegate("new", 10, 1, 1, **fields)
        s.now += SECOND
        s.delegate("new" if n < 9 else "graylisted", 10, 1, 1, **fields)
        s.now += 2 * MINUTE
    s.ad("new", 1, 1)
    yield s.done()

    s = Script("our own node accuses no key, whatever its clock had been")
    s.connect(1)
    s.register(1)
    for n in range(9):
        fields = {"via": "directory", "lasting": MINUTES_10}
        s.delegate("new", 10, 1, 1, **fields)
        s.now += SECOND
        s.delegate("new", 10, 1, 1, **fields)
        s.now += 2 * MINUTE
    s.delegate("new", 10, 1, 1, via="own")
    s.now += MINUTE
    s.delegate("new", 10, 1, 1, via="own", created=s.now - 30 * SECOND)
    s.put("standing", kind="key", number=10)
    s.now += MINUTE
    s.delegate("graylisted", 10, 1, 1, via="directory", created=s.now - 31 * SECOND)
    yield s.done()

    s = Script("an hour's ban ends by itself, even at the end of time")
    s.connect(1)
    s.register(1)
    s.now = NEVER - HOUR // 2
    for _ in range(10):
        s.put("ad", via="gossip", publisher=9, author=1, identity=1, peer=1, forged=True,
              created=s.now, expires=s.now + MINUTES_10, **{"from": 1})
    s.put("events")
    for s.now in (s.now, NEVER - 2):
        assert s.expect("graylisted", "screen", peer=1, at="10.1.0.1") == NEVER - 1
        s.expect("graylisted", "frame", via="direct", kind="direct", size=1, **{"from": 1})
    s.now = NEVER
    s.expect("clear", "frame", via="direct", kind="direct", size=1, **{"from": 1})
    yield s.done()

    def hasty(peer, bodies):
        for n in range(bodies):
            fields = {"from": peer, "publisher": peer, "peer": peer, "via": "gossip"}
            s.put("ad", author=1, identity=1, created=s.now + 1 + n, expires=s.now + HOUR, **fields)

    s = Script("who is held back and leaves counts for the breaker")
    s.connect(1)
    s.register(1)
    for peer in range(11, 19):
        s.put("connected", peer=peer, at=f"10.{peer // 2}.{peer}.1", outbound=True)
    s.ad("new", 1, 1)
    for peer in range(11, 19):
        hasty(peer, 10)
        s.put("disconnected", peer=peer)
    s.now += MINUTE
    s.expect("clear", "screen", peer=11, at="10.5.11.1", outbound=True)
    yield s.done()

    s = Script("many outbound peers that are hasty at once are spared, a few are not")
    s.connect(1)
    s.register(1)
    for peer in range(11, 27):
        s.put("connected", peer=peer, at=f"10.{peer // 2}.{peer}.1", outbound=True)
    s.ad("new", 1, 1)
    for peer in range(11, 18):
        hasty(peer, 10)
    s.put("standing", kind="peer", number=17)
    s.put("events")
    hasty(18, 10)
    s.put("events")
    s.put("standing", kind="peer", number=17)
    s.now += MINUTE
    s.put("sweep")
    s.put("events")
    s.ad("new", 1, 1)
    hasty(17, 1)
    hasty(18, 1)
    s.put("allow", peer=18, allowed=True)
    s.now += MINUTE
    s.put("sweep")
    s.put("events")
    for peer in (17, 18):
        s.put("standing", kind="peer", number=peer)
    yield s.done()

    s = Script("proven faults ban an identity for a day, then for longer")
    s.connect(1)
    s.register(1)
    for days in (1, 2, 4):
        for n in range(3):
            reason = "identity-banned" if n == 2 else "clear"
            until = s.expect(reason, "fault", identity=1, reason="malformed")
        assert until == s.now + days * DAY
        s.put("events")
        s.at_and_before(
            until, lambda: s.ad("identity-banned", 1, 1), lambda: s.ad("new", 1, 1),
        )
    yield s.done()

    s = Script("what the operator bans stays banned when the clock steps back")
    s.connect(1, 2)
    s.register(1)
    s.ad("new", 1, 1)
    s.put("ban", kind="peer", number=2, reason="malformed")
    s.put("ban", kind="key", number=1, reason="malformed")
    s.put("ban", kind="identity", number=1, until=START + 3 * DAY, reason="malformed")
    s.put("ban", kind="identity", number=2, reason="malformed")
    s.now -= 20 * DAY
    s.put("sweep")
    for kind, number in (("peer", 2), ("key", 1), ("identity", 1)):
        s.put("standing", kind=kind, number=number)
        s.put("unban", kind=kind, number=number)
        s.put("unban", kind=kind, number=number)
    yield s.done()


def messages():
    s = Script("the newest message is known once on each channel, another of its time is a replay")
    s.connect(1, 2)
    s.register(1, 2)
    s.ad("new", 1, 1, via="gossip", publisher=1, created=START - MINUTE, expires=START + HOUR)
    for via, reason in (("gossip", "already-known"), ("direct", "known"), ("dht", "known"),
                        ("directory", "known"), ("directory", "already-known")):
        s.ad(reason, 1, 1, via=via, created=START - MINUTE, expires=START + HOUR)
    s.ad("replayed", 1, 1, created=START - MINUTE, expires=START + 2 * HOUR)
    s.ad("replayed", 1, 1, created=START - 2 * MINUTE)
    # What is not listed here may be listed elsewhere, and come from there.
    gone = {"withdrawal": True, "delegation": {"by": 2, "until": START + 2 * DAY}}
    s.ad("new", 10, 2, via="directory", created=START, **gone)
    s.ad("already-known", 10, 2, via="dht", created=START, **gone)
    s.ad("replayed", 10, 2, via="dht", created=START - 1, expires=START + HOUR,
         delegation={"by": 2, "until": START + DAY})
    s.ad("expired", 11, 2, via="dht", created=START - DAY, **gone)
    s.ad("new", 11, 2, via="dht", created=START - DAY + 1, **gone)
    s.now += MINUTE
    s.ad("new", 1, 1, withdrawal=True)
    s.put("find")
    s.ad("replayed", 1, 1, via="dht", created=START, expires=START + HOUR)
    yield s.done()

    s = Script("times: lifetime, expiry, the future, and what gossip brings too late")
    s.connect(1)
    s.register(1)
    for reason, created, lasting, via in (
        ("lifetime", 0, MINUTES_10 - 1, "direct"),
        ("lifetime", 0, DAY + 1, "direct"),
        ("expired", -HOUR, HOUR, "direct"),
        ("future", 5 * MINUTE + 1, HOUR, "direct"),
        ("stale", -5 * MINUTE - 1, HOUR, "gossip"),
        ("new", -5 * MINUTE - 1, HOUR, "direct"),
        ("new", 5 * MINUTE, HOUR, "dht"),
    ):
        s.ad(reason, 1, 1, via=via, created=START + created, lasting=lasting)
    yield s.done()

    s = Script("a delegation has to outlive the advertisement and be by the current key")
    s.connect(1)
    s.register(1, 2)
    s.ad("not-delegated", 10, 1)
    s.delegate("not-delegated", 10, 1, 1, until=START + HOUR - 1)
    s.delegate("not-delegated", 10, 1, 2)
    s.delegate("new", 10, 1, 1, until=START + HOUR)
    s.now += MINUTE
    # Between identities the newer delegation wins, and a current key is nobody else's.
    s.delegate("key-taken", 10, 2, 2, until=START + HOUR, lasting=MINUTES_10)
    s.delegate("new", 10, 2, 2, until=START + 2 * HOUR, lasting=MINUTES_10)
    s.delegate("key-taken", 1, 2, 2)
    s.delegate("need-history", 10, 2, 2, sequence=1, created=s.now + 1)
    s.ad("key-taken", 10, created=s.now + 1)
    yield s.done()

    s = Script("two copies are checked at once, and the second finds the first written")
    s.connect(1, 2)
    s.register(1)
    ad = {"via": "direct", "author": 1, "created": START, "peer": 1, "identity": 1,
          "expires": START + HOUR}
    s.put("ad", **ad, **{"from": 1}, hold=1)
    s.put("ad", **ad, **{"from": 2}, hold=2)
    s.put("ad", **ad | {"created": START + SECOND}, **{"from": 2}, hold=3)
    s.expect("new", "settle", held=1)
    s.expect("already-known", "settle", held=2)
    s.expect("too-soon", "settle", held=3)
    yield s.done()

    s = Script("a rotation comes while an advertisement is checked")
    s.connect(1)
    s.register(1)
    given = {"by": 1, "until": START + DAY}
    s.put("ad", via="direct", author=10, created=START, expires=START + HOUR, peer=1, identity=1,
          delegation=given, hold=1, **{"from": 1})
    s.rotation("new", 1, 1, 1, 2, 900)
    s.expect("superseded", "settle", held=1)
    yield s.done()

    s = Script("a stranger is taken only from its own peer, and moves with it")
    s.connect(1, 2)
    s.ad("new", 10)
    s.ad("stranger-elsewhere", 11, via="gossip", publisher=1)
    s.ad("stranger-elsewhere", 11, peer=2)
    s.now += MINUTE
    s.ad("new", 10, peer=2, **{"from": 2})
    s.claim("new", 1)
    s.now += MINUTE
    s.ad("key-taken", 1, peer=2, **{"from": 2})
    s.ad("unknown-identity", 10, 3)
    s.ad("not-listed", 12, withdrawal=True)
    s.ad("new", 10, peer=2, withdrawal=True, **{"from": 2})
    s.ad("connection-limit", 13, peer=5, **{"from": 5})
    yield s.done()

    s = Script("a stranger's slot is free when its refusal says, without a sweep", "tight")
    s.connect(1)
    for author, lasting in ((10, MINUTES_10), (11, HOUR)):
        s.ad("new", author, lasting=lasting)
    s.now += MINUTE
    free = s.ad("key-limit", 12)
    assert free == START + MINUTES_10 + MINUTES_10
    s.at_and_before(free, lambda: s.ad("key-limit", 12), lambda: s.ad("new", 12))
    assert s.ad("key-limit", 13) == START + HOUR + MINUTES_10
    yield s.done()

    s = Script("strangers behind proxies and relays share one window")
    for peer, at in ((1, {"at": "127.0.0.1"}), (2, {"at": "127.9.0.1"}), (3, {"at": "::1"}), (4, {})):
        s.put("connected", peer=peer, **at)
    for peer, reason in ((1, "new"), (2, "new"), (3, "stranger-window"), (4, "stranger-window")):
        s.ad(reason, 9 + peer, peer=peer, **{"from": peer})
    yield s.done()

    s = Script("an identity has the two connected peers that proved it last")
    s.connect(1, 2, 3)
    s.register(1)
    for peer in (1, 2, 3, 2, 1):
        s.expect("clear", "hello", identity=1, key=1, **{"from": peer})
        for number in (1, 2, 3):
            s.put("standing", kind="peer", number=number)
    yield s.done()

    s = Script("a peer that we dialled stays one while it opens and ends connections of its own", "tight")
    s.put("connected", peer=1, at="10.1.0.1", outbound=True)
    s.put("connected", peer=1, at="10.1.0.1")
    for n in (2, 3):
        s.put("connected", peer=n, at=f"10.{n}.0.1", outbound=True)
    s.expect("connection-limit", "screen", peer=4, at="10.4.0.1", outbound=True)
    s.put("disconnected", peer=1)
    s.expect("connection-limit", "screen", peer=4, at="10.4.0.1", outbound=True)
    s.put("disconnected", peer=1)
    s.expect("clear", "screen", peer=4, at="10.4.0.1", outbound=True)
    yield s.done()

    s = Script("ids of a group begin with the signature checks that it has left")
    s.connect(1)
    s.register(1)
    forged = {"via": "gossip", "publisher": 9, "forged": True}
    # One that was here before the group owed anything is no better off.
    s.put("connected", peer=7, at="10.9.0.7")
    s.put("disconnected", peer=7)
    for peer in (2, 3, 4):
        s.put("connected", peer=peer, at=f"10.9.0.{peer}")
        for _ in range(9 if peer < 4 else 2):
            s.ad("invalid-signature", 1, 1, **forged, **{"from": peer})
        s.put("disconnected", peer=peer)
    s.ad("signature-budget", 1, 1, **forged, **{"from": 4})
    s.put("connected", peer=7, at="10.9.0.7")
    s.ad("signature-budget", 1, 1, **forged, **{"from": 7})
    s.put("connected", peer=5, at="10.9.0.5", outbound=True)
    s.put("connected", peer=6, at="10.9.1.6")
    for peer in (5, 6):
        s.ad("invalid-signature", 1, 1, **forged, **{"from": peer})
    yield s.done()

    s = Script("a connection proves an identity until it ends")
    s.connect(1, 2)
    s.register(1)
    hello = {"from": 1, "identity": 1, "key": 1}
    s.expect("replayed", "hello", **hello, old_challenge=True)
    s.expect("invalid-signature", "hello", **hello, forged=True)
    s.expect("not-delegated", "hello", **hello | {"key": 2})
    s.expect("clear", "hello", **hello)
    s.expect("clear", "hello", **hello | {"key": 2, "from": 2}, delegation={"by": 1, "until": START + 1})
    s.now += 1
    s.expect("expired", "hello", **hello | {"key": 2}, delegation={"by": 1, "until": START + 1})
    s.put("standing", kind="peer", number=1)
    s.put("disconnected", peer=1)
    s.connect(1)
    s.put("standing", kind="peer", number=1)
    yield s.done()


def sessions():
    s = Script("three successes a day count between two, and debt halves each week")
    s.connect(1)
    s.register(1, 2)

    def session(reason, number, outcome="completed", **fields):
        given = {"session": number, "subject": 1, "counterparty": 2, "outcome": outcome}
        s.expect(reason, "session", **given | fields)

    session("clear", 1, response=5_000)
    session("not-counted", 1, response=5_000)
    session("clear", 2, "timeout")
    session("clear", 3, response=5_000)
    session("clear", 4, response=30_001)
    session("not-counted", 5, response=1)
    session("not-counted", 6, subject=2, response=1)
    session("unknown-identity", 6, subject=3, response=1)
    for n in range(3):
        session("clear", 7 + n, "invalid_signature")
    s.now += DAY - 1
    session("not-counted", 10, response=1)
    s.now += 1
    session("clear", 10, response=1)
    s.now += 14 * DAY
    session("clear", 11, response=NEVER)
    yield s.done()

    s = Script("our own node is one counterparty, whether it has an identity or not")
    s.connect(1)
    s.register(1)

    def own(reason, number, outcome="completed"):
        s.expect(reason, "session", session=number, subject=1, outcome=outcome, response=5_000)

    for n in (1, 2, 3):
        own("clear", n)
    own("not-counted", 4)
    own("clear", 5, "abort")
    own("not-counted", 5, "timeout")
    s.now += DAY
    own("clear", 6)
    yield s.done()


def clocks():
    s = Script("a clock at its ends")
    s.connect(1)
    s.register(1)
    s.ad("new", 1, 1)
    for now in (NEVER, NEVER - 1, 0, 1, START, START - 2 * DAY, START):
        s.now = now
        s.put("sweep")
        s.put("frame", via="direct", kind="direct", size=1, **{"from": 1})
        s.put("ad", via="direct", author=1, created=min(now, LAST), expires=min(now + HOUR, LAST),
              peer=1, identity=1, **{"from": 1})
        s.put("standing", kind="identity", number=1)
        s.put("find")
    yield s.done()

    s = Script("a clock that steps back cuts what no rule could have made")
    s.connect(1)
    s.register(1)
    for _ in range(10):
        s.ad("invalid-signature", 1, 1, via="gossip", publisher=9, forged=True)
    s.ad("new", 1, 1, via="gossip", publisher=9)
    s.put("standing", kind="peer", number=1)
    s.now -= 3 * DAY
    until = s.ad("graylisted", 1, 1)
    assert until == s.now + DAY
    yield s.done()


    s = Script("haste counts again when a clock that was ahead steps back")
    s.connect(1)
    s.register(1)
    for n in range(10):
        s.now += 10 * DAY if n == 0 else 2 * MINUTE
        s.delegate("new", 10, 1, 1, via="directory", until=s.now + DAY)
        s.now += SECOND
        reason = "new" if n < 9 else "graylisted"
        s.delegate(reason, 10, 1, 1, via="directory", until=s.now + DAY)
        if n == 0:
            s.now -= 10 * DAY
            s.put("sweep")
            s.now += 10 * MINUTE  # past what is left of the watermark
    yield s.done()


def curated():
    for part in (windows, sanctions, chain, messages, sessions, clocks, header_looks):
        yield from part()
