"""A gateway with its pages, a day of verdicts in its log, and a real browser in front of it."""

from __future__ import annotations

import datetime as dt
import importlib.util
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Array

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from camelopard.store.roles import Role
    from camelopard.store.versions import Version

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY = CHROMIUM is not None and all(importlib.util.find_spec(name) for name in ("playwright", "fastapi", "uvicorn", "deltalake"))
collect_ignore_glob = [] if READY else ["test_*.py"]

NAME = "Löhne & 50 % <mehr>"  # a name that has to be quoted wherever it stands
OTHERS: dict[str, Role] = {"dora": "developer", "ben": "approver"}  # beside the admin
PASSWORD = "a sentence that I keep"
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """Where the pages are, the one-time password of everybody in them, and the id of a row that was blocked."""

    address: str
    words: Mapping[str, str]
    blocked: str


def shares(rows: pd.DataFrame) -> Array:
    """Return the probabilities of the model, shape (n, 2)."""
    score = 0.06 * (rows["age"].to_numpy(dtype=float) - 50) + 0.9 * (rows["job"] == "clerk").to_numpy(dtype=float)
    high = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    return np.column_stack([1 - high, high])


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.integers(18, 90, n).astype(float), "job": rng.choice(["clerk", "smith", "miller"], n)})


def place_of(version: Version, words: str) -> int:
    """Return the place of the first rule in whose sentence these words stand."""
    from camelopard.server.management import amending

    return next(rule.place for rule in amending.rules(amending.contract_of(version)) if words in rule.statement)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    import uvicorn

    from camelopard.server.gateway import Gateway
    from camelopard.server.home import Home
    from camelopard.server.management import amending
    from camelopard.server.management.enrolment import enrol
    from camelopard.server.scoring.judge import request_id
    from camelopard.server.scoring.outcome import outcome
    from camelopard.server.scoring.served import Served
    from camelopard.server.scoring.settings import Settings
    from camelopard.server.web.app import managed
    from camelopard.store import inventory, versions
    from camelopard.store import people as users
    from camelopard.store.log import VerdictLog
    from camelopard.store.log_reading import read
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
    first = versions.get(home.database, NAME, 1)
    older = amending.edited(amending.contract_of(first), {place_of(first, "age lies between"): amending.Edit(False, "18", "110")})
    amending.amended(home, Actor.itself(), first, older, "People work longer.", now)
    words = {"admin": users.first_admin(home.database, now)}
    with home.database.change(Actor.itself(), now) as change:
        words |= {name: users.add(change, name, [role]) for name, role in OTHERS.items()}
    blocked = read(str(home.verdicts), route="block", limit=1)[0].id
    port = _port()
    server = uvicorn.Server(uvicorn.Config(Gateway(models, lambda: managed(home, ["localhost"])), port=port, log_level="error", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{port}", {name: word.reveal() for name, word in words.items() if word}, blocked)
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
def keys(site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the state of a browser in which somebody has signed in, as a person does, by their name."""
    found, folder = {}, tmp_path_factory.mktemp("browser")
    for name in site.words:
        page = browser.new_page()
        sign_in(page, site, name)
        found[name] = folder / f"{name}.json"
        page.context.storage_state(path=found[name])
        page.context.close()
    return found


def sign_in(page: Page, site: Site, name: str) -> None:
    """Sign in for the first time, and choose a password."""
    page.goto(f"{site.address}/models")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(site.words[name])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("one-time password").fill(site.words[name])
    page.locator("input[name=new]").fill(PASSWORD)
    page.locator("input[name=again]").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url(f"{site.address}/models**")


@dataclass
class Visit:
    """A page of a browser, and what went wrong in it: errors in its console, scripts that failed, answers from 400 on."""

    page: Page
    wrong: list[str] = field(default_factory=list)


Enter = Callable[..., Visit]


@pytest.fixture
def enter(site: Site, browser: Browser, keys: Mapping[str, Path]) -> Iterator[Enter]:
    """Yield what opens a browser of somebody who has signed in, or of nobody: 1280 pixels wide, light and with scripts unless told otherwise."""
    contexts = []

    def opened(who: str = "admin", width: int = 1280, scheme: Literal["light", "dark"] = "light", *, scripts: bool = True) -> Visit:
        contexts.append(
            browser.new_context(
                storage_state=keys.get(who),
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                java_script_enabled=scripts,
                base_url=site.address,
            )
        )
        made = Visit(contexts[-1].new_page())
        page, wrong = made.page, made.wrong
        page.on("console", lambda message: wrong.append(f"{page.url}: {message.text}") if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("response", lambda response: wrong.append(f"{response.url}: {response.status}") if response.status >= 400 else None)
        return made

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def visit(enter: Enter) -> Visit:
    """Return the browser of the admin."""
    return enter()


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
