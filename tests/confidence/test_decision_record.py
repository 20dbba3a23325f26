from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.errors import ArtifactError, CamelopardError, InputError, UnknownName


def says(X: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-2 * X["dose"].astype(float)))
    return np.column_stack([p, 1 - p])


MODEL = cp.wrap(says, name="states", task="classification", classes=["sick", "well"])
RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"dose": RNG.normal(-0.6, 0.8, 500), "ward": RNG.choice(["Gomel", "Minsk"], 500), "old": RNG.random(500) < 0.5})
LABELS = np.where(RNG.random(500) < says(ROWS)[:, 0], "sick", "well").astype(object)
DECISION = cp.decide(MODEL, ROWS, LABELS, positive="sick", costs={"missed": 50, "false_alarm": 4})
SIGNED: dict[str, Any] = {"who": "Ada", "why": "agreed with the wards", "when": "2026-11-21"}


def test_a_choice_is_kept_whole_and_answers_by_its_threshold(tmp_path: Path) -> None:
    chosen = DECISION.choose("cost", **SIGNED)
    chosen.save(tmp_path / "c.json")
    again = cp.DecisionRecord.load(tmp_path / "c.json")
    assert again == chosen
    answers = again.predict(MODEL, ROWS)
    assert answers.value.tolist() == np.where(says(ROWS)[:, 0] >= chosen.threshold, "sick", "well").tolist()
    assert (answers.value != MODEL.predict(ROWS).value).any()
    assert chosen.expected["cost"]["interval"]["low"] < chosen.expected["cost"]["value"]
    assert (chosen.who, chosen.why, chosen.when, chosen.rows, chosen.costs["missed"] if chosen.costs else 0) == (*SIGNED.values(), 500, 50.0)


@pytest.mark.parametrize("by", ["ward", "old"])
def test_each_group_has_its_own_threshold_and_one_that_was_not_seen_none(by: str, tmp_path: Path) -> None:
    chosen = DECISION.choose("equal-cost", by=by, **SIGNED)
    chosen.save(tmp_path / "c.json")
    again = cp.DecisionRecord.load(tmp_path / "c.json")
    assert (again.by, again.groups) == (by, chosen.groups)
    limits = dict(chosen.groups)
    limit = np.array([limits[g] for g in ROWS[by].tolist()])
    assert again.predict(MODEL, ROWS).value.tolist() == np.where(says(ROWS)[:, 0] >= limit, "sick", "well").tolist()
    strange = again.predict(MODEL, ROWS.head(2).astype(object).assign(**{by: ["Pinsk", ROWS[by][1]]}))
    assert (strange.value[0], strange.errors[0]) == (None, f"no threshold was chosen for {by} 'Pinsk'")
    assert strange.errors[1] is None


