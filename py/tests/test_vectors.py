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


class ZEverything(unittest.TestCase):
    """Runs last: classes go by their names."""

    def test_no_vector_was_skipped(self):
        self.assertEqual(vectors.unread(), [])


if __name__ == "__main__":
    unittest.main()
