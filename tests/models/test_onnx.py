from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camelopard.core.errors import CamelopardError, InputError, ModelError, UnknownName
from camelopard.models import wrap as wrapping
from camelopard.models.conversion import same_answers
from camelopard.models.onnx_model import check_order, of_onnx, onnx_model
from camelopard.testing.models import check_model

onnx = pytest.importorskip("onnx")
wrap: Any = wrapping.wrap
runtime = pytest.importorskip("onnxruntime")
FLOAT, STRING, UINT8, INT64 = (getattr(onnx.TensorProto, name) for name in ("FLOAT", "STRING", "UINT8", "INT64"))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
W, V = RNG.normal(size=(4, 6)).astype(np.float32), RNG.normal(size=(6, 3)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (10, 4, 5)).astype(np.uint8)
U = RNG.normal(size=(20, 3)).astype(np.float32)


def node(kind: str, takes: list[str], gives: list[str], **settings: Any) -> Any:
    return onnx.helper.make_node(kind, takes, gives, **settings)


def ml(kind: str, takes: list[str], gives: list[str], **settings: Any) -> Any:
    return node(kind, takes, gives, domain="ai.onnx.ml", **settings)


def graph(nodes: list[Any], inputs: dict[str, tuple[int, list[Any]]], outputs: dict[str, Any], **constants: Any) -> bytes:
    """Return a model of these nodes. An output is (type, shape), or None where the graph says it."""
    info = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        nodes,
        "test",
        [info(name, *of) for name, of in inputs.items()],
        [onnx.ValueInfoProto(name=name) if of is None else info(name, *of) for name, of in outputs.items()],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    versions = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    found: bytes = onnx.helper.make_model(made, opset_imports=versions, ir_version=9).SerializeToString()
    return found


def network(*last: Any, end: str = "logits", rows: Any = "n") -> bytes:
    nodes = [node("MatMul", ["x", "W"], ["h0"]), node("Relu", ["h0"], ["h"]), node("MatMul", ["h", "V"], ["logits"]), *last]
    return graph(nodes, {"x": (FLOAT, [rows, 4])}, {end: (FLOAT, [rows, 3])}, W=W, V=V)


def linear(zipmap: bool, labels: Any, post: str = "SOFTMAX", scores: Any = None) -> bytes:
    """Return what converters make of a linear classifier: a label, and scores as a tensor or a list of dicts."""
    names = {"classlabels_strings": labels} if isinstance(labels[0], str) else {"classlabels_ints": labels}
    weights = (W[:, : len(labels)] if scores is None else scores).T.ravel().tolist()
    settings = {"coefficients": weights, "intercepts": [0.0] * len(labels), "post_transform": post, **names}
    nodes = [ml("LinearClassifier", ["x"], ["label", "scores"], **settings)]
    kind = STRING if isinstance(labels[0], str) else INT64
    if zipmap:
        key = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"
        nodes.append(ml("ZipMap", ["scores"], ["dicts"], **{key: labels}))
    return graph(nodes, {"x": (FLOAT, [None, 4])}, {"label": (kind, [None]), ("dicts" if zipmap else "scores"): None})


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


WANT = softmax(np.maximum(X @ W, 0) @ V)


# Answers


