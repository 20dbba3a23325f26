"""Keys of rows: 128 bits per row, so that a model is never asked the same row twice.

The one idea: every cell becomes 64 mixed bits (numbers by their bits, everything else by a running number that its value was given when it was
first seen), and a row is two independent random linear combinations of its cells (multilinear hashing, Carter & Wegman 1979).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch, Form
from camelopard.models.dtypes import class_of
from camelopard.models.native import EXACT

Words = NDArray[np.uint64]
MOST_VALUES = 1_000_000  # distinct values remembered before the memory starts afresh
CHUNK = 4096  # rows at a time: the work stays in the processor's cache
SMALL = 1000  # layouts that a hasher may know and still be lent again
ROOM = 1024  # values that there is room for at first
IDLE = 16  # hashers that wait to be lent
FIRST, SECOND, LAST = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 2**64 - 1
_FLOAT, _BITS = Struct("<d"), Struct("<Q")
NONE, NAN = 0, 1  # running numbers of the two kinds of gap
GAPS = 2


class RowHasher:
    """Gives rows keys under a salt drawn when it is made, so that nobody can craft rows that collide.

    Equal rows of the same columns, in the same order and form, have equal keys. -0.0 is 0.0 and all NaN are one; 1, True, "1" and 1.0 differ
    in an object column, while whole numbers are the same in a column of integers and in one of floats.
    """

    def __init__(self, salt: int | None = None) -> None:
        self._rng = np.random.default_rng(secrets.randbits(128) if salt is None else salt)
        self._number_salt, self._large_salt, self._time_salt = (np.uint64(x) for x in self._draw(3))
        self._multipliers: Words = self._draw(0).reshape(2, 0)
        self._layouts: dict[object, tuple[Words, frozenset[str]]] = {}
        self._forms: dict[int, tuple[Form, dict[tuple[str, ...], tuple[Words, frozenset[str]]]]] = {}
        self._memo = _Memo(self)

    @classmethod
    def lent(cls, to: object) -> RowHasher:
        """Return a hasher that is nobody else's as long as `to` lives: making one takes longer than the keys of a few rows."""
        try:
            hasher = _idle.pop()
        except IndexError:
            hasher = cls()
        finalize(to, hasher._returned).atexit = False
        return hasher

    def _returned(self) -> None:
        if len(_idle) < IDLE and len(self._layouts) <= SMALL:
            self._memo.restart()  # nothing of what was in the rows stays
            _idle.append(self)

    def keys(self, batch: Batch, form: Form | None = None) -> list[bytes]:
        """Return one 16-byte key per row. `form`: the form in which the rows will be asked, where it is not their own."""
        start, numeric = self._layout(form or batch.form, batch.names)
        n, k = len(batch), len(batch.names)
        while self._multipliers.shape[1] < k:
            self._multipliers = np.concatenate([self._multipliers, self._draw(2 * max(16, k)).reshape(2, -1)], axis=1)
        weights = self._multipliers[:, :k, None]
        lanes = np.empty((n, 2), dtype=np.uint64)
        for low in range(0, n, CHUNK):
            chunk = batch if n <= CHUNK else batch.take(slice(low, low + CHUNK))
            cells = self._cells(chunk, numeric)
            with np.errstate(over="ignore"):
                lanes[low : low + CHUNK, 0] = (cells * weights[0]).sum(axis=0, dtype=np.uint64) + start[0]
                lanes[low : low + CHUNK, 1] = (cells * weights[1]).sum(axis=0, dtype=np.uint64) + start[1]
        data = lanes.tobytes()
        return [data[i : i + 16] for i in range(0, 16 * n, 16)]

    def _cells(self, batch: Batch, numeric: frozenset[str]) -> Words:
        """Return 64 bits per cell, shape (columns, n)."""
        if batch.columns and batch.floats:
            return self._number_cells((np.array(list(batch.columns.values())) + 0.0).view(np.uint64), [])  # a column at a time takes longer
        if len(self._memo) > MOST_VALUES:
            self._memo.restart()
        cells = np.empty((len(batch.names), len(batch)), dtype=np.uint64)
        numbers: list[int] = []
        others: list[int] = []
        whole: dict[int, Array] = {}
        for j, (name, values) in enumerate(batch.columns.items()):
            kind = values.dtype.kind
            if kind in "fi":
                if kind == "i":
                    whole[j] = values
                numbers.append(j)
                cells[j] = (values + 0.0).view(np.uint64)  # the sum makes -0.0 a 0.0, and integers floats
            elif kind == "M":
                cells[j] = _mixed(values.astype("datetime64[us]").view(np.uint64) ^ self._time_salt)
            else:
                others.append(j)
                cells[j] = self._memo.numbers(values, name in numeric).view(np.uint64)
        if numbers:
            cells[numbers] = self._number_cells(cells[numbers], [whole.get(j) for j in numbers] if whole else [])
        if others:
            cells[others] = self._memo.bits[cells[others].view(np.int64)]
        return cells

    def _number_cells(self, words: Words, whole: list[Array | None]) -> Words:
        """Return the mixed bits of numbers given as the bits of floats. Integers too large to be told apart as floats are mixed as they came."""
        floats = words.view(np.float64)
        mixed = _mixed(words ^ self._number_salt)
        missing = np.isnan(floats)
        if missing.any():
            mixed[missing] = self._memo.bits[NAN]
        if whole and (np.abs(floats) >= EXACT).any():
            for j, values in enumerate(whole):
                if values is not None:
                    large = np.abs(floats[j]) >= EXACT
                    mixed[j, large] = _mixed(values[large].view(np.uint64) ^ self._large_salt)
        return mixed

    def number_bits(self, value: float) -> int:
        """Return the bits of one number, as in a column of numbers."""
        return _mixed_alone(_BITS.unpack(_FLOAT.pack(value + 0.0))[0] ^ int(self._number_salt))

    def random_bits(self, n: int) -> Words:
        """Return n fresh words."""
        return self._draw(n)

    def _layout(self, form: Form, names: tuple[str, ...]) -> tuple[Words, frozenset[str]]:
        """Return the start value of rows with these columns in this form, and the columns declared as numbers, in which None is NaN."""
        known = self._forms.get(id(form))
        if known is None:
            if len(self._forms) > 1000:
                self._forms.clear()
            known = self._forms[id(form)] = (form, {})  # holding the form keeps its id from being used again
        found = known[1].get(names)
        if found is None:
            key = (names, form.kind, _frozen(form.dtypes), _frozen(form.categories))
            if key not in self._layouts:
                numeric = frozenset(name for name in names if class_of(form.dtypes.get(name, "")) in ("integer", "float"))
                self._layouts[key] = (self._draw(2), numeric)
            found = known[1][names] = self._layouts[key]
        return found

    def _draw(self, n: int) -> Words:
        return self._rng.integers(1, 2**64, n, dtype=np.uint64, endpoint=False) | np.uint64(1)


