"""Rows of tables are dicts of the fields and types that the stubs tell."""

import ast
import hashlib
import unittest
from pathlib import Path

import ltms
import vectors
from test_gate import NOW, REG, SEED, ad, connected, peer, registered

unhex = bytes.fromhex
STUBS = ast.parse(Path(ltms.__file__).with_name("_ltms.pyi").read_text())
PLAIN = {"int": int, "str": str, "bytes": bytes, "bool": bool, "None": type(None)}


def fields(name):
    """The fields of a TypedDict of the stubs, with their types as text."""
    [found] = [it for it in STUBS.body if isinstance(it, ast.ClassDef) and it.name == name]
    told = {it.target.id: ast.unparse(it.annotation) for it in found.body if hasattr(it, "target")}
    assert told, name
    return told


class Rows(unittest.TestCase):
    def check_value(self, value, told, where):
        for one in told.split(" | "):
            if one.startswith(("tuple[", "list[")):
                shape, items = one[:-1].split("[")
                if isinstance(value, {"tuple": tuple, "list": list}[shape]):
                    items = items.split(", ") if shape == "tuple" else [items] * len(value)
                    self.assertEqual(len(items), len(value), where)
                    for item, of in zip(value, items):
                        self.check_value(item, of, where)
                    return
            elif one.startswith("_"):
                return self.check(value, one)
            elif type(value) is PLAIN.get(one, getattr(ltms, one, None)):
                return
        self.fail(f"{where} is {value!r}, and told to be {told}")

    def check(self, row, name):
        self.assertEqual(set(row), set(fields(name)), name)
        for field, told in fields(name).items():
            self.check_value(row[field], told, f"{name}.{field}")

    def test_tables_of_a_gate(self):
        gate = ltms.Gate(REG, "small", SEED)
        key = unhex(registered(gate))
        [row] = gate.identities()
        self.check(row, "_IdentityRow")
        self.assertEqual((gate.identity(row["id"]), gate.resolve_identity(key)), (row, row))
        source = connected(gate, 2, "198.51.100.7")
        self.assertTrue(gate.admit_ad(NOW, source, ad(2)))
        [signer] = gate.directory(NOW)
        self.check(signer, "_SignerRow")
        self.assertEqual(gate.find_key(NOW, signer["key"]), signer)
        secret = hashlib.sha256(b"lotus regtest identity key").digest()
        own = ltms.sign_ad(
            secret, peer(1), NOW, NOW + 3_600_000, [1], network="reg", authority=(row["id"], 0)
        )
        self.assertTrue(gate.admit_ad(NOW, ltms.Source.direct(peer(1)), own))
        [owned] = gate.owned_keys(row["id"])
        self.check(owned, "_KeyRow")
        gate.ban(NOW, ltms.Subject.peer(peer(2)))
        gate.ban(NOW, ltms.Subject.identity(row["id"]), until=NOW + 1_000)
        for ban in gate.bans(NOW):
            self.check(ban, "_BanRow")
        self.assertEqual(len(gate.bans(NOW)), 2)
        for table in gate.fill():
            self.check(table, "_FillRow")
        self.check(gate.tip(), "_Tip")
        subjects = ltms.Subject.peer(peer(2)), ltms.Subject.identity(row["id"]), ltms.Subject.key(key)
        for subject in subjects:
            self.check(gate.standing(NOW, subject), "_Standing")
        events = gate.events(NOW)
        self.assertIn("registered", [event["event"] for event in events])
        for event in events:
            told = {**fields("_EventOf"), **fields("_Event")}
            for field, value in event.items():
                self.check_value(value, told[field], field)

    def test_what_is_read_of_the_chain(self):
        block = unhex(vectors.file("regtest/block_121.hex").decode().strip())
        self.check(ltms.parse_block(block), "_Block")
        self.check(ltms.parse_header(block[:160]), "_Header")
        case = vectors.cases("inclusion.json", "valid")[0]
        anchor = case["anchor"]["hash"], case["anchor"]["height"]
        told = ltms.verify_inclusion(unhex(case["proof"]), case["txid"], case["vout"], anchor)
        self.check(told, "_Proved")

    def test_another_type_than_is_told_is_found(self):
        for row in ({"height": "1", "hash": "1"}, {"height": 1}, {"height": True, "hash": "1"}):
            with self.assertRaises(AssertionError):
                self.check(row, "_Tip")


if __name__ == "__main__":
    unittest.main()