def test_a_file_and_a_session_answer_alike(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(network())
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for source in (str(path), path, session, onnx_model(network())):
        model = wrap(source, classes=["a", "b", "c"])
        assert np.allclose(model.predict(X).proba, WANT, atol=1e-6)
    assert (wrap(str(path)).name, wrap(path).name, wrap(session).name) == ("net", "net", "net")


def test_probabilities_are_left_alone() -> None:
    model = wrap(onnx_model(network(node("Softmax", ["logits"], ["p"], axis=1), end="p")))
    assert np.allclose(model.predict(X).proba, WANT, atol=1e-6)


def test_the_contract_of_models_holds() -> None:
    for source in (network(), linear(True, ["no", "yes"]), linear(False, [0, 1])):
        check_model(wrap(onnx_model(source)), X)


@pytest.mark.parametrize("labels", [["cat", "dog", "emu"], [3, 5, 8]])
def test_a_list_of_dicts_names_the_classes(labels: Any) -> None:
    model = wrap(onnx_model(linear(True, labels)))
    found = model.predict(X)
    assert model.classes == tuple(labels)
    assert np.allclose(found.proba, softmax(X @ W[:, :3]), atol=1e-6)
    assert found.value.tolist() == [labels[i] for i in found.proba.argmax(axis=1)]
    assert wrap(onnx_model(linear(True, labels)), classes=["one", "two", "three"]).predict(X).value[0] in ("one", "two", "three")


def test_probabilities_beside_a_label_are_columns_of_classes_that_must_be_known() -> None:
    numbers, words = linear(False, [0, 1, 2]), linear(False, ["a", "b", "c"])
    assert np.allclose(wrap(onnx_model(numbers)).predict(X).proba, softmax(X @ W[:, :3]), atol=1e-6)
    with pytest.raises(ModelError, match="does not say which column is which class"):
        wrap(onnx_model(words)).predict(X)
    found = wrap(onnx_model(words, classes=["a", "b", "c"])).predict(X)
    session = runtime.InferenceSession(words, providers=["CPUExecutionProvider"])
    assert found.value.tolist() == session.run(["label"], {"x": X})[0].tolist()
    with pytest.raises(ModelError, match="the classes are not"):
        wrap(onnx_model(words, classes=["c", "a", "b"])).predict(X)
    with pytest.raises(ModelError, match="the classes are not"):
        wrap(onnx_model(linear(False, [1, 2, 0]))).predict(X)


def test_single_labels_may_contradict_their_probabilities() -> None:
    proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.45, 0.55], [0.2, 0.8]])
    check_order(proba, np.array([0, 1, 0, 1]), None)
    check_order(proba, np.array(["x", "y", "y", "y"]), ["no", "yes"])  # shown under other names
    check_order(np.full((4, 2), 0.5), np.array([1, 1, 1, 1]), None)  # ties
    with pytest.raises(ModelError, match="label is 1 where column 0"):
        check_order(proba, np.array([1, 0, 0, 0]), None)


def test_decision_values_beside_a_label_are_scores_and_no_probabilities() -> None:
    found = wrap(onnx_model(linear(False, [0, 1, 2], post="NONE"))).predict(X)
    assert found.proba is None
    assert found.scores is not None and np.allclose(found.scores, X @ W[:, :3], atol=1e-5)
    assert wrap(onnx_model(linear(False, [0, 1, 2], post="NONE"), outputs="logits")).predict(X).proba is not None


def test_one_column_is_a_number() -> None:
    source = graph([node("MatMul", ["x", "C"], ["y"])], {"x": (FLOAT, ["n", 4])}, {"y": (FLOAT, ["n", 1])}, C=W[:, :1])
    model = wrap(onnx_model(source))
    assert np.allclose(model.predict(X).value, (X @ W[:, :1])[:, 0], atol=1e-5)
    assert model.task == "regression"
    check_model(model, X)


def test_an_output_is_chosen_by_name() -> None:
    nodes = [node("MatMul", ["x", "W"], ["h"]), node("MatMul", ["h", "V"], ["logits"]), node("ReduceSum", ["h"], ["total"], keepdims=0)]
    source = graph(nodes, {"x": (FLOAT, ["n", 4])}, {"h": (FLOAT, ["n", 6]), "logits": (FLOAT, ["n", 3])}, W=W, V=V)
    assert np.allclose(wrap(onnx_model(source, output="logits")).predict(X).proba, softmax(X @ W @ V), atol=1e-5)
    with pytest.raises(UnknownName, match="no output named 'logit'. Did you mean 'logits'"):
        onnx_model(source, output="logit")


# What goes in


