from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from camelopard.core.errors import ModelError, UnknownName
from camelopard.models import wrap as wrapping
from camelopard.models.torch_model import TorchAdapter, of_torch, torch_model
from camelopard.testing.models import check_model

torch = pytest.importorskip("torch")
wrap: Any = wrapping.wrap
nn = torch.nn
X = np.random.default_rng(0).normal(size=(40, 4))
IMAGES = np.random.default_rng(1).integers(0, 256, (12, 9, 8)).astype(np.uint8)
COLOUR = np.random.default_rng(2).integers(0, 256, (12, 9, 8, 3)).astype(np.uint8)


def dense(*last: Any, k: int = 3) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, k), *last)


def convolutional(channels: int = 1, k: int = 5) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, k))


def adapter(obj: Any, **options: Any) -> TorchAdapter:
    return of_torch(obj, options.pop("task", None), options.pop("classes", None), None)[0]


def expected(net: Any, x: Any) -> Any:
    net.eval()
    with torch.no_grad():
        return net(x)


class Counting(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, inner: Any, answer: Any = lambda out: out) -> None:
        super().__init__()
        self.inner, self.answer, self.calls, self.rows = inner, answer, 0, 0

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.rows = max(self.rows, len(x))
        return self.answer(self.inner(x))


# Answers


@pytest.mark.parametrize("last", [(), (nn.Softmax(1),), (nn.LogSoftmax(1),)])
def test_logits_probabilities_and_log_probabilities_come_out_as_probabilities(last: Any) -> None:
    net = dense(*last)
    logits = expected(dense(), torch.tensor(X, dtype=torch.float32))
    model = wrap(net, classes=["a", "b", "c"])
    assert np.allclose(model.predict(X).proba, logits.softmax(1).numpy(), atol=1e-6)
    assert model.predict(X).value.tolist() == ["abc"[i] for i in logits.argmax(1).tolist()]


def test_the_contract_of_models_holds() -> None:
    check_model(wrap(dense()), X)
    check_model(wrap(dense(k=1), task="regression"), X)
    check_model(wrap(dense(k=1), classes=["no", "yes"]), np.repeat(X, 2, axis=0) * 20)
    check_model(wrap(convolutional()), IMAGES)
    check_model(wrap(convolutional(3)), COLOUR)


def test_a_module_is_asked_in_evaluation_mode_and_left_as_it_was() -> None:
    net = convolutional()
    net[1].eval()  # a frozen layer in a module that trains
    net.train()
    net[1].eval()
    model = wrap(torch_model(dense().train(), dropout=3))
    before, random = pickle.dumps(net), torch.get_rng_state()
    model.predict(X)
    model.members(X)
    wrap(net).predict(IMAGES)
    adapter(net).gradient(IMAGES, np.zeros(12, dtype=int))
    assert pickle.dumps(net) == before
    assert [layer.training for layer in net] == [True, False, True, True, True, True]
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_a_module_that_raises_is_left_as_it_was() -> None:
    net = dense().train()
    found = wrap(net).predict(X[:, :3])
    assert "shapes cannot be multiplied" in found.errors[0]
    assert net.training and not any(layer._forward_hooks or layer._forward_pre_hooks for layer in net.modules())


def test_cells_that_are_no_numbers_are_errors_of_their_rows() -> None:
    rows: list[dict[str, Any]] = [dict.fromkeys("abcd", 0.5) for _ in range(3)]
    rows[0]["a"], rows[1]["b"] = "###", None
    found = wrap(dense()).predict(rows)
    assert found.failed.tolist() == [True, True, False]
    assert "could not convert" in found.errors[0] and "NaN" in found.errors[1]


def test_rows_go_in_at_most_so_many_at_once() -> None:
    net = Counting(dense())
    wrap(torch_model(net, batch_size=16)).predict(X)
    assert (net.calls, net.rows) == (3, 16)


@pytest.mark.parametrize("answer", [lambda out: (out, None), lambda out: {"logits": out}, lambda out: type("Out", (), {"logits": out})()])
def test_answers_are_found_among_what_a_module_returns(answer: Any) -> None:
    assert np.array_equal(wrap(Counting(dense(), answer)).predict(X).value, wrap(dense()).predict(X).value)


