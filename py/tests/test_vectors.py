"""What all languages share, read from Python."""

import struct
import unittest

import ltms
import vectors
from vectors import plain

unhex = bytes.fromhex


class Signatures(unittest.TestCase):
    @staticmethod
    def item(case):
        return tuple(unhex(case[name]) for name in ("pubkey", "msg", "sig"))

    def test_signing_gives_the_same_bytes(self):
        for case in vectors.cases("schnorr.json", "valid"):
            secret, message = unhex(case["privkey"]), unhex(case["msg"])
            self.assertEqual(ltms.public_key(secret).hex(), case["pubkey"])
            self.assertEqual(ltms.schnorr_sign(secret, message).hex(), case["sig"])

    def test_alone_and_together_they_are_judged_alike(self):
        valid = [self.item(case) for case in vectors.cases("schnorr.json", "valid")]
        invalid = [self.item(case) for case in vectors.cases("schnorr.json", "invalid")]
        off_curve = (b"\2" + bytes(31) + b"\5", *valid[0][1:])
        mixed = [item for pair in zip(valid, invalid) for item in pair] + [off_curve, valid[0]]
        for item in valid:
            self.assertIs(ltms.schnorr_verify(*item), True)
        for item in [*invalid, off_curve]:
            self.assertIs(ltms.schnorr_verify(*item), False)
        expected = [ltms.schnorr_verify(*item) for item in mixed]
        self.assertEqual(ltms.schnorr_verify_batch(mixed), expected)
        self.assertEqual(ltms.schnorr_verify_batch(valid), [True] * len(valid))
        self.assertEqual(ltms.schnorr_verify_batch([]), [])


    def test_keys_and_signatures_are_read_as_the_older_sdk_does_but_for_what_is_known(self):
        known = {
            "65 bytes: trailing byte is ignored by fromBuffer (malleable encoding)": False,
            "valid signature, R.x first byte 0x30: fromBuffer throws (treated as DER) although "
            "Schnorr.verify on the parsed (r,s) is true": True,
            "pubkey uncompressed 04": False,
        }
        first, differ = vectors.document("schnorr.json")["valid"][0], set()
        for case in vectors.cases("schnorr.json", "parsing"):
            # Cases of keys come without message and signature: those of the first valid one.
            signed = case if "sigBuffer" in case else {**first, "sigBuffer": first["sig"]}
            try:
                ours = ltms.schnorr_verify(
                    unhex(case["pubkey"]), unhex(signed["msg"]), unhex(signed["sigBuffer"])
                )
            except ltms.InputError:
                ours = False
            said = case["upstreamResult"]
            theirs = said is True or (isinstance(said, dict) and said.get("verifies") is True)
            if case["why"] in known:
                self.assertEqual((ours, theirs), (known[case["why"]], not known[case["why"]]))
                differ.add(case["why"])
            else:
                self.assertEqual(ours, theirs, case)
        self.assertEqual(differ, set(known))


