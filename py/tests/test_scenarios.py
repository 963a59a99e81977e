"""Every scenario of the independent model, played on a Gate through the package."""

import unittest

import ltms
import vectors
from scenarios import LAST, Player

# Operations that are shown before the one that differs.
SHOWN = 3


def is_sayable(op):
    """The core is asked more than a message can say: a rotation of number 0, the end of time."""
    return op["now"] <= LAST and (op.get("what") != "rotation" or op.get("sequence", 0) > 0)


class Scenarios(unittest.TestCase):
    def play(self, policies, scenario):
        """As far as the package can be asked; how many operations that are."""
        player = Player(policies, scenario)
        self.assertTrue(scenario["ops"], scenario["name"])
        for number, op in enumerate(scenario["ops"]):
            if not is_sayable(op):
                self.assertRaises(ltms.InputError, player.play, op)
                return number
            got = player.play(op)
            if got != op.get("want"):
                before = scenario["ops"][max(0, number - SHOWN) : number + 1]
                self.fail(f"operation {number}: {got!r}\n  " + "\n  ".join(map(str, before)))
        return len(scenario["ops"])

    def test_every_scenario_goes_as_the_model_says(self):
        policies = vectors.document("scenarios.json")["policies"]
        played = whole = 0
        for kind in ("curated", "random"):
            for scenario in vectors.cases("scenarios.json", kind):
                with self.subTest(scenario["name"]):
                    played += self.play(policies, scenario)
                    whole += len(scenario["ops"])
        self.assertGreater(played, whole * 4 / 5, "as far as they go")

    def test_another_answer_than_the_wanted_one_is_a_difference(self):
        told = vectors.document("scenarios.json")
        scenario = told["curated"][0]
        self.assertEqual(scenario["ops"][0]["want"], "clear")
        scenario["ops"][0]["want"] = ["clear", 1]
        with self.assertRaisesRegex(AssertionError, "operation 0: 'clear'"):
            self.play(told["policies"], scenario)


if __name__ == "__main__":
    unittest.main()
