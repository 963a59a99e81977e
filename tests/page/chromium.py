"""Chromium without a screen, driven over its DevTools pipe. Nothing but the standard library."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# It reads commands from descriptor 3 and writes to 4. Both ends are moved out of the way first.
LAUNCH = """import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])"""


def find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> str | None:
    """Debian's package, where apt and its rights are there; None where they are not."""
    if not shutil.which("apt-get"):
        return None
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and not shutil.which("sudo"):
        return None
    command = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in ([command], [["apt-get", "update"], command]):
        runs = (subprocess.run([*root, *part], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL).returncode for part in attempt)
        if all(code == 0 for code in runs):
            break
    return find()


class Page:
    """One tab. What the browser complains about is kept in `complaints`."""

    def __init__(self, browser: str):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self.out = os.pipe()
        self.inp, theirs_out = os.pipe()
        flags = ["--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
                 "--disable-dev-shm-usage", "--disable-background-networking",
                 "--disable-component-update", "--disable-extensions", "--hide-scrollbars",
                 f"--user-data-dir={self.folder.name}", "about:blank"]
        if os.geteuid() == 0:  # its sandbox refuses root
            flags.insert(0, "--no-sandbox")
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), browser, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number, self.session = b"", 0, None
        self.complaints: list[str] = []
        target = next(found for found in self.send("Target.getTargets")["targetInfos"]
                      if found["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.send(f"{domain}.enable")

    def close(self):
        for end in (self.out, self.inp):
            os.close(end)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def receive(self, deadline: float) -> dict:
        while b"\0" not in self.buffer:
            if not select.select([self.inp], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            chunk = os.read(self.inp, 1 << 20)
            if not chunk:
                raise EOFError("the browser is gone")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method: str, **params) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 40
        while (answer := self.receive(deadline)).get("id") != self.number:
            self.note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def note(self, event: dict):
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                text = details.get("exception", {}).get("description") or details["text"]
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                text = " ".join(str(arg.get("value")) for arg in params["args"])
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                text = f"{params['entry']['text']} {params['entry'].get('url', '')}"
            case _:
                return
        self.complaints.append(text)

    def run(self, script: str):
        """The value of an expression, awaited if it is a promise."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def until(self, condition: str, seconds: int = 30):
        """Waits until a condition holds, looking whenever the page changes."""
        holds = self.run(f"""new Promise((resolve) => {{
            const holds = () => Boolean({condition});
            if (holds()) return resolve(true);
            const seen = new MutationObserver(() => {{
                if (holds()) {{ seen.disconnect(); resolve(true); }}
            }});
            seen.observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}});
            setTimeout(() => resolve(holds()), {seconds * 1000});
        }})""")
        assert holds, f"waited {seconds} s in vain for: {condition}"

    def go(self, url: str):
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def press(self, key: str, code: int, modifiers: int = 0, text: str = ""):
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=modifiers,
                      windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "")

    def write(self, text: str):
        self.send("Input.insertText", text=text)

    def resize(self, width: int, height: int):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)

    def prefer(self, scheme: str, motion: str = "no-preference"):
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": motion}])

    def picture(self, path):
        self.run("scrollTo(0, 0)")
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"],
                               "height": min(size["height"], 8000), "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
