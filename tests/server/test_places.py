"""A day's reviews behind the gateway: no more than there are people, however many requests there are and whatever becomes of the server."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError, ModelError
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.places import Given, Places
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import people, spoken

COSTS = cp.Costs(wrong=100, review=1, block=60)
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
ROWS = people(60, 7).to_dict("records")


def policy(reviews: int | None, audit: float = 0.0) -> cp.Policy:
    return cp.Policy(costs=COSTS, reviews_per_day=reviews, audit=audit)


def asked(served: Served, bodies: Sequence[object]) -> Counter[str]:
    """Return how many rows went which way, each body a request of its own, some of them at the same time."""

    async def all_of_them() -> list[dict[str, Any]]:
        app = Gateway({"promotion": served})
        replies = await asyncio.gather(*(spoken(app, "POST", "/predict", json.dumps(body).encode()) for body in bodies))
        await served.close()
        return [row for reply in replies for row in reply.value.get("rows", [reply.value])]

    return Counter(str(row.get("route")) for row in asyncio.run(all_of_them()))


@pytest.fixture(scope="module")
def verdicts(firewall: cp.Firewall) -> cp.Verdicts:
    found = firewall.with_policy(policy(None)).screen(ROWS)
    assert (found.route == "review").sum() > 10
    return found


def reviews(places: Places, verdicts: cp.Verdicts, by: cp.Policy, now: dt.datetime = NOON) -> int:
    return int((places.admit(verdicts, by, now).route == "review").sum())


def test_the_day_has_so_many_reviews_over_all_requests(firewall: cp.Firewall) -> None:
    free = asked(Served(firewall.with_policy(policy(None)), Settings()), [*ROWS, ROWS[:20]])
    assert free["review"] > 10
    kept = asked(Served(firewall.with_policy(policy(3)), Settings()), [*ROWS, ROWS[:20]])
    assert kept["review"] == 3 and kept.total() == free.total()
    assert asked(Served(firewall.with_policy(policy(0)), Settings()), ROWS)["review"] == 0


def test_a_row_without_a_reviewer_says_so(firewall: cp.Firewall) -> None:
    limited, places = firewall.with_policy(policy(1)), Places()
    found = [places.admit(limited.screen([row]), limited.policy, NOON) for row in ROWS]
    turned = [one for one in found if any(reason.code == "no-reviewer" for reason in one.reasons(0))]
    assert turned and sum(one.route[0] == "review" for one in found) == 1 and places.given == Given(1, 0)


def test_threads_share_the_places(firewall: cp.Firewall) -> None:
    limited, places = firewall.with_policy(policy(5)), Places()
    alone = [limited.screen([row]) for row in ROWS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: places.admit(one, limited.policy, NOON), alone * 4))
    assert sum(one.route[0] == "review" for one in found) == 5


def test_a_new_day_has_new_places_and_a_clock_that_was_wrong_takes_none_away(verdicts: cp.Verdicts) -> None:
    two, places = policy(2), Places()
    moments = [NOON, NOON, NOON - HOUR / 2, NOON + 24 * HOUR, NOON + 9000 * HOUR, NOON + 30 * HOUR, NOON + 30 * HOUR]
    assert [reviews(places, verdicts, two, now) for now in moments] == [2, 0, 0, 2, 2, 2, 0]


def test_what_was_given_away_counts_under_whatever_policy_comes_next(verdicts: cp.Verdicts) -> None:
    places = Places()
    assert reviews(places, verdicts, policy(8)) == 8
    assert [reviews(places, verdicts, policy(most)) for most in (3, 10, 0, 10, 12)] == [0, 2, 0, 0, 2]
    free = reviews(places, verdicts, policy(None))
    assert free > 10 and reviews(places, verdicts, policy(12 + free)) == 0
    two, three = policy(13 + free), policy(14 + free)  # rows under way when a firewall is loaded again
    assert [reviews(places, verdicts, by) for by in (two, three, two, three)] == [1, 1, 0, 0]


def test_audits_are_counted_too(firewall: cp.Firewall) -> None:
    limited = firewall.with_policy(cp.Policy(costs=COSTS, reviews_per_day=40, audit=0.5, audit_rate=0.5))
    places, found = Places(), limited.screen(ROWS)
    admitted = places.admit(found, limited.policy, NOON)
    drawn = sum(any(reason.code == "audit" for reason in admitted.reasons(i)) for i in range(len(admitted)))
    assert places.given == Given(int((admitted.route == "review").sum()), drawn) and drawn > 0


def test_what_the_log_knows_of_the_day_is_asked_once(verdicts: cp.Verdicts, caplog: pytest.LogCaptureFixture) -> None:
    moments = []

    def known(since: dt.datetime) -> Given:
        moments.append(since)
        return Given(5, 0)

    places = Places(known)
    places.begin(policy(None), NOON)
    assert moments == []  # it matters to nobody
    twelve = policy(12)
    places.begin(twelve, NOON)
    assert reviews(places, verdicts, twelve) == 7 and reviews(places, verdicts, twelve, NOON + 24 * HOUR) == 12
    assert moments == [NOON.replace(hour=0)]

    def broken(since: dt.datetime) -> Given:
        raise OSError("the disk is gone")

    places = Places(broken)
    assert [reviews(places, verdicts, twelve) for _ in range(2)] == [12, 0]
    assert "is not known" in caplog.text and len(caplog.records) == 1


def test_several_processes_do_not_keep_a_number_together(firewall: cp.Firewall) -> None:
    with pytest.raises(CamelopardError, match="Run one worker"):
        Served(firewall.with_policy(policy(3)), Settings(), processes=4)
    served = Served(firewall, Settings(), processes=4)
    with pytest.raises(CamelopardError, match="this gateway has 4"):
        served.take(firewall.with_policy(policy(3)))
    assert served.force.firewall is firewall


def test_a_request_that_the_server_behind_does_not_answer_takes_no_place(firewall: cp.Firewall, tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    from camelopard.store.log import VerdictLog

    down = False

    def behind(rows: Any) -> Any:
        if down:
            raise ModelError("no answer")
        p = 1 / (1 + np.exp(-rows["age"].to_numpy(dtype=float) / 100))
        return np.column_stack([1 - p, p])

    model = cp.wrap(behind, name="promotion", task="classification", classes=["no", "yes"])
    held = people(300, 3)
    limited = cp.Firewall(alpha=0.1, budget=3000).fit(model, held, np.where(held["age"] > 50, "yes", "no")).with_policy(policy(4))
    down = True
    served = Served(limited, Settings(), remote=True, log=VerdictLog(tmp_path))
    routes = asked(served, ROWS[:5])
    assert routes == Counter({"None": 5}) and served.judge.places.given == Given(0, 0)
    assert Served(limited, Settings(), log=VerdictLog(tmp_path)).judge._given(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)) == Given(0, 0)


def test_a_server_that_starts_anew_does_not_give_the_day_away_again(firewall: cp.Firewall, tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    from camelopard.store.log import VerdictLog
    from camelopard.store.log_reading import read
    from camelopard.store.log_replay import replay

    limited, given = firewall.with_policy(policy(6)), 0
    for _ in range(2):
        served = Served(limited, Settings(), log=VerdictLog(tmp_path))
        served.begin()
        given += asked(served, ROWS[:30])["review"]
    if len({row.time.date() for row in read(tmp_path)}) == 1:  # not at midnight
        assert given == 6
    replayed = [replay(row, limited) for row in read(tmp_path)]
    assert all(one.same for one in replayed) and any(one.placed and one.then["route"] != one.now["route"] for one in replayed)
