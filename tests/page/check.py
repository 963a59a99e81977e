#!/usr/bin/env python3
"""Looks at the status page of a real node with a real browser.

    python3 tests/page/check.py            all checks
    python3 tests/page/check.py --pictures FOLDER   and screenshots of what was looked at

Builds `ltms` and its neighbours, starts a node on the recorded chain and opens its page in
Chromium, which is installed where it is missing and apt is usable. Where it is not, nothing is
looked at, and the exit code is 77.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import chromium

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
PICTURES: Path | None = None
BROWSER = ""
SKIPPED = 77  # as tests/run.py knows it

# The least ratio of contrast between a text and what is behind it, as WCAG 2 computes it.
CONTRAST = """(() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = (color) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = color; paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (color) => color.map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility({visibilityProperty: true})) continue;
    if (element.closest('noscript, .unseen, .skip, style, script')) continue;
    const style = getComputedStyle(element);
    const behind = ground(element);
    const ink = over(parse(element instanceof SVGElement ? style.fill : style.color), behind);
    const [a, b] = [light(ink), light(behind)].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    found.push({ratio: (a + 0.05) / (b + 0.05), needs: large ? 3 : 4.5,
      text: walk.currentNode.data.trim().slice(0, 40), where: element.tagName + '.' + element.className});
  }
  return found;
})()"""


class World:
    """A node with neighbours and a ban of the operator's."""

    def __init__(self, *args: str, alone: bool = False, **variables: str):
        self.folder = tempfile.TemporaryDirectory()
        token = Path(self.folder.name, "token")
        self.log = Path(self.folder.name, "log").open("w+")
        self.node = subprocess.Popen(
            [TARGET / "ltms", "node", "--dev-chain", "--capacity", "small", "--admin-http",
             "127.0.0.1:0", "--admin-token-file", token, "--log", "ltms=info", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **variables})
        address = self.node.stdout.readline().split()[-1]
        # The node says on stderr where it answers.
        for line in self.node.stderr:
            self.log.write(line)
            if "http://" in line:
                self.url = "http://" + line.split("http://")[1].split()[0].strip()
                break
        self.token = token.read_text().strip()
        self.processes = [self.node]
        if alone:
            return
        self.neighbours = subprocess.Popen(
            [TARGET / "examples" / "neighbours", address], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.processes.insert(0, self.neighbours)
        assert self.neighbours.stdout.readline() == "ready\n", "the neighbours did not come"
        self.peer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
        self.ask(f"/api/v1/peers/{self.peer}/ban", "POST")

    def ask(self, path: str, method: str = "GET"):
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        self.folder.cleanup()


# What a node that has been busy for an hour answers, made of what this one answers: an hour of
# samples, a burn and a score of every size, bans that the breaker holds back.
BUSY = """(() => {
  const real = window.fetch;
  window.asItIs = () => { window.fetch = real; };
  const change = {
    status: (body) => {
      Object.assign(body.metrics, {posture: 1, breaker_open: true, sanctions_held: 1,
        total_burned: 910720123456, average_burn_per_identity: 14455870222});
    },
    history: (body) => {
      const step = body.span / 360, now = body.samples.at(-1);
      body.samples = [...Array(360).keys()].map((n) => ({...now, at: now.at - (359 - n) * step,
        active_peers: n % 3, accepted: n * 5, ignored: n > 200 ? n * 900 : n, rejected: n, signature_checks: n}));
    },
    bans: (body) => {
      const ban = body.bans[0];
      body.bans.push({...ban, subject: 'held', reason: 'too-soon', since: null, by_operator: false,
        until: Date.now() + 42000, held: true});
      body.bans.push({...ban, subject: 'long', until: Date.now() + 30.5 * 3600000});
      body.total += 2;
    },
    identities: (body) => {
      const one = body.identities[0];
      one.burned = 123456000008; one.tier = 'institutional';
      one.standing = {...one.standing, score: 7, completed: 1234, failed: 12, keys: {count: 100, limit: 100}};
    },
  };
  window.fetch = async (path, options) => {
    const answer = await real(path, options);
    const found = Object.keys(change).find((part) => path.includes(part));
    if (!answer.ok || !found) return answer;
    const body = await answer.json();
    change[found](body);
    return new Response(JSON.stringify(body));
  };
  document.querySelector('[value=hour]').click();
})()"""

# Numbers that are broken over two lines: figures in their digits, cells of tables anywhere.
BROKEN = """[...document.querySelectorAll('#figures dd:nth-of-type(1), td.number > div')]
  .filter((e) => e.checkVisibility()).map((e) => {
    const range = document.createRange(), text = document.createTreeWalker(e, NodeFilter.SHOW_TEXT).nextNode();
    range.selectNodeContents(e);
    if (e.tagName === 'DD') range.setEnd(text, text.data.search(/[^0-9.,]|$/));
    const lines = [...range.getClientRects()].map(({top, bottom}) => (top + bottom) / 2);
    return [Math.max(...lines) - Math.min(...lines), e.textContent];
  }).filter(([apart]) => apart > 12).map(([, text]) => text)"""


class Pages(unittest.TestCase):
    """A page with a node's status, and what holds whatever it shows."""

    def text(self, selector: str) -> str:
        return self.page.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def tearDown(self):
        """Nobody complained, and nothing of a peer's words ran."""
        self.assertEqual(self.page.complaints, [])
        self.assertFalse(self.page.run("'owned' in window || document.title === 'owned'"))
        self.assertNotIn("[object", self.page.run("document.body.textContent"))

    def picture(self, name: str):
        if PICTURES:
            self.page.picture(PICTURES / f"{name}.png")

    def enter(self, token: str):
        self.page.until("!document.getElementById('login').hidden")
        self.page.run("document.getElementById('token').focus()")
        self.page.write(token)
        self.page.press("Enter", 13, text="\r")

    def contrast(self, what: str):
        found = self.page.run(CONTRAST)
        self.assertGreater(len(found), 5)
        low = [text for text in found if text["ratio"] < text["needs"]]
        self.assertEqual(low, [], what)


class GuardedNode(Pages):
    """A node without anybody, whose store cannot be read."""

    @classmethod
    def setUpClass(cls):
        cls.data = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.data.cleanup)
        Path(cls.data.name, "reg").mkdir()
        Path(cls.data.name, "reg", "ltms.sqlite").write_bytes(b"no database" * 1000)
        cls.world = World("--data-dir", cls.data.name, alone=True, LTMS_STORE_ON_ERROR="guarded")
        cls.addClassCleanup(cls.world.stop)
        cls.page = chromium.Page(BROWSER)
        cls.addClassCleanup(cls.page.close)
        cls.page.resize(390, 844)
        cls.page.go(cls.world.url + "/")

    def test_it_says_that_it_is_guarded_and_what_to_do_about_each_empty_list(self):
        self.enter(self.world.token)
        self.page.until("!document.getElementById('node').hidden")
        self.assertIn("Guarded", self.text("#posture .name"))
        self.assertIn("Mend the store", self.text("#posture .what"))
        self.assertIn("Guarded", self.page.run("document.title"))
        for section, advice in (("bans", "ltms peers ban"), ("identities", "ltms identity register"),
                                ("connections", "--bootstrap"), ("directory", "Nobody advertises")):
            self.assertIn(advice, self.text(f"#{section} .empty"))
            self.assertTrue(self.page.run(f"document.querySelector('#{section} table').hidden"), section)
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")):
            self.page.prefer(scheme)
            self.page.resize(width, 844)
            self.contrast(f"guarded, {scheme}")
            self.picture(f"guarded-{width}-{scheme}")


