"""First paint: what a browser that has seen nothing yet loads for each kind of page, over the network, compressed, with styles and scripts.

`python -m bench.pages` needs the extra `serve`, Playwright and a Chromium. It opens `camelopard demo --serve` with its day of traffic, signs in, follows
every link, and looks at one page of each kind in a browser of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from bench.machine import RESULTS, where

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
LONGEST = 300.0  # seconds until the demo's pages are there
NEW = "a sentence that I keep"
NO_PAGES = ("/static", "/openapi", "/metrics", "/sign-out")
EVERY_PICTURE = "Promise.all([...document.images].map(image => { image.loading = 'eager'; return image.decode().catch(() => {}); }))"


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, str]]:
    """Open the demo's pages; yield their address and the one-time password of the admin."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "camelopard.cli.main", "demo", "--serve", "--port", str(port), "--output", str(folder / "report.html")]
    said = folder / "said.txt"
    with said.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    address, start = f"http://127.0.0.1:{port}", time.perf_counter()
    try:
        while not (word := re.search(r"one-time\s+password\s+(\S+?)[.,]?\s", said.read_text())) or not _answers(address):
            if process.poll() is not None or time.perf_counter() - start > LONGEST:
                raise SystemExit(f"the demo does not answer:\n{said.read_text()[-2000:]}")
            time.sleep(0.2)
        yield address, word[1]
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/sign-in"):
            return True
    except OSError:
        return False


def sign_in(page: Page, address: str, word: str) -> None:
    """Sign in for the first time, and choose a password."""
    page.goto(f"{address}/models")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(word)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("one-time password").fill(word)
    page.locator("input[name=new]").fill(NEW)
    page.locator("input[name=again]").fill(NEW)
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url(f"{address}/models**")


def kind_of(address: str) -> str:
    """Return what pages that look alike have in common: their place without names, numbers, and what was asked for.

    >>> kind_of("/models/incomes/versions/3?from=1"), kind_of("/traffic/0192aabbccdd")
    ('/models/…/versions/…', '/traffic/…')
    """
    parts = urlsplit(address).path.split("/")
    named = ("models", "people", "traffic", "versions")
    after = ["", *parts]
    return "/".join("…" if before in named and part and part not in ("new",) else part for before, part in zip(after, parts, strict=False))


def size(browser: Browser, address: str, place: str, signed_in: str | None) -> float:
    """Return what a page loads, in KB, in a browser that has seen nothing yet."""
    context = browser.new_context(storage_state=signed_in, viewport={"width": 1280, "height": 900})
    page, loaded = context.new_page(), []
    page.on("requestfinished", lambda request: loaded.append(request))
    said = page.goto(f"{address}{place}")
    assert said is not None and said.ok, place
    page.evaluate(EVERY_PICTURE)
    total: int = sum(request.sizes()["responseBodySize"] for request in loaded)
    context.close()
    return total / 1e3


def measured(browser: Browser, address: str, word: str, folder: Path) -> dict[str, dict[str, float | str]]:
    """Return the size of one page of each kind, by kind."""
    first = browser.new_context()
    page, state = first.new_page(), str(folder / "signed-in.json")
    sign_in(page, address, word)
    first.storage_state(path=state)
    found: dict[str, dict[str, float | str]] = {"/sign-in": {"kb": size(browser, address, "/sign-in", None)}}
    waiting = ["/models"]
    while waiting:
        place = waiting.pop(0)
        if (kind := kind_of(place)) in found:
            continue
        said = page.goto(f"{address}{place}")
        if said is None or "text/html" not in said.headers.get("content-type", ""):
            continue
        found[kind] = {"kb": size(browser, address, place, state)}
        print(f"{kind:40}{found[kind]['kb']:8.1f} KB", flush=True)
        for link in page.eval_on_selector_all("a[href]:not([download])", "all => all.map(a => a.getAttribute('href'))"):
            to = urlsplit(urljoin(f"{address}{place}", link))
            if f"{to.scheme}://{to.netloc}" == address and not to.path.startswith(NO_PAGES):
                waiting.append(to.path + (f"?{to.query}" if to.query else ""))
    first.close()
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place, demo(Path(place)) as (address, word), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        found = measured(browser, address, word, Path(place))
        browser.close()
    (RESULTS / "pages.json").write_text(json.dumps({"where": where(), "pages": found}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
