"""Enums, decisions and reputation, by the core's names and numbers."""

import unittest

import ltms
from ltms import _ltms


class Names(unittest.TestCase):
    def test_reasons_are_all_that_the_core_has(self):
        self.assertEqual([reason.value for reason in ltms.Reason], _ltms._reasons())
        for reason in ltms.Reason:
            self.assertEqual(reason.name, reason.value.upper().replace("-", "_"))
            self.assertIsInstance(reason.verdict, ltms.Verdict)
            self.assertTrue(reason.meaning.endswith("."), reason)

    def test_a_reason_is_its_name_and_has_a_number(self):
        reason = ltms.Reason("too-soon")
        self.assertIs(reason, ltms.Reason.TOO_SOON)
        self.assertEqual((reason, str(reason), int(reason)), ("too-soon", "too-soon", 20))
        self.assertIs(reason.verdict, ltms.Verdict.IGNORE)

    def test_the_other_enums_have_the_core_s_numbers(self):
        self.assertEqual([int(verdict) for verdict in ltms.Verdict], [0, 1, 2])
        self.assertEqual([int(failure) for failure in ltms.Failure], [1, 2, 3, 4])


class Reputation(unittest.TestCase):
    def test_the_policy_s_own_sequence(self):
        subject, now = ltms.Reputation(), 1_763_800_000_000
        self.assertEqual(subject.score(now), 50)
        subject.success(5_000, now)
        self.assertEqual(subject.score(now), 80)
        subject.failure(ltms.Failure.TIMEOUT, now)
        self.assertEqual(subject.score(now), 75)
        subject.success(5_000, now)
        self.assertEqual((subject.score(now), subject.completed, subject.failed), (56, 2, 1))

    def test_failures_by_their_names(self):
        for name, score in [
            ("timeout", 45), ("disconnect", 40), ("invalid_signature", 30), ("abort", 47)
        ]:
            subject = ltms.Reputation()
            subject.failure(name, 0)
            self.assertEqual(subject.score(0), score, name)


if __name__ == "__main__":
    unittest.main()
