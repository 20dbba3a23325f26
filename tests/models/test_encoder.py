"""Sentence encoders give models of texts a feature space: the same for a text alone and in any batch, and never another one unnoticed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.cli.loading import firewall_of, model_of
from camelopard.core.batch import Batch
from camelopard.core.errors import ArtifactError, CamelopardError, ModelError
from camelopard.models import onnx_encoder
from camelopard.models.encoder import MOST_CHARACTERS, PROBE, text_encoder

onnx = pytest.importorskip("onnx")
tokenizers = pytest.importorskip("tokenizers")
pytest.importorskip("onnxruntime")

GOOD, BAD = ("good", "fine", "moving", "warm"), ("bad", "dull", "cold", "long")
THINGS = ("film", "story", "scene", "cast", "script", "ending")
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *GOOD, *BAD, *THINGS, "a", "the", "with", "and", "is")
WIDTH = 6
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), WIDTH)).astype(np.float32)


def folder(place: Path, table: Any = TABLE, *, pools: bool = False, tokens: Any = "t", masked: bool = True) -> Path:
    """Write an encoder as sentence-transformers does: each token's vector is its row of a table, times its square root of the mask."""
    info, node = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    names = ["input_ids", "attention_mask"] if masked else ["input_ids"]
    nodes = [node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
    outputs = [info("last_hidden_state", onnx.TensorProto.FLOAT, ["b", tokens, table.shape[1]])]
    if pools:
        nodes.append(node("ReduceMax", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0))
        outputs.append(info("sentence_embedding", onnx.TensorProto.FLOAT, ["b", table.shape[1]]))
    inputs = [info(name, onnx.TensorProto.INT64, ["b", tokens]) for name in names]
    graph = onnx.helper.make_graph(nodes, "tiny", inputs, outputs, [onnx.numpy_helper.from_array(table, "table")])
    place.mkdir(parents=True, exist_ok=True)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), str(place / "model.onnx"))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(place / "tokenizer.json"))
    return place


def said(place: Path, name: str, what: Any) -> Path:
    """Write a settings file into an encoder's folder."""
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text(json.dumps(what), encoding="utf-8")
    return place


def expected(*words: str, table: Any = TABLE) -> Any:
    mean = table[[WORDS.index(word) for word in ("[CLS]", *words, "[SEP]")]].astype(np.float64).mean(axis=0)
    return mean / np.linalg.norm(mean)


def places(encoder: Any, texts: list[Any]) -> Any:
    return encoder.places(Batch.of(texts))


def counted(texts: list[str]) -> Any:
    return [[text.count(word) for word in (*GOOD, *BAD, *THINGS)] + [len(text) / 40] for text in texts]


def reviews(n: int, seed: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    texts = []
    for label in labels:
        (one, two, three), (first, second) = rng.choice(THINGS, 3), rng.choice((BAD, GOOD)[label], 2)
        texts.append(f"the {one} is {first} and the {two} with a {second} {three}")
    return texts, [("bad", "good")[label] for label in labels]


def opinion(texts: list[str]) -> Any:
    score = np.array([sum(text.count(w) for w in GOOD) - sum(text.count(w) for w in BAD) for text in texts], dtype=np.float64)
    share = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - share, share])


