"""The Gate from Python: that it decides as the core does is the core's to test."""

import ipaddress
import unittest

import ltms
import vectors
from ltms import Connection, Decision, Evidence, Gate, Reason, Source, Subject

NOW = 1_795_361_000_000
MINUTE, HOUR = 60_000, 3_600_000
REG = {"network": "reg"}
SEED = b"sixteen bytes ok"


def peer(number):
    return bytes.fromhex("002408011220") + number.to_bytes(32, "big")


def secret(number):
    return number.to_bytes(32, "big")


def ad(number, now=NOW, **more):
    more.setdefault("network", "reg")
    return ltms.sign_ad(secret(number), peer(number), now, now + HOUR, [1], **more)


def connected(gate, number, address=None):
    gate.connected(NOW, Connection(peer(number), address))
    return Source.direct(peer(number))


def registration():
    [case] = [
        case
        for case in vectors.cases("wire.json", "valid")
        if case["name"] == "registration of the first regtest burn"
    ]
    return case


def registered(gate):
    """The Gate with the identity of the first regtest burn."""
    case, source = registration(), connected(gate, 1)
    header = bytes.fromhex(vectors.file("regtest/block_121_header.hex").decode().strip())
    assert gate.set_tip(NOW, 300, "11" * 32, 0)
    ticket = gate.screen_claim(NOW, source, bytes.fromhex(case["envelope"]))
    ticket = gate.settle_claim(NOW, ticket, ticket.verify())
    assert gate.charge_lookup(NOW, ticket)
    decision = gate.settle_burn(NOW, ticket, header, Evidence.NODE)
    assert decision, decision
    return case["public_key"]


class Judging(unittest.TestCase):
    def setUp(self):
        self.gate = Gate(REG, "small", SEED)

    def test_a_stranger_s_advertisement_is_taken_once(self):
        source = connected(self.gate, 1)
        self.assertTrue(self.gate.screen_frame(NOW, source, "direct", 300))
        first = self.gate.admit_ad(NOW, source, ad(1))
        again = self.gate.admit_ad(NOW + 1, source, ad(1, NOW + 1))
        self.assertTrue(first)
        self.assertEqual((first.reason, str(first.verdict)), ("new", "accept"))
        self.assertFalse(again)
        self.assertIs(again.reason, Reason.TOO_SOON)
        self.assertTrue(self.gate.admit_ad(again.retry_at, source, ad(1, again.retry_at)))
        self.assertEqual(self.gate.decisions("too-soon"), 1)
        [found] = self.gate.directory(NOW)
        self.assertEqual(found["key"], ltms.public_key(secret(1)))
        self.assertEqual(self.gate.find_key(NOW, found["key"]), found)
        self.assertEqual(self.gate.directory(NOW, types=[2]), [])

    def test_two_steps_decide_as_one(self):
        source = connected(self.gate, 1)
        ticket = self.gate.screen_ad(NOW, source, ad(1))
        self.assertIsInstance(ticket, ltms.AdTicket)
        holds = ltms.schnorr_verify_batch(ticket.signatures())
        self.assertEqual((holds, ticket.check(holds)), ([True], ticket.verify()))
        self.assertIs(self.gate.settle_ad(NOW, ticket, ticket.check(holds)).reason, Reason.NEW)
        # A second message of the same key is refused before its signature.
        self.assertIsInstance(self.gate.screen_ad(NOW, source, ad(1, NOW + 1)), Decision)

    def test_a_forged_signature_is_rejected(self):
        source = connected(self.gate, 1)
        forged = bytearray(ad(1))
        forged[-1] ^= 1
        decision = self.gate.admit_ad(NOW, source, bytes(forged))
        self.assertEqual((decision.reason, str(decision.verdict)), ("invalid-signature", "reject"))

    def test_a_batch_decides_as_one_after_another(self):
        sources = [connected(self.gate, number, f"198.51.{number}.1") for number in range(1, 9)]
        items = [(NOW, source, ad(number)) for number, source in enumerate(sources, 1)]
        items.append((NOW, sources[0], b"no envelope"))
        with Gate(REG, "small", SEED) as other:
            for number in range(1, 9):
                connected(other, number, ipaddress.ip_address(f"198.51.{number}.1"))
            alone = [other.admit_ad(*item) for item in items]
        self.assertEqual(self.gate.admit_ads(items), alone)
        self.assertEqual([str(decision.reason) for decision in alone[-2:]], ["new", "malformed"])

    def test_a_burn_registers_an_identity(self):
        key = registered(self.gate)
        [row] = self.gate.identities()
        self.assertEqual(row["id"], registration_id())
        self.assertEqual(row["key"].hex(), key)
        self.assertEqual((row["burned"], row["height"]), (50_000_000, 121))
        self.assertIs(row["evidence"], Evidence.NODE)
        self.assertEqual(self.gate.identity(row["id"]), row)
        self.assertEqual(self.gate.resolve_identity(row["key"]), row)
        self.assertEqual(self.gate.events(NOW), [{"event": "registered", "identity": row["id"]}])
        standing = self.gate.standing(NOW, Subject.identity(row["id"]))
        self.assertEqual((standing["known"], standing["tier"]), (True, "basic"))
        self.assertTrue(self.gate.record_session(NOW, b"s" * 16, row["id"], 900))
        self.assertEqual(self.gate.identity(row["id"])["score"], 80)
        self.assertTrue(self.gate.record_session(NOW, b"t" * 16, row["id"], "timeout"))
        self.assertEqual(self.gate.identity(row["id"])["score"], 75)
        self.assertTrue(self.gate.pin(NOW, row["id"]))
        self.assertFalse(self.gate.pin(NOW, "22" * 32))

    def test_a_connection_proves_its_identity(self):
        registered(self.gate)
        case = next(
            case
            for case in vectors.cases("wire.json", "valid")
            if case["name"] == "hello by the current key"
        )
        key, challenge = bytes.fromhex(case["secret_key"]), b"c" * 32
        hello = ltms.sign_hello(
            key, peer(1), peer(9), challenge, (case["fields"]["identity"], 0), network="reg"
        )
        source = Source.direct(peer(1))
        wrong = self.gate.prove_identity(NOW, source, peer(9), b"d" * 32, hello)
        self.assertFalse(wrong)
        right = self.gate.prove_identity(NOW, source, peer(9), challenge, hello)
        self.assertTrue(right, right)
        self.assertEqual(
            self.gate.standing(NOW, Subject.peer(peer(1)))["identity"], case["fields"]["identity"]
        )