def test_columns_go_to_the_inputs_of_their_names() -> None:
    coder = {"keys_strings": ["F", "M"], "values_floats": [1.0, 2.0], "default_float": -1.0}
    nodes = [ml("LabelEncoder", ["sex"], ["s"], **coder), node("Concat", ["age", "s"], ["y"], axis=1)]
    inputs = {"age": (FLOAT, [None, 1]), "sex": (STRING, [None, 1])}
    model = wrap(onnx_model(graph(nodes, inputs, {"y": (FLOAT, [None, 2])}), outputs="logits"))
    rows = [{"sex": "M", "age": 5.0, "more": "x"}, {"sex": None, "age": 5}, {"sex": "F", "age": "old"}, {"sex": 3, "age": 1.0}]
    found = model.predict(rows)
    assert np.allclose(found.proba[:2], softmax(np.array([[5.0, 2.0], [5.0, -1.0]])), atol=1e-6)
    assert "takes numbers" in found.errors[2] and "takes texts" in found.errors[3]
    assert "1 of 2 columns came; the model takes age, sex" in model.predict([{"age": 1.0}]).errors[0]


def test_texts_go_in_as_they_are() -> None:
    coder = {"keys_strings": ["good", "bad"], "values_int64s": [1, 0], "default_int64": 0}
    source = graph([ml("LabelEncoder", ["text"], ["y"], **coder)], {"text": (STRING, [None])}, {"y": (INT64, [None])})
    found = wrap(onnx_model(source)).predict(["good", "bad", None, "nonsense"])
    assert found.value.tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("shape", [[None, 1, 4, 5], ["n", 4, 5, 1], ["n", 4, 5], [None, 20], [4, 1, 4, 5]])
def test_pictures_go_in_as_the_file_declares(shape: Any) -> None:
    nodes = [node("Flatten", ["x"], ["flat"]), node("MatMul", ["flat", "U"], ["logits"])]
    model = wrap(onnx_model(graph(nodes, {"x": (FLOAT, shape)}, {"logits": (FLOAT, [None, 3])}, U=U)))
    light = IMAGES.reshape(10, -1) / (1 if len(shape) == 2 else 255)  # a matrix is a matrix, whatever it shows
    assert np.allclose(model.predict(IMAGES).proba, softmax(light @ U), atol=1e-5)


def test_an_input_of_bytes_gets_bytes() -> None:
    nodes = [node("Cast", ["x"], ["f"], to=1), node("Flatten", ["f"], ["flat"]), node("MatMul", ["flat", "U"], ["logits"])]
    model = wrap(onnx_model(graph(nodes, {"x": (UINT8, ["n", 4, 5])}, {"logits": (FLOAT, [None, 3])}, U=U)))
    assert np.allclose(model.predict(IMAGES).proba, softmax(IMAGES.reshape(10, -1).astype(float) @ U), atol=1e-5)
    assert "takes uint8" in model.predict(IMAGES / 255.0).errors[0]
    assert "3 channels do not fit" in model.predict(np.zeros((2, 4, 5, 3), dtype=np.uint8)).errors[0]


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_a_fixed_number_of_rows_is_filled_up(rows: int) -> None:
    assert np.allclose(wrap(onnx_model(network(rows=rows))).predict(X).proba, WANT, atol=1e-6)


def test_batches_are_cut_and_joined() -> None:
    assert np.allclose(wrap(onnx_model(network(), batch_size=7)).predict(X).proba, WANT, atol=1e-6)
    assert len(wrap(onnx_model(linear(True, ["a", "b"]), batch_size=7)).predict(X)) == 40


def test_preprocess_builds_the_inputs() -> None:
    model = wrap(onnx_model(network(), preprocess=lambda texts: {"x": np.array([[len(t), 0, 0, 0] for t in texts], dtype=np.float32)}))
    assert np.allclose(model.predict(["a", "bbb"]).proba, softmax(np.maximum(np.outer([1, 3], W[0]), 0) @ V), atol=1e-6)


# Features


