"""What a firewall learns from: clean rows and damaged ones, the evidence about them, and what is true of them.

Rows are split once, by origin: two thirds are stressed and teach, one third, or more of few rows, only calibrates. No damaged twin of a row ever
crosses over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, Form, concat
from camelopard.core.errors import BudgetSpent, CamelopardError, ModelError
from camelopard.core.labels import codes_of
from camelopard.core.protocols import Model, Progress, Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.evidence.impact import CANDIDATES
from camelopard.firewall.content import Half
from camelopard.firewall.further import Further
from camelopard.firewall.gauge import Gauge
from camelopard.firewall.panel import GATE, Examination, Panel
from camelopard.firewall.portions import Stack
from camelopard.firewall.repairs import NAMES, Trust, proposed, repaired_answers
from camelopard.firewall.stressed import Stressed, gather
from camelopard.models.sizes import rows_at_once
from camelopard.stress.runner import Case
from camelopard.stress.truth import Truth

NO_TRUST = Trust()
CALIBRATION_SHARE = 0.35
LEAST_RISK = 0.05  # of rows that are stopped
MOST_CALIBRATING = 0.6  # of few rows, so that alarms are possible at all
DAMAGED_ROWS, CLEAN_ROWS = 6_000, 10_000  # rows of evidence the head learns from
CALIBRATION_DAMAGED = 4_000
REPAIRED = 0.6  # share of damaged rows, at most, that are suspicious: the others cost one question
PIECE = 4096  # rows examined at once
CLEAN_FIRST = 4  # pieces of clean rows for one of damaged rows, where a budget limits them


@dataclass(frozen=True)
class Split:
    """Positions of the rows that teach and of the rows that calibrate, sorted."""

    teach: Ints
    calibrate: Ints

    @classmethod
    def of(cls, n: int, rng: np.random.Generator, least: int = 1) -> Split:
        """Split n rows at random; of few rows, up to `least` calibrate, as long as enough others teach."""
        order, cut = rng.permutation(n), _calibrating(n, least)
        return cls(np.sort(order[cut:]), np.sort(order[:cut]))

    def apart(self) -> tuple[Ints, Split]:
        """Return a third of the rows that teach, which are set apart, and the split of the others."""
        third = np.arange(len(self.teach)) % 3 == 0
        return self.teach[third], Split(self.teach[~third], self.calibrate)

    @property
    def rows(self) -> Ints:
        """All positions, sorted."""
        return np.sort(np.concatenate([self.teach, self.calibrate]))

    def thinned(self, most: int | None, rng: np.random.Generator, least: int = 1) -> Split:
        """Return a split of at most so many rows, drawn at random, in the proportion of a split of so many."""
        n = len(self.teach) + len(self.calibrate)
        if most is None or n <= most:
            return self
        cut = min(_calibrating(most, least), len(self.calibrate))
        parts = zip((self.teach, self.calibrate), (max(1, most - cut), cut), strict=True)
        return Split(*(np.sort(rng.permutation(part)[:size]) for part, size in parts))

    def only(self, keep: Bools) -> Split:
        """Return the split without the rows that are not to be kept."""
        return Split(self.teach[keep[self.teach]], self.calibrate[keep[self.calibrate]])


def _calibrating(n: int, least: int) -> int:
    """Return how many of n rows calibrate."""
    usual = max(1, round(n * CALIBRATION_SHARE))
    return max(usual, least) if least <= MOST_CALIBRATING * n else usual


def answered(model: Model, batch: Batch, rows: Ints, session: Session) -> tuple[Bools, Prediction]:
    """Return which rows of the batch were asked and answered, and the answers, both in the length of the batch.

    Raises
    ------
    ModelError
        If the model answers fewer than half of the rows asked.
    """
    answer = session.predict(batch.take(rows))
    if (~answer.failed).sum() < max(1, len(rows) / 2):
        example = next(e for e in answer.errors if e is not None)
        raise ModelError(
            f"{model.name} answers {int((~answer.failed).sum())} of the {len(rows)} rows given; the first error: {example}. "
            "Give rows in the form the model was trained on."
        )
    good = np.zeros(len(batch), dtype=bool)
    good[rows] = ~answer.failed
    place = np.zeros(len(batch), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return good, answer.take(place)


@dataclass(frozen=True)
class Purse:
    """A session, and the model rows it may ask; None for no limit.

    `uncertainty`: model rows that its evidence costs for each row; `suspicious`: the share of clean rows whose repairs are asked about; `pictures`:
    how many damaged rows it is for, however many it could pay for, where they are large pictures; `least`: how many clean rows it is for in any case,
    if half of it pays for their answers.
    """

    session: Session
    rows: int | None = None
    uncertainty: int = 0
    suspicious: float = 1 - GATE
    pictures: int | None = None
    least: int = 0

    def damaged(self, most: int) -> int:
        """Return how many damaged rows are drawn: as many as this pays for where none of their repairs costs anything, since what they cost shows
        only when they are examined. That ends with the last model row."""
        most = most if self.pictures is None else min(most, self.pictures)
        return most if self.rows is None else max(20, min(most, self.rows // (1 + self.uncertainty)))

    @property
    def of_stack(self) -> int | None:
        """Return how many damaged rows this surely pays for, with repairs of most of them; None for no limit."""
        return None if self.rows is None else max(20, int(0.6 * self.rows / (1 + self.uncertainty + CANDIDATES * REPAIRED)))

    def clean(self, most: int) -> int:
        """Return how many clean rows this pays for: one question each, and repairs of the suspicious ones."""
        if self.rows is None:
            return most
        fewest = max(20, min(self.least, self.rows // (2 + 2 * self.uncertainty)))
        return min(most, max(fewest, int(0.4 * self.rows / (1 + self.uncertainty + CANDIDATES * self.suspicious))))

    @property
    def piece(self) -> int:
        """Return how many rows to examine at once: few where a limit is near, so that what is asked is not asked in vain."""
        return PIECE if self.rows is None else max(4, min(PIECE, self.rows // 200))


@dataclass(frozen=True)
class Lesson:
    """Evidence and outcomes of clean and damaged rows: rows on which the model raises are left out, they need no probability.

    `repaired`: the answer to the repaired row, None where no repair is to be trusted. `beside`: kinds of uncertainty that are not evidence yet, a
    column for each, shape (n, kinds). `label`: the place of the true class among those of the answers, −1 for another one; None without labels.
    `before`: the place of the class that the model gave to the undamaged row; None where answers are numbers. `trust`: which repairs are to be
    trusted, learned from these rows and those on which the model raises.
    """

    table: Floats
    fooled: Bools
    damaged: Bools
    weight: Floats
    odd: Floats
    answer: Prediction
    origin: Ints
    kind: Array
    repaired: Array | None = None
    beside: Floats | None = None
    label: Ints | None = None
    before: Ints | None = None
    trust: Trust = NO_TRUST

    @property
    def least_risk(self) -> float:
        """The risk below which no row is stopped, whatever false alarms would be allowed: one in twenty, or that of the mean row where it is less."""
        return min(LEAST_RISK, float(np.average(self.fooled, weights=self.weight))) if len(self.fooled) else LEAST_RISK

    def without(self, kinds: Collection[str]) -> Lesson:
        """Return the lesson without the rows of these kinds of damage, the others weighed anew."""
        keep = np.flatnonzero(~np.isin(self.kind, list(kinds)))
        kind = self.kind[keep]
        return Lesson(
            self.table[keep],
            self.fooled[keep],
            self.damaged[keep],
            _weights(kind, self.weight[keep]),
            self.odd[keep],
            self.answer.take(keep),
            self.origin[keep],
            kind,
            None if self.repaired is None else self.repaired[keep],
            None if self.beside is None else self.beside[keep],
            None if self.label is None else self.label[keep],
            None if self.before is None else self.before[keep],
            self.trust,
        )


@dataclass(frozen=True)
class Material:
    """What there is to learn from: evidence of rows that teach and of rows that calibrate, which answers to either are right, each kind's family.

    `further`: more damaged texts that teach, of which only that is known which no answer is needed for.
    """

    lesson: Lesson
    check: Lesson
    taught: Bools
    right: Bools
    labelled: bool
    families: Mapping[str, str] = field(default_factory=dict)
    repaired_right: Bools | None = None
    further: Further | None = None

    @property
    def trust(self) -> Trust:
        """Which repairs are to be trusted."""
        return self.lesson.trust

    def without(self, kinds: Collection[str]) -> Material:
        """Return the same without these kinds of damage, as if they had never been tried."""
        first, second = (~np.isin(part.kind, list(kinds)) for part in (self.lesson, self.check))
        repaired = None if self.repaired_right is None else self.repaired_right[second]
        return Material(
            self.lesson.without(kinds),
            self.check.without(kinds),
            self.taught[first],
            self.right[second],
            self.labelled,
            self.families,
            repaired,
            None if self.further is None else self.further.without(kinds),
        )


def collect(
    panel: Panel,
    schema: Schema,
    truth: Truth,
    teach: tuple[Batch, Sequence[Case], Array | None, Purse],
    calibrate: tuple[Batch, Sequence[Case], Array | None, Purse],
    rng: np.random.Generator,
    progress: Progress,
    gauge: Gauge | None = None,
) -> Material:
    """Return the evidence to learn from. `teach` and `calibrate` hold clean rows, the stress cases made of them, and what they may cost.

    `gauge` measures more beside it, at its own cost.
    """
    progress("measuring evidence", 0, 2)
    clean, cases, taught, purse = teach
    stressed = gather(cases, schema, purse.damaged(DAMAGED_ROWS), rng, enriched=True, of_stack=purse.of_stack)
    kept = _some(len(clean), purse.clean(CLEAN_ROWS), rng)
    lesson = examined(panel, clean.take(kept), stressed, truth, purse, schema.form, rng, kept, half="teach", gauge=gauge)
    progress("measuring evidence", 1, 2)
    batch, twins, y, purse = calibrate
    stressed = gather(twins, schema, purse.damaged(CALIBRATION_DAMAGED), rng, of_stack=purse.of_stack)
    kept = _some(len(batch), purse.clean(len(batch)), rng)
    check = examined(panel, batch.take(kept), stressed, truth, purse, schema.form, rng, kept, half="calibrate", gauge=gauge, trust=lesson.trust)
    progress("measuring evidence", 2, 2)
    right = tuple(right_answers(part, labels, truth.tolerance) for part, labels in ((lesson, taught), (check, y)))
    lesson, check = (labelled(part, labels) for part, labels in ((lesson, taught), (check, y)))
    families = {case.kind: case.family for case in (*cases, *twins)}
    further = Further.of(panel, cases, schema, rng)
    return Material(lesson, check, right[0], right[1], y is not None, families, repaired_right(check, y, truth.tolerance), further)


def labelled(part: Lesson, y: Array | None) -> Lesson:
    """Return the lesson with the labels of its rows; as it is without labels, or where they are numbers."""
    classes = part.answer.classes
    return part if y is None or not classes else replace(part, label=codes_of(y[part.origin], classes))


def repaired_right(check: Lesson, y: Array | None, tolerance: float) -> Bools | None:
    """Return whether the answer to the repaired row is right, False where there is none, shape (n,); None without labels."""
    if y is None or check.repaired is None:
        return None
    right = np.zeros(len(check.repaired), dtype=bool)
    some = np.flatnonzero(check.repaired != None)  # noqa: E711  cell by cell
    right[some] = agreeing(check.repaired[some], y[check.origin[some]], None if check.answer.classes else tolerance)
    return right


def examined(
    panel: Panel,
    clean: Batch,
    stressed: Stressed | None,
    truth: Truth,
    purse: Purse,
    form: Form,
    rng: np.random.Generator,
    positions: Ints | None = None,
    *,
    half: Half | None = None,
    gauge: Gauge | None = None,
    trust: Trust = NO_TRUST,
) -> Lesson:
    """Return the evidence of clean and damaged rows as far as the purse goes: most clean ones first, then at random; each side weighs half, each kind
    alike.

    `positions` are the clean rows' places in the batch that labels belong to; by default they are counted from 0. `half`: whether these are the rows
    that teach, which the panel may have been learned from, or those that calibrate; None for others. `gauge` measures more beside the evidence.
    """
    places = np.arange(len(clean)) if positions is None else positions
    kind, origin = np.full(len(clean), "", dtype="<U60"), places
    if stressed is not None:
        kind, origin = np.concatenate([kind, stressed.kind]), np.concatenate([origin, stressed.origin])
    order = np.concatenate([rng.permutation(len(clean)), len(clean) + rng.permutation(len(kind) - len(clean))])
    pieces = _cut(order, purse.piece)
    if stressed is not None and purse.rows is not None:  # it may end anywhere
        pieces = _mixed(_cut(order[: len(clean)], purse.piece), _cut(len(clean) + stressed.order, purse.piece))
    tables, odds, answers, repairs, mends, beside, done = [], [], [], [], [], [], []
    for rows, part in _parts(clean, None if stressed is None else stressed.batch, kind, pieces, purse.piece, rng):
        try:
            answer = purse.session.predict(part)
            found = panel.examine(part, answer, purse.session, form, origin[rows], half)
        except BudgetSpent:
            break
        tables.append(found.table)
        odds.append(found.odd)
        if half == "teach":
            mends.append(_mended(found, panel, rows - len(clean), stressed))
        else:  # what repairs are worth is measured on other rows than those that say which to trust
            repairs.append(repaired_answers(found, panel, trust))
        beside.append(np.empty((len(rows), 0)) if gauge is None else gauge.measure(part, answer, found.reading))
        answers.append(answer)
        done.append(rows)
    if not done:
        raise CamelopardError("the budget ended before the firewall could learn from a single row. Give some thousand model rows more.")
    rows, answer = np.concatenate(done), Prediction.joined(answers)
    place = np.arange(len(rows)) if len(rows) < len(order) else np.argsort(rows)[np.concatenate(pieces)]  # the same order, however they were visited
    stands_for = np.ones(len(rows))
    if stressed is not None:
        stands_for[rows >= len(clean)] = stressed.stands_for(rows[rows >= len(clean)] - len(clean))
    learned = _trust_of(mends, _weights(kind[rows], stands_for)) if half == "teach" else NO_TRUST
    keep = place[~answer.failed[place]]
    answer, rows, stands_for = answer.take(keep), rows[keep], stands_for[keep]
    kinds = kind[rows]
    fooled = np.zeros(len(rows), dtype=bool)
    if stressed is not None:
        damaged = np.flatnonzero(kinds != "")
        fooled[damaged] = truth.fooled(stressed.before.take(rows[damaged] - len(clean)), answer.take(damaged))
    return Lesson(
        np.vstack(tables)[keep],
        fooled,
        kinds != "",
        _weights(kinds, stands_for),
        np.concatenate(odds)[keep],
        answer,
        origin[rows],
        kinds,
        np.concatenate(repairs)[keep] if repairs else None,
        None if gauge is None else np.vstack(beside)[keep],
        before=_before(answer, stressed, rows - len(clean)),
        trust=learned,
    )


def _trust_of(mends: Sequence[tuple[Floats, Bools]], weight: Floats) -> Trust:
    """Return which repairs are to be trusted, from what is known of each row's repair, piece by piece, and how much each row counts, shape (n,)."""
    known, right = np.vstack([known for known, _ in mends]), np.concatenate([right for _, right in mends])
    some = np.flatnonzero(~np.isnan(known[:, 0]))
    return Trust.learn(known[some], right[some], weight[some])


