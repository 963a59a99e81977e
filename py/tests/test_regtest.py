"""What a real lotusd on a private regtest chain said: the package reads the same in it."""

import json
import struct
import unittest

import ltms
import vectors

unhex = bytes.fromhex


def body(name):
    """What a recorded answer to a request of JSON-RPC has for a result, and what was asked."""
    recorded = vectors.document(f"regtest/{name}.json")
    answer = json.loads(recorded["response_body"], parse_float=str)
    assert answer["error"] is None, name
    return answer["result"], recorded["request"]["params"]


def digits(name):
    return unhex(vectors.file(f"regtest/{name}.hex").decode().strip())


def rebuilt(told):
    """The 160 bytes of the header that getblockheader describes."""
    def displayed(name):
        return unhex(told[name])[::-1]

    return (
        displayed("previousblockhash") + displayed("bits")
        + told["time"].to_bytes(6, "little") + bytes(2) + told["nonce"].to_bytes(8, "little")
        + bytes([told["version"]]) + told["size"].to_bytes(7, "little")
        + struct.pack("<I", told["height"]) + displayed("epochblockhash")
        + displayed("merkleroot") + displayed("extendedmetadatahash")
    )  # fmt: skip


class Case(unittest.TestCase):
    def check_header(self, raw, told):
        header = ltms.parse_header(raw)
        self.assertEqual(header["hash"], told["hash"])
        self.assertEqual(header["prev"], told["previousblockhash"])
        self.assertEqual(header["epoch"], told["epochblockhash"])
        self.assertEqual(header["height"], told["height"])
        self.assertEqual(header["time"], told["time"] * 1000)
        self.assertEqual(header["bits"], int(told["bits"], 16))
        self.assertEqual(header["merkle_root"][::-1].hex(), told["merkleroot"])
        self.assertTrue(header["has_work"])

    def check_transaction(self, told):
        """What lotusd says of a transaction is what is read in its bytes."""
        raw = unhex(told["hex"])
        tx = ltms.parse_transaction(raw)
        self.assertEqual((ltms.txid(raw), tx["txid"]), (told["txid"], told["txid"]))
        self.assertEqual(tx["txhash"], told["hash"])
        for name, theirs in (("version", "version"), ("lock_time", "locktime"), ("size", "size")):
            self.assertEqual(tx[name], told[theirs], told["txid"])
        self.assertEqual(len(tx["inputs"]), len(told["vin"]))
        for ours, theirs in zip(tx["inputs"], told["vin"]):
            self.assertIs(tx["coinbase"], "coinbase" in theirs)
            self.assertEqual(ours["sequence"], theirs["sequence"])
            if tx["coinbase"]:
                self.assertEqual(ours["script"].hex(), theirs["coinbase"])
            else:
                place = (ours["txid"], ours["vout"], ours["script"].hex())
                self.assertEqual(place, (theirs["txid"], theirs["vout"], theirs["scriptSig"]["hex"]))
        self.assertEqual(len(tx["outputs"]), len(told["vout"]))
        for ours, theirs in zip(tx["outputs"], told["vout"]):
            self.assertEqual(ours["value"], round(float(theirs["value"]) * 1_000_000))
            self.assertEqual(ours["script"].hex(), theirs["scriptPubKey"]["hex"])

    def check_block(self, raw, block_hash, count):
        """A block with its header and as many transactions, each of which its branch proves."""
        told = ltms.parse_block(raw)
        self.assertEqual(told["header"], ltms.parse_header(raw[:160]))
        self.assertEqual(told["header"]["hash"], block_hash)
        self.assertEqual(len(told["transactions"]), count)
        for position, transaction in enumerate(told["transactions"]):
            branch = ltms.merkle_branch(raw, position)
            root = ltms.merkle_root(transaction, position, branch)
            self.assertEqual(root, told["header"]["merkle_root"])
            if branch:
                other = ltms.merkle_root(transaction, position, [bytes(31) + b"\1", *branch[1:]])
                self.assertNotEqual(other, root)
        return told["transactions"]


