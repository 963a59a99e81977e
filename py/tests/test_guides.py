"""What the README and the guide show runs as it is shown."""

import contextlib
import io
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Guides(unittest.TestCase):
    def run_page(self, page):
        blocks = BLOCK.findall((ROOT / page).read_text())
        self.assertTrue(blocks, page)
        told = io.StringIO()
        names = {"__name__": page}
        for block in blocks:
            self.assertLess(block.count("\n"), 100, "an example is short")
            with contextlib.redirect_stdout(told):
                exec(compile(block, page, "exec"), names)
        return told.getvalue()

    def test_the_readme(self):
        told = self.run_page("py/README.md")
        self.assertIn("peer 1: {'new': 6}", told)
        self.assertIn("'too-soon'", told)

    def test_the_guide(self):
        told = self.run_page("docs/api-python.md")
        self.assertIn("settle_ad accept new", told)


if __name__ == "__main__":
    unittest.main()
