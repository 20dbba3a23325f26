"""`wrap`: one face for any model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from camelopard.core.batch import Batch
from camelopard.core.errors import ModelError
from camelopard.core.protocols import Model
from camelopard.core.records import Task
from camelopard.models.answers import Reader
from camelopard.models.asking import Adapter
from camelopard.models.encoder import Encoder, text_encoder
from camelopard.models.members import Voices
from camelopard.models.model import BATCH_SIZE, Wrapped

Of = Callable[[Any, Task | None, Sequence[Any] | None, tuple[str, ...] | None], tuple[Adapter, Reader]]


def wrap(
    obj: Any,
    name: str | None = None,
    task: Task | None = None,
    classes: Sequence[Any] | None = None,
    *,
    batch_size: int = BATCH_SIZE,
    reference: Any = None,
    members: Voices | None = None,
    encoder: Any = None,
) -> Model:
    """Return the one face of a model: `predict`, `task`, `classes`, `session`. The model itself is never changed.

    Parameters
    ----------
    obj
        A fitted scikit-learn estimator or pipeline, a LightGBM or XGBoost model (native booster or estimator), a torch module, the path of an
        ONNX file or a session on one, the URL of a model server, or a function from a table to answers: one class or number per row,
        probabilities of shape (n, k), with two `classes` the probability of the second, shape (n,), or per row {"label": …, "score": …} or a list
        of them, as a text-classification pipeline of transformers gives them. `torch_model`, `onnx_model` and `http_model` say more about how a
        module, a file or a server is to be asked; what they return is wrapped like any other model.
    name
        How reports call it; default: its own name.
    task
        "classification" or "regression"; read from the model where it says so. Of a function the first answer tells: text, bool and int are
        classes, floats numbers, two or more columns that sum to 1 probabilities.
    classes
        The classes in the order of the probabilities; default: the model's own.
    batch_size
        Rows per call at most.
    reference
        Rows like those it was fitted on: their column types, fixed categories and order are used for every batch, however that comes.
    members
        A function from the same table to the answers of each member of an ensemble: probabilities, shape (members, n, k), or numbers, shape
        (members, n). Forests, bagging and voting of scikit-learn need none. It must answer the same row alike each time.
    encoder
        For a model of texts that shows no features: a function from a list of texts to a vector for each, or the folder of a sentence encoder in
        ONNX. A firewall then tells how far a text lies from clean ones in what the encoder makes of it. `text_encoder` says more.

    Raises
    ------
    ModelError
        If obj is nothing that can be asked, is not fitted, or contradicts `task` or `classes`.

    >>> model = wrap(lambda rows: ["old" if row["age"] > 50 else "young" for row in rows], name="by age")
    >>> model.predict([{"age": 36}, {"age": 51}]).value.tolist()
    ['young', 'old']
    """
    placing: Encoder | None = None if encoder is None else text_encoder(encoder)
    if isinstance(obj, Wrapped):
        if task is None and classes is None and reference is None and members is None and batch_size == BATCH_SIZE:
            same = obj if name is None else obj.renamed(name)
            return same if placing is None else same.encoded(placing)
        name, placing, obj = name or obj.name, placing or obj.encoder, obj.obj
    elif all(hasattr(obj, attribute) for attribute in ("session", "predict", "classes", "task", "name")):
        if placing is not None:
            raise ModelError(f"{type(obj).__name__} is a model of its own making, and shows its features itself; leave encoder= out.")
        return obj  # type: ignore[no-any-return]
    if isinstance(obj, type):
        raise ModelError(f"{obj.__name__} is a class; expected a fitted model. Give an instance, e.g. {obj.__name__}().fit(X, y).")
    if members is not None and not callable(members):
        raise ModelError(f"members={type(members).__name__}; expected a function from a table to the answers of each member, shape (members, n, k).")
    rows = None if reference is None else Batch.of(reference)
    adapter, reader = _adapter(obj)(obj, task, classes, None if rows is None else rows.names)
    return Wrapped(obj, name or _name(obj), adapter, reader, None if rows is None else rows.form, batch_size, members, placing)


def _adapter(obj: object) -> Of:
    """Return how to read an object of this type. Nothing is imported that the object has not imported itself."""
    if isinstance(obj, (str, Path)):
        return _named(str(obj))
    for kind in type(obj).__mro__:
        library = kind.__module__.split(".")[0]
        found = _KNOWN.get((library, kind.__name__))
        if found is not None:
            return found()
    if hasattr(obj, "predict"):
        return _estimator()
    if callable(obj):
        return _function()
    raise ModelError(
        f"cannot wrap a {type(obj).__name__}. Give a fitted scikit-learn, LightGBM or XGBoost model, anything with `predict`, or a function "
        "from a table to answers; load a model file with its own library first."
    )


def _named(word: str) -> Of:
    """Return how to read what a word names: the URL of a model server, or an ONNX file."""
    if word.startswith(("http://", "https://")):
        return _http()
    if word.endswith(".onnx") and Path(word).is_file():
        return _onnx()
    raise ModelError(f"cannot wrap a str: there is no ONNX file {word!r}. Give the path of an .onnx file, the URL of a model server, or a model.")


def _estimator() -> Of:
    from camelopard.models.scikit import of_estimator

    return of_estimator


def _function() -> Of:
    from camelopard.models.functions import of_function

    return of_function


def _torch() -> Of:
    from camelopard.models.torch_model import of_torch

    return of_torch


def _onnx() -> Of:
    from camelopard.models.onnx_model import of_onnx

    return of_onnx


def _http() -> Of:
    from camelopard.models.http_model import of_http

    return of_http


def _lightgbm_booster() -> Of:
    from camelopard.models.lightgbm_model import of_booster

    return of_booster


def _lightgbm_face() -> Of:
    from camelopard.models.lightgbm_model import of_face

    return of_face


def _xgboost_booster() -> Of:
    from camelopard.models.xgboost_model import of_booster

    return of_booster


def _xgboost_face() -> Of:
    from camelopard.models.xgboost_model import of_face

    return of_face


_KNOWN: dict[tuple[str, str], Callable[[], Of]] = {
    ("torch", "Module"): _torch,
    ("camelopard", "TorchModel"): _torch,
    ("onnxruntime", "InferenceSession"): _onnx,
    ("camelopard", "OnnxModel"): _onnx,
    ("camelopard", "HttpModel"): _http,
    ("transformers", "Pipeline"): _function,  # its `predict` is another name for calling it
    ("lightgbm", "Booster"): _lightgbm_booster,
    ("lightgbm", "LGBMModel"): _lightgbm_face,
    ("xgboost", "Booster"): _xgboost_booster,
    ("xgboost", "XGBModel"): _xgboost_face,
}


def _name(obj: object) -> str:
    if isinstance(obj, (str, Path)):
        from camelopard.models.http_model import http_model

        return http_model(str(obj)).name if str(obj).startswith(("http://", "https://")) else Path(obj).stem
    if getattr(obj, "_model_path", None):  # of an ONNX session that came from a file
        return Path(str(obj._model_path)).stem  # type: ignore[attr-defined]
    name = getattr(obj, "name" if type(obj).__module__.startswith("camelopard.models.") else "__name__", None)
    return name if isinstance(name, str) and name != "<lambda>" else ("function" if name else type(obj).__name__)
