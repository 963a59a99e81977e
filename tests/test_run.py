"""The runner must never call a run green that was not."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from run import Step, judge, run  # noqa: E402

TESTS = Step("test", [], counts_tests=True)
PLAIN = Step("fmt", [])
OK = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n"
BAD = "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n"


def summed(step, succeeded, output):
    outcome = judge(step, succeeded, "" if succeeded else "exit code 101", output)
    return outcome.passed, outcome.failed


class Judge(unittest.TestCase):
    def test_results_are_summed(self):
        self.assertEqual(summed(TESTS, True, OK + "other\n" + OK), (6, 0))
        self.assertEqual(summed(TESTS, False, OK + BAD), (5, 1))

    def test_a_crash_without_a_failed_test_fails(self):
        self.assertEqual(summed(TESTS, False, OK), (3, 1))
        self.assertEqual(summed(TESTS, False, "error: could not compile"), (0, 1))

    def test_no_test_at_all_fails(self):
        empty = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n"
        self.assertEqual(summed(TESTS, True, ""), (0, 1))
        self.assertEqual(summed(TESTS, True, empty), (0, 1))

    def test_what_a_test_prints_is_not_a_result(self):
        self.assertEqual(summed(TESTS, True, OK + "  said: " + BAD), (3, 0))

    def test_only_a_step_that_may_is_skipped_and_says_why(self):
        skipped = judge(Step("page", [], may_skip=True), False, "exit code 77", "$ page\nno browser\n")
        self.assertEqual((skipped.passed, skipped.failed, skipped.note), (0, 0, "no browser"))
        self.assertEqual(judge(PLAIN, False, "exit code 77", "no browser\n").failed, 1)
        self.assertEqual(judge(Step("page", [], may_skip=True), False, "exit code 1", "x\n").failed, 1)

    def test_another_step_counts_as_one(self):
        self.assertEqual(summed(PLAIN, True, OK), (1, 0))
        self.assertEqual(summed(PLAIN, False, OK), (0, 1))


class Run(unittest.TestCase):
    def outcome(self, *commands, minutes=1):
        with tempfile.TemporaryDirectory() as folder:
            return run(Step("step", list(commands), minutes=minutes), Path(folder) / "log")

    def test_the_first_failure_ends_the_step(self):
        true, false = [sys.executable, "-c", ""], [sys.executable, "-c", "raise SystemExit(3)"]
        self.assertEqual(self.outcome(true, true), (True, ""))
        self.assertEqual(self.outcome(true, false, true), (False, "exit code 3"))

    def test_a_missing_command_fails(self):
        succeeded, why = self.outcome(["ltms-no-such-command"])
        self.assertFalse(succeeded)
        self.assertIn("No such file", why)

    def test_a_hanging_command_is_ended(self):
        hang = [sys.executable, "-c", "import time; time.sleep(600)"]
        self.assertEqual(self.outcome(hang, minutes=0), (False, "not done within 0 min"))


if __name__ == "__main__":
    unittest.main()