class StatusPage(Pages):
    """One story, in the order of the names: each step goes on where the last one ended."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.stop)
        cls.page = chromium.Page(BROWSER)
        cls.addClassCleanup(cls.page.close)
        cls.page.resize(1280, 900)
        cls.page.prefer("light")
        cls.page.go(cls.world.url + "/")

    def test_01_the_page_asks_for_the_token_and_holds_no_data(self):
        self.page.until("!document.getElementById('login').hidden")
        self.assertEqual(self.page.run("document.activeElement.id"), "token")
        self.assertNotIn("12D3", self.page.run("document.documentElement.innerHTML"))
        self.contrast("login")
        self.picture("login")

    def test_02_a_wrong_token_is_said_to_be_wrong_and_what_to_do(self):
        self.enter("not the token")
        self.page.until("!document.getElementById('problem').hidden")
        self.assertIn("--admin-token-file", self.text("#problem"))
        self.assertIsNone(self.page.run("sessionStorage.getItem('ltms-token')"))
        self.contrast("wrong")
        # The browser notes the refusals themselves.
        refused = [text for text in self.page.complaints if "401" in text]
        self.assertEqual(refused, self.page.complaints)
        self.page.complaints.clear()

    def test_03_the_right_token_shows_the_node(self):
        self.enter(self.world.token)
        self.page.until("!document.getElementById('node').hidden")
        self.assertEqual(self.text("#posture .name"), "Normal")
        self.assertEqual(self.text("#breaker .name"), "Closed")
        self.assertEqual(self.text("#network"), "reg")
        self.assertIn("ltms reg", self.page.run("document.title"))
        figures = self.text("#figures")
        for part in ("Peers", "Identities", "200 XPI", "Banned peers", "DHT queries"):
            self.assertIn(part, figures)
        self.assertNotIn(self.world.token, self.page.run("location.href + document.documentElement.innerHTML"))

    def test_04_every_list_has_what_the_node_knows(self):
        status = self.world.ask("/api/v1/status")
        self.assertEqual(self.page.run("document.querySelectorAll('#identities tbody tr').length"), 4)
        self.assertEqual(self.page.run("document.querySelectorAll('#directory tbody tr').length"), 4)
        self.assertIn("basic", self.text("#identities"))
        self.assertIn("malformed", self.text("#verdicts"))
        self.assertIn(status["peer"], self.text("#peer"))
        bans = self.text("#bans")
        self.assertIn(self.world.peer, bans)
        self.assertIn("by the operator", bans)
        listed = self.world.ask("/api/v1/bans")["bans"]
        automatic = next(ban for ban in listed if not ban["by_operator"])
        self.assertIn(automatic["subject"], bans)
        self.assertIn(automatic["evidence"], bans)

    def test_05_a_peers_words_are_shown_as_text(self):
        self.assertIn("<img src=x onerror=", self.text("#connections"))
        self.assertEqual(self.page.run("document.querySelectorAll('#node img, #node script').length"), 0)
        inside = self.page.run("""(() => {
          try { document.querySelector('#peer').innerHTML = '<b>'; return 'taken'; }
          catch (error) { return error.name; }
        })()""")
        self.assertEqual(inside, "TypeError", "the browser itself refuses markup")
        self.page.complaints.clear()

    def test_06_charts_are_drawn_and_read_by_keyboard(self):
        self.page.until("document.querySelectorAll('.chart .line[d*=L]').length >= 6")
        self.assertEqual(self.page.run("document.querySelectorAll('.chart').length"), 6)
        self.page.run("document.querySelector('.chart > svg').focus()")
        now = self.page.run("document.activeElement.getAttribute('aria-valuetext')")
        self.page.press("Home", 36)
        then = self.page.run("document.activeElement.getAttribute('aria-valuetext')")
        self.assertTrue(now.startswith("now: accepted") and not then.startswith("now"), (now, then))
        self.assertEqual(self.page.run("document.querySelectorAll('.cursor circle').length"), 3)
        self.page.press("Escape", 27)
        self.assertEqual(self.page.run("document.querySelectorAll('.cursor circle').length"), 0)
        self.page.run("document.querySelector('[value=day]').click()")
        self.page.until("document.querySelector('[value=day]').checked")

    def test_07_everything_is_reached_by_keyboard_and_seen_to_be(self):
        # From the top, where a tab begins.
        self.page.run("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
        seen = []
        for _ in range(60):
            self.page.press("Tab", 9)
            stop = self.page.run("""(() => {
              const e = document.activeElement, s = getComputedStyle(e);
              const marked = e.matches('input[type=radio]') ? getComputedStyle(e.nextElementSibling) : s;
              return [e.id || e.getAttribute('class') || e.getAttribute('href') || e.getAttribute('aria-label') || e.textContent,
                marked.outlineStyle !== 'none' && parseFloat(marked.outlineWidth) >= 2, e === document.body];
            })()""")
            if stop[2]:
                break
            seen.append(stop[0])
            self.assertTrue(stop[1], f"focus is not seen on {stop[0]}")
        self.assertEqual(seen[0], "skip")
        for part in ("forget", "#bans", "Peers", "plain"):
            self.assertTrue(any(part in stop for stop in seen), f"{part} not in {seen}")

    def test_08_tables_and_regions_have_names_for_those_who_listen(self):
        tree = self.page.send("Accessibility.getFullAXTree")["nodes"]
        def named(role):
            return [node["name"]["value"] for node in tree
                    if not node["ignored"] and node["role"]["value"] == role]
        self.assertIn("Bans in force, the newest first, after what the breaker holds back", named("table"))
        self.assertIn("Evidence", named("columnheader"))
        self.assertIn("Bans", named("region"))
        self.assertTrue(all(named("button")), named("button"))
        self.assertEqual(self.page.run("document.querySelector('#posture').ariaLive"), "polite")
        self.assertEqual(self.page.run("document.querySelectorAll('h1').length"), 1)

    def test_09_colours_can_be_read_in_light_and_dark(self):
        for scheme in ("light", "dark"):
            self.page.prefer(scheme)
            self.contrast(scheme)
            self.picture(f"1280-{scheme}")
        self.page.prefer("light")

    def test_10_a_phone_does_not_scroll_sideways(self):
        for scheme in ("light", "dark"):
            self.page.prefer(scheme)
            self.page.resize(360, 740)
            wide = self.page.run("""[document.documentElement.scrollWidth,
              [...document.querySelectorAll('main *')].filter((e) => e.checkVisibility()
                && !e.closest('nav, .unseen, thead, svg') && e.getBoundingClientRect().right > 361)
                .map((e) => e.tagName + '.' + e.className)]""")
            self.assertEqual(wide, [360, []])
            self.contrast(f"phone, {scheme}")
            self.picture(f"360-{scheme}")
        small = self.page.run("""[...document.querySelectorAll('button, nav a')]
            .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 24).length""")
        self.assertEqual(small, 0, "too small for a finger")
        self.page.prefer("light")
        self.page.resize(1280, 900)

    def test_11_numbers_of_a_busy_node_fit_and_what_is_held_comes_first(self):
        self.page.run(BUSY)
        self.page.until("document.querySelector('#bans tbody').innerText.includes('held')")
        self.assertEqual(self.text("#breaker .name"), "Open")
        first = self.text("#bans tbody tr")
        self.assertIn("not yet begun: in ", first)
        self.assertIn("in 1 day 6 hours", self.text("#bans"))
        self.assertIn("910,720 XPI", self.text("#figures"))
        charts = self.text("#charts")
        self.assertIn("1 hour ago", charts)
        peers = self.page.run("[...document.querySelectorAll('.chart')[1].querySelectorAll('text.end')].map((e) => e.textContent)")
        self.assertEqual(peers, ["0", "1", "2", "now"], "no half of a peer")
        self.assertIn("spend, swap", self.text("#directory"))
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"), (360, "light")):
            self.page.prefer(scheme)
            self.page.resize(width, 844)
            self.assertEqual(self.page.run("document.documentElement.scrollWidth"), width)
            self.assertEqual(self.page.run(BROKEN), [], f"broken at {width}")
            self.contrast(f"busy, {scheme}")
            self.picture(f"busy-{width}-{scheme}")
        self.page.resize(1280, 900)
        self.page.prefer("light")
        self.page.run("asItIs(); document.querySelector('[value=day]').click()")
        self.page.until("document.getElementById('breaker').innerText.includes('Closed')")

    def test_12_a_ban_is_lifted_after_a_question(self):
        row = f"[...document.querySelectorAll('#bans tbody tr')].find((row) => row.innerText.includes('{self.world.peer}'))"
        self.page.run(f"{row}.querySelector('button').focus()")
        self.page.press("Enter", 13, text="\r")
        self.page.until("document.getElementById('confirm').open")
        self.assertIn(self.world.peer, self.text("#confirm"))
        self.assertEqual(self.page.run("document.activeElement.id"), "confirm-no")
        self.contrast("question")
        self.picture("question")
        self.page.press("Escape", 27)
        self.page.until("!document.getElementById('confirm').open")
        kept = [ban["subject"] for ban in self.world.ask("/api/v1/bans")["bans"]]
        self.assertIn(self.world.peer, kept, "a question that is put aside lifts nothing")
        self.page.run(f"{row}.querySelector('button').click()")
        self.page.run("document.getElementById('confirm-yes').click()")
        self.page.until(f"!document.querySelector('#bans').innerText.includes('{self.world.peer}')")
        self.assertIn("is lifted", self.text("#done"))
        left = [ban["subject"] for ban in self.world.ask("/api/v1/bans")["bans"]]
        self.assertNotIn(self.world.peer, left)
        self.page.until("document.activeElement.id === 'bans-title'")

    def test_13_less_motion_is_granted(self):
        self.page.prefer("light", "reduce")
        self.assertEqual(self.page.run("getComputedStyle(document.documentElement).scrollBehavior"), "auto")
        self.page.prefer("light")

    def test_14_every_answer_is_restricted(self):
        for path in ("/", "/page.js", "/healthz", "/metrics"):
            request = urllib.request.Request(self.world.url + path, headers={"Authorization": f"Bearer {self.world.token}"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                policy = answer.headers["Content-Security-Policy"]
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(answer.headers["Cache-Control"], "no-store")
            for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                         "img-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
                self.assertIn(part, policy, path)

    def test_15_a_node_that_is_gone_is_said_to_be_gone(self):
        self.world.node.send_signal(signal.SIGTERM)
        self.world.node.wait(timeout=20)
        self.page.until("!document.getElementById('problem').hidden")
        self.assertIn("does not answer", self.text("#problem"))
        self.assertIn("old", self.text("#problem"))
        self.assertFalse(self.page.run("document.getElementById('node').hidden"), "what was known stays")
        self.picture("gone")
        gone = [text for text in self.page.complaints if "ERR_CONNECTION_REFUSED" in text or "ERR_" in text]
        self.assertEqual(gone, self.page.complaints)
        self.page.complaints.clear()

    def test_16_the_token_is_forgotten_when_told(self):
        self.page.run("document.getElementById('forget').click()")
        self.page.until("!document.getElementById('login').hidden")
        self.assertEqual(self.page.run("sessionStorage.length"), 0)
        self.assertTrue(self.page.run("document.getElementById('node').hidden"))
        self.page.complaints.clear()


def main() -> int:
    global PICTURES, BROWSER
    parser = argparse.ArgumentParser(description="Look at the status page with a browser.")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    PICTURES = args.pictures
    found = chromium.find() or chromium.install()
    if not found:
        print("chromium is missing and apt cannot install it: the page is not looked at")
        return SKIPPED
    BROWSER = found
    subprocess.run(["cargo", "build", "--locked", "-p", "ltms-net", "--bin", "ltms", "--example",
                    "neighbours"], cwd=ROOT, check=True)
    started = time.monotonic()
    suite = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromTestCase, (GuardedNode, StatusPage)))
    result = unittest.TextTestRunner(verbosity=2, failfast=True).run(suite)
    print(f"looked at the page in {time.monotonic() - started:.1f} s")
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