def test_a_module_that_returns_no_tensor_is_refused() -> None:
    with pytest.raises(ModelError, match="answers with a str; expected a tensor"):
        wrap(Counting(dense(), lambda out: "yes")).predict(X)


def test_pictures_become_light_with_channels_first() -> None:
    seen = []
    net = Counting(convolutional(3))
    net.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
    wrap(net).predict(COLOUR)
    assert seen[0].shape == (12, 3, 9, 8) and seen[0].dtype == torch.float32
    assert torch.allclose(seen[0][0, 1], torch.tensor(COLOUR[0, :, :, 1] / 255.0, dtype=torch.float32))
    floats = (COLOUR / np.float32(255)).astype(np.float32)
    assert np.allclose(wrap(convolutional(3)).predict(COLOUR).proba, wrap(convolutional(3)).predict(floats).proba)


def test_pictures_of_another_shape_do_not_disturb_the_others() -> None:
    model = wrap(convolutional())
    mixed = [*IMAGES[:3], np.zeros((9, 8, 3), dtype=np.uint8), b"no picture", None]
    found = model.predict(mixed)
    assert found.failed.tolist() == [False, False, False, True, True, True]
    assert np.allclose(found.proba[:3], model.predict(IMAGES[:3]).proba)


def test_preprocess_turns_texts_into_what_the_module_takes() -> None:
    class Bag(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, lengths: Any, shouts: Any) -> Any:
            return torch.stack([lengths, 10 * shouts], dim=1)

    def tokens(texts: list[str]) -> dict[str, Any]:
        return {"lengths": torch.tensor([float(len(t)) for t in texts]), "shouts": np.array([float(t.count("!")) for t in texts])}

    model = wrap(torch_model(Bag(), preprocess=tokens, classes=["calm", "loud"]))
    assert model.predict(["a long calm text", "wow!!!!", None]).value.tolist() == ["calm", "loud", None]
    with pytest.raises(ModelError, match="texts came"):
        wrap(dense()).predict(["a text"])


