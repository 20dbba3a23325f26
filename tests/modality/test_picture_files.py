"""Pictures from files below a folder: which are read, in which order, and that nothing else ever is."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from camelopard.core.errors import InputError
from camelopard.modality import picture_files
from camelopard.modality.files import open_table, read_table_file
from camelopard.modality.picture_files import LeftOut, file_below, portions, unpacks_to

Image = pytest.importorskip("PIL.Image")


def file(k: int = 0, side: int = 4) -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.full((side, side), k, dtype=np.uint8)).save(held, "PNG")
    return held.getvalue()


def tree(root: Path, *paths: str) -> Path:
    for k, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(file(k))
    return root


def test_a_folder_is_its_pictures_in_the_order_of_their_paths_whatever_else_lies_in_it(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.PNG", "a/10.png", "a/9.jpg", "a-b/1.png", ".cache/x.png", "a/.hidden.png", "top.png")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.warns(LeftOut, match="one file that ends like no picture was left out: 'notes.txt'"):
        (chunk,) = open_table(tmp_path)
    assert chunk.batch.ids.tolist() == ["a/10.png", "a/9.jpg", "a-b/1.png", "b/2.PNG", "top.png"]
    assert chunk.batch.form.kind == "images"
    assert chunk.batch.columns["image"][3] == file(0)
    assert (dict(chunk.problems), chunk.size) == ({}, sum(map(len, chunk.batch.columns["image"])))


def test_sub_folders_are_the_labels_where_these_are_asked_for(tmp_path: Path) -> None:
    tree(tmp_path / "sound", "dog/1.png", "cat/x/1.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch, labels = read_table_file(tmp_path / "sound", "folder")
        assert read_table_file(tmp_path / "sound")[1] is None
    assert labels is not None
    assert (labels.tolist(), batch.names, batch.form.kind) == (["cat", "dog"], ("image",), "images")
    with pytest.raises(InputError, match=r"a folder has no column 'label'. Where sub-folders are the labels, name them: --target folder"):
        read_table_file(tmp_path / "sound", "label")
    with pytest.raises(InputError, match="loose.png lies in no sub-folder"):
        read_table_file(tree(tmp_path / "loose", "loose.png", "cat/1.png"), "folder")


def test_a_folder_without_pictures_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no picture in this folder; expected files that end in .png"):
        read_table_file(tmp_path)
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="no picture in this folder, but 1 other files such as 'a.csv'"):
        list(open_table(tmp_path))


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", "a.png", "deep/b.png")
    secret = tree(tmp_path / "out", "secret.png") / "secret.png"
    (root / "link.png").symlink_to(secret)
    (root / "way").symlink_to(tmp_path / "out")
    (root / "inside.png").symlink_to(root / "deep" / "b.png")
    os.mkfifo(root / "pipe.png")
    real = os.path.realpath(root)
    assert file_below(real, "deep/b.png") == file_below(real, "inside.png") == file_below(real, "./deep//b.png") == file(1)
    for path, why in {
        "../out/secret.png": "leads out of the folder; expected one below it",
        "deep/../../out/secret.png": "leads out",
        "deep/../a.png": "leads out",
        "..\\out\\secret.png": "leads out",
        str(secret): "is absolute",
        "/etc/passwd": "is absolute",
        "link.png": "is a link that leads out of the folder",
        "way/secret.png": "is a link that leads out of the folder",
        "pipe.png": "is no regular file",
        "deep": "cannot be read .is a directory",
        "none.png": "cannot be read .no such file",
        "a.png/b": "cannot be read",
        "a\0.png": "cannot be read",
        "x" * 5000: "cannot be read",
        "": "is no path",
    }.items():
        with pytest.raises(InputError, match=why):
            file_below(real, path)
    with pytest.raises(InputError, match="is no path"):
        file_below(real, 5)


def test_a_link_out_of_a_folder_is_a_problem_of_its_row_and_is_not_learned_from(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", "a.png", "c.png")
    (root / "b.png").symlink_to(tree(tmp_path / "out", "secret.png") / "secret.png")
    (root / "more").symlink_to(tmp_path / "out")  # a link to a folder is not followed
    (chunk,) = open_table(root)
    assert chunk.batch.columns["image"].tolist() == [file(0), None, file(1)]
    assert dict(chunk.problems) == {1: "the path 'b.png' is a link that leads out of the folder"}
    with pytest.raises(InputError, match=r"row 2: the path 'b.png' is a link .* Mend or leave out that row"):
        read_table_file(root)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a.png")
    monkeypatch.setattr(picture_files, "MOST_BYTES", 20)
    with pytest.raises(InputError, match="bytes, more than 20"):
        file_below(os.path.realpath(tmp_path), "a.png")


def test_so_many_are_held_at_once_as_unpack_to_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.png").write_bytes(file(1, 200))
    tree(tmp_path, *(f"{k}.png" for k in range(5)))
    assert unpacks_to(file(1, 200)) == 3 * 200 * 200
    assert unpacks_to(b"no file") == 0
    monkeypatch.setattr(picture_files, "AT_ONCE", 3 * 200 * 200)
    assert [len(part.cells) for part in portions([f"{k}.png" for k in range(5)] + ["large.png"], os.path.realpath(tmp_path), 20)] == [5, 1]
    assert [len(chunk.batch) for chunk in open_table(tmp_path, chunk=2)] == [2, 2, 1, 1]


def test_more_than_memory_should_hold_is_not_learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camelopard.modality.files.MOST_LEARNED", 100)
    with pytest.raises(InputError, match="unpack to more than 100 bytes, too many to learn from"):
        read_table_file(tree(tmp_path, "a.png", "b.png"))


def test_a_name_that_is_no_text_is_read_and_can_be_printed(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(file())
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    (chunk,) = open_table(tmp_path)
    assert chunk.batch.ids.tolist() == ["caf\\udce9.png"]
    assert chunk.batch.columns["image"].tolist() == [file()]