class Messages(unittest.TestCase):
    def test_messages_say_what_was_meant(self):
        kinds = {1: "advertisement", 2: "withdrawal", 4: "registration", 5: "hello", 6: "rotation",
                 7: "credit"}
        for case in vectors.cases("wire.json", "valid"):
            told = ltms.parse_envelope(unhex(case["envelope"]), case["network"])
            self.assertEqual(told["kind"], kinds[case["kind"]], case["name"])
            self.assertEqual(told["signature"].hex(), case["signature"], case["name"])
            self.assertEqual(told["body"].hex(), case["body"], case["name"])
            fields = dict(case["fields"])
            # An identity stands beside its sequence and delegation here.
            fields.update(fields.pop("authority", None) or {})
            given = fields.pop("delegation", None)
            if given:
                fields["sequence"] = given.get("sequence", fields.get("sequence"))
                self.assertEqual(told["delegation"]["not_after"], given["not_after"])
                self.assertEqual(told["delegation"]["signature"].hex(), given["signature"])
            if "block" in fields:
                fields["block"] = displayed(fields["block"])
            for name, value in fields.items():
                self.assertEqual(plain(told[name]), value, (case["name"], name))

    def test_messages_are_made_as_they_were_meant(self):
        kinds = set()
        for case in vectors.cases("wire.json", "valid"):
            made = make(case)
            if made is not None:
                kinds.add(case["kind"])
                self.assertEqual(made.hex(), case["envelope"], case["name"])
        self.assertEqual(kinds, {1, 2, 4, 5, 6, 7})

    def test_a_history_leads_from_key_to_key(self):
        """As a Gate follows it that is shown the blocks."""
        told = [ltms.parse_envelope(unhex(it), "reg") for it in vectors.cases("wire.json", "history")]
        self.assertEqual([it["kind"] for it in told], ["registration", "rotation", "rotation"])

        def script(burn):
            return ltms.parse_burn_script(
                ltms.parse_transaction(burn["transaction"])["outputs"][burn["vout"]]["script"]
            )

        identity = ltms.identity_id(ltms.txid(told[0]["transaction"]), told[0]["vout"])
        gate = ltms.Gate({"network": "reg"}, "small", b"a seed for tests")
        key = script(told[0]).public_key
        peer = bytes.fromhex("002408011220") + bytes(32)
        gate.connected(1_795_361_000_000, ltms.Connection(peer, "198.51.100.7"))
        for sequence, burn in enumerate(told):
            read = script(burn)
            if sequence:
                self.assertEqual((read.purpose, read.identity_id), (ltms.Purpose.ROTATION, identity))
                self.assertEqual((burn["identity"], burn["sequence"]), (identity, sequence))
            screened = gate.screen_claim(
                1_795_361_000_000, ltms.Source.direct(peer),
                unhex(vectors.cases("wire.json", "history")[sequence]),
            )
            if sequence == 0:
                [(signer, _, _)] = screened.signatures()
                self.assertEqual((signer, screened.verify()), (key, "valid"))
            else:
                # The Gate knows no such identity before its burn is settled.
                self.assertEqual(screened.reason, ltms.Reason.UNKNOWN_IDENTITY)
                self.assertNotEqual(read.public_key, key)
            key = read.public_key

    def test_delegations_are_signed_alike(self):
        for case in vectors.cases("wire.json", "delegations"):
            signature = ltms.sign_delegation(
                unhex(case["secret_key"]), case["identity"], unhex(case["delegated"]),
                case["sequence"], case["not_after"], network=case["network"],
            )
            self.assertEqual(signature.hex(), case["signature"])

    def test_other_bytes_are_refused_for_the_reason_that_all_have(self):
        for entries in ("invalid", "mutated"):
            for case in vectors.cases("wire.json", entries):
                try:
                    ltms.parse_envelope(unhex(case["envelope"]), case["network"])
                    reason = ltms.Reason.CLEAR
                except ltms.WireError as error:
                    reason = error.reason
                self.assertEqual(reason.value, case["reason"], case)


def displayed(block):
    """A hash in the order of bytes that people see; the vectors have it as on the wire."""
    return unhex(block)[::-1].hex()


def make(case):
    """The message of a case from its fields; None for a kind that Python makes otherwise."""
    fields, network = case["fields"], case["network"]
    secret = unhex(case["secret_key"])
    under = fields.get("authority")
    if under:
        given = under.get("delegation")
        rest = (given["not_after"], unhex(given["signature"])) if given else ()
        under = (under["identity"], under["sequence"], *rest)
    if case["kind"] == 1:
        return ltms.sign_ad(
            secret, unhex(fields["peer"]), fields["created_at"], fields["expires_at"],
            fields["types"], addresses=[unhex(it) for it in fields["addresses"]],
            amount=fields.get("amount") and tuple(fields["amount"]), fee=fields.get("fee"),
            nickname=fields.get("nickname"), description=fields.get("description"),
            authority=under, network=network,
        )
    if case["kind"] == 2:
        return ltms.sign_withdrawal(secret, fields["created_at"], authority=under, network=network)
    if case["kind"] == 5:
        given = fields.get("delegation")
        rest = (given["not_after"], unhex(given["signature"])) if given else ()
        under = (fields["identity"], given["sequence"] if given else 0, *rest)
        return ltms.sign_hello(
            secret, unhex(case["prover"]), unhex(case["verifier"]), unhex(fields["challenge"]),
            under, network=network,
        )
    burn = (unhex(fields["transaction"]), fields["vout"],
            displayed(fields["block"]), fields["position"], [unhex(it) for it in fields["branch"]])
    try:
        ltms.parse_burn_script(ltms.parse_transaction(burn[0])["outputs"][burn[1]]["script"])
    except (ltms.InputError, IndexError):
        return None  # made up to be at a limit, without a burn in it
    if case["kind"] == 4:
        return ltms.sign_registration(secret, burn, network=network)
    under = (fields["identity"], fields["sequence"])
    if case["kind"] == 6:
        new = unhex(case["new_secret_key"])
        return ltms.sign_rotation(secret, new, burn, *under, fields["created_at"], network=network)
    return ltms.sign_credit(secret, burn, *under, network=network)