def test_double_precision_modules_get_double_precision() -> None:
    net = dense().double()
    found = wrap(net).predict(X)
    assert np.allclose(found.proba, expected(net, torch.tensor(X)).softmax(1).numpy(), atol=1e-12)


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("last", [(), (nn.Softmax(1),)])
def test_mixed_precision_is_close_to_full_precision(precision: Any, last: Any) -> None:
    found = wrap(torch_model(dense(*last), precision=precision)).predict(X)
    assert not found.failed.any()
    assert np.abs(found.proba - wrap(dense()).predict(X).proba).max() < 0.01
    assert np.allclose(found.proba.sum(axis=1), 1, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_traced_scripted_and_compiled_modules_are_asked_alike() -> None:
    net = convolutional().eval()
    want = wrap(net).predict(IMAGES).proba
    for other in (torch.jit.trace(net, torch.zeros(1, 1, 9, 8)), torch.jit.script(net), torch.compile(net, backend="eager")):
        assert np.allclose(wrap(other).predict(IMAGES).proba, want, atol=1e-6)


# Features


def test_features_are_what_goes_into_the_last_layer() -> None:
    net = dense()
    a = adapter(net)
    a.ask(X)
    want = expected(net[:3], torch.tensor(X, dtype=torch.float32)).numpy()
    assert a.features is not None and np.allclose(a.features(X), want)
    weights, biases = a.last_layer or (np.empty(0), np.empty(0))
    assert np.allclose(want @ weights.T + biases, expected(net, torch.tensor(X, dtype=torch.float32)).numpy(), atol=1e-5)


def test_answers_and_features_cost_one_pass() -> None:
    net = Counting(dense())
    a = adapter(net)
    assert a.features is not None
    a.ask(X)
    a.features(X.copy())
    assert net.calls == 1
    a.features(X + 1)
    assert net.calls == 2


def test_maps_are_averaged_over_the_picture_and_sequences_over_the_sequence() -> None:
    net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    a = adapter(net)
    assert a.features is not None
    light = torch.tensor(IMAGES[:, None] / np.float32(255))
    assert np.allclose(a.features(IMAGES), expected(net[:2], light).mean((2, 3)).numpy(), atol=1e-6)
    assert a.last_layer is None

    class Steps(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(2, 3)

        def forward(self, x: Any) -> Any:
            return self.last(x.reshape(len(x), 2, 2)).sum(1)

    a = adapter(Steps())
    assert a.features is not None and np.allclose(a.features(X), X.reshape(40, 2, 2).mean(1))


def test_a_named_layer_gives_the_features() -> None:
    net = convolutional()
    a = adapter(torch_model(net, features="2"))
    assert a.features is not None and a.features(IMAGES).shape == (12, 6)
    assert a.last_layer is None
    with pytest.raises(UnknownName, match="no layer named 'head'"):
        torch_model(net, features="head")


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_where_no_layer_gives_a_vector_per_row_the_answers_stand_in() -> None:
    class Turned(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(40, 40)

        def forward(self, x: Any) -> Any:
            return self.last(x.T).T[:, :3]

    a = adapter(Turned())
    assert a.features is not None and a.features(X).shape == (40, 3)
    assert adapter(torch.jit.script(dense())).features is None
    assert wrap(torch.jit.script(dense())).features(X) is None


# Gradients


def check_gradient(a: TorchAdapter, loss: Any, table: Any, labels: Any, step: float) -> None:
    """Compare with differences of the loss, at some places of some rows."""
    found = a.gradient(table, labels)
    assert found.shape == table.shape and found.dtype == np.float32
    for row, place in ((0, 1), (3, 2)):
        up, down = table[row].astype(np.float64).copy(), table[row].astype(np.float64).copy()
        up.flat[place] += step
        down.flat[place] -= step
        slope = (loss(up, labels[row]) - loss(down, labels[row])) / (2 * step)
        assert found[row].flat[place] == pytest.approx(slope, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("last", [(), (nn.Softmax(1),), (nn.LogSoftmax(1),)])
def test_gradients_are_those_of_the_loss_whatever_comes_out(last: Any) -> None:
    net, plain = dense(*last).double(), dense().double()

    def loss(row: Any, label: int) -> float:
        return float(nn.functional.cross_entropy(expected(plain, torch.tensor(row[None])), torch.tensor([label])))

    check_gradient(adapter(net), loss, X, np.arange(40) % 3, 1e-5)


def test_gradients_of_pictures_are_per_grey_level() -> None:
    net = convolutional(3).double()

    def loss(row: Any, label: int) -> float:
        light = torch.tensor(np.moveaxis(row, 2, 0)[None] / 255.0)
        return float(nn.functional.cross_entropy(expected(net, light), torch.tensor(["abcde".index(str(label))])))

    check_gradient(adapter(net, classes=list("abcde")), loss, COLOUR, list("abcdeabcdeab"), 0.01)
    assert adapter(convolutional()).gradient(IMAGES, np.zeros(12, dtype=int)).shape == IMAGES.shape


def test_gradients_of_numbers_and_of_one_score_for_two_classes() -> None:
    net = dense(k=1).double()

    def squared(row: Any, label: float) -> float:
        return float((expected(net, torch.tensor(row[None]))[0, 0] - label) ** 2)

    check_gradient(adapter(net, task="regression"), squared, X, np.linspace(-1, 1, 40), 1e-5)

    def entropy(row: Any, label: int) -> float:
        return float(nn.functional.softplus(expected(net, torch.tensor(row[None]))[0, 0] * (1 - 2 * label)))

    check_gradient(adapter(torch_model(net, outputs="logits")), entropy, X, np.arange(40) % 2, 1e-5)


def test_gradients_of_rows_do_not_depend_on_their_batch() -> None:
    a, b = adapter(dense()), adapter(torch_model(dense(), batch_size=7))
    labels = np.arange(40) % 3
    assert np.allclose(a.gradient(X, labels), b.gradient(X, labels), atol=1e-7)


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(ModelError, match="'z' is no label of this model; expected one of 'a', 'b', 'c'"):
        adapter(dense(), classes=["a", "b", "c"]).gradient(X, ["z"] * 40)
    with pytest.raises(ModelError, match="one tensor of floats"):
        adapter(torch_model(dense(), preprocess=lambda t: (torch.tensor(t),))).gradient(X, [0] * 40)


# Dropout as an ensemble


def test_members_answer_a_row_alike_alone_and_in_any_batch() -> None:
    model = wrap(torch_model(dense(), dropout=6, seed=3))
    model.predict(X)
    found = model.members(X)
    assert found.shape == (6, 40, 3) and np.allclose(found.sum(axis=2), 1)
    assert np.allclose(found[:, 5:8], model.members(X[5:8]), atol=1e-6)
    assert np.array_equal(found, model.members(X))
    assert found.std(axis=0).min() > 0


def test_members_scatter_around_the_answer_of_the_whole() -> None:
    net = nn.Sequential(nn.Dropout(0.4), nn.Linear(4, 1))
    found = adapter(torch_model(net, dropout=400, task="regression"), task="regression").members
    assert found is not None
    said = found(X)
    whole = expected(net, torch.tensor(X, dtype=torch.float32)).numpy()[:, 0]
    error = np.abs(said.mean(axis=0) - whole) / (said.std(axis=0) / 20)
    assert (error < 4.5).all()  # linear in the mask, so the mean over masks is the answer


def test_whole_channels_are_dropped_where_the_layer_says_so() -> None:
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Dropout2d(0.5), nn.Flatten(), nn.Linear(8 * 42, 3))
    a = adapter(torch_model(net, dropout=4))
    seen = []
    net[2].register_forward_hook(lambda layer, args, out: seen.append(args[0].detach()))
    assert a.members is not None
    a.members(IMAGES)
    dead = [(out.abs().sum((2, 3)) == 0) for out in seen[1:]]
    assert all(((d.sum(0) == 0) | (d.sum(0) == len(d))).all() for d in dead) and any(d.any() for d in dead)


def test_other_seeds_make_other_members() -> None:
    one, other = (adapter(torch_model(dense(), dropout=3, seed=seed)).members for seed in (0, 1))
    assert one is not None and other is not None and not np.allclose(one(X), other(X))


# Wrong use


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"precision": "int4"}, "no precision named 'int4'"),
        ({"device": "cuda:77"}, "device='cuda:77' cannot be used"),
        ({"device": "gpu"}, "device='gpu' cannot be used"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"dropout": 1}, "2 or more"),
        ({"outputs": "numbers", "classes": ["a", "b"]}, "outputs='numbers' of a classifier"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: Any, words: str) -> None:
    with pytest.raises((ModelError, UnknownName), match=words):
        torch_model(dense(), **options)


