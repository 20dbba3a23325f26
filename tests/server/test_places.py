"""A day's reviews behind the gateway: no more than there are people, however many requests and processes there are."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.places import Places
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import people, spoken

COSTS = cp.Costs(wrong=100, review=1, block=60)
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ROWS = people(60, 7).to_dict("records")


def policy(reviews: int | None) -> cp.Policy:
    return cp.Policy(costs=COSTS, reviews_per_day=reviews)


def asked(served: Served, bodies: Sequence[object]) -> Counter[str]:
    """Return how many rows went which way, each body a request of its own, some of them at the same time."""

    async def all_of_them() -> list[dict[str, Any]]:
        app = Gateway({"promotion": served})
        replies = await asyncio.gather(*(spoken(app, "POST", "/predict", json.dumps(body).encode()) for body in bodies))
        await served.close()
        return [row for reply in replies for row in reply.value.get("rows", [reply.value])]

    return Counter(str(row["route"]) for row in asyncio.run(all_of_them()))


def test_the_day_has_so_many_reviews_over_all_requests(firewall: cp.Firewall) -> None:
    free = asked(Served(firewall.with_policy(policy(None)), Settings()), [*ROWS, ROWS[:20]])
    assert free["review"] > 10
    kept = asked(Served(firewall.with_policy(policy(3)), Settings()), [*ROWS, ROWS[:20]])
    assert kept["review"] == 3 and kept.total() == free.total()
    assert asked(Served(firewall.with_policy(policy(0)), Settings()), ROWS)["review"] == 0


def test_a_row_without_a_reviewer_says_so(firewall: cp.Firewall) -> None:
    served = Served(firewall.with_policy(policy(1)), Settings())
    found = [served.places.admit(served.force.firewall.screen([row]), NOON) for row in ROWS]
    turned = [one for one in found if any(reason.code == "no-reviewer" for reason in one.reasons(0))]
    assert turned and sum(one.route[0] == "review" for one in found) == 1 and served.places.left == 0


def test_threads_share_the_places(firewall: cp.Firewall) -> None:
    limited, places = firewall.with_policy(policy(5)), Places()
    places.take(limited.policy)
    verdicts = [limited.screen([row]) for row in ROWS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: places.admit(one, NOON), verdicts * 4))
    assert sum(one.route[0] == "review" for one in found) == 5


def test_a_new_day_has_new_places_and_a_clock_set_back_takes_none_away(firewall: cp.Firewall) -> None:
    limited, places = firewall.with_policy(policy(2)), Places()
    places.take(limited.policy)
    verdicts = limited.screen(ROWS)

    def reviews(now: dt.datetime) -> int:
        return int((places.admit(verdicts, now).route == "review").sum())

    assert [reviews(NOON), reviews(NOON), reviews(NOON - dt.timedelta(minutes=5)), reviews(NOON + dt.timedelta(days=1))] == [2, 0, 0, 2]


def test_what_was_given_away_counts_when_the_policy_changes(firewall: cp.Firewall) -> None:
    places, verdicts = Places(), firewall.with_policy(policy(4)).screen(ROWS)
    left = []
    for most in (4, 10, 3, None, 4):
        places.take(policy(most))
        left.append(places.left)
        places.admit(verdicts, NOON)
    assert left == [4, 6, 0, None, 4]


def test_processes_share_a_day_evenly_and_go_on_from_what_the_log_knows(firewall: cp.Firewall) -> None:
    moments = []

    def given(since: dt.datetime) -> int:
        moments.append(since)
        return 5

    places, verdicts = Places(2, given), firewall.with_policy(policy(20)).screen(ROWS)
    places.take(policy(20))
    assert int((places.admit(verdicts, NOON).route == "review").sum()) == 7  # half of twenty, less the larger half of five
    assert moments == [NOON.replace(hour=0)]
    with pytest.raises(CamelopardError, match="Run fewer workers"):
        Places(4).take(policy(3))


def test_a_server_that_starts_anew_does_not_give_the_day_away_again(firewall: cp.Firewall, tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    from camelopard.store.log import VerdictLog
    from camelopard.store.log_reading import read
    from camelopard.store.log_replay import replay

    limited, reviews = firewall.with_policy(policy(6)), 0
    for _ in range(2):
        reviews += asked(Served(limited, Settings(), log=VerdictLog(tmp_path)), ROWS[:30])["review"]
    if len({row.time.date() for row in read(tmp_path)}) == 1:  # not at midnight
        assert reviews == 6
    rows = read(tmp_path)
    replayed = [replay(row, limited) for row in rows]
    assert all(one.same for one in replayed) and any(one.placed and one.then["route"] != one.now["route"] for one in replayed)
