"""`python -m ltms`: what it says and with which exit code."""

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import ltms
import vectors
from ltms.__main__ import main

EXAMPLES = Path(__file__).parents[1] / "examples"
RECORDING = vectors.FOLDER / "recordings" / "flood.txt"


def run(*arguments):
    """(exit code, standard output, standard error)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue()


class Decoding(unittest.TestCase):
    def setUp(self):
        self.burn = vectors.cases("chain.json", "ltms_burns")[0]

    def test_a_script_is_explained(self):
        code, out, err = run("script", self.burn["script_hex"])
        self.assertEqual((code, err), (0, ""))
        self.assertIn(self.burn["pubkey_hex"], out)
        code, out, _ = run("script", "--json", self.burn["script_hex"])
        self.assertEqual(json.loads(out)["timestamp_ms"], int(self.burn["timestamp_ascii"]))

    def test_what_is_no_burn_is_a_no(self):
        code, out, _ = run("script", "6a04")
        self.assertEqual((code, out), (1, "no burn: the script ends too early\n"))

    def test_a_transaction_is_explained_with_its_burns(self):
        code, out, _ = run("tx", self.burn["raw_tx_hex"])
        self.assertEqual(code, 0)
        for told in (self.burn["txid_hex"], self.burn["identity_id_hex"], "50.000000 XPI"):
            self.assertIn(told, out)
        told = json.loads(run("tx", self.burn["raw_tx_hex"], "--json")[1])
        self.assertEqual(told["outputs"][0]["burn"]["creates"], self.burn["identity_id_hex"])

    def test_every_transaction_and_burn_of_the_vectors_can_be_shown(self):
        for case in vectors.cases("chain.json", "transactions"):
            self.assertEqual(run("tx", case["raw_tx_hex"])[0], 0)
        for case in vectors.cases("scripts.json", "valid"):
            self.assertEqual(run("script", case["script"])[0], 0, case["name"])
        for case in vectors.cases("wire.json", "valid"):
            code, out, _ = run("message", case["envelope"], "--network", case["network"])
            self.assertEqual(code, 0, case["name"])
            self.assertIn(case["signature"], out)

    def test_a_message_is_refused_as_the_gate_would(self):
        code, out, _ = run("message", "83")
        self.assertEqual((code, out.split(":")[0]), (1, "reject malformed"))

    def test_a_proof_holds_or_says_why_not(self):
        case = vectors.cases("chain.json", "merkle_proofs")[0]
        proof, block = case["proof_hex"], case["block_hash_hex"]
        code, out, _ = run("proof", proof, case["matched_txids_hex"][0], block)
        self.assertEqual((code, out.split(":")[0]), (0, "holds"))
        code, out, _ = run("proof", proof, "11" * 32, block)
        self.assertEqual(code, 1)
        self.assertIn("does not hold: the proof is not of this transaction", out)
        told = json.loads(run("proof", "--json", "00", "11" * 32, block)[1])
        self.assertEqual((told["holds"], told["block"]), (False, None))

    def test_wrong_input_is_told_with_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "proof.json")
            path.write_text('{"result": "00"}')
            missing = Path(folder, "missing")
            for argument, said in (
                ("xyz", "not hexadecimal digits, @FILE or -"), ("abc", "an odd number"),
                (path, f"is a file: write @{path}"), (f"@{missing}", "No such file"),
                (f"@{path}", "text, but not of hexadecimal digits"), (f"@{folder}", "directory"),
            ):  # fmt: skip
                for command in (["script"], ["tx"], ["message"], ["proof"]):
                    more = ["11" * 32] * 2 if command == ["proof"] else []
                    code, out, err = run(*command, argument, *more)
                    self.assertEqual((code, out), (2, ""))
                    self.assertIn(said, err)

    def test_an_answer_that_cannot_be_written_is_told(self):
        full = Path("/dev/full")
        if not full.exists():
            self.skipTest("no device that is always full")
        with full.open("w") as out:
            command = [sys.executable, "-m", "ltms", "policy"]
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, b"ltms: the answer cannot be written: No space left on device\n")

    def test_input_comes_from_a_file_too(self):
        raw = bytes.fromhex(self.burn["raw_tx_hex"])
        with tempfile.TemporaryDirectory() as folder:
            for content in (raw, raw.hex().encode(), raw.hex().encode() + b"\n"):
                path = Path(folder, "tx")
                path.write_bytes(content)
                code, out, _ = run("tx", f"@{path}")
                self.assertEqual(code, 0)
                self.assertIn(self.burn["txid_hex"], out)


class Replaying(unittest.TestCase):
    def test_each_verdict_is_explained(self):
        code, out, err = run("replay", RECORDING)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("admit_ad          peer ", out)
        self.assertIn("reject invalid-signature. A signature does not verify.", out)
        self.assertIn("48 calls, recorded by version 0.1.0", out)
        self.assertIn("all as recorded", out)

    def test_a_peer_that_is_not_there_is_told(self):
        code, out, err = run("replay", RECORDING, "--peer", "abcdef")
        self.assertEqual((code, err), (0, "ltms: no call is about abcdef\n"))
        self.assertIn("48 calls", out)
        code, out, err = run("replay", RECORDING, "--peer", "x")
        self.assertEqual((code, out, err), (2, "", "ltms: --peer x: not hexadecimal digits\n"))

    def test_refusals_or_a_peer_alone(self):
        refused = run("replay", RECORDING, "--refused")[1].splitlines()
        calls = [line for line in refused if line.startswith("2026")]
        self.assertEqual(len(calls), 12)
        self.assertEqual([line for line in calls if " accept " in line], [])
        peer = "1220" + "20" * 28 + "00000001"
        about = run("replay", RECORDING, "--peer", peer.upper())[1].splitlines()
        self.assertEqual([line for line in about if line[:4] == "2026" and peer not in line], [])
        quiet = run("replay", RECORDING, "--quiet")[1]
        self.assertNotIn("admit_ad", quiet)

    def test_each_call_is_a_line_of_json(self):
        *calls, told = map(json.loads, run("replay", RECORDING, "--json")[1].splitlines())
        self.assertEqual((len(calls), told["calls"], told["differ"]), (48, 48, 0))
        self.assertEqual(sum(told["reasons"].values()), sum(1 for it in calls if it["reason"]))

    def test_an_answer_that_differs_is_a_no(self):
        with ltms.Gate(capacity="small", record=True) as gate:
            peer = bytes.fromhex("002408011220") + bytes(32)
            gate.unban(0, ltms.Subject.peer(peer))
            recording = gate.recording()
        self.assertEqual(recording[-1], 0xF4)  # CBOR's false
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "changed")
            path.write_bytes(recording[:-1] + b"\xf5")
            code, out, _ = run("replay", path)
        self.assertEqual(code, 1)
        self.assertIn("RECORDED OTHERWISE: true", out)

    def test_calls_of_every_kind_say_whom_they_are_about(self):
        peer, key = bytes.fromhex("002408011220") + bytes(32), ltms.public_key(b"\1" * 32)
        with ltms.Gate(capacity="small", record=True) as gate:
            gate.connected(1, ltms.Connection(peer, "198.51.100.7"))
            gate.ban(2, ltms.Subject.peer(peer), 5)
            for subject in (ltms.Subject.key(key), ltms.Subject.identity("12" * 32)):
                gate.unban(3, subject)
            gate.pin(3, "34" * 32)
            gate.set_limits(4, {})
            gate.sweep(4)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "calls")
                path.write_bytes(gate.recording())
                code, out, _ = run("replay", path)
        self.assertEqual(code, 0)
        for told in (f"peer {peer.hex()}", f"key {key.hex()}", "identity " + "12" * 32,
                     "identity " + "34" * 32, "set_limits"):
            self.assertIn(told, out)


class Costing(unittest.TestCase):
    def test_attacks_have_their_prices(self):
        code, out, _ = run("costs")
        self.assertEqual(code, 0)
        self.assertIn("50.000001 XPI", out)
        self.assertEqual(json.loads(run("costs", "--json")[1]), ltms.certificate())

    def test_another_policy_has_others(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "policy.json")
            path.write_text(json.dumps({"burns": {"registration": 60_000_000}}))
            self.assertIn("60.000001 XPI", run("costs", "--policy", path, "--capacity", "tiny")[1])
            for content, error in [
                ("{", "Expecting"), ("[]", "an object"), ("[" * 100_000, "no JSON that a policy"),
                ('{"burns": {"registration": -1}}', "burns.registration"),
                ('{"burns": [1]}', "burns"), ('{"burns": {"registration": NaN}}', "float"),
            ]:  # fmt: skip
                path.write_text(content)
                code, out, err = run("costs", "--policy", path)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(error, err)

    def test_each_field_of_the_policy_is_explained(self):
        code, out, _ = run("policy", "--network", "reg")
        self.assertEqual(code, 0)
        for name, meaning in ltms.policy_fields().items():
            self.assertIn(f"{name} = ", out)
            self.assertIn(meaning, out)
        self.assertEqual(json.loads(run("policy", "--json")[1]), ltms.default_policy())


class Misuse(unittest.TestCase):
    def test_wrong_input_is_told_with_exit_code_2(self):
        for arguments, told in [
            (("script", "zz"), "hexadecimal"),
            (("tx", "00"), "ends too early"),
            (("tx", "@/no/such/file"), "/no/such/file"),
            (("proof", "00", "11", "22"), "txid"),
            (("replay", "/no/such/file"), "/no/such/file"),
            (("replay", os.devnull), "header"),
            (("message", "00", "--network", "moon"), "moon"),
            (("replay", RECORDING, "--refused", "--quiet"), "not allowed"),
            (("nothing",), "nothing"),
            ((), "COMMAND"),
        ]:
            code, out, err = run(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertIn(told, err)
            self.assertNotIn("Traceback", err)

    def test_help_and_version(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for name in ("script", "tx", "message", "proof", "replay", "costs", "policy", "exit codes"):
            self.assertIn(name, out)
        self.assertEqual(run("--version")[1], f"ltms {ltms.__version__}\n")

    def test_it_runs_as_a_module_and_reads_standard_input(self):
        command = [sys.executable, "-m", "ltms", "script", "-"]
        done = subprocess.run(command, input=b"6a", capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn(b"no burn", done.stdout)


class Flood(unittest.TestCase):
    def test_the_honest_are_shut_out_by_half_and_only_while_it_lasts(self):
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder, "flood.svg")
            given = sys.argv
            sys.argv = ["flood.py", str(picture)]
            try:
                with contextlib.redirect_stdout(io.StringIO()) as out:
                    names = runpy.run_path(str(EXAMPLES / "flood.py"))
            finally:
                sys.argv = given
            drawn = ElementTree.parse(picture).getroot()
        self.assertEqual(len(drawn.findall("{*}polyline")), 2)
        self.assertIn("stranger-window", out.getvalue())
        honest, flood = names["accepted"]["honest"], names["FLOOD"]
        quiet = honest[: flood.start] + honest[flood.stop + 1 :]
        self.assertEqual(set(quiet), {100.0})
        served = honest[flood.start + 10 : flood.stop]
        self.assertTrue(30 < sum(served) / len(served) < 80, served)


if __name__ == "__main__":
    unittest.main()