class Incidents(unittest.TestCase):
    def test_a_recorded_flood_is_judged_as_it_was(self):
        lines = vectors.file("recordings/flood.txt").decode().splitlines()
        self.assertEqual(len(lines), vectors.MANIFEST["recordings/flood.txt"]["entries"]["lines"])
        steps = list(ltms.Replay(b"".join(unhex(line.split("#")[0].strip()) for line in lines)))
        vectors.READ.add(("recordings/flood.txt", "lines"))
        self.assertEqual(len(steps), len(lines) - 1)
        self.assertEqual([step for step in steps if not step["holds"]], [])
        reasons = {step["decision"].reason for step in steps if step["decision"] is not None}
        self.assertIn(ltms.Reason.BLACKLISTED, reasons)

    def test_a_snapshot_of_a_released_version_is_read(self):
        snapshot = unhex("".join(vectors.file("snapshots/1.hex").decode().split()))
        gate = ltms.Gate({"network": "reg"}, "small", b"a seed for tests")
        told = gate.restore(1_795_361_000_000, snapshot)
        self.assertEqual((told["identities"], told["bans"]), (4, 4))
        self.assertEqual(told["dropped"], dict.fromkeys(told["dropped"], 0))
        self.assertEqual(len(gate.identities()), 4)
        # Each section is its number, the size of a record, how many, and those.
        at, sections = 32, {}
        while at < len(snapshot) - 4:
            number, size, count = struct.unpack_from("<HHI", snapshot, at)
            sections[str(number)] = [None] * count
            at += 8 + size * count
        told = vectors.MANIFEST["snapshots/1.hex"]["entries"]
        self.assertEqual(list(sections), list(told))
        for number, records in sections.items():
            self.assertEqual(len(records), told[number])
            vectors.READ.add(("snapshots/1.hex", number))


class Runner(unittest.TestCase):
    """A runner that skips something, or reads something else, fails."""

    def test_a_list_that_nobody_read_is_told(self):
        manifest = {"a.json": {"entries": {"x": 2, "y": 1}}, "b.hex": {"entries": {}}}
        everything = {("a.json", None), ("a.json", "x"), ("a.json", "y"), ("b.hex", None)}
        self.assertEqual(vectors.unread(everything, manifest), [])
        for skipped in everything:
            self.assertEqual(vectors.unread(everything - {skipped}, manifest), [skipped])

    def test_lists_of_another_length_fail(self):
        self.assertRaises(AssertionError, vectors.cases, "schnorr.json", "valid", [{}])
        self.assertRaises(AssertionError, vectors.cases, "schnorr.json", "valid", [])
        self.assertRaises(KeyError, vectors.cases, "schnorr.json", "of another name")
        self.assertRaises(OSError, vectors.file, "of-another-name.json")

    def test_a_changed_file_fails(self):
        name = "gossip-message-id.json"
        entry, vectors.MANIFEST[name] = vectors.MANIFEST[name], {"sha256": "00" * 32, "entries": {}}
        try:
            self.assertRaisesRegex(AssertionError, "was changed", vectors.file, name)
        finally:
            vectors.MANIFEST[name] = entry

    def test_what_is_left_to_others_is_there(self):
        for name, entries in vectors.ELSEWHERE:
            self.assertIn(name, vectors.MANIFEST)
            self.assertTrue(entries is None or entries in vectors.MANIFEST[name]["entries"])


class ZEverything(unittest.TestCase):
    """Runs last: files and classes go by their names."""

    def test_no_vector_was_skipped(self):
        self.assertEqual(vectors.unread(vectors.READ, vectors.MANIFEST), [])


if __name__ == "__main__":
    unittest.main()
