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