def test_any_value_of_the_graph_can_be_the_features() -> None:
    a, _ = of_onnx(onnx_model(network(), features="h"), None, None, None)
    a.ask(X)
    assert a.features is not None and np.allclose(a.features(X), np.maximum(X @ W, 0), atol=1e-5)
    assert np.allclose(a.features(X + 1), np.maximum((X + 1) @ W, 0), atol=1e-5)
    assert of_onnx(onnx_model(network()), None, None, None)[0].features is None
    with pytest.raises(UnknownName, match="no value of the graph named 'hh'. Did you mean 'h'"):
        onnx_model(network(), features="hh")


# Before a conversion replaces a model


def test_a_sound_conversion_answers_the_same() -> None:
    check = same_answers(onnx_model(network()), lambda rows: softmax(np.maximum(rows @ W, 0) @ V), X)
    assert check.same and check and check.rows == 40
    assert check.distance.max() < 1e-5 and check.share.low == 0 and 0.05 < check.share.high < 0.1
    assert "The same on all 40 rows" in str(check)


def test_what_differs_is_named() -> None:
    bent = W.copy()
    bent[0] += 0.5
    check = same_answers(onnx_model(network()), lambda rows: softmax(np.maximum(rows @ bent, 0) @ V), X)
    assert not check.same and len(check.differing) > 20
    assert check.distance[check.differing[0]] == check.distance.max()
    assert set(check.flipped) <= set(check.differing) and len(check.flipped)
    assert f"Another class: {len(check.flipped)}" in str(check)


def test_rows_that_only_one_of_them_answers_differ() -> None:
    def gapless(rows: Any) -> Any:
        if np.isnan(rows).any():
            raise ValueError("gap")
        return rows[:, 0]

    holes = X.copy().astype(float)
    holes[3, 0] = np.nan
    check = same_answers(lambda rows: np.nan_to_num(rows[:, 0]), gapless, holes)
    assert check.only_converted.tolist() == [3] and check.only_original.tolist() == [] and check.differing.tolist() == [3]
    assert np.isinf(check.distance[3]) and "Answered by the converted one alone: 1 (3)." in str(check)
    both = same_answers(gapless, gapless, holes)
    assert both.same


def test_numbers_are_compared_in_relation_to_their_size() -> None:
    big = X.astype(float) * 1e9
    assert same_answers(lambda r: r[:, 0] * (1 + 1e-6), lambda r: r[:, 0], big).same
    assert not same_answers(lambda r: r[:, 0] * (1 + 1e-3), lambda r: r[:, 0], big).same


def test_models_that_answer_different_questions_are_not_compared() -> None:
    with pytest.raises(ModelError, match="the original is a regression"):
        same_answers(lambda r: r[:, 0] > 0, lambda r: r[:, 0], X.astype(float))
    with pytest.raises(InputError, match="no rows to compare on"):
        same_answers(lambda r: r[:, 0], lambda r: r[:, 0], np.empty((0, 4)))
    with pytest.raises(ModelError, match="tolerance=-1"):
        same_answers(lambda r: r[:, 0], lambda r: r[:, 0], X, tolerance=-1)


def test_columns_of_probabilities_are_compared_by_class() -> None:
    one = wrap(lambda r: softmax(r[:, :2]), classes=["a", "b"])
    other = wrap(lambda r: softmax(r[:, 1::-1]), classes=["b", "a"])
    assert same_answers(other, one, X.astype(float)).same


# Wrong use


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="'junk' cannot be read as an ONNX model"):
        wrap(str(junk))
    with pytest.raises(ModelError, match="there is no ONNX file"):
        onnx_model(str(tmp_path / "nothing.onnx"))
    with pytest.raises(ModelError, match="a int is no ONNX model"):
        onnx_model(3)
    with pytest.raises(UnknownName, match="provider"):
        onnx_model(network(), providers=["Nonsense"])
    with pytest.raises(ModelError, match="batch_size=0"):
        onnx_model(network(), batch_size=0)


def test_a_missing_runtime_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(CamelopardError, match=r"camelopard\[onnx\]"):
        onnx_model(network())


def test_importing_the_adapter_does_not_import_the_runtime() -> None:
    probe = "import sys, camelopard.models.onnx_model, camelopard.models.http_model; print({'onnxruntime', 'onnx'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip() == "set()"
