"""The options that every command which reads rows has alike: where the rows of a table are texts, or pictures, and what encodes texts."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

ROWS = "a table (CSV, Parquet, Arrow, JSON lines; - for standard input), texts (.txt, one a line), or pictures (a folder, .npy, .npz)"
Texts: TypeAlias = Annotated[str | None, typer.Option("--texts", help="The rows are texts: their column. Two with a comma between: pairs.")]
Images: TypeAlias = Annotated[
    str | None, typer.Option("--images", help="The rows are pictures: the column of their paths, below the table's folder.")
]
Labels: TypeAlias = Annotated[str | None, typer.Option("--target", help='Column with the labels. Of a folder "folder": its sub-folders.')]
Encoder: TypeAlias = Annotated[
    str | None,
    typer.Option("--encoder", help="For a model of texts that shows no features: the folder of a sentence encoder in ONNX, or module:attribute."),
]
