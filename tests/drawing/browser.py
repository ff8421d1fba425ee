"""A headless Chromium that tests drive through a pipe, in its DevTools protocol: no driver and no library is needed."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

# Where TINYGRAD_KO_BROWSER is "required", as in .ci/run, tests that need a browser fail without one; elsewhere they are skipped.
REQUIRED = os.environ.get("TINYGRAD_KO_BROWSER") == "required"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# As root Chromium starts without a sandbox only, and /dev/shm may be small in a container.
_OPTIONS = [
    *(
        "--headless",
        "--remote-debugging-pipe",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
    ),
    *("--hide-scrollbars", "--mute-audio", "--disable-extensions", "--disable-sync", "--disable-component-update"),
    "--disable-background-networking",
]
_PATIENCE = 60.0  # seconds


class Browser:
    """One Chromium, with one page at a time."""

    def __init__(self) -> None:
        assert CHROMIUM is not None
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        # Chromium reads commands from 3 and writes to 4, so none of ours may have these numbers.
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_read, theirs_write)]
        null = os.open(os.devnull, os.O_RDWR)
        moves = [(os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4)]
        moves += [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
        self.read, self.write = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (ours_read, ours_write))
        for fd in (ours_read, ours_write):
            os.close(fd)
        command = [CHROMIUM, *_OPTIONS, f"--user-data-dir={self.profile}", "about:blank"]
        self.process = os.posix_spawn(
            CHROMIUM, command, {**os.environ, "HOME": self.profile}, file_actions=moves, setpgroup=0
        )
        for fd in (theirs_read, theirs_write, null, *ends):
            os.close(fd)
        self.unread, self.number, self.session = b"", 0, ""
        self.complaints: list[str] = []  # errors of the page's program and of the console, requests to the network
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command and wait for its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self.number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _message(self) -> Any:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self.unread:
            assert select.select([self.read], [], [], max(0.0, until - time.monotonic()))[0], "Chromium does not answer"
            chunk = os.read(self.read, 1 << 20)
            assert chunk, "Chromium has ended"
            self.unread += chunk
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def _note(self, event: Any) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"].get("exception", params)))
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(params["args"]))
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Network.requestWillBeSent" if not params["request"]["url"].startswith(("file:", "data:", "about:")):
                self.complaints.append(f"asked for {params['request']['url']}")

    def open(self, path: Path, address: str = "", *, width: int = 1280, height: int = 800, **media: str) -> "Browser":
        """Show a file in a window of some size; `media` are features such as `prefers_color_scheme="dark"`. Forgets old complaints."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.ask("Page.navigate", url="about:blank")
        self.complaints.clear()
        self.ask("Page.navigate", url=path.resolve().as_uri() + address)
        until = time.monotonic() + _PATIENCE
        while not self.run("document.readyState === 'complete' && location.protocol === 'file:'"):
            assert time.monotonic() < until, "the page does not load"
            time.sleep(0.005)
        return self

    def run(self, program: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        answer = self.ask("Runtime.evaluate", expression=program, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key, as a reader does."""
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        codes = {
            "Tab": 9,
            "Enter": 13,
            " ": 32,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
            "Home": 36,
            "End": 35,
        }
        told = {"key": key, "windowsVirtualKeyCode": codes.get(key, 27 if key == "Escape" else ord(key[0].upper()))}
        told |= {"code": "Space"} if key == " " else {}
        told |= {"modifiers": 8} if shift else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **told)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **told)

    def text(self, selector: str) -> str:
        """What a reader sees of an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def screenshot(self) -> bytes:
        """The window as a PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        """End it, and remove what it has written."""
        os.close(self.write)
        os.close(self.read)
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        shutil.rmtree(self.profile, ignore_errors=True)