def test_dropout_without_layers_and_classes_without_modules_are_refused() -> None:
    with pytest.raises(ModelError, match="no Dropout layers"):
        torch_model(convolutional(), dropout=5)
    with pytest.raises(ModelError, match="Sequential is a class"):
        wrap(nn.Sequential)


def test_a_copy_moves_to_another_device_and_the_module_stays() -> None:
    net = dense()
    assert torch_model(net, device="cpu").module is net
    there = torch_model(net, device="meta").module
    assert there is not net and next(net.parameters()).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_module_on_a_cuda_device_answers_like_on_the_cpu() -> None:
    net = convolutional(3)
    here, there = adapter(torch_model(net, features=None)), adapter(torch_model(net, device="cuda"))
    assert next(net.parameters()).device.type == "cpu"
    assert np.allclose(here.ask(COLOUR).values, there.ask(COLOUR).values, atol=1e-4)
    assert here.features is not None and there.features is not None
    assert np.allclose(here.features(COLOUR), there.features(COLOUR), atol=1e-3)
    assert np.allclose(here.gradient(COLOUR, [0] * 12), there.gradient(COLOUR, [0] * 12), atol=1e-5)
    mixed = adapter(torch_model(net, device="cuda", precision="bfloat16"))
    assert np.abs(here.ask(COLOUR).values - mixed.ask(COLOUR).values).max() < 0.02
    one, other = (adapter(torch_model(dense(), device=device, dropout=4)).members for device in ("cpu", "cuda"))
    assert one is not None and other is not None and np.allclose(one(X), other(X), atol=1e-4)


def test_wrapping_does_not_import_torch_before_it_is_needed() -> None:
    probe = "import sys, camelopard as cp; cp.wrap(lambda t: t); import camelopard.models.torch_model; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip() == "False"
