"""Pictures from NumPy's files: streamed, never unpickled, and refused by what they claim."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camelopard.core.errors import InputError
from camelopard.modality import array_files
from camelopard.modality.files import open_table, read_table_file

PICTURES = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6)


def header(shape: Any, descr: str = "|u1", by_columns: bool = False) -> bytes:
    """The beginning of a .npy file that claims anything."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {by_columns}, 'shape': {shape!r}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float32", ">f8", "int16"])
@pytest.mark.parametrize("shape", [(5, 4, 6), (40, 1, 3), (5, 2, 4, 3)])
def test_an_array_is_its_pictures_in_chunks_of_any_size(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    pictures = np.arange(120).reshape(shape).astype(dtype)
    np.save(tmp_path / "x.npy", pictures)
    np.savez_compressed(tmp_path / "x.npz", x=pictures, y=np.arange(len(pictures)))
    for name in ("x.npy", "x.npz", "x.npz:x"):
        for chunk in (2, 100):
            parts = list(open_table(f"{tmp_path}/{name}", chunk=chunk))
            assert [len(part.batch) for part in parts][:-1] == [chunk] * (len(parts) - 1)
            cells = [cell for part in parts for cell in part.batch.columns["image"]]
            assert parts[0].batch.form.kind == "images"
            for cell, picture in zip(cells, pictures, strict=True):
                assert cell.dtype == (np.uint8 if dtype == "bool" else np.dtype(dtype).newbyteorder("="))
                np.testing.assert_array_equal(cell, picture)


@pytest.mark.parametrize("labels", [[3, 1, 2, 2, 1], [0.5, 1, 2, 3, 4], ["a", "b", "a", "b", "caf\u00e9"], [True, False, True, True, False]])
def test_labels_stand_in_an_array_of_their_own(tmp_path: Path, labels: list[Any]) -> None:
    np.savez(tmp_path / "d.npz", x=PICTURES, y=np.array(labels), more=np.zeros((5, 3)))
    batch, found = read_table_file(tmp_path / "d.npz", "y")
    assert found is not None
    assert (found.tolist(), batch.names, len(batch)) == (labels, ("image",), 5)


def test_what_is_meant_must_be_said_where_there_are_several(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", train=PICTURES, test=PICTURES[:2], y=np.arange(5), short=np.arange(2))
    where = str(tmp_path / "d.npz")
    assert len(read_table_file(f"{where}:test")[0]) == 2
    for path, target, message in [
        (where, None, r"several arrays could be pictures: train .5 × 4 × 6., test .2 × 4 × 6.. Name one: .*d.npz:train"),
        (f"{where}:tset", None, "there is no array 'tset'. Its arrays: train"),
        (f"{where}:y", None, r"y: an array of shape \(5,\) of int64; expected pictures"),
        (f"{where}:test", "z", "there is no array 'z' for the labels"),
        (f"{where}:train", "short", r"short: an array of shape \(2,\) of int64; expected a label for each of 5 pictures"),
        (f"{tmp_path}/none.npz:x", None, "no such file"),
        (f"{tmp_path}/none.npy", None, "no such file"),
    ]:
        with pytest.raises(InputError, match=message):
            read_table_file(path, target)


def test_python_objects_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("unpickled",))

    np.save(tmp_path / "x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([Trap()] * 2, dtype=object))
    for name in ("x.npy", "x.npz", "x.npz:x"):
        with pytest.raises(InputError, match="an array of Python objects is a pickle, which runs code, and is never loaded"):
            read_table_file(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    ("shape", "descr", "message"),
    [
        ((5, 100_000, 100_000), "|u1", "expected 1 to 64,000,000 pixels"),
        ((5, 4, 6, 9), "|u1", "1 to 4 channels"),
        ((5, 0, 6), "|u1", "expected 1 to"),
        ((5, -4, -6), "|u1", "expected 1 to"),
        ((0, 4, 6), "|u1", "there are no pictures in it"),
        ((-1, 4, 6), "|u1", "there are no pictures in it"),
        ((10**15, 4, 6), "|u1", "it is truncated: 1,000,000,000,000,000 pictures claimed, 0 there"),
        ((4, 6), "|u1", "expected pictures, numbers of shape"),
        ((5, 4, 6), "<U9", "expected pictures, numbers of shape"),
        ((5, 4, 6), "<c16", "expected pictures, numbers of shape"),
        ((5, 4, 6), "|O", "never loaded"),
        ((5, 4, 6), "nonsense", "not a whole .npy array"),
        ("(5, 4, 6)", "|u1", "not a whole .npy array"),
    ],
)
def test_claims_that_no_pictures_have_are_refused(tmp_path: Path, shape: Any, descr: str, message: str) -> None:
    (tmp_path / "x.npy").write_bytes(header(shape, descr) + b"\0" * 20)
    tracemalloc.start()
    with pytest.raises(InputError, match=message):
        read_table_file(tmp_path / "x.npy")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_other_arrays_are_refused_with_what_to_do(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(PICTURES))
    with pytest.raises(InputError, match="stored by columns. Save it by rows: np.ascontiguousarray"):
        read_table_file(tmp_path / "f.npy")
    np.save(tmp_path / "x.npy", PICTURES)
    with pytest.raises(InputError, match=r"one array, without labels. Save pictures and labels as a .npz: np.savez\(path, x=pictures, y=labels\)"):
        read_table_file(tmp_path / "x.npy", "y")
    with pytest.raises(InputError, match="labels called 'image'"):
        read_table_file(tmp_path / "x.npy", "image")
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        archive.writestr("x.txt", "no array")
    with pytest.raises(InputError, match=r"no array of pictures, .* in it: none"):
        read_table_file(tmp_path / "z.npz")


def test_a_small_file_that_unpacks_to_much_is_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "AT_ONCE", 2_000_000)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((4_000, 100, 100), dtype=np.uint8))
    tracemalloc.start()
    assert sum(len(part.batch) for part in open_table(tmp_path / "x.npz")) == 4_000
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    monkeypatch.setattr("camelopard.modality.files.MOST_LEARNED", 10_000_000)
    with pytest.raises(InputError, match="unpack to more than 10,000,000 bytes"):
        read_table_file(tmp_path / "x.npz")


def whole(ending: str) -> bytes:
    held = io.BytesIO()
    if ending == "npy":
        np.save(held, PICTURES)
    else:
        np.savez_compressed(held, x=PICTURES)
    return held.getvalue()


@pytest.mark.parametrize("ending", ["npy", "npz"])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_raise_nothing_but_an_input_error(tmp_path: Path, ending: str, data: st.DataObject) -> None:
    file = bytearray(whole(ending))
    if data.draw(st.booleans()):
        del file[data.draw(st.integers(0, len(file))) :]
    for _ in range(data.draw(st.integers(0, 3)) if file else 0):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"x.{ending}"
    path.write_bytes(bytes(file))
    try:
        batch, _ = read_table_file(path)
    except InputError as error:
        assert f"x.{ending}" in str(error)
    else:
        assert len(batch)
