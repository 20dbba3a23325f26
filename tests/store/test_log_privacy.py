from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("msgspec", reason="the log of verdicts needs msgspec: pip install 'camelopard[serve]'")

from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.core.records import Reason
from camelopard.store.log_cells import HIDDEN, Hashed, encoded
from camelopard.store.log_privacy import Privacy

KEY = b"a secret of sixteen bytes or more"
ROW = {"age": 36, "ssn": "123-45-6789", "name": "Ada"}


def test_hidden_columns_are_left_out_however_they_are_spelt() -> None:
    rows, kept = Privacy(hidden=("ssn",)).rows([ROW, {"SSN ": "123", "age": 1}, {"age": 2}])
    assert list(rows) == [{"age": 36, "name": "Ada"}, {"age": 1}, {"age": 2}]
    assert kept == "partly"


def test_a_hashed_cell_has_the_same_hash_for_the_same_value_and_key_only() -> None:
    def hashed(value: Any, key: bytes = KEY) -> Any:
        return Privacy(hashed=("ssn",), key=key).rows([{"ssn": value}])[0][0]["ssn"]

    assert type(hashed("1")) is Hashed
    assert hashed("1") == hashed("1") != hashed("2")
    assert hashed("1") != hashed(1)
    assert hashed("1") != hashed("1", KEY[::-1])


def test_hashing_a_whole_row_does_not_hang_on_the_order_of_its_columns() -> None:
    privacy = Privacy(inputs="hashed", key=KEY)
    (one, other), kept = privacy.rows([{"a": 1, "b": 2}, {"b": 2, "a": 1}])
    assert (one == other, kept) == (True, "hashed")
    assert b"Ada" not in encoded(privacy.rows([ROW])[0])[0]


def test_a_hidden_column_takes_no_part_in_the_hash_of_a_row() -> None:
    privacy = Privacy(inputs="hashed", hidden=("ssn",), key=KEY)
    (one, other), _ = privacy.rows([ROW, {**ROW, "ssn": "another"}])
    assert one == other


def test_nothing_of_a_row_is_kept_whose_columns_have_no_names() -> None:
    assert list(Privacy(hidden=("ssn",)).rows(["123-45-6789", ["123-45-6789"]])[0]) == [HIDDEN, HIDDEN]


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (Reason("out-of-range", "age", 36, "", 1.0, "age is 36; expected 17 to 30"), True),
        (Reason("unseen-value", "ssn", "", "", 1.0, "ssn is '123-45-6789'"), False),
        (Reason("order", "age", 36, "", 1.0, "ssn is 1 and age is 36; expected: ssn is below age"), False),
        (Reason("unlikely", "age", 36, "", 1.0, "age = 36 does not fit 123-45-6789"), False),
        (Reason("no-answer", None, None, "", 1.0, "the model gave no answer: could not convert '123'"), False),
        (Reason("doubt", None, None, "", 1.0, "the model's answer hangs on small differences here"), True),
        (Reason("unlikely", "lessness", 1, "", 1.0, "lessness = 1 does not fit the rest of the row"), True),
    ],
)
def test_words_that_may_tell_what_is_hidden_are_not_kept(reason: Reason, kept: bool) -> None:
    assert (Privacy(hidden=("ssn",)).message(reason, ROW) is not None) == kept
    assert Privacy().message(reason, ROW) == reason.message


def test_where_no_cell_is_kept_no_words_about_cells_are() -> None:
    reason = Reason("out-of-range", "age", 36, "", 1.0, "age is 36; expected 17 to 30")
    assert Privacy(inputs="none").message(reason, ROW) is None
    assert Privacy(inputs="none").changes({"age": 30}) == {"age": HIDDEN}


def test_a_repair_of_a_hidden_cell_is_not_kept() -> None:
    assert Privacy(hidden=("ssn",)).changes({"age": 30, "Ssn": "987"}) == {"age": 30, "Ssn": HIDDEN}


def test_wrong_settings_are_told_at_once_and_the_key_never() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'whole'"):
        Privacy(inputs="hole")  # type: ignore[arg-type]
    with pytest.raises(CamelopardError, match="expected names of columns"):
        Privacy(hidden="ssn")
    with pytest.raises(CamelopardError, match="both hidden and hashed"):
        Privacy(hidden=("ssn",), hashed=("SSN",), key=KEY)
    with pytest.raises(CamelopardError, match="16 to 64 bytes; this is one of 5 bytes"):
        Privacy(hashed=("ssn",), key=b"short")
    with pytest.raises(CamelopardError, match="token_bytes"):
        Privacy(inputs="hashed")
    assert "secret" not in repr(Privacy(hashed=("ssn",), key=KEY))
