#!/usr/bin/env python3
"""Whether the documentation holds together: links lead somewhere, every page is in the book, and the
tests that the threat model names exist."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
TEST = re.compile(r"\bfn ([a-z0-9_]+)\s*\(")
NAMED = re.compile(r"`([a-z0-9_]+)`")


def prose(path):
    """A page without its code blocks."""
    return FENCE.sub("", path.read_text())


def anchor(heading):
    """The fragment under which a heading is found."""
    words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return words.replace(" ", "-")


def broken_links(path):
    """Links to files or headings that are not there."""
    for link in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, fragment = link.partition("#")
        page = (path.parent / target).resolve() if target else path
        if not page.exists():
            yield f"{path.relative_to(ROOT)}: no file for {link}"
        elif fragment and page.suffix == ".md":
            if fragment not in {anchor(heading) for heading in HEADING.findall(prose(page))}:
                yield f"{path.relative_to(ROOT)}: no heading for {link}"


def left_out():
    """Pages that the book's table of contents does not name."""
    listed = {(DOCS / link).resolve() for link in LINK.findall((DOCS / "SUMMARY.md").read_text())}
    for page in sorted(DOCS.rglob("*.md")):
        if page.name != "SUMMARY.md" and page.resolve() not in listed:
            yield f"{page.relative_to(ROOT)}: not in docs/SUMMARY.md"


def tests_named():
    """The tests in the last column of the threat model's tables of attacks."""
    attacks = False
    for line in (DOCS / "threats.md").read_text().splitlines():
        attacks = line.startswith("|") and (attacks or line.startswith("| attack |"))
        if attacks:
            yield from NAMED.findall(line.strip("| ").split(" | ")[-1])


def missing_tests():
    """Tests that the threat model relies on and nobody runs."""
    sources = [*ROOT.glob("*/src/**/*.rs"), *ROOT.glob("*/tests/**/*.rs")]
    there = {name for source in sources for name in TEST.findall(source.read_text())}
    named = list(tests_named())
    if not named:
        yield "docs/threats.md: names no test"
    for name in sorted(set(named) - there):
        yield f"docs/threats.md: no test {name}"


def main():
    pages = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("*/README.md"))]
    faults = [fault for page in pages for fault in broken_links(page)]
    faults += [*left_out(), *missing_tests()]
    print("\n".join(faults) or f"{len(pages)} pages, {len(set(tests_named()))} tests named")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