class Blocks(Case):
    def test_headers_lie_one_on_the_other(self):
        before = None
        for case in vectors.cases("regtest/headers_110_133.json", "."):
            header = ltms.parse_header(unhex(case["header_hex"]))
            self.assertEqual(header["hash"], case["block_hash_hex"])
            self.assertEqual(header["height"], case["height"])
            if before:
                self.assertEqual(header["prev"], before["hash"])
            before = header

    def test_an_epoch_names_the_block_before_it(self):
        before = {"hash": "", "epoch": "", "height": -1}
        for case in vectors.cases("regtest/epoch_headers.json", "."):
            header = ltms.parse_header(unhex(case["header_hex"]))
            self.assertEqual(header["epoch"], case["parsed"]["epoch"])
            if header["height"] < 5040:
                self.assertEqual(header["epoch"], "00" * 32)
            elif header["height"] % 5040 == 0:
                self.assertEqual(header["epoch"], header["prev"])
            elif before["height"] + 1 == header["height"]:
                self.assertEqual(header["epoch"], before["epoch"])
            before = header

    def test_described_headers_are_those_of_their_hashes(self):
        known, asked = body("getblockheader_verbose")
        self.assertEqual(known["hash"], asked[0])
        self.check_header(rebuilt(known), known)
        self.assertEqual(digits("block_121_header"), rebuilt(known))
        gone, _ = body("reorg_2_getblockheader_invalidated")
        self.assertEqual(gone["confirmations"], -1)
        self.check_header(rebuilt(gone), gone)

    def test_blocks_hold_what_their_header_says(self):
        raw = digits("block_121")
        whole, _ = body("getblock_verbosity2")
        listed, _ = body("getblock_verbosity1")
        transactions = self.check_block(raw, whole["hash"], whole["nTx"])
        self.check_header(raw[:160], whole)
        self.assertEqual([ltms.txid(tx) for tx in transactions], listed["tx"])
        self.assertEqual([tx.hex() for tx in transactions], [tx["hex"] for tx in whole["tx"]])
        for told in whole["tx"]:
            self.check_transaction(told)
        for case in vectors.cases("regtest/confirm_blocks_121_126.json", "."):
            self.check_block(unhex(case["block_hex"]), case["block_hash_hex"], int(case["n_tx"]))
        case = vectors.document("regtest/block_21tx.json")
        self.assertEqual(case["block_hex"][:320], case["header_hex"])
        raw = unhex(case["block_hex"])
        found = self.check_block(raw, case["block_hash_hex"], int(case["n_tx"]))
        by_id = {ltms.txid(tx): tx for tx in found}
        for txid, burn in case["txs"].items():
            self.assertEqual(by_id[txid].hex(), burn["raw_tx_hex"])
            output = ltms.parse_transaction(by_id[txid])["outputs"][burn["vout"]]
            read = ltms.parse_burn_script(output["script"])
            self.assertEqual(read.public_key.hex(), burn["identity_pubkey"])
            self.assertEqual(output["value"], burn["value"])

    def test_another_block_is_none(self):
        raw = digits("block_121")
        for wrong, said in (
            (b"", "shorter than a header"), (raw[:159], "shorter"), (raw[:160], "metadata"),
            (raw[:160] + b"\1" + raw[161:], "metadata"), (raw[:161], "cut off"),
            (raw[:-1], "transaction 6"), (raw + b"\0", "bytes follow"),
            (raw[:161] + b"\xfd\7\0" + raw[162:], "cut off"),
            (raw[:161] + b"\xff" * 9, "transaction 0"),
            (raw[:100] + b"!" + raw[101:], "not those of its header"),
        ):  # fmt: skip
            with self.assertRaisesRegex(ltms.InputError, said):
                ltms.parse_block(wrong)
            self.assertRaises(ltms.InputError, ltms.merkle_branch, wrong, 0)
        with self.assertRaisesRegex(ltms.InputError, "has 7 transactions"):
            ltms.merkle_branch(raw, 7)

    def test_the_answers_about_the_end_of_the_chain_agree(self):
        best, _ = body("getbestblockhash")
        count, _ = body("getblockcount")
        info, _ = body("getblockchaininfo")
        self.assertEqual((info["bestblockhash"], info["blocks"]), (best, count))
        gate = ltms.Gate({"network": "reg"}, "tiny")
        self.assertTrue(gate.set_tip(1_795_361_900_000, count, best, count))
        self.assertEqual(gate.tip(), {"height": count, "hash": best})
        named, asked = body("getblockhash_121")
        self.assertEqual(ltms.parse_header(digits("block_121_header"))["hash"], named)
        self.assertEqual(asked, [121])