def registration_id():
    case = registration()
    return ltms.identity_id(case["txid"], case["fields"]["vout"])


class Operating(unittest.TestCase):
    def setUp(self):
        self.gate = Gate(REG, "small", SEED)

    def test_the_operator_bans_and_lifts_bans(self):
        connection = Connection(peer(1), "198.51.100.1")
        self.assertTrue(self.gate.screen_connection(NOW, connection))
        self.gate.ban(NOW, Subject.peer(peer(1)), NOW + HOUR)
        refused = self.gate.screen_connection(NOW, connection)
        self.assertEqual((refused.reason, refused.retry_at), ("graylisted", NOW + HOUR))
        [ban] = self.gate.bans(NOW)
        self.assertEqual((ban["subject"], ban["until"]), (Subject.peer(peer(1)), NOW + HOUR))
        self.assertIs(ban["by_operator"], True)
        self.assertIs(self.gate.unban(NOW, Subject.peer(peer(1))), True)
        self.assertIs(self.gate.unban(NOW, Subject.peer(peer(1))), False)
        self.gate.ban(NOW, Subject.peer(peer(1)))
        self.assertIs(self.gate.bans(NOW)[0]["until"], None)
        self.gate.allow(NOW, peer(1))
        self.assertTrue(self.gate.screen_connection(NOW, connection))

    def test_who_is_not_known_cannot_be_banned(self):
        for subject in (Subject.key(ltms.public_key(secret(1))), Subject.group(7)):
            self.assertRaises(ltms.CapacityError, self.gate.ban, NOW, subject)

    def test_a_snapshot_brings_everything_back_under_its_seed(self):
        registered(self.gate)
        self.gate.ban(NOW, Subject.peer(peer(3)))
        snapshot = self.gate.snapshot()
        other = Gate(REG, "small", SEED)
        told = other.restore(NOW, snapshot)
        self.assertEqual((told["identities"], told["bans"], told["counter"]), (1, 1, None))
        self.assertEqual(other.identities(), self.gate.identities())
        self.assertEqual(other.bans(NOW), self.gate.bans(NOW))
        for gate, error in [
            (other, "not empty"),
            (Gate(REG, "small", b"another seed 16b"), "another seed"),
            (Gate(None, "small", SEED), "another network"),
        ]:
            with self.assertRaisesRegex(ltms.SnapshotError, error):
                gate.restore(NOW, snapshot)
        damaged = bytearray(snapshot)
        damaged[100] ^= 1
        with self.assertRaisesRegex(ltms.SnapshotError, "damaged"):
            Gate(REG, "small", SEED).restore(NOW, bytes(damaged))

    def test_a_sealed_snapshot_needs_its_key_and_counter(self):
        self.gate.ban(NOW, Subject.peer(peer(3)))
        sealed = self.gate.snapshot_sealed(b"k" * 32, 7)
        empty = Gate(REG, "small", SEED)
        for key, counter in [(b"x" * 32, 7), (b"k" * 32, 8)]:
            self.assertRaises(ltms.SnapshotError, empty.restore_sealed, NOW, key, counter, sealed)
        self.assertEqual(empty.restore_sealed(NOW, b"k" * 32, 7, sealed)["counter"], 7)

    def test_a_flood_ends_in_an_event_and_a_ban(self):
        policy = {"network": "reg", "sanctions": {"malformed": 3}}
        gate = Gate(policy, "small", SEED)
        source = connected(gate, 1)
        for _ in range(3):
            gate.admit_ad(NOW, source, b"nothing")
        [event] = gate.events(NOW)
        self.assertEqual((event["event"], event["peer"]), ("sanctioned", peer(1)))
        self.assertIs(event["reason"], Reason.MALFORMED)
        self.assertEqual(gate.metrics(NOW)["peers_blocked"], 1)

    def test_tables_say_how_full_they_are(self):
        connected(self.gate, 1)
        fill = {row["table"]: (row["rows"], row["capacity"]) for row in self.gate.fill()}
        self.assertEqual(fill["peers"], (1, 64))
        with self.assertRaisesRegex(ltms.CapacityError, "connected peer"):
            for number in range(2, 66):
                connected(self.gate, number)

    def test_limits_change_while_the_gate_lives(self):
        self.assertTrue(self.gate.set_limits(NOW, {"network": "reg", "local_envelope": 100}))
        self.assertEqual(self.gate.policy()["local_envelope"], 100)
        decision = self.gate.admit_ad(NOW, connected(self.gate, 1), ad(1))
        self.assertIs(decision.reason, Reason.LOCAL_LIMIT)

    def test_time_passes_only_when_told(self):
        connected(self.gate, 1)
        self.gate.admit_ad(NOW, Source.direct(peer(1)), ad(1))
        self.gate.sweep(NOW + 2 * HOUR)
        self.assertEqual(self.gate.directory(NOW + 2 * HOUR), [])
        self.assertGreater(self.gate.poll_timeout(), NOW)
        self.assertIsInstance(self.gate.handle_timeout(NOW + 2 * HOUR), bool)

    def test_the_posture_is_told(self):
        self.assertEqual((self.gate.posture(), self.gate.tip()), ("normal", None))
        self.gate.guard(NOW)
        self.assertEqual(self.gate.posture(), "guarded")
        self.assertIn({"event": "posture-changed", "posture": "guarded"}, self.gate.events(NOW))