def _cut(order: Ints, most: int) -> list[Ints]:
    """Return positions in pieces of at most so many, each sorted."""
    return [np.sort(order[start : start + most]) for start in range(0, len(order), most)]


def _mixed(clean: Sequence[Ints], damaged: Sequence[Ints]) -> list[Ints]:
    """Return pieces of clean rows, one of damaged rows after every few of them, and the other damaged ones: neither takes all that there is."""
    found, rest = [], list(damaged)
    for k, piece in enumerate(clean, 1):
        found.append(piece)
        if k % CLEAN_FIRST == 0:
            found += rest[:1]
            rest = rest[1:]
    return found + rest


def _mended(found: Examination, panel: Panel, place: Ints, stressed: Stressed | None) -> tuple[Floats, Bools]:
    """Return what is known of each row's repair, shape (n, k), and whether the answer to it is that to the undamaged row: `place` among those
    stressed, below 0 for clean ones, which are their own."""
    known, right = np.full((len(place), len(NAMES)), np.nan), np.zeros(len(place), dtype=bool)
    proposals = proposed(found, panel)
    some = np.flatnonzero(proposals.able)
    rows = found.impact.rows[proposals.place[some]]
    before = found.answer.value[rows]
    if stressed is not None:
        damaged = place[rows] >= 0
        before[damaged] = stressed.before.value[place[rows][damaged]]
    known[rows] = proposals.evidence[some]
    right[rows] = agreeing(proposals.answer[some], before, panel.tolerance if panel.task == "regression" else None)
    return known, right