@cache
def fitted(with_it: bool) -> cp.Firewall:
    texts, labels = reviews(400, 1)
    model = cp.wrap(opinion, name="opinion", classes=["bad", "good"], encoder=counted if with_it else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cp.Firewall(alpha=0.1, budget=6000, seed=0).fit(model, texts, labels)


def test_a_text_becomes_the_mean_of_its_tokens_at_length_one(tmp_path: Path) -> None:
    encoder = text_encoder(folder(tmp_path / "tiny"))
    assert (encoder.name, encoder.width) == ("tiny", WIDTH)
    assert places(encoder, ["A fine film"])[0] == pytest.approx(expected("a", "fine", "film"), abs=1e-6)


def test_the_padding_that_a_tokenizer_was_saved_with_changes_nothing(tmp_path: Path) -> None:
    assert places(text_encoder(folder(tmp_path)), ["dull"])[0] == pytest.approx(expected("dull"), abs=1e-6)


def test_a_text_gets_the_same_bytes_alone_in_any_batch_and_on_any_number_of_threads(tmp_path: Path) -> None:
    one, many = (text_encoder(folder(tmp_path), threads=threads) for threads in (1, 4))
    texts = [*reviews(20, 0)[0], "a", "the film " * 60, ""]
    alone = np.vstack([places(one, [text]) for text in texts])
    assert alone.tobytes() == places(many, texts).tobytes() == places(one, texts[::-1])[::-1].tobytes()


def test_what_is_no_text_has_no_place_and_pairs_of_texts_lie_side_by_side(tmp_path: Path) -> None:
    encoder = text_encoder(folder(tmp_path))
    assert np.isnan(places(encoder, ["a film", None, "a cast", 5])).all(axis=1).tolist() == [False, True, False, True]
    pairs = places(encoder, [("a film", "a cast")])
    assert pairs.shape == (1, 2 * WIDTH)
    assert pairs[0, WIDTH:].tobytes() == places(encoder, ["a cast"])[0].tobytes()


def test_half_a_character_and_a_text_without_end_are_encoded(tmp_path: Path) -> None:
    encoder = text_encoder(folder(tmp_path))
    assert np.isfinite(places(encoder, ["film \ud800", "film " * 300_000, "\x00", ""])).all()


@pytest.mark.parametrize(("settings", "tokens", "read"), [({"max_seq_length": 4}, None, 2), ({"max_seq_length": 4}, 5, 3), (None, 6, 4)])
def test_a_text_is_cut_where_the_files_or_the_user_say(tmp_path: Path, settings: Any, tokens: int | None, read: int) -> None:
    place = folder(tmp_path) if settings is None else said(folder(tmp_path), "sentence_bert_config.json", settings)
    words = ["good", "film", "bad", "cast", "warm", "story"]
    assert places(text_encoder(place, tokens=tokens), [" ".join(words)])[0] == pytest.approx(expected(*words[:read]), abs=1e-6)


def test_a_graph_of_fixed_length_is_filled_up(tmp_path: Path) -> None:
    encoder = text_encoder(folder(tmp_path, tokens=8))
    assert places(encoder, ["warm film"])[0] == pytest.approx(expected("warm", "film"), abs=1e-6)
    assert places(encoder, ["film " * 20])[0] == pytest.approx(expected(*["film"] * 6), abs=1e-6)


def test_pooling_is_as_the_files_say(tmp_path: Path) -> None:
    first = said(folder(tmp_path / "cls"), "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    cls = TABLE[WORDS.index("[CLS]")].astype(np.float64)
    assert places(text_encoder(first), ["a film"])[0] == pytest.approx(cls / np.linalg.norm(cls), abs=1e-6)
    whole = TABLE[[2, WORDS.index("film"), 3]].max(axis=0).astype(np.float64)
    pooled = text_encoder(folder(tmp_path / "whole", pools=True, masked=False))
    assert places(pooled, ["film"])[0] == pytest.approx(whole / np.linalg.norm(whole), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "what", "words"),
    [
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "pools by pooling_mode_max_tokens; known are mean and cls"),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Dense"}], "module 'Dense'"),
    ],
)
def test_what_an_encoder_asks_for_and_this_cannot_do_is_an_error(tmp_path: Path, name: str, what: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        text_encoder(said(folder(tmp_path), name, what))


def test_files_that_are_no_encoder_are_refused_in_words(tmp_path: Path) -> None:
    for source, words in ((tmp_path / "none", "no text encoder"), (tmp_path, "has no ONNX file")):
        with pytest.raises(ModelError, match=words):
            text_encoder(source)
    place = folder(tmp_path / "tiny")
    assert places(text_encoder(place / "model.onnx"), ["film"]).shape == (1, WIDTH)
    (place / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        text_encoder(place)
    (place / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json beside"):
        text_encoder(place)
    (folder(place) / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be read as an ONNX model"):
        text_encoder(place)
    for name in ("a.onnx", "b.onnx"):
        (folder(tmp_path / "two") / "model.onnx").rename(tmp_path / "two" / name)
    with pytest.raises(ModelError, match=r"several ONNX files \(a\.onnx, b\.onnx\)"):
        text_encoder(tmp_path / "two")
    said(folder(place), "modules.json", None).joinpath("modules.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"modules\.json cannot be read as JSON"):
        text_encoder(place)


def test_a_graph_that_takes_other_things_than_tokens_is_refused(tmp_path: Path) -> None:
    info, place = onnx.helper.make_tensor_value_info, folder(tmp_path)
    ends = [info("x", onnx.TensorProto.FLOAT, ["n", 4])], [info("y", onnx.TensorProto.FLOAT, ["n", 4])]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "relu", *ends)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), str(place / "model.onnx"))
    with pytest.raises(ModelError, match=r"it takes x \(float\); expected input_ids"):
        text_encoder(place)


def test_without_the_packages_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, extra: str) -> Any:
        raise CamelopardError(f"pip install 'camelopard[{extra}]'")

    monkeypatch.setattr(onnx_encoder, "require", missing)
    with pytest.raises(CamelopardError, match=r"camelopard\[text-encoder\]"):
        text_encoder(folder(tmp_path))


def raising(texts: list[str]) -> Any:
    raise OSError("no connection")


def random(texts: list[str]) -> Any:
    return np.random.default_rng().normal(size=(len(texts), 3))


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (3, "encoder=int: expected a function"),
        (dict, "encoder=the class dict"),
        (raising, "'raising' fails on a plain sentence .OSError: no connection."),
        (random, "gives other numbers when it is asked again"),
        (lambda texts: np.zeros(3), r"gives shape \(3,\) for a list of one text"),
        (lambda texts: np.zeros((1, 0)), r"gives shape \(1, 0\)"),
        (lambda texts: [["a"]], "fails on a plain sentence .ValueError"),
        (lambda texts: [[np.nan, 1.0]], "not finite"),
    ],
)
def test_an_encoder_that_is_none_is_refused_before_anything_is_fitted(encoder: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        cp.wrap(opinion, encoder=encoder)


def test_a_function_is_only_ever_given_one_text_and_no_more_than_its_start() -> None:
    seen: list[list[str]] = []

    def encode(texts: list[str]) -> Any:
        seen.append(texts)
        return counted(texts)

    encoder = text_encoder(encode)
    assert encoder.name == "encode"
    places(encoder, ["a film", "a film", "long " * MOST_CHARACTERS])
    assert [len(texts) for texts in seen] == [1, 1, 1, 1]
    assert seen[:3] == [[PROBE], [PROBE], ["a film"]]
    assert len(seen[3][0]) == MOST_CHARACTERS


def test_a_text_on_which_an_encoder_raises_has_no_place_but_an_encoder_that_is_gone_is_an_error() -> None:
    gone: list[bool] = []

    def encode(texts: list[str]) -> Any:
        if gone or "boom" in texts[0]:
            raise RuntimeError("boom")
        return counted(texts)

    encoder = text_encoder(encode)
    assert np.isnan(places(encoder, ["a film", "boom"])).any(axis=1).tolist() == [False, True]
    gone.append(True)
    with pytest.raises(ModelError, match="fails on a plain sentence"):
        places(encoder, ["a film"])


def test_an_encoder_whose_width_changes_is_an_error() -> None:
    with pytest.raises(ModelError, match="gave 2 numbers for a text, and now 3"):
        places(text_encoder(lambda texts: np.ones((1, 3 if "x" in texts[0] else 2))), ["x"])


def test_a_wrapped_model_shows_the_encoders_features_and_keeps_its_answers() -> None:
    plain = cp.wrap(opinion, name="opinion", classes=["bad", "good"])
    model: Any = cp.wrap(plain, encoder=counted)
    texts = reviews(5, 3)[0]
    assert model.session().features(Batch.of(texts)).tolist() == np.array(counted(texts), dtype=float).tolist()
    assert (model.name, model.classes) == ("opinion", ("bad", "good"))
    assert model.predict(texts).proba.tolist() == plain.predict(texts).shares.tolist()
    assert getattr(plain, "encoder", None) is None
    assert getattr(cp.wrap(model, name="other"), "encoder", None) is model.encoder
    assert getattr(cp.wrap(model, classes=["bad", "good"], task="classification"), "encoder", None) is model.encoder


def test_rows_that_are_no_texts_are_refused_by_fit() -> None:
    rows = [{"age": i % 50, "sex": "fm"[i % 2]} for i in range(60)]
    model = cp.wrap(lambda table: [row["sex"] == "f" for row in table], encoder=counted)
    with pytest.raises(ModelError, match=r"these rows are a table with the columns 'age', 'sex'\. Give the texts alone"):
        cp.Firewall(budget=400).fit(model, rows)


def test_what_nobody_showed_the_model_is_novel_where_an_encoder_sees_it_and_the_verdict_is_the_same_alone() -> None:
    firewall = fitted(True)
    known = reviews(100, 5)[0]
    strange = [f"{text} film film film film" for text in known]
    new, old = firewall.screen(strange).novelty, firewall.screen(known).novelty
    assert new is not None and old is not None
    assert np.median(new) > 0.95 > np.quantile(old, 0.8)
    together = firewall.screen([*known[:5], *strange[:5]])
    alone = [firewall.screen([text]) for text in (*known[:5], *strange[:5])]
    assert [v.risk[0] for v in alone] == together.risk.tolist()
    assert together.novelty is not None
    assert [v.novelty[0] for v in alone if v.novelty is not None] == together.novelty.tolist()


def test_a_firewall_says_which_encoder_it_was_fitted_with_and_is_loaded_with_no_other(tmp_path: Path) -> None:
    firewall, path = fitted(True), tmp_path / "opinion.firewall"
    firewall.save(path)
    assert firewall.describe()["model"]["encoder"] == {"name": "counted", "numbers": 15}
    assert "measured in the 15 numbers of 'counted'" in firewall.summary()
    texts = reviews(30, 9)[0]

    def wrapped(encoder: Callable[[list[str]], Any] | None) -> Any:
        return cp.wrap(opinion, name="opinion", classes=["bad", "good"], encoder=encoder)

    again = cp.Firewall.load(path, model=wrapped(lambda texts: counted(texts)))
    assert again.screen(texts).risk.tolist() == firewall.screen(texts).risk.tolist()
    with pytest.raises(ArtifactError, match=r"fitted with the text encoder 'counted' \(15 numbers\), and 'opinion' came without one"):
        cp.Firewall.load(path, model=wrapped(None))
    for other in (lambda texts: np.array(counted(texts))[:, ::-1], lambda texts: np.array(counted(texts))[:, :9]):
        with pytest.raises(ArtifactError, match=r"is not the one that it was fitted with \('counted', 15 numbers\): 16 of 16 rows lie elsewhere"):
            cp.Firewall.load(path, model=wrapped(other))


def test_the_command_line_takes_a_folder_or_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_encoder.py").write_text(
        "def model(texts):\n    return texts\n\ndef lengths(texts):\n    return [[len(text)] for text in texts]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for word, called in ((str(folder(tmp_path / "tiny")), "tiny"), ("mine_encoder:lengths", "lengths")):
        model: Any = model_of("mine_encoder:model", trust=False, encoder=word)
        assert (model.name, model.encoder.name) == ("mine_encoder:model", called)
    with pytest.raises(ModelError, match="no text encoder 'nowhere'"):
        model_of("mine_encoder:model", trust=False, encoder="nowhere")
    fitted(True).save(tmp_path / "kept.firewall")
    with pytest.raises(ArtifactError, match="--encoder on the command line"):
        firewall_of(tmp_path / "kept.firewall", "mine_encoder:model", trust=False, classes="bad,good")


def test_a_firewall_that_was_fitted_without_an_encoder_is_not_loaded_with_one(tmp_path: Path) -> None:
    fitted(False).save(tmp_path / "plain.firewall")
    assert "encoder" not in fitted(False).describe()["model"]
    model = cp.wrap(opinion, name="opinion", classes=["bad", "good"])
    assert cp.Firewall.load(tmp_path / "plain.firewall", model=model).screen(["a good film"]).prediction.tolist() == ["good"]
    with pytest.raises(ArtifactError, match="fitted without a text encoder, and 'opinion' came with 'counted'"):
        cp.Firewall.load(tmp_path / "plain.firewall", model=cp.wrap(model, encoder=counted))
