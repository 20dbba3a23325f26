"""How small a change of a text suffices? Searches, for some rows, the smallest change that moves the answer, asking the model as a black box.

Every round asks one batch for all rows. First each word is left out, which tells how much hangs on it (as in Gao et al. 2018). Then the words
on which most hangs are changed one by one, in four ways: a slip of the keyboard, a letter that looks alike, a character nobody sees, another
word of the vocabulary one slip apart. Rows that no single word moves get several words changed at once, as few as will do. Last, a few
words are sought that, put in front, move as many rows as possible (a universal trigger: Wallace et al. 2019), and tried on rows that took no part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent, CamelopardError
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.stress.attack import begun, pulled
from camelopard.stress.text_attack_result import Prefix, TextAttackResult
from camelopard.stress.text_changes import WAYS, Span, Vocabulary, changes_of, size, tokens, written
from camelopard.stress.truth import Truth

DROPPED = "left out"  # the way in which a word, or some in a row, is left out
IMPORTANCE, SINGLES, JOINTLY = 0.35, 0.6, 0.85  # share of a row's queries that may be spent by the end of these stages; the rest is for the prefix
AT_MOST: Mapping[str, float] = {"invisible": 1.0, "look-alike": 1.0, "letters": 0.5, "words": 0.5}  # of the words that may be changed at once
BISECTIONS = 6
PREFIX_WORDS, PREFIX_TRIED = 3, 6  # words of the prefix; words tried for each of them
FEWEST = 4  # rows with which a prefix is sought: half of them teach it, half of them try it
CALL, CALL_CHARACTERS = 4096, 8_000_000  # rows, and characters, asked at once

Change = tuple[tuple[int, str], ...]  # which words of a row become what, in order


def text_attack(
    session: Session,
    batch: Batch,
    schema: Schema,
    truth: Truth,
    rng: np.random.Generator,
    rows: int = 100,
    queries_per_row: int = 200,
    frozen: Collection[str] = (),
) -> TextAttackResult:
    """Search the smallest change of the texts that moves the answer, for up to `rows` rows drawn at random.

    All text columns may be changed but those in `frozen`; other columns stay. The vocabulary is that of the batch. No row costs more than
    `queries_per_row` model rows. Where the session's budget ends first, what was found by then is returned.

    Raises
    ------
    UnknownName
        If a frozen column is none of the schema's.
    CamelopardError
        If there is no text column to change.
    BudgetSpent
        If not even the rows themselves can be asked.
    """
    names = [c.name for c in schema.of_kind("text") if c.name not in frozen]
    if not names:
        kinds = ", ".join(f"{c.name} ({c.kind}{', frozen' if c.name in frozen else ''})" for c in list(schema.columns.values())[:10])
        raise CamelopardError(f"no text column to attack; the columns are {kinds}. For tables there is camelopard.stress.attack.attack.")
    chosen, before, drawn = begun(session, batch, schema, rng, rows, queries_per_row, frozen)
    vocabulary = Vocabulary(text for name in names for text in batch.columns[name].tolist() if isinstance(text, str))
    search = _Search(session, batch.take(chosen), before, names, truth, vocabulary, rng, queries_per_row)
    try:
        search.importance()
        search.singles()
        search.jointly()
        search.prefixed()
    except BudgetSpent:
        search.complete = False
    return search.result(chosen, drawn)


class _Search:
    """The state of one search. A row is its words, over all its texts: (column, begin, end)."""

    def __init__(
        self,
        session: Session,
        original: Batch,
        before: Prediction,
        names: Sequence[str],
        truth: Truth,
        vocabulary: Vocabulary,
        rng: np.random.Generator,
        limit: int,
    ) -> None:
        self.session, self.original, self.before, self.names, self.truth = session, original, before, names, truth
        self.vocabulary, self.rng, self.limit = vocabulary, rng, limit
        n = len(original)
        self.cells = [tuple(original.columns[name][i] for name in names) for i in range(n)]
        self.words: list[list[tuple[int, Span]]] = [
            [(c, span) for c, text in enumerate(cells) if isinstance(text, str) for span in tokens(text)] for cells in self.cells
        ]
        self.length = np.array([max(1, sum(len(text) for text in cells if isinstance(text, str))) for cells in self.cells], dtype=np.float64)
        self.spent = np.ones(n, dtype=np.int64)
        self.complete = True
        self.weight = [np.zeros(len(words)) for words in self.words]  # how far the answer is pulled where the word is left out
        self.sign = np.ones(n)  # for numbers: the direction in which the answer is pulled further
        self.best: list[Change] = [()] * n
        self.sizes, self.closest = np.full(n, np.inf), np.full(n, -np.inf)
        self.ways = objects([""] * n)
        self.by_way = {way: np.full(n, np.inf) for way in (*WAYS, DROPPED)}
        self.by_column = {name: np.full(n, np.inf) for name in names}
        self.answers: list[tuple[Prediction, int]] = [(before, i) for i in range(n)]
        self.spellings: dict[tuple[int, int, str], list[str]] = {}
        self.merit: dict[tuple[int, int, str], tuple[float, str]] = {}  # per row, word and way: how far its best spelling pulls, and that spelling
        self.prefix: Prefix | None = None
        self.learners: Ints = np.sort(rng.permutation(n)[: n // 2])  # the rows that teach a prefix

    # --- the stages -------------------------------------------------------------------------------------------------------------------

    def importance(self) -> None:
        """Leave out each word, or some in a row where there are more words than queries."""
        rows, changes, groups = [], [], []
        for i, words in enumerate(self.words):
            parts = np.array_split(np.arange(len(words)), max(1, min(len(words), int(IMPORTANCE * self.limit) - 1)))
            for part in parts:
                if len(part):
                    rows.append(i)
                    changes.append(tuple((int(k), "") for k in part))
                    groups.append(part)
        asked, _, pull = self._ask(rows, changes, [DROPPED] * len(rows), IMPORTANCE)
        largest = np.zeros(len(self.cells))
        for i, part, ok, p in zip(rows, groups, asked, pull, strict=True):
            if ok:
                self.weight[i][part] = p / len(part)
                if abs(p) > abs(largest[i]):
                    largest[i] = p
        if self.truth.task == "regression":
            self.sign = np.where(largest < 0, -1.0, 1.0)

    def singles(self) -> None:
        """Change one word at a time, those first on which most hangs, in every way in which the row has not been moved yet."""
        order = [self._order(i) for i in range(len(self.words))]
        for rank in range(max(map(len, order), default=0)):
            open_rows = [i for i in np.flatnonzero(self.spent < int(SINGLES * self.limit)).tolist() if rank < len(order[i])]
            if not open_rows:
                return
            places = [(i, int(order[i][rank]), way) for i in open_rows for way in WAYS if np.isinf(self.by_way[way][i])]
            tries = [(place, new) for place in places for new in self._spellings(*place)]
            asked, _, pull = self._ask([i for (i, _, _), _ in tries], [((k, new),) for (_, k, _), new in tries], [p[2] for p, _ in tries], SINGLES)
            for (place, new), ok, p in zip(tries, asked, pull, strict=True):
                merit = float(self.sign[place[0]] * p)
                if ok and (place not in self.merit or merit > self.merit[place][0]):
                    self.merit[place] = (merit, new)

    def jointly(self) -> None:
        """Change many words in one way, and find by bisection how few of them, the best first, move the answer; then put back what need not be."""
        plans = {(i, way): self._plan(i, way) for way in WAYS for i in np.flatnonzero(np.isinf(self.by_way[way])).tolist()}
        high = {place: len(plan) for place, plan in plans.items() if len(plan) > 1}
        _, moved = self._ask_first(plans, high)
        high = {place: high[place] for place, hit in zip(high, moved, strict=True) if hit}
        low = dict.fromkeys(high, 1)
        pending = list(high)
        for _ in range(BISECTIONS):
            pending = [place for place in pending if high[place] - low[place] > 1]
            middle = {place: (low[place] + high[place]) // 2 for place in pending}
            asked, moved = self._ask_first(plans, middle)
            for place, ok, hit in zip(pending, asked, moved, strict=True):
                if ok:
                    (high if hit else low)[place] = middle[place]
            pending = [place for place, ok in zip(pending, asked, strict=True) if ok]
        self._put_back()

    def _ask_first(self, plans: Mapping[tuple[int, str], Sequence[tuple[int, str]]], counts: Mapping[tuple[int, str], int]) -> tuple[Bools, Bools]:
        """Ask about the first so many changes of each plan: which were asked, which move the answer."""
        changes = [tuple(sorted(plans[place][:count])) for place, count in counts.items()]
        asked, moved, _ = self._ask([i for i, _ in counts], changes, [way for _, way in counts], JOINTLY)
        return asked, moved

    def _put_back(self) -> None:
        """Put back each word of the smallest changes that need not be changed, those first that pull least."""
        pending: dict[int, list[tuple[int, str]]] = {}
        for i in np.flatnonzero(np.isfinite(self.sizes)).tolist():
            pending[i] = sorted(self.best[i], key=lambda edit: self.merit.get((i, edit[0], self.ways[i]), (0.0, ""))[0])
        while pending := {i: edits for i, edits in pending.items() if edits and len(self.best[i]) > 1}:
            rows = [i for i, edits in pending.items() if edits[0] in self.best[i]]
            self._ask(rows, [tuple(e for e in self.best[i] if e != pending[i][0]) for i in rows], [self.ways[i] for i in rows], JOINTLY)
            pending = {i: edits[1:] for i, edits in pending.items()}

    def prefixed(self) -> None:
        """Find a few words that, put in front, move as many of half of the rows as possible; try them on the other half."""
        n = len(self.cells)
        if n < FEWEST:
            return
        left = int(self.limit - self.spent[self.learners].max(initial=0))
        candidates = self._telling(min(PREFIX_TRIED, left // PREFIX_WORDS))
        prefix: list[str] = []
        reached = (0.0, -np.inf)
        for _ in range(PREFIX_WORDS if candidates else 0):
            scores = [self._fronted(self.learners.tolist(), " ".join([*prefix, word]))[:2] for word in candidates]
            best = max(range(len(scores)), key=lambda j: scores[j])
            if scores[best] <= reached:
                break
            reached = scores[best]
            prefix.append(candidates[best])
        if prefix and reached[0] > 0:
            others = [int(i) for i in np.setdiff1d(np.arange(n), self.learners) if self.spent[i] < self.limit]
            text = " ".join(prefix)
            _, _, after, batch = self._fronted(others, text)
            rows = np.array(others, dtype=np.int64)
            if len(rows):
                before = self.before.take(rows)
                self.prefix = Prefix(text, self.names[0], len(self.learners), rows, batch, before, after, self.truth.fooled(before, after))

    def _telling(self, most: int) -> list[str]:
        """Return the words on which most hangs in the rows that teach: at most half of them for one answer, which is to become another."""
        score: dict[tuple[str, str], list[float]] = {}
        for i in self.learners.tolist():
            for k, weight in enumerate(self.weight[i].tolist()):
                word = self._word(i, k).lower()
                key = str(weight < 0) if self.truth.task == "regression" else str(self.before.value[i])
                score.setdefault((key, word), []).append(abs(weight) if self.truth.task == "regression" else weight)
        order = sorted(score, key=lambda key: (-sum(score[key]) / (len(score[key]) + 1), key))
        found: dict[str, list[str]] = {}
        for key, word in order:
            if len(found.setdefault(key, [])) < max(1, most // 2):
                found[key].append(word)
        chosen = {word for words in found.values() for word in words}
        return list(dict.fromkeys(word for _, word in order if word in chosen))[: max(0, most)]

    def _fronted(self, rows: Sequence[int], prefix: str) -> tuple[float, float, Prediction, Batch]:
        """Ask about rows with a prefix: the share it moves, how far it pulls, the answers and the rows."""
        at = np.array(rows, dtype=np.int64)
        texts = [self.cells[i][0] for i in rows]
        fronted = objects(f"{prefix} {text}" if isinstance(text, str) else text for text in texts)
        batch = self.original.take(at).with_columns({self.names[0]: fronted})
        after = Prediction.joined([self.session.predict(batch.take(part).renumbered()) for part in _parts(texts)]) if rows else self.before.take(at)
        self.spent[at] += 1
        before = self.before.take(at)
        pull = np.abs(pulled(before, after, self.truth.task)) if self.truth.task == "regression" else pulled(before, after, self.truth.task)
        return float(np.mean(self.truth.fooled(before, after))) if rows else 0.0, float(pull.mean()) if rows else 0.0, after, batch

    # --- one row ----------------------------------------------------------------------------------------------------------------------

    def _word(self, i: int, k: int) -> str:
        c, (begin, end) = self.words[i][k]
        return str(self.cells[i][c][begin:end])

    def _order(self, i: int) -> Ints:
        """Return the words of a row, those first on which most hangs; at random where nothing tells them apart."""
        lot = self.rng.permutation(len(self.words[i]))
        return lot[np.argsort(-self.sign[i] * self.weight[i][lot], kind="stable")]

    def _spellings(self, i: int, k: int, way: str) -> list[str]:
        key = (i, k, way)
        if key not in self.spellings:
            word = self._word(i, k)
            self.spellings[key] = [new for new in changes_of(word, way, self.vocabulary, self.rng) if new != word]
        return self.spellings[key]

    def _plan(self, i: int, way: str) -> list[tuple[int, str]]:
        """Return the changes of words in one way that pull most first: those tried, then the others by what hangs on their word."""
        tried = sorted((k for k in range(len(self.words[i])) if (i, k, way) in self.merit), key=lambda k: -self.merit[i, k, way][0])
        rest = [int(k) for k in self._order(i) if (i, int(k), way) not in self.merit]
        most = int(np.ceil(AT_MOST[way] * len(self.words[i])))
        plan = [(k, self.merit[i, k, way][1]) for k in tried[:most]]
        for k in rest:
            if len(plan) >= most:
                break
            plan += [(k, new) for new in self._spellings(i, k, way)[:1]]
        return plan

    def _write(self, i: int, change: Change) -> tuple[Any, ...]:
        cells = list(self.cells[i])
        for c in {self.words[i][k][0] for k, _ in change}:
            own = [(self.words[i][k][1], new) for k, new in change if self.words[i][k][0] == c]
            cells[c] = written(cells[c], [span for span, _ in own], [new for _, new in own])
        return tuple(cells)

    # --- asking -----------------------------------------------------------------------------------------------------------------------

    def _ask(self, rows: Sequence[int], changes: Sequence[Change], ways: Sequence[str], share_of_limit: float) -> tuple[Bools, Bools, Floats]:
        """Ask about changes of rows: which were asked (the rest is beyond the row's queries), which move the answer, and how far they pull it."""
        m = len(rows)
        asked, moved, pull = np.zeros(m, dtype=bool), np.zeros(m, dtype=bool), np.zeros(m)
        planned = self.spent.copy()
        allowed = []
        for j, i in enumerate(rows):
            if planned[i] < int(share_of_limit * self.limit):
                planned[i] += 1
                allowed.append(j)
        for part in _parts([self.cells[rows[j]] for j in allowed]):
            at = [allowed[k] for k in range(part.start, part.stop)]
            own = np.array([rows[j] for j in at], dtype=np.int64)
            cells = [self._write(rows[j], changes[j]) for j in at]
            texts = {name: objects(row[c] for row in cells) for c, name in enumerate(self.names)}
            after = self.session.predict(self.original.take(own).with_columns(texts).renumbered())
            before = self.before.take(own)
            self.spent += np.bincount(own, minlength=len(self.spent))
            asked[at], moved[at] = True, self.truth.fooled(before, after)
            pull[at] = pulled(before, after, self.truth.task)
            for k, j in enumerate(at):
                self._remember(rows[j], changes[j], ways[j], bool(moved[j]), float(abs(pull[j])), after, k)
        return asked, moved, pull

    def _remember(self, i: int, change: Change, way: str, moved: bool, pull: float, after: Prediction, k: int) -> None:
        if not moved:
            if np.isinf(self.sizes[i]) and pull > self.closest[i]:
                self.best[i], self.closest[i], self.answers[i] = change, pull, (after, k)
            return
        characters = sum(size(self._word(i, w), new) for w, new in change)
        cost = characters / self.length[i]
        self.by_way[way][i] = min(self.by_way[way][i], cost)
        columns = {self.words[i][w][0] for w, _ in change}
        if len(columns) == 1:
            name = self.names[columns.pop()]
            self.by_column[name][i] = min(self.by_column[name][i], cost)
        if characters < self.sizes[i]:
            self.best[i], self.sizes[i], self.ways[i], self.answers[i] = change, characters, way, (after, k)

    def result(self, chosen: Ints, drawn: int) -> TextAttackResult:
        """Return what was found."""
        cells = [self._write(i, change) for i, change in enumerate(self.best)]
        batch = self.original.with_columns({name: objects(row[c] for row in cells) for c, name in enumerate(self.names)})
        after = Prediction.joined([p.take(slice(k, k + 1)) for p, k in self.answers]) if self.answers else self.before
        moved_by = {
            name: np.where([isinstance(row[c], str) for row in self.cells], self.by_column[name], np.nan) for c, name in enumerate(self.names)
        }
        prefix = None if self.prefix is None else replace(self.prefix, rows=chosen[self.prefix.rows])
        return TextAttackResult(
            rows=chosen,
            original=self.original,
            batch=batch,
            succeeded=np.isfinite(self.sizes),
            costs=self.sizes / self.length,
            moved_by=moved_by,
            spreads={},
            before=self.before,
            after=after,
            queries=self.spent,
            drawn=drawn,
            complete=self.complete,
            ways=self.ways,
            by_way=self.by_way,
            sizes=self.sizes,
            prefix=prefix,
        )


def _parts(cells: Sequence[Any]) -> Iterator[slice]:
    """Give runs of rows of at most CALL rows and about CALL_CHARACTERS characters, so that long texts are never copied thousands of times at once."""
    start = total = 0
    for k, row in enumerate(cells):
        length = len(row) if isinstance(row, str) else sum(len(text) for text in row if isinstance(text, str)) if isinstance(row, tuple) else 0
        if k > start and (k - start >= CALL or total + length > CALL_CHARACTERS):
            yield slice(start, k)
            start, total = k, 0
        total += length
    if len(cells) > start:
        yield slice(start, len(cells))
