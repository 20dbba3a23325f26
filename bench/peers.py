"""Other servers of models, as their own first pages say to start them, with the same function of NumPy behind one worker.

They are no dependency of this project: each lives in an environment of its own, made by `python -m venv there && there/bin/pip install mlserver mlflow
litserve bentoml`, of which `bench.gateway --peers there/bin/python` is told. Several environments may hold one each: some cannot share one.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

KEPT = "kept"
MODEL = """
import numpy as np

LINE = np.load("line.npy")


def shares(rows):
    x = np.asarray(rows, dtype=np.float64)
    high = 1 / (1 + np.exp(-np.clip((x * LINE).sum(axis=1), -30, 30)))
    return np.column_stack([1 - high, high])
"""
LITSERVE = """
import litserve
import line_model


class Line(litserve.LitAPI):
    def setup(self, device):
        self.model = line_model.shares

    def decode_request(self, request):
        return request["rows"]

    def predict(self, rows):
        return self.model(rows)

    def encode_response(self, found):
        return {"probabilities": found.tolist()}


if __name__ == "__main__":
    litserve.LitServer(Line(), accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=PORT, num_api_servers=1, generate_client_file=False, log_level="warning"
    )
"""
MLSERVER = """
import line_model
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Line(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        found = line_model.shares(NumpyCodec.decode_input(payload.inputs[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", found)])
"""
BENTOML = """
import bentoml
import line_model


@bentoml.service(workers=1)
class Line:
    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[list[float]]:
        return line_model.shares(rows).tolist()
"""
MLFLOW = """
import mlflow
import numpy as np


class Line(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        import line_model

        self.model = line_model.shares

    def predict(self, context, model_input, params=None):
        return self.model(model_input).tolist()


mlflow.pyfunc.save_model("KEPT", python_model=Line(), code_paths=["line_model.py"], pip_requirements=["numpy"])
""".replace("KEPT", KEPT)
QUIET = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": "."}

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Peer:
    """How a server is made ready in a folder, started on a port, and asked."""

    package: str
    files: Callable[[int], dict[str, str]]
    command: Callable[[Path, int], list[str]]
    path: str
    body: Callable[[Rows], object]
    before: str = ""  # a program to run once, which makes KEPT

    def ready(self, python: Path, folder: Path, port: int) -> list[str]:
        """Write what it needs and return the command that starts it."""
        for name, text in {"line_model.py": MODEL, **self.files(port)}.items():
            (folder / name).write_text(text)
        if self.before and not (folder / KEPT).exists():
            subprocess.run([python, "-c", self.before], cwd=folder, check=True, capture_output=True, env=around(python))
        return self.command(python, port)


def around(python: Path) -> dict[str, str]:
    """Return what a server of this environment finds around itself."""
    return {**os.environ, **QUIET, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}


def beside(python: Path, program: str) -> str:
    """Return a program of the environment of this Python."""
    return str(python.parent / program)


def _mlserver(port: int) -> dict[str, str]:
    ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports}
    return {
        "peer_mlserver.py": MLSERVER,
        "settings.json": json.dumps(settings),
        "model-settings.json": json.dumps({"name": "line", "implementation": "peer_mlserver.Line"}),
    }


PEERS = {
    "LitServe": Peer(
        "litserve",
        lambda port: {"peer_litserve.py": LITSERVE.replace("PORT", str(port))},
        lambda python, port: [str(python), "peer_litserve.py"],
        "/predict",
        lambda rows: {"rows": rows},
    ),
    "MLServer": Peer(
        "mlserver",
        _mlserver,
        lambda python, port: [beside(python, "mlserver"), "start", "."],
        "/v2/models/line/infer",
        lambda rows: {"inputs": [{"name": "rows", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": [v for row in rows for v in row]}]},
    ),
    "MLflow": Peer(
        "mlflow",
        lambda port: {},
        lambda python, port: [
            *(beside(python, "mlflow"), "models", "serve", "-m", KEPT, "--env-manager", "local"),
            *("--workers", "1", "--host", "127.0.0.1", "--port", str(port)),
        ],
        "/invocations",
        lambda rows: {"inputs": rows},
        MLFLOW,
    ),
    "BentoML": Peer(
        "bentoml",
        lambda port: {"peer_bentoml.py": BENTOML},
        lambda python, port: [beside(python, "bentoml"), "serve", "peer_bentoml:Line", "--host", "127.0.0.1", "--port", str(port)],
        "/predict",
        lambda rows: {"rows": rows},
    ),
}


def found_in(pythons: Sequence[Path]) -> dict[str, tuple[Peer, Path]]:
    """Return the peers that these environments have, each with the Python that has it."""
    found = {}
    for name, peer in PEERS.items():
        for python in pythons:
            asked = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({peer.package!r}) is None)"
            if name not in found and subprocess.run([python, "-c", asked], check=False).returncode == 0:
                found[name] = peer, python
    return found
