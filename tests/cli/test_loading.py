from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor

from camelopard.cli.loading import model_of
from camelopard.cli.serve import warn_of_strangers
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError


def test_a_word_is_a_module_and_a_name_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "models_of_mine.py").write_text("class best:\n    @staticmethod\n    def model(t): return t['a'] * 2.0\n")
    model = model_of("models_of_mine:best.model", trust=False, task="regression")
    assert model.predict(Batch.of(pd.DataFrame({"a": [3]}))).value.tolist() == [6.0]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1/0", "fails while it is imported .ZeroDivisionError: division by zero"),
        ("def (", "fails while it is imported .SyntaxError"),
        ("import nothing_of_this_name", "cannot be imported .No module named"),
        ("", "has no attribute 'model'"),
    ],
)
def test_a_module_that_fails_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    name = f"broken_{len(source)}"
    (tmp_path / f"{name}.py").write_text(source)
    with pytest.raises(CamelopardError, match=message):
        model_of(f"{name}:model", trust=False)


def test_a_truncated_model_file_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    booster = LGBMRegressor(n_estimators=3, verbosity=-1, n_jobs=1).fit(rng.normal(size=(200, 2)), rng.normal(size=200)).booster_
    whole = booster.model_to_string()
    (tmp_path / "m.lgb").write_text(whole)
    assert model_of(str(tmp_path / "m.lgb"), trust=False).task == "regression"
    (tmp_path / "m.lgb").write_text(whole[: len(whole) // 3])
    with pytest.raises(CamelopardError, match=r"m\.lgb: this LightGBM model file is truncated"):
        model_of(str(tmp_path / "m.lgb"), trust=False)


def test_what_a_library_says_of_a_broken_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("{}")
    with pytest.raises(CamelopardError, match=r"m\.json") as caught:
        model_of(str(tmp_path / "m.json"), trust=False)
    assert "\n" not in str(caught.value)


def test_a_broken_pickle_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(b"no pickle")
    with pytest.raises(CamelopardError, match="add --trust"):
        model_of(str(tmp_path / "m.pkl"), trust=False)
    with pytest.raises(CamelopardError, match=r"m\.pkl: cannot be loaded"):
        model_of(str(tmp_path / "m.pkl"), trust=True)


def test_a_word_that_is_no_file_and_no_place_is_said_to_be_none() -> None:
    with pytest.raises(CamelopardError, match=r"model\.onnx: there is no such model file\. Expected .* an \.onnx, .* the URL of a server"):
        model_of("model.onnx", trust=False)


def test_a_server_that_does_not_answer_is_said_to_be_down() -> None:
    with pytest.raises(CamelopardError, match="127"):
        model_of("http://127.0.0.1:9/v2/models/none", trust=False).predict([{"a": 1}])


def test_a_column_that_is_to_be_hidden_and_is_none_is_told(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_strangers(["AGE", "gian"], ["age", "gain"])
    assert [record.args for record in caplog.records] == [("gian",)]
    assert "if it is misspelt" in caplog.text
