"""What the gateway understands, as an OpenAPI document; with what its face understands, where it has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from camelopard.version import VERSION

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
_WITHHELD = {"202": "The rows are held for a person; the body has their ids.", "422": "The rows are refused; the body has the reasons."}
_TROUBLE = {
    "400": "The request cannot be read.", "401": "No token, or one that is good for nothing.", "403": "A token that is not for it.",
    "404": "No such model.", "408": "The request came too slowly.", "413": "The request is too large.",
    "415": "The media type is not read here.", "502": "The model behind gave no answer.",
    "503": "Too much at once, or the model behind is left alone.",
    "504": "It took too long.",
}  # fmt: skip
TOKEN = {"type": "http", "scheme": "bearer", "description": "A token: camelopard_…, made under /me or with `camelopard tokens make`."}
OPEN = ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/{name}/ready", "/health", "/ping", "/openapi.json", "/metrics")  # without a token
UNUSED = ("HTTPValidationError", "ValidationError")


def described(models: Sequence[str], *, tokens: bool = False) -> dict[str, Any]:
    """Return the document of the gateway itself; with `tokens` it says that models are asked with one, and does not name them to everybody."""
    name = {"type": "string"} if tokens else {"type": "string", "enum": list(models)}
    names = {"name": "name", "in": "path", "required": True, "schema": name}
    predict = _post("Judge rows and answer those that pass", {"application/json": {"schema": {"$ref": "#/components/schemas/Rows"}}}, _ROW)
    mlflow = _post(
        "The same in the forms of MLflow",
        {"application/json": {"schema": {"type": "object"}}, "text/csv": {"schema": {"type": "string"}}},
        {"type": "object"},
    )
    octets = {"schema": {"type": "string", "format": "binary"}}
    infer = _post(
        "The same in the Open Inference Protocol",
        {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": octets},
        {"type": "object"},
    )
    paths: dict[str, Any] = {
        "/predict": {"post": predict},
        "/invocations": {"post": mlflow},
        "/models/{name}/predict": {"parameters": [names], "post": predict},
        "/models/{name}/invocations": {"parameters": [names], "post": mlflow},
        "/v2/models/{name}/infer": {"parameters": [names], "post": infer},
        "/v2/models/{name}": {"parameters": [names], "get": _get("Inputs and outputs of the model")},
        "/v2/models/{name}/ready": {"parameters": [names], "get": _get("Whether the model is ready")},
    }
    told = {
        "/v2": "Name, version, extensions", "/v2/health/live": "Whether the server lives", "/v2/health/ready": "Whether it is ready",
        "/health": "The same", "/ping": "The same", "/openapi.json": "This document", "/": "What is served",
    }  # fmt: skip
    paths |= {path: {"get": _get(summary)} for path, summary in told.items()}
    paths["/metrics"] = {
        "get": {
            "summary": "Counts for Prometheus",
            "responses": {"200": {"description": "Fine.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
        }
    }
    if tokens:
        for path in paths:
            if path not in OPEN:
                paths[path].get("post", paths[path].get("get"))["security"] = [{"token": []}]
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


def _post(summary: str, content: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": "Answered; withheld rows have no prediction.", "content": {"application/json": {"schema": answer}}}
    }
    responses |= {status: {"description": text} for status, text in {**_WITHHELD, **_TROUBLE}.items()}
    return {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": responses}


def _get(summary: str) -> dict[str, Any]:
    answer = {"description": "Fine.", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {"summary": summary, "responses": {"200": answer, "405": {"description": "Only read: GET."}}}
