#!/usr/bin/env python3
"""Whether the documentation holds together: links lead somewhere, every page is in the book, the tests
that it names exist, and what benchmarks write has its place."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
TEST = re.compile(r"\bfn ([a-z0-9_]+)\s*\(")
WRITTEN = re.compile(r'report::write\("([a-z]+)"')
NAMED = re.compile(r"`([a-z0-9_]+)`")
# Pages with tables whose last column names tests, and the heading of their first.
NAMING = [("threats.md", "attack"), ("faults.md", "fault")]


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
        elif DOCS in path.parents and DOCS not in page.parents:
            yield f"{path.relative_to(ROOT)}: {link} leads out of the book"
        elif fragment and page.suffix == ".md":
            if fragment not in {anchor(heading) for heading in HEADING.findall(prose(page))}:
                yield f"{path.relative_to(ROOT)}: no heading for {link}"


def left_out():
    """Pages that the book's table of contents does not name."""
    listed = {(DOCS / link).resolve() for link in LINK.findall((DOCS / "SUMMARY.md").read_text())}
    for page in sorted(DOCS.rglob("*.md")):
        if page.name != "SUMMARY.md" and page.resolve() not in listed:
            yield f"{page.relative_to(ROOT)}: not in docs/SUMMARY.md"


def tests_named(page, first):
    """The tests in the last column of a page's tables whose first column has this heading."""
    inside = False
    for line in (DOCS / page).read_text().splitlines():
        inside = line.startswith("|") and (inside or line.startswith(f"| {first} |"))
        if inside:
            yield from NAMED.findall(line.strip("| ").split(" | ")[-1])


def missing_tests():
    """Tests that a page relies on and nobody runs."""
    sources = [*ROOT.glob("*/src/**/*.rs"), *ROOT.glob("*/tests/**/*.rs")]
    there = {name for source in sources for name in TEST.findall(source.read_text())}
    for page, first in NAMING:
        named = set(tests_named(page, first))
        if not named:
            yield f"docs/{page}: names no test"
        for name in sorted(named - there):
            yield f"docs/{page}: no test {name}"


def missing_blocks():
    """Tables that a benchmark writes and docs/benchmarks.md has no place for."""
    sources = [source.read_text() for source in ROOT.glob("*/benches/**/*.rs")]
    text = (DOCS / "benchmarks.md").read_text()
    for block in sorted({name for source in sources for name in WRITTEN.findall(source)}):
        for comment in (f"<!-- {block}: begin -->\n", f"<!-- {block}: end -->"):
            if text.count(comment) != 1:
                yield f"docs/benchmarks.md: not one {comment.strip()}"


def main():
    pages = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("*/README.md"))]
    faults = [fault for page in pages for fault in broken_links(page)]
    faults += [*left_out(), *missing_tests(), *missing_blocks()]
    named = {name for page, first in NAMING for name in tests_named(page, first)}
    print("\n".join(faults) or f"{len(pages)} pages, {len(named)} tests named")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
