"""The story of pictures: a network that knows eight digits meets two that it never saw, and cameras and code that spoil the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import plain
from camelopard.core.protocols import Progress, silent
from camelopard.demo.data import Digits, digit_model, digits
from camelopard.demo.day import Case, Mishap, bad_day, html, own_word, table, told_findings, told_quality
from camelopard.demo.drawing import picture_card, small
from camelopard.firewall.costs import Costs
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.policy import Policy
from camelopard.models.wrap import wrap
from camelopard.report.picture import uri

COSTS = Costs(wrong=20.0, review=1.0, block=10.0)
SPAN = (0.0, 255.0)  # black and white
SURE = 0.9  # of a digit that it never saw, the model is at least this sure


def out_of_focus(pixels: Array) -> Array:
    """Return the picture with each pixel the mean of its neighbours, twice."""
    for _ in range(2):
        wide = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
        height, width, _ = pixels.shape
        pixels = np.mean([wide[i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=0)
    return np.round(pixels).astype(np.uint8)


def half_loaded(pixels: Array) -> Array:
    """Return the picture with grey in its lower half."""
    out = pixels.copy()
    out[len(out) // 2 :] = 128
    return out


def with_stuck_pixel(pixels: Array) -> Array:
    """Return the picture with a white pixel in its corner."""
    out = pixels.copy()
    out[0, 0] = 255
    return out


MISHAPS: tuple[Mishap[Any], ...] = (
    Mishap("the light bulb nearly out", lambda p: p // 10),
    Mishap("upside down", lambda p: p[::-1, ::-1].copy()),
    Mishap("blue for red", lambda p: p[:, :, ::-1].copy()),
    Mishap("values 0–1, not 0–255", lambda p: p / 255),
    Mishap("out of focus", out_of_focus),
    Mishap("half loaded", half_loaded),
    Mishap("a negative", lambda p: 255 - p),
    Mishap("a file not unpacked", lambda p: uri(p).encode()[:200]),
    Mishap("dimmed to a third (odd, harmless)", lambda p: p // 3, harmless=True),
    Mishap("a stuck pixel (odd, harmless)", with_stuck_pixel, harmless=True),
)


def run(out: Path, console: Any, progress: Progress = silent, budget: int | str | None = None) -> None:
    """Tell the story on `console` (a rich console) and write the report to `out`."""
    data = digits()
    console.print(f"[bold]1.[/] A network learns to read digits from {len(data.train):,} small pictures. It is shown 0 to 7, never an 8 or a 9.")
    model = wrap(digit_model(data), name="digits")
    console.print(f"[bold]2.[/] Camelopard stresses it on {len(data.held):,} others of 0 to 7, finds what fools it, and trains its firewall.")
    console.print("   A wrong reading costs as much as a person's look at twenty pictures, so that is what decides who looks at what.")
    firewall = Firewall(alpha=0.05, policy=Policy(costs=COSTS), budget=budget, seed=0).fit(
        model, data.held, data.held_labels, reference=data.train, progress=progress
    )
    told_findings(firewall, console)
    console.print(
        f"\n[bold]3.[/] A day of bad input arrives. The first two are digits that the model never saw, "
        f"and is more than {SURE:.0%} sure of;\n   then come pictures on which a mishap changes the answer. On the last two it does not.\n"
    )
    cases = [*strangers(firewall, data), *bad_day(firewall, MISHAPS, list(data.test), data.test_labels, apart=True)]
    console.print(table(cases, "the picture", lambda case: small(case.bad, SPAN, console), own=True))
    _told_strange(firewall, data, console)
    clean = firewall.screen(data.test)
    stopped = float(np.mean(clean.route != "pass"))
    console.print(f"   Of the {len(clean):,} undamaged test pictures of 0 to 7 {stopped:.1%} were stopped.")
    told_quality(firewall, console)
    out.write_text(html(firewall, [picture_card(firewall, case, SPAN) for case in cases]), encoding="utf-8")
    console.print(f"\n[bold]4.[/] The report is in [bold]{out}[/]: open it in a browser.\n")
    console.print(NEXT, highlight=False)


NEXT = """What to try next, on your own model and pictures, in Python:
   model = cp.wrap(your_model)                         scikit-learn, torch, ONNX, or a function from pictures to answers
   cp.stress(model, held_out_pictures, labels)         an array (n, h, w) or (n, h, w, c), or a list of arrays or files
   firewall = cp.Firewall().fit(model, held_out_pictures, labels, reference=training_pictures)
   firewall.screen(new_pictures)"""


def strangers(firewall: Firewall, data: Digits) -> list[Case[Any]]:
    """Return a case of each digit that the model never saw: the first picture of it of which the model is sure."""
    model = firewall.model_
    assert model is not None
    answers = model.predict(data.strange)
    cases: list[Case[Any]] = []
    for digit in dict.fromkeys(data.strange_labels.tolist()):
        for i in np.flatnonzero(data.strange_labels == digit).tolist():
            sure = own_word(answers.proba, i)
            if sure is not None and sure > SURE:
                picture = data.strange[i]
                cases.append(
                    Case(f"{_article(digit)}, which it never saw", False, picture, picture, plain(digit), firewall.screen([picture])[0], sure)
                )
                break
    return sorted(cases, key=lambda case: int(case.truth))


def _told_strange(firewall: Firewall, data: Digits, console: Any) -> None:
    """Print what becomes of all pictures of digits that the model never saw."""
    model = firewall.model_
    assert model is not None
    proba, verdicts = model.predict(data.strange).proba, firewall.screen(data.strange)
    own = np.array([own_word(proba, i) or 0.0 for i in range(len(data.strange))])
    stopped, sure = float(np.mean(verdicts.route != "pass")), float(np.mean(own > SURE))
    left = float(np.mean((verdicts.route == "pass") & (verdicts.confidence > SURE)))
    console.print(
        f"\n   Of all {len(own):,} pictures of an 8 or a 9 the model is more than {SURE:.0%} sure in {sure:.0%}. "
        f"The firewall stops {stopped:.0%} of them; it passes {left:.0%} with a confidence that high."
    )


def _article(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"