class Recording(unittest.TestCase):
    def test_a_recording_plays_again(self):
        gate = Gate(REG, "small", SEED, record=True)
        registered(gate)
        first = gate.recording()
        decision = gate.admit_ad(NOW, Source.direct(peer(1)), ad(1))
        replay = ltms.Replay(first + gate.recording())
        self.assertEqual(replay.version, ltms.__version__)
        self.assertEqual(replay.policy(), gate.policy())
        steps = list(replay)
        self.assertTrue(all(step["holds"] for step in steps))
        self.assertEqual(steps[-1]["call"], "admit_ad")
        self.assertEqual(steps[-1]["decision"], decision)
        self.assertEqual(gate.recording(), b"")
        self.assertEqual(Gate(REG, "small").recording(), b"")

    def test_other_bytes_are_no_recording(self):
        self.assertRaises(ltms.ReplayError, ltms.Replay, b"")
        self.assertRaises(ltms.ReplayError, ltms.Replay, b"\x80")
        gate = Gate(REG, "small", SEED, record=True)
        connected(gate, 1)
        with self.assertRaisesRegex(ltms.ReplayError, "call 1"):
            list(ltms.Replay(gate.recording()[:-1]))


class Misuse(unittest.TestCase):
    def setUp(self):
        self.gate = Gate(REG, "small", SEED)

    def test_a_policy_s_fault_is_named(self):
        for policy, field in [
            ({"windows": {"strangers": {"interval_us": 0, "burst": 1}}}, "windows.strangers"),
            ({"windows": {"strangers": {"interval_us": 1, "burst": 0}}}, "windows.strangers.burst"),
            ({"windows": {"strangers": {"interval_us": 1}}}, "windows.strangers"),
            ({"keys": {"basic": 70_000}}, "keys.basic"),
            ({"keys": {"basic": -1}}, "keys.basic"),
            ({"keys": {"basic": 10**40}}, "keys.basic"),
            ({"keys": {"basic": "ten"}}, "keys.basic"),
            ({"keys": {"basik": 10}}, "keys"),
            ({"keys": 10}, "keys"),
            ({"burns": {"fees": True}}, "burns.fees"),
            ({"network": "moon"}, "network"),
        ]:
            with self.subTest(policy), self.assertRaises(ltms.PolicyError) as raised:
                Gate(policy, "tiny")
            self.assertTrue(raised.exception.field.startswith(field), raised.exception.field)
            self.assertIn(field.split(".")[-1], str(raised.exception))
        loop = {}
        loop["loop"] = loop
        self.assertRaises(ltms.PolicyError, Gate, loop)
        for policy in ({1: 2}, {"keys": {"basic": 1.5}}, {"keys": [1]}, "main", 7):
            self.assertRaises(TypeError, Gate, policy)

    def test_the_default_policy_is_a_dict_that_can_be_given_back(self):
        policy = ltms.default_policy("reg")
        self.assertEqual(Gate(policy, "tiny").policy(), policy)
        self.assertEqual(Gate(None, "tiny").policy(), ltms.default_policy())
        fields = ltms.policy_fields()
        named = {f"{group}.{name}" for group, fields in policy.items() if isinstance(fields, dict)
                 for name in fields}
        self.assertEqual({name for name in fields if "." in name}, named)
        self.assertIn("Default 1 per 60 s", fields["windows.strangers"])

    def test_a_capacity_is_bounded(self):
        rows = [{"peers": 2**20 + 1}, {"peers": 2**32}, {"peers": -1}, {"seats": 1}]
        for capacity in ("huge", *rows):
            self.assertRaises(ltms.InputError, Gate, None, capacity)
        for capacity in (7, {"peers": 1.5}, [1]):
            self.assertRaises(TypeError, Gate, None, capacity)
        self.assertEqual(Gate(None, {"peers": 3, "keys": 5}).fill()[0]["capacity"], 3)
        Gate(None, dict.fromkeys(["peers", "identities", "tombstones", "keys", "bans", "groups",
                                  "cells", "outcomes"], 0)).sweep(NOW)

    def test_a_seed_has_sixteen_bytes(self):
        self.assertRaises(ltms.InputError, Gate, None, None, b"short")
        self.assertRaises(TypeError, Gate, None, None, "sixteen bytes ok")

    def test_times_and_sources_are_what_they_have_to_be(self):
        source = Source.direct(peer(1))
        for now in (-1, 2**48, 10**30):
            self.assertRaises(ltms.InputError, self.gate.admit_ad, now, source, b"")
            self.assertRaises(ltms.InputError, self.gate.metrics, now)
        for now in (1.5, "1", None):
            self.assertRaises(TypeError, self.gate.admit_ad, now, source, b"")
        self.assertRaises(TypeError, self.gate.admit_ad, NOW, peer(1), b"")
        self.assertRaises(TypeError, self.gate.admit_ad, NOW, source, "83")
        self.assertRaisesRegex(
            ltms.InputError, "now_ms, source, envelope", self.gate.admit_ads, [(NOW, source)]
        )
        self.assertRaises(ltms.InputError, Source.direct, b"not a peer id")
        self.assertRaises(ltms.InputError, Connection, peer(1), "localhost")
        self.assertRaises(ltms.InputError, self.gate.screen_frame, NOW, source, "carrier pigeon", 1)
        self.assertRaises(ltms.InputError, self.gate.screen_frame, NOW, source, "direct", -1)
        self.assertRaises(ltms.InputError, self.gate.malformed, NOW, source, "bad", b"")
        self.assertRaises(ltms.InputError, self.gate.set_tip, NOW, 2**31, "11" * 32, 0)

    def test_what_is_unreadable_names_its_reason(self):
        source = connected(self.gate, 1)
        with self.assertRaises(ltms.WireError) as raised:
            self.gate.screen_ad(NOW, source, b"")
        decision = self.gate.malformed(NOW, source, raised.exception.reason, b"")
        self.assertIs(decision.reason, Reason.MALFORMED)
        self.assertRaises(ltms.WireError, self.gate.screen_claim, NOW, source, ad(1))
        with self.assertRaises(ltms.WireError):
            self.gate.prove_identity(NOW, source, peer(9), b"c" * 32, ad(1))

    def test_a_ticket_is_good_once_and_at_its_own_gate(self):
        ticket = self.gate.screen_ad(NOW, connected(self.gate, 1), ad(1))
        other = Gate(REG, "small", SEED)
        self.assertRaises(ltms.TicketError, other.settle_ad, NOW, ticket, "valid")
        self.assertRaises(ltms.InputError, self.gate.settle_ad, NOW, ticket, "maybe")
        self.assertRaises(ltms.InputError, ticket.check, [])
        self.assertTrue(self.gate.settle_ad(NOW, ticket, "valid"))
        self.assertRaises(ltms.TicketError, self.gate.settle_ad, NOW, ticket, "valid")
        self.assertRaises(ltms.TicketError, ticket.verify)
        self.assertRaises(TypeError, ltms.AdTicket)
        with self.assertRaises(TypeError):
            self.gate.settle_claim(NOW, ticket, "valid")

    def test_a_closed_gate_says_so(self):
        ticket = self.gate.screen_ad(NOW, connected(self.gate, 1), ad(1))
        with self.gate as gate:
            self.assertIs(gate, self.gate)
        self.gate.close()
        source, subject, key = Source.direct(peer(1)), Subject.peer(peer(1)), bytes(33)
        id, hash, session = "11" * 32, "22" * 32, bytes(16)
        arguments = {
            "screen_connection": [NOW, Connection(peer(1))], "connected": [NOW, Connection(peer(1))],
            "disconnected": [NOW, peer(1)], "is_group_banned": [NOW, "198.51.100.7"],
            "screen_frame": [NOW, source, "direct", 1], "admit_ads": [[]],
            "malformed": [NOW, source, "malformed", b""], "charge_signature": [NOW, source],
            "screen_ad": [NOW, source, ad(1)], "settle_ad": [NOW, ticket, "valid"],
            "admit_ad": [NOW, source, ad(1)], "set_tip": [NOW, 1, hash, 1],
            "confirm_tip": [NOW, 1, hash, 1], "record_session": [NOW, session, id, 1],
            "record_fault": [NOW, id, "malformed"], "poll_timeout": [], "handle_timeout": [NOW],
            "sweep": [NOW], "poll_event": [NOW], "events": [NOW], "ban": [NOW, subject],
            "unban": [NOW, subject], "allow": [NOW, peer(1)], "pin": [NOW, id], "guard": [NOW],
            "set_limits": [NOW, {}], "snapshot": [], "snapshot_sealed": [bytes(32), 1],
            "restore": [NOW, b""], "restore_sealed": [NOW, bytes(32), 1, b""], "policy": [],
            "tip": [], "posture": [], "metrics": [NOW], "decisions": ["new"], "fill": [],
            "identities": [], "identity": [id], "resolve_identity": [key], "owned_keys": [id],
            "bans": [NOW], "operator_room": [NOW], "directory": [NOW], "find_key": [NOW, key],
            "standing": [NOW, subject], "recording": [],
        }  # fmt: skip
        for name, given in arguments.items():
            with self.subTest(name):
                self.assertRaises(ltms.ClosedError, getattr(self.gate, name), *given)
        # What needs a message of its own to come as far as the Gate.
        others = {"prove_identity", "screen_claim", "settle_claim", "charge_lookup", "settle_burn"}
        named = {name for name in dir(self.gate) if not name.startswith("_")}
        self.assertEqual(named - set(arguments) - {"close"}, others)


if __name__ == "__main__":
    unittest.main()
