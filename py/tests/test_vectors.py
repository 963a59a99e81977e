"""What all languages share, read from Python."""

import unittest

import ltms
import vectors

unhex = bytes.fromhex


class Transactions(unittest.TestCase):
    def test_ids_are_those_of_the_chain(self):
        for case in vectors.cases("chain.json", "transactions"):
            raw = unhex(case["raw_tx_hex"])
            tx = ltms.parse_transaction(raw)
            self.assertEqual(ltms.txid(raw), case["txid_hex"])
            self.assertEqual(tx["txhash"], case["txhash_hex"])
            self.assertEqual((len(tx["inputs"]), len(tx["outputs"])), (case["n_in"], case["n_out"]))

    def test_proofs_hold_for_what_they_prove_alone(self):
        for case in vectors.cases("chain.json", "merkle_proofs"):
            proof, block = unhex(case["proof_hex"]), case["block_hash_hex"]
            self.assertEqual(ltms.parse_txoutproof(proof)["hash"], block)
            for txid, index in zip(case["matched_txids_hex"], case["matched_tx_index"]):
                self.assertIs(ltms.verify_txoutproof(proof, txid, block), True)
                self.assertEqual(ltms.check_txoutproof(proof, txid, block), index)
                self.assertIs(ltms.verify_txoutproof(proof, txid, "00" * 32), False)
                self.assertIs(ltms.verify_txoutproof(proof, block, block), False)
                self.assertIs(ltms.verify_txoutproof(proof[:-1], txid, block), False)
                with self.assertRaisesRegex(ltms.ProofError, "not of this transaction"):
                    ltms.check_txoutproof(proof, "11" * 32, block)


class Burns(unittest.TestCase):
    def test_burns_of_the_chain(self):
        for case in vectors.cases("chain.json", "ltms_burns"):
            raw, vout = unhex(case["raw_tx_hex"]), case["vout"]
            output = ltms.parse_transaction(raw)["outputs"][vout]
            self.assertEqual(output["value"], case["value_sats"])
            self.assertEqual(output["script"].hex(), case["script_hex"])
            self.assertEqual(ltms.identity_id(ltms.txid(raw), vout), case["identity_id_hex"])
            key = ltms.parse_burn_script(output["script"]).public_key
            self.assertEqual(key.hex(), case["pubkey_hex"])

    def test_scripts_are_read_and_written_again(self):
        names = {member.name.replace("_", ""): member for member in ltms.Purpose}
        for case in vectors.cases("scripts.json", "valid"):
            script = unhex(case["script"])
            burn = ltms.parse_burn_script(script)
            when = case["timestamp_ms"] and int(case["timestamp_ms"])
            purpose = case["purpose"] and names[case["purpose"].upper()]
            self.assertEqual(burn.public_key.hex(), case["key"], case["name"])
            self.assertEqual(burn.timestamp_ms, when, case["name"])
            self.assertEqual(burn.purpose, purpose, case["name"])
            self.assertEqual(burn.identity_id, case["identity"], case["name"])
            written = ltms.build_burn_script(
                burn.public_key, burn.timestamp_ms, burn.purpose, burn.identity_id
            )
            self.assertEqual(written, script, case["name"])
            self.assertEqual(ltms.parse_burn_script(written), burn)

    def test_other_scripts_are_refused(self):
        for case in vectors.cases("scripts.json", "invalid"):
            with self.assertRaises(ltms.ScriptError, msg=case["name"]) as raised:
                ltms.parse_burn_script(unhex(case["script"]))
            self.assertEqual(raised.exception.older_sdk_reads, case["older_sdk_reads"])
        for case in vectors.cases("scripts.json", "policy"):
            for output in case["outputs"]:
                script = unhex(output["script"])
                if output.get("error") is None:
                    ltms.parse_burn_script(script)
                else:
                    self.assertRaises(ltms.ScriptError, ltms.parse_burn_script, script)

    def test_identities_are_those_of_the_older_sdk(self):
        case = vectors.document("lotus-sdk-ltms.json")["identity_id"]
        found = ltms.identity_id(case["txid_hex_as_displayed"], case["outputIndex"])
        self.assertEqual(found, case["identityId"])


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


def plain(value):
    """As the vectors have it: bytes in digits, pairs as lists."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


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


class ZEverything(unittest.TestCase):
    """Runs last: classes go by their names."""

    def test_no_vector_was_skipped(self):
        self.assertEqual(vectors.unread(), [])


if __name__ == "__main__":
    unittest.main()
