"""What help(ltms) tells is there for everything, and its examples run."""

import doctest
import inspect
import unittest

import ltms

# Names that other tools use, and what nobody finds out by himself: they have an example.
SHOWN = {
    "Connection", "ChainClock", "Decision", "Gate", "LtmsError", "Reason", "Reputation",
    "build_burn_script", "certificate", "default_policy", "identity_id", "parse_bits",
    "parse_burn_script", "parse_envelope", "parse_transaction", "policy_fields", "schnorr_sign",
    "schnorr_verify", "schnorr_verify_batch", "txid", "verify_txoutproof",
}  # fmt: skip


def told():
    """Everything that help() shows of the package's own, by its name."""
    yield "ltms", ltms
    for name in ltms.__all__:
        it = getattr(ltms, name)
        if name == "__version__":
            continue
        yield name, it
        if isinstance(it, type):
            for member in vars(it):
                value = getattr(it, member)
                if not member.startswith("_") and not isinstance(value, (str, it)):
                    yield f"{name}.{member}", value


class Help(unittest.TestCase):
    def test_everything_is_explained(self):
        for name, it in told():
            with self.subTest(name):
                text = inspect.getdoc(it)
                self.assertTrue(text and len(text) > 20, text)
                self.assertIn(text.split("\n\n")[0].rstrip()[-1], ".:", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 104, text)

    def test_examples_say_what_comes_out(self):
        runner = doctest.DocTestRunner(
            optionflags=doctest.ELLIPSIS
        )
        shown = set()
        for name, it in told():
            found = doctest.DocTestParser().get_doctest(inspect.getdoc(it), {}, name, None, 0)
            if found.examples:
                shown.add(name)
                with self.subTest(name):
                    said = []
                    result = runner.run(found, out=said.append)
                    self.assertEqual(result.failed, 0, "".join(said))
        self.assertEqual(SHOWN - shown, set())
        self.assertIn("ltms", shown)


if __name__ == "__main__":
    unittest.main()
