"""The contract as TOML: written to be read and edited by people, read with suspicion."""

from __future__ import annotations

import datetime as dt
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camelopard.core.errors import ArtifactError
from camelopard.core.files import replaced
from camelopard.core.records import Assumption, Interval

HEAD = """# The contract: what the model was found to rely on. Edit limits, or set muted = true; then firewall.contract =
# Contract.load(path), or: camelopard screen … --contract FILE. A row that breaks a limit you set does not pass.
# cost is the share of rows on which breaking the assumption fooled the model in the stress run.
"""


def dumps(assumptions: Sequence[Assumption]) -> str:
    """Return assumptions as TOML."""
    return HEAD + "".join(_block(a) for a in assumptions)


def loads(text: str, source: str) -> list[Assumption]:
    """Return the assumptions of a TOML text. Raises ArtifactError naming `source` and the entry for what is none."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ArtifactError(f"{source}: this is not TOML ({error}). Compare it with a contract written by save().") from error
    entries = document.get("assumption", [])
    if not isinstance(entries, list):
        raise ArtifactError(f"{source}: 'assumption' must be a list of tables, written as [[assumption]].")
    return [_assumption(entry, f"{source}: assumption {k + 1}") for k, entry in enumerate(entries)]


def write(path: str | os.PathLike[str], assumptions: Sequence[Assumption]) -> None:
    """Write TOML, whole or not at all."""
    with replaced(path) as temporary:
        temporary.write_text(dumps(assumptions), encoding="utf-8")


def read(path: str | os.PathLike[str]) -> list[Assumption]:
    """Return the assumptions of a file."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # some editors put a mark in front
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{os.fspath(path)}: cannot be read as a contract ({error}).") from error
    return loads(text, os.fspath(path))


def _block(a: Assumption) -> str:
    lines = ["", "[[assumption]]", f"code = {_value(a.code)}", f"fields = {_value(list(a.fields))}", f"statement = {_value(a.statement)}"]
    lines += [f"muted = {_value(a.muted)}", f"limits = {_value(dict(a.limits))}", f"evidence = {_value(dict(a.evidence))}"]
    if a.cost == a.cost:
        lines.append(f"cost = {_value(float(a.cost))}")
    if a.cost_interval is not None:
        lines.append(f"cost_interval = {_value([a.cost_interval.low, a.cost_interval.high, a.cost_interval.confidence])}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Return a value as TOML; None is left out of tables and written as a table of its own in lists."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**63 else _value(float(value))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "nan" if value != value else "inf" if value > 0 else "-inf"
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(k))} = {_value(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value if v is not None) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """Return text as a TOML basic string; lone surrogates, which UTF-8 cannot hold, are replaced."""
    out = []
    for c in text.encode("utf-8", "replace").decode("utf-8"):
        escaped = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(c)
        out.append(escaped or (f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c))
    return '"' + "".join(out) + '"'


def _assumption(entry: Any, where: str) -> Assumption:
    expected = {"code": str, "fields": list, "statement": str, "muted": bool, "limits": dict, "evidence": dict}
    if not isinstance(entry, dict):
        raise ArtifactError(f"{where}: expected a table, got {type(entry).__name__}.")
    for key, kind in expected.items():
        if not isinstance(entry.get(key), kind):
            raise ArtifactError(f"{where}: {key!r} must be a {kind.__name__}, got {type(entry.get(key)).__name__}.")
    if not all(isinstance(f, str) for f in entry["fields"]):
        raise ArtifactError(f"{where}: 'fields' must be column names.")
    cost, interval = entry.get("cost", math.nan), entry.get("cost_interval")
    three = isinstance(interval, list) and len(interval) == 3 and all(type(v) in (int, float) for v in interval)
    if not isinstance(cost, (int, float)) or not (interval is None or three):
        raise ArtifactError(f"{where}: 'cost' must be a number and 'cost_interval' three of them.")
    return Assumption(
        entry["code"],
        tuple(entry["fields"]),
        entry["statement"],
        entry["limits"],
        entry["evidence"],
        float(cost),
        None if interval is None else Interval(*(float(v) for v in interval)),
        entry["muted"],
    )
