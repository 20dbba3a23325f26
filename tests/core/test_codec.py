from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core import codec
from camelopard.core.errors import ArtifactError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, document: dict[str, object]) -> None:
    path = tmp_path_factory.mktemp("codec") / "file"
    codec.write(path, "thing", document)
    assert codec.read(path, "thing") == document


def test_arrays_keep_type_and_values_and_the_same_content_the_same_bytes(tmp_path: Path) -> None:
    document = {"a": np.arange(3, dtype=np.int16), "when": dt.datetime(2020, 1, 2), "o": np.array(["x", None], dtype=object), "inf": float("inf")}
    codec.write(tmp_path / "one", "thing", document)
    codec.write(tmp_path / "two", "thing", document)
    read = codec.read(tmp_path / "one", "thing")
    assert read["a"].dtype == np.int16
    assert read["o"].tolist() == ["x", None]
    assert (read["when"], read["inf"]) == (document["when"], float("inf"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_every_truncation_every_flipped_byte_and_everything_added_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    codec.write(path, "thing", {"a": np.arange(50.0), "b": "text"})
    whole = path.read_bytes()
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        with pytest.raises(ArtifactError):
            codec.read(path, "thing")
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with pytest.raises(ArtifactError):
            codec.read(path, "thing")
    for other in (b"x" + whole, b"PK\x03\x04" + whole, whole + b"x", whole + b"\n", whole + whole):
        path.write_bytes(other)
        with pytest.raises(ArtifactError):
            codec.read(path, "thing")
    path.write_bytes(whole)
    assert codec.read(path, "thing")["a"].tolist() == list(range(50))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 nonsense", b"\x80\x04\x95pickle"])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="not a (whole thing|camelopard) file"):
        codec.read(path, "thing")


def test_another_kind_and_a_newer_version_are_named(tmp_path: Path) -> None:
    codec.write(tmp_path / "a", "thing", {})
    with pytest.raises(ArtifactError, match="holds a 'thing'; expected a 'firewall'"):
        codec.read(tmp_path / "a", "firewall")
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("head.json", json.dumps({"format": "camelopard", "version": 99, "kind": "thing", "parts": {}}))
    with pytest.raises(ArtifactError, match="another version"):
        codec.read(tmp_path / "b", "thing")
    with pytest.raises(ArtifactError, match="no such file"):
        codec.read(tmp_path / "none", "thing")


def test_objects_are_not_written_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        codec.write(tmp_path / "a", "thing", {"f": print})
    assert list(tmp_path.iterdir()) == []