def _parts(
    clean: Batch, damaged: Batch | Stack | None, kind: Array, pieces: Sequence[Ints], most: int, rng: np.random.Generator
) -> Iterator[tuple[Ints, Batch]]:
    """Yield rows to examine together, their positions and what they hold: piece by piece, or, of a stack, clean ones, then the kinds in turn, of
    each a part drawn at random: wherever a budget ends, each kind has had its share."""
    if damaged is None or isinstance(damaged, Batch):
        whole = clean if damaged is None else concat([clean, damaged]).renumbered()
        yield from ((rows, whole.take(rows)) for rows in pieces)
        return
    step = rows_at_once(clean, most)
    for rows in (rows[rows < len(clean)] for rows in pieces):
        yield from ((some, clean.take(some)) for some in (rows[start : start + step] for start in range(0, len(rows), step)))
    kinds, turn, met = kind[len(clean) + np.cumsum([0, *damaged.lengths[:-1]])].tolist(), dict[int, int](), dict[str, int]()
    for k in rng.permutation(len(kinds)).tolist():
        turn[k] = met.get(kinds[k], 0)
        met[kinds[k]] = turn[k] + 1
    for rows, part in damaged.pieces(sorted(turn, key=turn.__getitem__), most):  # within a turn as they were drawn
        yield len(clean) + rows, part


