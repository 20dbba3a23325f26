"""What the gateway understands, as an OpenAPI document; with what its face understands, where it has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from camelopard.models.binary_tensors import BYTES, DTYPES
from camelopard.server.scoring.inference import ANSWER, MOST_AXES, SHARES
from camelopard.version import VERSION

JSON = "application/json"

_NUMBER = {"type": ["number", "null"]}
_VERDICT: dict[str, Any] = {
    "type": "object",
    "required": ["route"],
    "properties": {
        "route": {"enum": ["pass", "repair", "review", "block", "unjudged"]},
        "risk": {**_NUMBER, "description": "Probability that this row fools the model."},
        "confidence": {**_NUMBER, "description": "Probability that the answer is right."},
        "oddity": {**_NUMBER, "description": "How odd the row is among clean ones, whether or not it matters."},
        "id": {"type": "string", "description": "To ask for the row later; of rows that did not pass."},
        "done": {"enum": ["answer", "repaired", "hold", "refuse"]},
        "reasons": {"type": "array", "items": {"type": "object"}},
        "repair": {"type": "object", "description": "The values changed, and the model's answer to the row with them."},
    },
}
_ROW = {
    "allOf": [{"$ref": "#/components/schemas/Verdict"}, {"type": "object", "properties": {"prediction": {}, "probabilities": {"type": "object"}}}]
}
_ROWS = {"type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "items": _ROW}}}
_PREDICTIONS = {
    "type": "object",
    "required": ["predictions", "verdicts"],
    "properties": {"predictions": {"type": "array"}, "verdicts": {"type": "array", "items": {"$ref": "#/components/schemas/Verdict"}}},
}
_PARAMETERS = {
    "type": "object",
    "description": "What the firewall says: texts and numbers; of several rows, of reasons and of repairs, JSON.",
}
_TENSOR: dict[str, Any] = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": [*DTYPES, BYTES]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": MOST_AXES},
        "data": {"type": "array", "description": "Flat, or nested as the shape is; null is missing."},
        "parameters": {"type": "object", "properties": {"binary_data_size": {"type": "integer", "minimum": 0}}},
    },
}
_OUTPUTS: dict[str, Any] = {
    "type": "object",
    "required": ["model_name", "id", "parameters", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "id": {"type": "string"},
        "parameters": _PARAMETERS,
        "outputs": {"type": "array", "items": _TENSOR},
    },
}
_UNANSWERED = {"type": "object", "required": ["error", "parameters"], "properties": {"error": {"type": "string"}, "parameters": _PARAMETERS}}
_SPLIT = {
    "type": "object",
    "required": ["columns", "data"],
    "properties": {"columns": {"type": "array", "items": {"type": "string"}}, "data": {"type": "array", "items": {"type": "array"}}},
}
_MLFLOW: dict[str, Any] = {
    "oneOf": [
        {"type": "object", "required": [form], "properties": {form: schema}}
        for form, schema in {
            "dataframe_split": _SPLIT,
            "dataframe_records": {"type": "array", "items": {"type": "object"}},
            "instances": {"type": "array"},
            "inputs": {"oneOf": [{"type": "array"}, {"type": "object", "additionalProperties": {"type": "array"}}]},
        }.items()
    ]
}
_INFER: dict[str, Any] = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string"},
        "inputs": {"type": "array", "items": _TENSOR, "minItems": 1},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"enum": [ANSWER, SHARES]},
                    "parameters": {"type": "object", "properties": {"binary_data": {"type": "boolean"}}},
                },
            },
        },
        "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}}},
    },
}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_ACCEPTED = {"type": "object", "required": ["accepted"], "properties": {"accepted": {"const": True}}}
_WITHHELD = {
    "202": "The rows are held for a person; the body has their ids. Of a mirrored request: it is judged later.",
    "422": "The rows are refused; the body has the reasons.",
}
_TROUBLE = {
    "400": "The request cannot be read.", "401": "No token, or one that is good for nothing.", "403": "A token that is not for it.",
    "404": "No such model.", "405": "Rows are sent: POST.", "408": "The request came too slowly.", "413": "The request is too large.",
    "415": "The media type is not read here.", "502": "The model behind gave no answer.",
    "503": "Too much at once, or the model behind is left alone.",
    "504": "It took too long.",
}  # fmt: skip
_READING = {"404": "No such model.", "405": "Only read: GET.", "503": "It is not ready."}
_UNTOLD = {"401": _TROUBLE["401"], "403": _TROUBLE["403"], "503": "Whose token it is cannot be told now."}
TOKEN = {"type": "http", "scheme": "bearer", "description": "A token: camelopard_…, made under /me or with `camelopard tokens make`."}
OPEN = ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/{name}/ready", "/health", "/ping", "/openapi.json", "/metrics")  # without a token
UNUSED = ("HTTPValidationError", "ValidationError")


def described(models: Sequence[str], *, tokens: bool = False) -> dict[str, Any]:
    """Return the document of the gateway itself; with `tokens` it says that models are asked with one, and does not name them to everybody."""
    name = {"type": "string"} if tokens else {"type": "string", "enum": list(models)}
    names = {"name": "name", "in": "path", "required": True, "schema": name}
    octets = {"schema": {"type": "string", "format": "binary"}}
    predict = _post("Judge rows and answer those that pass", {JSON: {"schema": {"$ref": "#/components/schemas/Rows"}}}, {"anyOf": [_ROW, _ROWS]})
    mlflow = _post("The same in the forms of MLflow", {JSON: {"schema": _MLFLOW}, "text/csv": {"schema": {"type": "string"}}}, _PREDICTIONS)
    infer = _post("The same in the Open Inference Protocol", {JSON: {"schema": _INFER}, "application/octet-stream": octets}, _OUTPUTS, _UNANSWERED)
    infer["responses"]["200"]["content"]["application/octet-stream"] = octets
    paths: dict[str, Any] = {
        "/predict": {"post": predict},
        "/invocations": {"post": mlflow},
        "/models/{name}/predict": {"parameters": [names], "post": predict},
        "/models/{name}/invocations": {"parameters": [names], "post": mlflow},
        "/v2/models/{name}/infer": {"parameters": [names], "post": infer},
        "/v2/models/{name}": {"parameters": [names], "get": _get("Inputs and outputs of the model", "404")},
        "/v2/models/{name}/ready": {"parameters": [names], "get": _get("Whether the model is ready", "404", "503")},
    }
    told = {
        "/v2": "Name, version, extensions", "/v2/health/live": "Whether the server lives", "/openapi.json": "This document", "/": "What is served",
    }  # fmt: skip
    paths |= {path: {"get": _get(summary)} for path, summary in told.items()}
    paths |= {path: {"get": _get("Whether the server is ready", "503")} for path in ("/v2/health/ready", "/health", "/ping")}
    paths["/metrics"] = {"get": _get("Counts for Prometheus")}
    paths["/metrics"]["get"]["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    if tokens:
        untold = {status: _response(text, _ERROR) for status, text in _UNTOLD.items()}
        for path, item in paths.items():
            call = item.get("post", item.get("get"))
            if path not in OPEN:
                call["security"] = [{"token": []}]
            if path not in OPEN or path == "/metrics":  # which may be asked for one, too
                call["responses"] = {**untold, **call["responses"]}
    rows = {
        "oneOf": [{"type": "object"}, {"type": "string"}, {"type": "array"}],
        "description": "A row, a list of rows, {'rows': [...]}, or a list for every column.",
    }
    info = {"title": "camelopard", "version": VERSION, "description": "A firewall in front of machine-learning models."}
    parts = {"schemas": {"Verdict": _VERDICT, "Rows": rows}, "securitySchemes": {"token": TOKEN}}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": parts}


def merged(own: Mapping[str, Any], face: Mapping[str, Any]) -> dict[str, Any]:
    """Return one document of two: the gateway's own, and the face's as FastAPI tells it. Bad input is 400 here, and never 422."""
    paths: dict[str, Any] = {}
    for path, methods in face["paths"].items():
        paths[path] = {}
        for method, told in methods.items():
            responses = {status: answer for status, answer in told["responses"].items() if status != "422"}
            paths[path][method] = {**told, "responses": responses, "security": [{"token": []}]}
    schemas = {name: one for name, one in face.get("components", {}).get("schemas", {}).items() if name not in UNUSED}
    components = {**own["components"], "schemas": {**own["components"]["schemas"], **schemas}}
    return {**own, "paths": {**own["paths"], **paths}, "components": components}


def _post(summary: str, content: dict[str, Any], answer: dict[str, Any], withheld: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a call that takes rows; `withheld` is what comes where no row is answered, if that is anything else."""
    responses = {"200": _response("Answered; withheld rows have no prediction.", answer)}
    unanswered = answer if withheld is None else withheld
    for status, text in _WITHHELD.items():
        responses[status] = _response(text, {"anyOf": [unanswered, _ACCEPTED]} if status == "202" else unanswered)
    responses |= {status: _response(text, _ERROR) for status, text in _TROUBLE.items()}
    return {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": responses}


def _get(summary: str, *others: str) -> dict[str, Any]:
    """Return a call that only reads, with further statuses of it."""
    responses = {"200": _response("Fine.", {"type": "object"})}
    responses |= {status: _response(_READING[status], {"type": "object"} if status == "503" else _ERROR) for status in ("405", *others)}
    return {"summary": summary, "responses": responses}


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": schema}}}