def test_naming_nobody_is_a_decision_too(tmp_path: Path) -> None:
    chosen = DECISION.choose("precision", least=0.999, **SIGNED)
    chosen.save(tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["threshold"] == "nobody"
    assert set(cp.DecisionRecord.load(tmp_path / "c.json").predict(MODEL, ROWS).value) == {"well"}


def test_a_row_without_an_answer_stays_without_one() -> None:
    X = ROWS.head(2).astype(object)
    X.loc[0, "dose"] = "abc"
    answers = DECISION.choose("cost", **SIGNED).predict(MODEL, X)
    assert (answers.value[0], answers.failed.tolist()) == (None, [True, False])


def test_time_comes_in_as_an_argument_a_day_or_a_moment() -> None:
    moments = ["2026-11-21", dt.date(2026, 11, 21), dt.datetime(2026, 11, 21, 9, 30), "2026-11-21T09:30:00+01:00"]
    found = [DECISION.choose("cost", **{**SIGNED, "when": moment}).when for moment in moments]
    assert found == ["2026-11-21", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21T09:30:00+01:00"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"who": " "}, "who=' '; expected a text"),
        ({"why": None}, "why=None; expected a text"),
        ({"when": "yesterday"}, "when='yesterday'; expected a day"),
        ({"when": None}, "when=None; expected a day"),
        ({"when": pd.NaT}, "when=NaT; expected a day"),
        ({"when": "2026-13-01"}, "expected a day"),
    ],
)
def test_a_decision_without_who_why_or_when_is_none(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DECISION.choose("cost", **{**SIGNED, **changes})


def test_a_threshold_belongs_to_one_model() -> None:
    chosen = DECISION.choose("cost", **SIGNED)
    with pytest.raises(CamelopardError, match=r"chosen for the model 'states', and this is 'other'.*name='states'"):
        chosen.predict(cp.wrap(MODEL, name="other"), ROWS)
    with pytest.raises(CamelopardError, match="for the class 'sick', but states answers 'a', 'b'"):
        chosen.predict(cp.wrap(says, name="states", task="classification", classes=["a", "b"]), ROWS)
    with pytest.raises(CamelopardError, match="answers numbers"):
        chosen.predict(cp.wrap(lambda t: t["dose"].astype(float).to_numpy(), name="states", task="regression"), ROWS)
    with pytest.raises(CamelopardError, match="is not wrapped yet"):
        chosen.predict(says, ROWS)  # type: ignore[arg-type]


def test_a_threshold_on_calibrated_shares_is_for_the_calibrated_model_only() -> None:
    calibrated = cp.calibrate(MODEL, ROWS, LABELS)
    chosen = cp.decide(calibrated, ROWS, LABELS, positive="sick", costs={"missed": 50, "false_alarm": 4}).choose("cost", **SIGNED)
    assert set(chosen.predict(calibrated, ROWS).value) == {"sick", "well"}
    with pytest.raises(CamelopardError, match="chosen for a Calibrated model"):
        chosen.predict(MODEL, ROWS)


def nested(times: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(times):
        found = [found]
    return found


def written(path: Path, changes: dict[str, Any]) -> Path:
    chosen = DECISION.choose("equal-cost", by="ward", **SIGNED) if "groups" in changes else DECISION.choose("cost", **SIGNED)
    document = {**chosen.to_dict(), **changes}
    path.write_text(json.dumps({k: v for k, v in document.items() if v != "gone"}).replace("Infinity", "1e999"))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "this is no decision"),
        ({"version": 99}, "written by another version"),
        ({"who": "gone"}, "other entries than expected"),
        ({"extra": 1}, "other entries than expected"),
        ({"who": 3}, "'who' is no text"),
        ({"who": ""}, "expected a text"),
        ({"why": "x" * 20_000}, "'why' is no text"),
        ({"when": "soon"}, "expected a day"),
        ({"threshold": 2.0}, "no share between 0 and 1"),
        ({"threshold": "0.5"}, "no share between 0 and 1"),
        ({"threshold": None}, "no share between 0 and 1"),
        ({"threshold": True}, "no share between 0 and 1"),
        ({"positive": ["sick"]}, "'positive' is no class"),
        ({"by": "ward"}, "must be given together"),
        ({"groups": [["Gomel", 7]]}, "no share between 0 and 1"),
        ({"groups": ["Gomel"]}, "a group is no pair"),
        ({"groups": {}}, "'groups' is no list"),
        ({"rows": -1}, "'rows' is no whole number"),
        ({"costs": {"missed": "x"}}, "'costs' are no numbers"),
        ({"expected": []}, "'expected' is no mapping"),
        ({"version": True}, "written by another version"),
        ({"threshold": 10**400}, "no share between 0 and 1"),
        ({"costs": {"missed": 10**400}}, "'costs' are no numbers"),
        ({"costs": {"missed": -5, "false_alarm": 1}}, "the cost 'missed' is -5"),
        ({"costs": {"mised": 5, "false_alarm": 1}}, "Did you mean 'missed'"),
        ({"groups": [["Gomel", 10**400]]}, "no share between 0 and 1"),
        ({"groups": [[10**400, 0.5]]}, "a group is no pair"),
        ({"groups": [["Gomel", 0.5], ["Gomel", 0.6]]}, "a group has two thresholds"),
        ({"asked": {"least": [10**400]}}, "'asked' holds a number that is none"),
        ({"expected": {"cost": math.inf}}, "'expected' holds a number that is none"),
        ({"expected": {"cost": nested(900)}}, "nested deeper than 20 times"),
    ],
)
def test_a_file_that_is_no_whole_decision_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=message):
        cp.DecisionRecord.load(written(tmp_path / "c.json", changes))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[1]", b"[" * 100_000, b'{"format": NaN}', b'{"format": 1' + b"0" * 5000 + b"}", b"PK\x03\x04"]
)
def test_hostile_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(ArtifactError):
        cp.DecisionRecord.load(tmp_path / "c.json")


def test_files_that_are_not_there_or_too_large_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        cp.DecisionRecord.load(tmp_path / "none.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        cp.DecisionRecord.load(tmp_path)
    (tmp_path / "c.json").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(ArtifactError, match="larger than any decision"):
        cp.DecisionRecord.load(tmp_path / "c.json")


def test_it_reads_as_a_sentence() -> None:
    text = repr(DECISION.choose("recall", least=0.9, **SIGNED))
    assert "'sick' is named by the rule recall, least 0.9, confidence 0.95" in text
    assert "chosen by Ada on 2026-11-21: agreed with the wards" in text


@pytest.mark.parametrize("path", [None, 5, "", "a\0b", b"bytes"])
def test_what_is_no_name_of_a_file_is_refused_in_words(path: Any) -> None:
    chosen = DECISION.choose("cost", **SIGNED)
    for use in (chosen.save, DECISION.save, cp.DecisionRecord.load):
        with pytest.raises(InputError, match="expected the name of a file"):
            use(path)


@pytest.mark.parametrize("asked", [{"least": math.inf}, {"least": object()}, {"least": nested(900)}])
def test_a_record_that_json_cannot_hold_is_not_written(asked: dict[str, Any], tmp_path: Path) -> None:
    chosen = dataclasses.replace(DECISION.choose("cost", **SIGNED), asked=asked)
    with pytest.raises(InputError, match="holds what JSON cannot"):
        chosen.save(tmp_path / "c.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("positive", [pd.NA, pd.NaT, np.array(["sick", "well"])])
def test_a_label_that_is_none_is_no_class(positive: Any) -> None:
    with pytest.raises(UnknownName, match="no class named"):
        cp.decide(MODEL, ROWS, LABELS, positive=positive)