class Transactions(Case):
    def test_described_transactions_are_those_of_their_bytes(self):
        raw, _ = body("getrawtransaction_A_hex")
        names = (
            "getrawtransaction_A_verbose", "getrawtransaction_A_verbose_with_blockhash",
            "reorg_1_before_getrawtransaction", "reorg_2_after_invalidate_getrawtransaction",
            "reorg_2_after_invalidate_with_blockhash",
        )  # fmt: skip
        told = [body(name) for name in names]
        waiting = vectors.document("regtest/getrawtransaction_A_mempool.json")["result"]
        for result, asked in [*told, (waiting, [waiting["txid"]])]:
            self.assertEqual(result["txid"], asked[0])
            self.check_transaction({**result, "hash": result["hash"]})
        self.assertEqual({told[0][0]["hex"], told[1][0]["hex"], waiting["hex"]}, {raw})

    def test_the_recorded_burns_are_signed_over_their_hashes(self):
        signed = 0
        for burn in vectors.document("regtest/txs.json").values():
            raw = unhex(burn["raw_tx_hex"])
            self.assertEqual(ltms.txid(raw), burn["txid"])
            self.assertEqual(ltms.parse_transaction(raw)["txhash"], burn["txhash"])
            for case in burn["sign"]:
                spent = [(case["spent_value"], unhex(case["spent_script_hex"]))] * len(burn["sign"])
                kind = int(case["hash_type"], 16) if isinstance(case["hash_type"], str) else (
                    case["hash_type"])
                message = ltms.sighash(raw, int(case["input"]), spent, kind)
                self.assertEqual(message.hex(), case["sighash_hex"])
                if case["alg"] == "schnorr":
                    key, signature = unhex(case["pubkey_hex"]), unhex(case["sig_hex"])
                    self.assertIs(ltms.schnorr_verify(key, message, signature), True)
                    signed += 1
        self.assertGreater(signed, 0)

    def test_what_the_mempool_was_asked_is_read(self):
        known = {case["case"]: case for case in vectors.cases("chain.json", "policy")}
        for name, case in vectors.document("regtest/policy_results.json").items():
            self.assertEqual(ltms.parse_transaction(unhex(case["raw_tx_hex"]))["size"], case["size"])
            same = known[name]["raw_tx_hex"], known[name]["allowed"]
            self.assertEqual(same, (case["raw_tx_hex"], case["allowed"]))

    def test_what_lotusd_could_not_read_is_not_read_here(self):
        refused = 0
        for name, case in vectors.document("regtest/rpc_errors.json").items():
            params = case["request"]["params"]
            if name in ("bad_txid_len", "bad_txid_hex"):
                self.assertRaises(ltms.InputError, ltms.identity_id, params[0], 0)
            elif name == "send_garbage":
                self.assertRaises(ltms.TransactionError, ltms.txid, unhex(params[0]))
            elif name == "proof_garbage":
                self.assertRaises(ltms.ProofError, ltms.parse_txoutproof, unhex(params[0]))
            elif name == "send_already_in_chain":
                ltms.txid(unhex(params[0]))
                continue
            else:
                continue
            refused += 1
        self.assertEqual(refused, 4)
        vectors.cases("regtest/rpc_errors.json", ".")