_idle: deque[RowHasher] = deque()


class _Memo(dict[Any, int]):
    """The running number of every value seen in object and boolean columns, and the random bits behind it.

    Text and None are keys themselves; all else is looked up with its type, since 1 == True == 1.0.
    """

    def __init__(self, hasher: RowHasher) -> None:
        super().__init__()
        self._hasher = hasher
        self._key = hasher.random_bits(4).tobytes()
        self._used = 0
        self.bits: Words = np.empty(0, dtype=np.uint64)
        self.restart()

    def restart(self) -> None:
        """Forget all values but the gaps. Values seen again get new bits: their rows are asked again, never mistaken."""
        if self._used == GAPS:
            return
        gaps = self.bits[:GAPS] if self._used else self._hasher.random_bits(GAPS)
        self.clear()
        self.bits = np.concatenate([gaps, self._hasher.random_bits(ROOM - GAPS)])
        self._used = GAPS
        self[None] = NONE

    def numbers(self, values: Array, numeric: bool) -> NDArray[np.int64]:
        """Return the running number of every cell, shape (n,). In a numeric column 1 is 1.0 and None is NaN."""
        cells = values.tolist()
        if not set(map(type, cells)) <= {str, type(None)}:
            cells = [v if v is None or type(v) is str else self._typed(v, numeric) for v in cells]
        numbers = np.fromiter(map(self.__getitem__, cells), dtype=np.int64, count=len(cells))
        if numeric:
            numbers[numbers == NONE] = NAN
        return numbers

    def __missing__(self, key: Any) -> int:
        if self._used == len(self.bits):
            self.bits = np.concatenate([self.bits, self._hasher.random_bits(self._used)])
        number = self._used
        self._used += 1
        self[key] = number
        if type(key) is tuple and key[0] is float:
            self.bits[number] = self._hasher.number_bits(key[1])
        return number

    def _digest(self, value: Array) -> bytes:
        """Return what stands for the numbers of a picture: kept in place of megabytes, keyed so that nobody can craft two that share it."""
        return blake2b(np.ascontiguousarray(value).data, digest_size=16, key=self._key).digest()

    def _typed(self, value: Any, numeric: bool) -> Any:
        kind = type(value)
        if numeric and kind is int and -EXACT < value < EXACT:
            return (float, float(value))
        if kind is float and value != value:
            return None
        if kind in (float, int, bool):
            return (kind, value)
        try:
            hash(value)
        except TypeError:
            if isinstance(value, np.ndarray) and value.dtype != object:
                return (kind, value.dtype.str, value.shape, self._digest(value))
            return (kind, repr(value)) if kind in (list, dict, set, bytearray) else (kind, object())
        return (kind, repr(value), value)


def _mixed(words: Words) -> Words:
    """Return well mixed 64-bit words: the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        words = (words ^ (words >> np.uint64(30))) * np.uint64(FIRST)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(SECOND)
        return np.asarray(words ^ (words >> np.uint64(31)))


def _mixed_alone(word: int) -> int:
    """Return the same of a single word, and quicker."""
    word = (word ^ (word >> 30)) * FIRST & LAST
    word = (word ^ (word >> 27)) * SECOND & LAST
    return word ^ (word >> 31)


def _frozen(mapping: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(mapping.items())
