"""What is said of any verdict, kept in the log or only tried: headings, what a client gets, and what its figures mean."""

from __future__ import annotations

from dataclasses import dataclass

from camelopard.report import wording

HEADINGS = {
    "pass": "This row passed",
    "repair": "This row was repaired",
    "review": "This row was sent to review",
    "block": "This row was blocked",
    "unjudged": "Nobody judged this row",
}
GIVEN = {
    "answer": "the model’s answer",
    "repaired": "the model’s answer to the repaired row",
    "hold": "no answer: it waits for a person to look at it",
    "refuse": "no answer, and the reasons why",
}
DONE = {"answer": "answered", "repaired": "answered after repair", "hold": "withheld", "refuse": "refused"}
DOUBTS = {
    "boundary": "the model itself is unsure: a person decides",
    "region": "the model is sure of itself, but was wrong in rows like this one: train it again",
    "data": "the row is not what the model was made for: mend the data",
}


@dataclass(frozen=True)
class Gauge:
    """One figure: its name, its number, the length of its bar in per cent, and what it means."""

    name: str
    number: str
    bar: int
    words: str


def gauges(risk: float | None, confidence: float | None, oddity: float | None, novelty: float | None = None) -> list[Gauge]:
    """Return the figures of a verdict that there are.

    >>> gauges(0.974, None, None)[0].words
    'how likely this row fools the model: of 100 rows like it, about 97 do'
    """
    told = (
        ("Risk", risk, "how likely this row fools the model: of 100 rows like it, {} do"),
        ("Confidence", confidence, "how likely the model’s answer is right: of 100 answers like it, {} are"),
        ("Oddity", oddity, "how odd the row is, whether or not it matters: odder than {} of 100 clean rows"),
        ("Novelty", novelty, "how far it lies from all that the model learned from: farther than {} of 100 clean rows"),
    )
    return [
        Gauge(name, wording.percent(value), round(100 * value), words.format(_of_hundred(value)))
        for name, value, words in told
        if value is not None and value == value
    ]


def _of_hundred(share: float) -> str:
    """Return a share as so many of a hundred.

    >>> _of_hundred(0.974), _of_hundred(0.0004), _of_hundred(0.9996)
    ('about 97', 'fewer than 1', 'more than 99')
    """
    if 0 < share < 0.01:
        return "fewer than 1"
    if 0.99 < share < 1:
        return "more than 99"
    return "none" if share == 0 else "all" if share == 1 else f"about {round(100 * share)}"
