"""A gateway with its pages, a day of verdicts in its log, and a real browser in front of it."""

from __future__ import annotations

import datetime as dt
import importlib.util
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Array

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY = CHROMIUM is not None and all(importlib.util.find_spec(name) for name in ("playwright", "fastapi", "uvicorn", "deltalake"))
collect_ignore_glob = [] if READY else ["test_*.py"]

NAME = "Löhne & 50 % <mehr>"  # a name that has to be quoted wherever it stands
PASSWORD = "a sentence that I keep"
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """Where the pages are, and the one-time password of their admin."""

    address: str
    word: str


def shares(rows: pd.DataFrame) -> Array:
    """Return the probabilities of the model, shape (n, 2)."""
    score = 0.06 * (rows["age"].to_numpy(dtype=float) - 50) + 0.9 * (rows["job"] == "clerk").to_numpy(dtype=float)
    high = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    return np.column_stack([1 - high, high])


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.integers(18, 90, n).astype(float), "job": rng.choice(["clerk", "smith", "miller"], n)})


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    import uvicorn

    from camelopard.server.gateway import Gateway
    from camelopard.server.home import Home
    from camelopard.server.management.enrolment import enrol
    from camelopard.server.scoring.outcome import outcome
    from camelopard.server.scoring.served import Served, request_id
    from camelopard.server.scoring.settings import Settings
    from camelopard.server.web.app import managed
    from camelopard.store import inventory
    from camelopard.store import people as users
    from camelopard.store.log import VerdictLog
    from camelopard.store.roles import Actor

    held = people(700, 1)
    truth = np.where(shares(held)[:, 1] > np.random.default_rng(2).random(700), "yes", "no")
    model = cp.wrap(shares, name="wages", task="classification", classes=["no", "yes"])
    firewall = cp.Firewall(alpha=0.05, budget=12_000).fit(model, held, truth)
    models: dict[str, Served] = {}
    home = Home.open(tmp_path_factory.mktemp("site") / "home", served=models)
    log = VerdictLog(str(home.verdicts))
    models[NAME] = Served(firewall, Settings(), log=log)
    enrol(home, NAME, firewall, home.clock())
    with home.database.change(Actor.itself(), home.clock()) as change:
        inventory.edit(change, NAME, owner="a team with a rather long name", purpose="Says who is paid well. " * 5, exposure=5, consequence=4)
    rng, now = np.random.default_rng(3), home.clock()
    for hour in range(24):
        rows: list[Any] = people(12, 10 + hour).to_dict("records")
        rows[0]["age"], rows[1]["job"], rows[2]["age"] = 1985, "<script>alert(1)</script>", "thirty"
        verdicts, at = firewall.screen(rows), now - dt.timedelta(hours=24 - hour, minutes=int(rng.integers(0, 59)))
        name = request_id(int(at.timestamp() * 1e6))
        log.append(NAME, models[NAME].force.content, name, verdicts, rows, outcome(verdicts, Settings(), name).done, at)
    log.flush()
    word = users.first_admin(home.database, now)
    assert word is not None
    port = _port()
    server = uvicorn.Server(uvicorn.Config(Gateway(models, lambda: managed(home, ["localhost"])), port=port, log_level="error", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{port}", word.reveal())
    server.should_exit = True
    thread.join(10)
    home.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield started
        started.close()


@pytest.fixture(scope="session")
def signed_in(site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state of a browser in which the admin has signed in, as a person does."""
    page = browser.new_page()
    page.goto(f"{site.address}/models")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(site.word)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("one-time password").fill(site.word)
    page.locator("input[name=new]").fill(PASSWORD)
    page.locator("input[name=again]").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url(f"{site.address}/models**")
    place = tmp_path_factory.mktemp("browser") / "state.json"
    page.context.storage_state(path=place)
    page.context.close()
    return place


@dataclass
class Visit:
    """A page of a signed-in browser, and what went wrong in it: errors in its console, scripts that failed, answers from 400 on."""

    page: Page
    wrong: list[str]


@pytest.fixture
def visit(request: pytest.FixtureRequest, site: Site, browser: Browser, signed_in: Path) -> Iterator[Visit]:
    """Yield a signed-in browser, 1280 pixels wide and light unless `request.param` says (width, colour scheme)."""
    width, scheme = cast(tuple[int, Literal["light", "dark"]], getattr(request, "param", (1280, "light")))
    context = browser.new_context(storage_state=signed_in, viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=site.address)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(f"{page.url}: {message.text}") if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("response", lambda response: wrong.append(f"{response.url}: {response.status}") if response.status >= 400 else None)
    yield Visit(page, wrong)
    context.close()


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