class Proofs(Case):
    def test_proofs_prove_what_lotusd_said_they_do(self):
        proof, asked = body("gettxoutproof_A")
        [[txid]] = asked
        again, [_, block] = body("gettxoutproof_A_blockhash")
        self.assertEqual({proof, again}, {digits("gettxoutproof_A").hex()})
        proved, [given] = body("verifytxoutproof_A")
        self.assertEqual((proved, given), ([txid], proof))
        self.assertEqual(ltms.parse_txoutproof(unhex(proof))["hash"], block)
        self.assertIs(ltms.verify_txoutproof(unhex(proof), txid, block), True)

        proved, [tampered] = body("verifytxoutproof_tampered")
        self.assertEqual(proved, [])
        self.assertIs(ltms.verify_txoutproof(unhex(tampered), txid, block), False)

        both = digits("gettxoutproof_A_and_C")
        burns = vectors.document("regtest/txs.json")
        for name, burn in burns.items():
            self.assertIs(ltms.verify_txoutproof(both, burn["txid"], block), name in "AC", name)
        for name, one in vectors.document("regtest/proofs.json").items():
            for other, burn in burns.items():
                holds = ltms.verify_txoutproof(unhex(one), burn["txid"], block)
                self.assertIs(holds, name == other, (name, other))

    def test_the_rest_interface_gives_the_same_bytes(self):
        block = digits("block_121")
        seen = set()
        for path, answer in vectors.document("regtest/rest_examples.json").items():
            what, name = path.rsplit("/", 1)
            name, form = name.split(".")
            if form == "json":
                told = json.loads(answer["body"], parse_float=str)
                if what == "/rest/tx":
                    self.check_transaction({"hex": ltms_hex(told, block), **told})
                elif what == "/rest/headers/1":
                    self.check_header(rebuilt(told[0]), told[0])
                continue
            seen.add((what, answer["status"]))
            if answer["status"] != 200:
                continue
            raw = unhex(answer["body"].strip())
            if what == "/rest/tx":
                self.assertEqual(ltms.txid(raw), name)
            elif what == "/rest/block":
                self.assertEqual((raw, ltms.parse_block(raw)["header"]["hash"]), (block, name))
            else:
                self.assertEqual(ltms.parse_header(raw[:160])["hash"], name)
                self.assertEqual(ltms.parse_header(raw[160:])["prev"], name)
        self.assertEqual(len(seen), 4, seen)

    def test_an_indexer_names_and_carries_the_same_transaction(self):
        cases = vectors.document("regtest/chronik_protobuf_examples.json")
        bytes_of = {name: unhex(case["protobuf_hex"]) for name, case in cases.items() if name != "note"}
        # A message with one field of bytes: its number and kind, its length, the bytes.
        raw = bytes_of["broadcast_request"][3:]
        txid = unhex(ltms.txid(raw))[::-1]
        for name in ("tx_A", "tx_A_unconfirmed", "broadcast_response", "ws_msg_confirmed"):
            self.assertIn(txid, bytes_of[name], name)
        for output in ltms.parse_transaction(raw)["outputs"]:
            self.assertIn(output["script"], bytes_of["tx_A"])
        info = cases["blockchain_info"]
        self.assertIn(unhex(info["tip_hash"])[::-1], bytes_of["blockchain_info"])
        block = unhex(ltms.parse_header(digits("block_121_header"))["hash"])[::-1]
        self.assertIn(block, bytes_of["ws_msg_block_connected"])


def ltms_hex(told, block):
    """The bytes of a described transaction, out of the block that has it."""
    [raw] = [tx for tx in ltms.parse_block(block)["transactions"] if ltms.txid(tx) == told["txid"]]
    return raw.hex()


if __name__ == "__main__":
    unittest.main()
