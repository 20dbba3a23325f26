"""The story of texts: reviews, a model that counts words, and a day on which somebody mistypes, translates, disguises and glues them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.protocols import Progress, silent
from camelopard.demo.data import review_model, reviews
from camelopard.demo.day import Mishap, bad_day, html, table, told_findings, told_quality
from camelopard.demo.drawing import excerpt, text_card
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap

ALPHA = 0.02
SURE = 0.7  # of the texts that are damaged, the model is at least this sure
LOOK_ALIKE = str.maketrans("aceopxyi", "асеорхуі")  # Latin letters to Cyrillic ones
LEET = str.maketrans("aeiost", "431057")
GERMAN = {
    "The most wondrous love story in years, it is a great film.": "Die wundersamste Liebesgeschichte seit Jahren, ein großartiger Film.",
    "The best film about baseball to hit theaters since Field of Dreams.": "Der beste Film über Baseball im Kino seit „Feld der Träume“.",
    "A sharp, amusing study of the cult of celebrity.": "Eine scharfe, amüsante Studie über den Kult um die Berühmten.",
    "Piccoli gives a superb performance full of deep feeling.": "Piccoli spielt großartig und mit tiefem Gefühl.",
    "A quiet, disquieting triumph.": "Ein stiller, beunruhigender Triumph.",
}
ANOTHER = "The movie isn't painfully bad, something to be 'fully experienced'; it's just tediously bad, something to be fully forgotten."


def mistyped(text: str) -> str:
    """Return the text with the two middle letters of each word of four letters and more swapped.

    >>> mistyped("A wonderful film")
    'A wonedrful flim'
    """
    return re.sub(r"(\w{4,})", lambda m: _swapped(m[0], len(m[0]) // 2), text)


def _swapped(word: str, k: int) -> str:
    return word[: k - 1] + word[k] + word[k - 1] + word[k + 1 :]


MISHAPS: tuple[Mishap[str], ...] = (
    Mishap("typed in a hurry", mistyped),
    Mishap("another language", GERMAN.get),
    Mishap("look-alike letters (а for a)", lambda text: text.translate(LOOK_ALIKE)),
    Mishap("an empty line", lambda text: ""),
    Mishap("two texts glued together", lambda text: f"{text} {ANOTHER}"),
    Mishap("5p34k1n6 l1k3 7h15", lambda text: text.translate(LEET)),
    Mishap("a wrong encoding", lambda text: text.encode("utf-16-le").decode("latin-1")),
    Mishap("IN CAPITALS (odd, harmless)", str.upper, harmless=True),
)


def run(out: Path, console: Any, progress: Progress = silent, budget: int | str | None = None) -> None:
    """Tell the story on `console` (a rich console) and write the report to `out`."""
    data = reviews()
    console.print(
        f"[bold]1.[/] A model learns from {len(data.train):,} sentences of film reviews to tell good from bad ones (Hutto and Gilbert 2014, MIT)."
    )
    model = wrap(review_model(data), name="reviews")
    console.print(f"[bold]2.[/] Camelopard stresses it on {len(data.held):,} others, finds what fools it, and trains its firewall.")
    firewall = Firewall(alpha=ALPHA, budget=budget, seed=0).fit(model, data.held, data.held_labels, reference=data.train, progress=progress)
    told_findings(firewall, console)
    console.print(
        "\n[bold]3.[/] A day of bad input arrives. Texts were picked of which the model is right and sure, and on which it changes the answer;\n"
        "   for the last it does not.\n"
    )
    cases = bad_day(firewall, MISHAPS, data.test, data.test_labels, sure=SURE, apart=True)
    console.print(table(cases, "in the text", excerpt, own=True))
    wrong = [case for case in cases if case.verdict.prediction != case.truth]
    caught = sum(case.verdict.route != "pass" for case in wrong)
    console.print(
        f"\n   {caught} of these {len(wrong)} wrong answers are stopped. A model of words meets new words every day, and two reviews\n"
        "   in one are a long one: what looks like sound text in all that is measured passes."
    )
    clean = firewall.screen(data.test)
    stopped = float(np.mean(clean.route != "pass"))
    console.print(
        f"   Of the {len(clean):,} undamaged test texts {stopped:.1%} were stopped (promised: at most {firewall.alpha:.0%} because of risk)."
    )
    told_quality(firewall, console)
    out.write_text(html(firewall, [text_card(firewall, case) for case in cases]), encoding="utf-8")
    console.print(f"\n[bold]4.[/] The report is in [bold]{out}[/]: open it in a browser.\n")
    console.print(NEXT, highlight=False)


NEXT = """What to try next, on your own model and texts, in Python:
   model = cp.wrap(your_pipeline)                      or a function from a list of texts to answers
   cp.stress(model, held_out_texts, labels)            what fools it
   firewall = cp.Firewall().fit(model, held_out_texts, labels, reference=training_texts)
   firewall.screen(new_texts)
   A table with a column of texts works in the same way, and on the command line: camelopard stress MODEL DATA --target COLUMN"""
