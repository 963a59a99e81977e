"""Transactions, blocks, proofs and burns that all languages share, read from Python."""

import unittest

import ltms
import vectors
from vectors import plain

unhex = bytes.fromhex


def ltms_root(raw, index, branch):
    """The root, or None for a branch that no block has."""
    try:
        return ltms.merkle_root(raw, index, branch)
    except ltms.ProofError:
        return None


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
                with self.assertRaisesRegex(ltms.ProofError, "not of this tr") as raised:
                    ltms.check_txoutproof(proof, "11" * 32, block)
                self.assertEqual(raised.exception.kind, "OtherTransaction")

    def test_headers_say_what_the_chain_s_do(self):
        for case in vectors.cases("chain.json", "headers"):
            told = ltms.parse_header(unhex(case["header_hex"]))
            self.assertEqual(told["hash"], case["block_hash_hex"])
            self.assertEqual(told["height"], case["height"])
            self.assertEqual(told["time"], case["header"]["time"] * 1000)
            for name in ("prev", "epoch"):
                self.assertEqual(told[name], case["header"][name])
            self.assertEqual(told["merkle_root"][::-1].hex(), case["header"]["merkle"])
            self.assertEqual(f"{told['bits']:08x}", case["header"]["bits"])
            self.assertEqual(f"{told['target']:064x}", case["target_hex"])
            self.assertIs(told["has_work"], case["pow_ok"])

    def test_compact_targets_are_numbers(self):
        for case in vectors.cases("chain.json", "compact_bits"):
            target, work = ltms.parse_bits(int(case["bits"], 16))
            self.assertEqual((f"{target:064x}", work), (case["target_hex"], int(case["work"])))
        self.assertRaises(ltms.InputError, ltms.parse_bits, 0)

    def test_blocks_hold_their_transactions(self):
        for case in vectors.cases("chain.json", "blocks"):
            raw = unhex(case["block_hex"])
            told = ltms.parse_block(raw)
            self.assertEqual(told["header"]["hash"], case["block_hash_hex"])
            self.assertEqual(told["header"]["merkle_root"][::-1].hex(), case["merkle_root_hex"])
            self.assertEqual(len(told["transactions"]), len(case["txs"]))
            for position, (tx, listed) in enumerate(zip(told["transactions"], case["txs"])):
                self.assertEqual(ltms.txid(tx), listed["txid_hex"])
                self.assertEqual(ltms.parse_transaction(tx)["txhash"], listed["txhash_hex"])
                branch = ltms.merkle_branch(raw, position)
                self.assertEqual(plain(branch), listed["branch_internal_hex"])

    def test_branches_lead_to_the_root_of_their_header(self):
        for case in vectors.cases("chain.json", "merkle_branches"):
            raw, index = unhex(case["raw_tx_hex"]), case["index"]
            branch = [unhex(sibling) for sibling in case["branch_internal_hex"]]
            root = ltms.parse_header(unhex(case["header_hex"]))["merkle_root"]
            self.assertEqual(ltms.merkle_root(raw, index, branch), root)
            for level, sibling in enumerate(branch):
                moved = ltms_root(raw, index ^ 1 << level, branch)
                self.assertNotEqual(moved, root)
                changed = [*branch[:level], bytes([sibling[0] ^ 1]) + sibling[1:], *branch[level + 1:]]
                self.assertNotEqual(ltms.merkle_root(raw, index, changed), root)
            with self.assertRaises(ltms.ProofError) as raised:
                ltms.merkle_root(raw, index + (1 << len(branch)), branch)
            self.assertEqual(raised.exception.kind, "Index")

    def test_signatures_are_over_the_hashes_of_a_real_node(self):
        transactions = {
            case["txid_hex"]: unhex(case["raw_tx_hex"])
            for case in vectors.cases("chain.json", "transactions")
        }
        for case in vectors.cases("chain.json", "sighash"):
            raw = transactions[case["txid_hex"]]
            count = len(ltms.parse_transaction(raw)["inputs"])
            spent = [(case["spent_value"], unhex(case["spent_script_hex"]))] * count
            kind = int(case["hash_type"], 16)
            message = ltms.sighash(raw, case["input"], spent, kind)
            self.assertEqual(message.hex(), case["sighash_hex"])
            if case["alg"] == "schnorr":
                key, signature = unhex(case["pubkey_hex"]), unhex(case["sig_hex"])
                self.assertIs(ltms.schnorr_verify(key, message, signature), True)
                protected = ltms.sighash(raw, case["input"], spent, kind, 0xFFDEAD)
                self.assertIs(ltms.schnorr_verify(key, protected, signature), False)
            for wrong, said in (
                ((raw, count, spent), "no such input"), ((raw, 0, spent[1:]), "one spent output"),
                ((raw, 0, spent, 1), "hash type 0x01"), ((raw, 0, spent, 0x41, 1 << 24), "fork value"),
            ):  # fmt: skip
                with self.assertRaisesRegex(ltms.InputError, said):
                    ltms.sighash(*wrong)

    def test_proofs_for_devices_prove_what_they_prove(self):
        def ask(case):
            anchor = case["anchor"] and (case["anchor"]["hash"], case["anchor"]["height"])
            return ltms.verify_inclusion(unhex(case["proof"]), case["txid"], case["vout"], anchor)

        for case in vectors.cases("inclusion.json", "valid"):
            told = ask(case)
            self.assertEqual(told["evidence"].name.lower(), case["class"], case["name"])
            self.assertEqual(told["header"]["hash"], case["block_hash"], case["name"])
            self.assertEqual(told["header"]["height"], case["height"], case["name"])
            self.assertEqual(told["value"], case["value_sats"], case["name"])
            self.assertEqual(told["script"].hex(), case["script"], case["name"])
            for name in ("position", "depth"):
                self.assertEqual(told[name], case[name], case["name"])
            if case["anchor"] is None:
                self.assertEqual(told["work"], int(case["work"]))
        for case in vectors.cases("inclusion.json", "invalid"):
            with self.assertRaises(ltms.ProofError, msg=case["name"]) as raised:
                ask(case)
            self.assertEqual(raised.exception.kind, case["error"], case["name"])
        for case in vectors.cases("inclusion.json", "flipped"):
            proof = unhex(case["proof"])
            self.assertEqual(len(proof), len(case["errors"]))
            for at, expected in enumerate(case["errors"]):
                changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
                with self.assertRaises(ltms.ProofError) as raised:
                    ask({**case, "proof": changed.hex()})
                self.assertEqual(raised.exception.kind, expected, at)


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
            self.assertEqual(raised.exception.kind, case["error"])
            self.assertEqual(raised.exception.older_sdk_reads, case["older_sdk_reads"])
        for case in vectors.cases("scripts.json", "policy"):
            for output in case["outputs"]:
                script = unhex(output["script"])
                if output.get("error") is None:
                    ltms.parse_burn_script(script)
                else:
                    self.assertRaises(ltms.ScriptError, ltms.parse_burn_script, script)

    def test_burns_that_a_real_node_was_asked_about(self):
        """What a node takes and who reads it otherwise, by the case's name."""
        refused = {
            "version_op1": ("NotAPush", False),
            "nonminimal_pushdata1_prefix": ("NonShortestPush", True),
            "opreturn_nonpush_tail": ("NotAPush", False),
            "opreturn_223": ("PushLength", True),
            "opreturn_224": ("TooLong", False),
        }
        seen = set()
        for case in vectors.cases("chain.json", "policy"):
            raw = unhex(case["raw_tx_hex"])
            for index, output in enumerate(ltms.parse_transaction(raw)["outputs"]):
                try:
                    ltms.parse_burn_script(output["script"])
                except ltms.ScriptError as error:
                    # Whatever names LTMS at its beginning is meant as a burn.
                    if index == 0 and b"LTMS" in raw:
                        self.assertEqual((error.kind, error.older_sdk_reads), refused[case["case"]])
                        seen.add(case["case"])
                    else:
                        self.assertFalse(error.older_sdk_reads)
        self.assertEqual(seen, set(refused))

    def test_burns_that_the_older_sdk_was_asked_about(self):
        refused = {
            "version 2": ("Version", False),
            "version pushed as OP_1 (0x51)": ("NotAPush", False),
            "prefix other": ("Prefix", False),
            "payload has 20 trailing bytes after pubkey (ignored)": ("KeyLength", True),
            "pubkey split over two pushes (concatenated)": ("KeyLength", True),
            "OP_PUSHDATA1 for pubkey": ("NonShortestPush", True),
            "script 223 bytes (max accepted by isDataOut)": ("KeyLength", True),
            "script 224 bytes": ("TooLong", False),
            "pubkey prefix 04": ("KeyPrefix", False),
        }
        for case in vectors.cases("lotus-sdk-ltms.json", "registration_cases"):
            expected = refused.pop(case["name"], None)
            try:
                ltms.parse_burn_script(unhex(case["scriptHex"]))
                found = None
            except ltms.ScriptError as error:
                found = error.kind, error.older_sdk_reads
                self.assertTrue(found[1] or not case["accepted"], case["name"])
            self.assertEqual(found, expected, case["name"])
        self.assertEqual(refused, {})

    def test_identities_are_those_of_the_older_sdk(self):
        case = vectors.document("lotus-sdk-ltms.json")["identity_id"]
        found = ltms.identity_id(case["txid_hex_as_displayed"], case["outputIndex"])
        self.assertEqual(found, case["identityId"])


if __name__ == "__main__":
    unittest.main()
