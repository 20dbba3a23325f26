"""A small world behind a gateway, and a way to speak to it without a socket."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Array

collect_ignore_glob = [] if importlib.util.find_spec("msgspec") else ["test_*.py"]

NAMES = ("age", "hours", "gain")
CLASSES = ("no", "yes")


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let passwords cost little."""
    from argon2 import PasswordHasher

    from camelopard.store import passwords

    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords.nobody.cache_clear()
    yield
    passwords.nobody.cache_clear()


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, hours = rng.integers(18, 90, n).astype(float), rng.integers(1, 80, n).astype(float)
    return pd.DataFrame({"age": age, "hours": hours, "gain": rng.gamma(2.0, 500.0, n).round(2)})


def shares(rows: pd.DataFrame) -> Array:
    """Return the probabilities of the model, shape (n, 2)."""
    score = 0.06 * (rows["age"].to_numpy(dtype=float) - 50) + 0.04 * (rows["hours"].to_numpy(dtype=float) - 40)
    high = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    return np.column_stack([1 - high, high])


@pytest.fixture(scope="session")
def firewall() -> cp.Firewall:
    held = people(700, 1)
    truth = np.where(shares(held)[:, 1] > np.random.default_rng(2).random(700), "yes", "no")
    model = cp.wrap(shares, name="promotion", task="classification", classes=list(CLASSES))
    return cp.Firewall(alpha=0.05, budget=16_000).fit(model, held, truth)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        import msgspec

        return msgspec.json.decode(self.body)


Speak = Callable[..., Reply]


def speak(app: Any, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, parts: list[bytes] | None = None) -> Reply:
    """Return what the application answers to one request, its body sent whole or in parts."""
    return asyncio.run(spoken(app, method, path, body, headers, parts))


async def spoken(
    app: Any, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, parts: list[bytes] | None = None
) -> Reply:
    pieces = list(parts) if parts is not None else [body]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {"content-type": "application/json", **(headers or {})}
    scope = {"type": "http", "method": method, "path": path, "headers": [(k.lower().encode(), v.encode()) for k, v in given.items()]}
    await app(scope, receive, send)
    told = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return Reply(sent[0]["status"], told, b"".join(message["body"] for message in sent[1:]))
