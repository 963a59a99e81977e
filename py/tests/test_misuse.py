"""Wrong input raises, and what it raises says what is wrong."""

import unittest

import ltms

KEY = ltms.public_key(b"\1" * 32)
HASH = bytes(32)
SIGNATURE = ltms.schnorr_sign(b"\1" * 32, HASH)
ID = "11" * 32


class Types(unittest.TestCase):
    def test_text_is_no_bytes_nor_the_other_way_round(self):
        wrong = [
            lambda: ltms.txid("00"),
            lambda: ltms.parse_transaction("00"),
            lambda: ltms.parse_burn_script("6a"),
            lambda: ltms.build_burn_script(KEY.hex()),
            lambda: ltms.schnorr_verify(KEY.hex(), HASH, SIGNATURE),
            lambda: ltms.schnorr_verify(KEY, HASH.hex(), SIGNATURE),
            lambda: ltms.schnorr_verify(KEY, HASH, SIGNATURE.hex()),
            lambda: ltms.schnorr_sign("1" * 32, HASH),
            lambda: ltms.schnorr_verify_batch([(KEY, HASH, SIGNATURE.hex())]),
            lambda: ltms.schnorr_verify_batch(None),
            lambda: ltms.identity_id(b"1" * 64, 0),
            lambda: ltms.identity_id(None, 0),
            lambda: ltms.identity_id(ID, "0"),
            lambda: ltms.identity_id(ID, 0.0),
            lambda: ltms.verify_txoutproof("00", ID, ID),
            lambda: ltms.verify_txoutproof(b"", b"1", ID),
            lambda: ltms.Reputation().success("1", 2),
            lambda: ltms.Reputation().success(1, 2.5),
            lambda: ltms.Reputation().failure(3, 2),
            lambda: ltms.Reputation().score(),
        ]
        for number, call in enumerate(wrong):
            with self.subTest(number):
                self.assertRaises(TypeError, call)

    def test_what_is_not_for_everybody_cannot_be_made(self):
        self.assertRaises(TypeError, ltms.Decision)
        self.assertRaises(TypeError, ltms.BurnScript)


    def test_fractions_are_no_numbers(self):
        gate = ltms.Gate(None, "tiny")
        for wrong in (1.0, float("nan"), float("inf"), 1 + 0j, "1", b"1", None, [1]):
            for call in (
                lambda: ltms.identity_id(ID, wrong),
                lambda: ltms.Reputation().score(wrong),
                lambda: ltms.ChainClock().now(wrong),
                lambda: ltms.parse_bits(wrong),
                lambda: gate.metrics(wrong),
                lambda: gate.directory(1, [wrong]),
                lambda: ltms.sign_withdrawal(b"\1" * 32, wrong),
                lambda: ltms.merkle_branch(b"", wrong),
            ):
                with self.subTest(wrong):
                    self.assertRaises(TypeError, call)


