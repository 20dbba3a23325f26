"""Texts and pictures of a bad day as they are shown: small in the console, and as plain data for the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.demo.day import Case, card
from camelopard.firewall.firewall import Firewall
from camelopard.modality.image import ImageVectors
from camelopard.modality.text import TextVectors
from camelopard.report.picture import drawn
from camelopard.report.texts import differences

SHADES = "·░▒▓█"  # from dark to light, where there are no colours
LIGHTNESS = np.array([0.299, 0.587, 0.114])  # what red, green and blue add to it (ITU-R BT.601)
LONGEST = 90  # characters of a text that a table shows
AROUND = 20  # of them, those around what changed


def small(pixels: Array, span: tuple[float, float], console: Any) -> Any:
    """Return a picture, grey or in red, green and blue, as text for a rich console: two pixels to a character, in colours or else in shades.

    Where neither can be shown, or what came is no such picture, it is told in words.

    >>> from rich.console import Console
    >>> import io
    >>> print(small(np.eye(4), (0.0, 1.0), Console(file=io.StringIO(), width=80)).plain)
    ▒▒··
    ··▒▒
    """
    from rich.text import Text

    if not isinstance(pixels, np.ndarray) or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == len(LIGHTNESS))):
        return Text("a file of bytes" if isinstance(pixels, bytes) else f"an array of shape {pixels.shape}")
    low, high = span
    seen = np.clip((pixels.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    coloured = np.repeat(seen[:, :, None], len(LIGHTNESS), axis=2) if seen.ndim == 2 else seen
    coloured = np.concatenate([coloured, np.zeros((len(coloured) % 2, *coloured.shape[1:]))])
    text = Text()
    if console.color_system in ("256", "truecolor"):
        for row in range(0, len(coloured), 2):
            text.append("\n" if row else "")
            for above, below in zip(*(np.round(coloured[row + k] * 255).astype(int).tolist() for k in (0, 1)), strict=True):
                text.append("▀", style=f"rgb({','.join(map(str, above))}) on rgb({','.join(map(str, below))})")
    elif (console.encoding or "").lower().startswith("utf"):
        light = coloured @ LIGHTNESS
        shades = np.round((light[0::2] + light[1::2]) / 2 * (len(SHADES) - 1)).astype(int)
        text.append("\n".join("".join(SHADES[shade] for shade in row) for row in shades))
    else:
        text.append(f"{pixels.shape[0]} × {pixels.shape[1]} pixels")
    return text


def excerpt(case: Case[str]) -> Any:
    """Return the beginning of what changed in a text, for a rich console: what is new in it is bold."""
    from rich.text import Text

    if not case.bad.strip():
        return Text("(nothing)", style="italic")
    text = Text()
    parts = differences(case.good, case.bad)[1]
    for k, part in enumerate(parts):
        head = not (k or part.kind) and len(parts) > 1 and len(part.text) > AROUND  # of what is the same, only what stands just before the change
        text.append(f"…{part.text[-AROUND:]}" if head else part.text, style="bold magenta" if part.kind == "ins" else "")
        if len(text) > LONGEST:
            break
    text.truncate(LONGEST, overflow="ellipsis")
    return text


def text_card(firewall: Firewall, case: Case[str]) -> dict[str, Any]:
    """Return a case of a text for the report: the text as it should be and as it came, with what is new or damaged in it."""
    learned = _vectors(firewall, TextVectors)
    came = {"was": case.good, "came": case.bad, "marks": [list(mark) for mark in learned.marks(case.bad)]}
    return {**card(case, case.words), "content": {"text": {**came, **_repaired(case)}}}


def picture_card(firewall: Firewall, case: Case[Array], span: tuple[float, float]) -> dict[str, Any]:
    """Return a case of a picture for the report: as it should be, as it came, and where that is unlike clean ones."""
    learned = _vectors(firewall, ImageVectors)
    seen: dict[str, Any] = {"came": _drawn(case.bad, span), "unlike": learned.marks(case.bad).round(2).tolist()}
    if case.good is not case.bad:
        seen = {"was": _drawn(case.good, span), **seen}
    repaired = {key: _drawn(value, span) for key, value in _repaired(case).items()}
    return {**card(case, case.words), "content": {"image": {**seen, **repaired}}}


def _drawn(cell: Any, span: tuple[float, float]) -> dict[str, Any]:
    return drawn(cell, span) if isinstance(cell, np.ndarray) else {"words": f"a file of {len(cell):,} bytes that cannot be read"}


def _repaired(case: Case[Any]) -> dict[str, Any]:
    """Return the repaired text or picture, where there is one that differs from what came."""
    repair = case.verdict.repair
    return {} if repair is None or case.verdict.route == "pass" else {"repaired": next(iter(repair.changes.values()))}


def _vectors(firewall: Firewall, kind: type[Any]) -> Any:
    assert firewall.learned_ is not None
    return next(vectors for vectors in firewall.learned_.panel.reader.views.of.values() if isinstance(vectors, kind))