def _before(answer: Prediction, stressed: Stressed | None, rows: Ints) -> Ints | None:
    """Return the place of the class that the model gave to the undamaged row, shape (n,): `rows` among those stressed, below 0 for clean ones."""
    if not answer.classes:
        return None
    before = codes_of(answer.value, answer.classes)
    if stressed is not None:
        before[rows >= 0] = codes_of(stressed.before.value[rows[rows >= 0]], answer.classes)
    return before


def _weights(kinds: Array, stands_for: Floats) -> Floats:
    """Return weights with mean 1: half for clean rows, half for damaged ones, each kind alike, and within a kind by what each row stands for."""
    names, inverse = np.unique(kinds, return_inverse=True)
    share_of = np.where(names == "", 0.5, 0.5 / max((names != "").sum(), 1))
    totals = np.bincount(inverse, weights=stands_for, minlength=len(names))
    weights: Floats = (share_of / totals)[inverse] * stands_for * len(kinds)
    return weights


def _some(n: int, most: int, rng: np.random.Generator) -> Ints:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def right_answers(test: Lesson, y: Array | None, tolerance: float) -> Bools:
    """Return which answers are right, shape (n,): by the labels of the undamaged rows, or, without labels, those that the damage did not change."""
    return ~test.fooled if y is None else agreeing(test.answer.value, y[test.origin], tolerance if not test.answer.classes else None)


def agreeing(answers: Array, labels: Array, tolerance: float | None) -> Bools:
    """Return where answer and label are the same, or, for numbers, nearer than the tolerance, shape (n,)."""
    if tolerance is None:
        return np.asarray([a == b for a, b in zip(answers.tolist(), labels.tolist(), strict=True)], dtype=bool)
    return np.asarray(np.abs(answers.astype(np.float64) - labels.astype(np.float64)) <= tolerance, dtype=bool)