class Values(unittest.TestCase):
    def refused(self, call, *said):
        with self.assertRaises(ltms.InputError) as raised:
            call()
        self.assertIsInstance(raised.exception, (ltms.LtmsError, ValueError))
        for word in said:
            self.assertIn(word, str(raised.exception))

    def test_wrong_lengths(self):
        self.refused(lambda: ltms.schnorr_verify(KEY[1:], HASH, SIGNATURE), "public key", "33")
        self.refused(lambda: ltms.schnorr_verify(KEY, b"", SIGNATURE), "hash", "32", "0")
        self.refused(lambda: ltms.schnorr_verify(KEY, HASH, SIGNATURE + b"!"), "signature", "65")
        self.refused(lambda: ltms.schnorr_sign(b"\1" * 31, HASH), "private key", "31")
        self.refused(lambda: ltms.schnorr_verify_batch([(KEY, HASH, b"")]), "signature")
        self.refused(lambda: ltms.identity_id("11" * 31, 0), "txid", "64")
        self.refused(lambda: ltms.identity_id("x" * 64, 0), "txid")
        self.refused(lambda: ltms.verify_txoutproof(b"", ID, ""), "block hash")

    def test_numbers_out_of_range(self):
        for number in (-1, 2**32, 10**100, -(10**100)):
            self.refused(lambda: ltms.identity_id(ID, number), "output index", "0 to")
        self.refused(lambda: ltms.identity_id(ID, 256), "255")
        for number in (-1, 2**48 - 1, 2**64, 10**100):
            self.refused(lambda: ltms.Reputation().score(number), "time", "0 to")
            self.refused(lambda: ltms.Reputation().success(1, number), "time")
        self.refused(lambda: ltms.Reputation().success(-1, 0), "span")
        self.refused(lambda: ltms.build_burn_script(KEY, timestamp_ms=2**64), "time")

    def test_tuples_of_another_shape(self):
        """What was expected is said, of the tuple or of the value in it that is wrong."""
        secret, peer = b"\1" * 32, bytes.fromhex("002408011220") + bytes(32)

        def ad(**more):
            return ltms.sign_ad(secret, peer, 1, 2, [1], network="reg", **more)

        for authority, said in (
            ((), "(identity, sequence)"), ((ID,), "not 1 values"),
            ((ID, 1, 2), "signature"), ((ID, 1, 2, SIGNATURE, 5), "not 5 values"),
            ((ID[1:], 1), "an identity id is 64"), ((b"short", 1), "an identity id is 32"),
            (("x" * 64, 1), "identity id"), ((ID, -1), "sequence"), ((ID, 2**64), "sequence"),
            ((ID, 1, -1, SIGNATURE), "time"), ((ID, 1, 2, b""), "signature is 64 bytes"),
        ):  # fmt: skip
            self.refused(lambda: ad(authority=authority), said)
            self.refused(lambda: ltms.sign_withdrawal(secret, 1, authority=authority), said)
            self.refused(lambda: ltms.sign_hello(secret, peer, peer, HASH, authority), said)
        for authority in ([ID, 1], ID, {}, 7, (7, 1), (None, 1), (ID, "1"), (ID, 1, 2, "s")):
            self.assertRaises(TypeError, ad, authority=authority)
        for amount, said in (((), "(least, most)"), ((1,), "(least, most)"), ((1, -2), "satoshis")):
            self.refused(lambda: ad(amount=amount), said)
        for burn, said in (
            ((), "(raw transaction, output index"), ((b"", 0, ID, 0), "not 4 values"),
            ((b"", 0, "11", 0, []), "block hash"), ((b"", 0, ID, -1, []), "position"),
            ((b"", 0, ID, 0, [b"short"]), "32 bytes, not 5"),
        ):  # fmt: skip
            self.refused(lambda: ltms.sign_registration(secret, burn), said)
        for anchor, said in (((ID,), "(block hash, height)"), ((ID, -1), "height")):
            self.refused(lambda: ltms.verify_inclusion(b"", ID, 0, anchor), said)
        for items, said in (([()], "(public_key, message_hash"), ([(KEY, HASH)], "not 2 values")):
            self.refused(lambda: ltms.schnorr_verify_batch(items), said)
        self.refused(lambda: ltms.sighash(b"", 0, [(1,)]), "(satoshis, script)")

    def test_what_contains_itself_ends(self):
        loop = []
        loop.append(loop)
        deep = ()
        for _ in range(100_000):
            deep = (deep,)
        for wrong in (loop, [deep], [loop, (KEY, HASH, SIGNATURE)]):
            self.assertRaises((TypeError, ltms.InputError), ltms.schnorr_verify_batch, wrong)
        self.assertRaises(TypeError, ltms.merkle_root, b"", 0, loop)
        around = {}
        around["peers"] = around
        self.assertRaises(ltms.InputError, ltms.Gate, None, around)
        self.assertRaises(ltms.PolicyError, ltms.certificate, {"windows": around})
        # A tuple this deep is unwound by Python itself; it must not outlive the test by accident.
        while deep:
            [deep] = deep

    def test_secret_keys_out_of_range(self):
        for secret in (bytes(32), b"\xff" * 32):
            self.assertRaises(ltms.InvalidKeyError, ltms.schnorr_sign, secret, HASH)

    def test_scripts_that_no_burn_has(self):
        off_curve = b"\2" + bytes(31) + b"\5"
        self.assertRaises(ltms.InvalidKeyError, ltms.build_burn_script, off_curve)
        self.refused(lambda: ltms.build_burn_script(KEY, purpose=1), "together")
        self.refused(lambda: ltms.build_burn_script(KEY, identity_id=ID), "together")
        for purpose in (0, 7, 256, -1, 10**30, "rotation"):
            self.refused(lambda: ltms.build_burn_script(KEY, None, purpose, ID), "purpose")

    def test_a_failure_has_a_name(self):
        self.refused(lambda: ltms.Reputation().failure("sloth", 0), "failure", "sloth")

    def test_bytes_that_are_no_transaction(self):
        with self.assertRaisesRegex(ltms.TransactionError, "ends too early"):
            ltms.txid(b"")


if __name__ == "__main__":
    unittest.main()
