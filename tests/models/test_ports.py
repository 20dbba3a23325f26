from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.models.pixels import laid_out, light
from camelopard.models.ports import Port, answering, eaten, fed
from camelopard.models.recent import Recent


def table(*rows: list[Any]) -> Any:
    found = np.empty((len(rows), len(rows[0])), dtype=object)
    for i, row in enumerate(rows):
        found[i] = row
    return found


def test_light_lies_between_zero_and_one_whatever_the_type() -> None:
    for kind in (np.uint8, np.uint16):
        assert light(np.array([[[0, np.iinfo(kind).max]]], dtype=kind)).tolist() == [[[0.0, 1.0]]]
    assert light(np.array([[[0.25, 1.0]]])).tolist() == [[[0.25, 1.0]]]


def test_pictures_are_laid_out_as_declared() -> None:
    grey, colour = np.arange(24.0).reshape(2, 3, 4), np.arange(72.0).reshape(2, 3, 4, 3)
    assert laid_out(grey, (None, 1, None, None)).shape == (2, 1, 3, 4)
    assert laid_out(grey, (None, None, None, 1)).shape == (2, 3, 4, 1)
    assert laid_out(grey, ("n", 28, 28)).shape == (2, 3, 4)
    assert laid_out(colour[..., :1], (None, None, None)).shape == (2, 3, 4)
    assert laid_out(colour, (-1, -1, -1, 3)) is colour
    assert np.array_equal(laid_out(colour, (-1, 3, -1, -1))[:, 1], colour[..., 1])
    for wrong in ((None, 1, 8, 8), (None, 8, 8, 1), (None, 8, 8), (None, 4)):
        with pytest.raises(ValueError, match="pictures of 3 channels do not fit"):
            laid_out(colour, wrong)


def test_a_matrix_takes_numbers_of_its_own_type() -> None:
    (port,) = (Port("x", "float32", (None, 2)),)
    assert fed([port], table([1, None], [True, 2.5]))["x"].dtype == np.float32
    assert np.isnan(fed([port], table([1, None], [1, 2]))["x"][0, 1])
    with pytest.raises(TypeError, match="the text '###'; the model's input 'x' takes numbers"):
        fed([port], table([1, "###"]))
    with pytest.raises(ValueError, match="has 3 columns; the model's input 'x' takes 2"):
        fed([port], np.ones((4, 3)))


@pytest.mark.parametrize("value", [1.5, np.nan, 2.0**40, -(2.0**40), np.inf])
def test_whole_numbers_are_never_rounded(value: float) -> None:
    with pytest.raises(ValueError, match="is no int32"):
        fed([Port("x", "int32")], np.array([[value]]))
    assert fed([Port("x", "int32")], np.array([[3.0]]))["x"].tolist() == [[3]]


def test_columns_go_to_the_inputs_of_their_names() -> None:
    inputs = [Port("age", "float32", (None, 1)), Port("sex", "text", (None, 1)), Port("n", "int64", (None,))]
    assert eaten(inputs, None).features == ("age", "sex", "n")
    found = fed(inputs, table([36.0, "F", 1], [None, None, 2]), missing="?")
    assert found["sex"].tolist() == [["F"], ["?"]]
    assert found["n"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="2 of 3 columns came; the model takes age, sex, n"):
        fed(inputs, table([1, "F"]))
    with pytest.raises(TypeError, match="a int; the model's input 'sex' takes texts"):
        fed(inputs, table([1.0, 3, 1]))


def test_texts_and_pairs_are_fed_as_they_are() -> None:
    assert fed([Port("t", "text", (None,))], ["good", None, "\x00"])["t"].tolist() == ["good", "", "\x00"]
    assert fed([Port("t", "text", (None, 1))], ["good"])["t"].tolist() == [["good"]]
    found = fed([Port("a", "text", (None,)), Port("b", "text", (None,))], [("one?", "yes"), ("two?", None)])
    assert found["a"].tolist() == ["one?", "two?"] and found["b"].tolist() == ["yes", ""]
    with pytest.raises(TypeError, match="takes texts"):
        fed([Port("t", "text", (None,))], ["good", 5])


def test_pictures_are_never_scaled_for_an_input_of_bytes() -> None:
    images = np.full((2, 4, 5), 200, dtype=np.uint8)
    assert fed([Port("x", "uint8", (None, 4, 5))], images)["x"].max() == 200
    assert fed([Port("x", "float16", (None, 1, 4, 5))], images)["x"].max() == np.float16(200 / 255)
    with pytest.raises(TypeError, match="pictures of float64; the model's input 'x' takes uint8"):
        fed([Port("x", "uint8", (None, 4, 5))], images / 255)


def test_probabilities_beside_a_label_answer() -> None:
    label, proba, other = Port("label", "int64"), Port("p", "float32"), Port("z", "float32")
    assert answering([label, proba], None) == ("p", "label")
    assert answering([proba, other], None) == ("p", None)
    assert answering([label], None) == ("label", None)
    assert answering([label, proba], "label") == ("label", None)


def test_features_are_found_again_by_what_the_rows_hold() -> None:
    recent, rows, found = Recent(), np.zeros((3, 2)), np.ones((3, 1))
    recent.keep(rows, found)
    assert recent.find(np.zeros((3, 2))) is found
    rows[0, 0] = 5.0
    assert recent.find(rows) is None
    assert recent.find(np.zeros((2, 3))) is None and recent.find(np.zeros((3, 2), dtype=np.float32)) is None
    recent.keep(["a", "b"], found)
    assert recent.find(["a", "b"]) is found and recent.find(["a", "c"]) is None
    recent.keep(objects(["a"]), found)
    assert recent.find(objects(["a"])) is None
