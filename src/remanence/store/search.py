"""The two searches of a store: words by FTS5's BM25, vectors by sign bits, codes and then the vectors themselves."""

import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from remanence.store.base import Ranked
from remanence.store.columns import ColumnFile, sign_bits
from remanence.store.rows import batches
from remanence.store.select import Selector

# a word in more records than both is dropped while others are left: it costs much and tells little
COMMON_SHARE, COMMON_LEAST = 0.02, 1000
MOST_WORDS = 1000  # of a question: a pasted book is not looked up whole
MANY_TAGS = 50  # scopes (all users of an app, for instance); from here on looking at what was found is cheaper
SCAN_ALL = 4096  # so many allowed rows or fewer are compared one by one
# of the rows whose sign bits differ least from the query's so many are ranked by the query's own numbers against those
# bits, and of these so many by their codes: all of the true ten best are among them at 100k (docs/LOG.md)
WIDE, SHORTLIST = 20_000, 5000
EXACT = 64  # of the best rows by codes so many are compared by their vectors
NONE = Ranked(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


class WordSearch:
    """Remembers which words are too common to ask for, as long as the store has not grown by a fifth."""

    def __init__(self) -> None:
        self.common: dict[str, bool] = {}
        self.counted_at = 0

    def find(self, db: sqlite3.Connection, words: Sequence[str], selector: Selector, n: int) -> Ranked:
        terms = _terms(words)
        rare = [term for term in terms if not self._is_common(db, term, len(selector.columns))] or terms
        if not rare or selector.scopes == [] or selector.kinds == []:
            return NONE
        match, beyond_tags = _tagged(" OR ".join(rare), selector)
        if not beyond_tags:
            ranked, all_seen = self._ask(db, match, selector, n, limit=2 * n + 50)
            if all_seen or len(ranked.rows) == n:
                return ranked
        return self._ask(db, match, selector, n, limit=-1)[0]

    def _ask(self, db: sqlite3.Connection, match: str, selector: Selector, n: int, limit: int) -> tuple[Ranked, bool]:
        # tags weigh nothing; FTS5's bm25 is negative, smaller is better
        sql = "SELECT rowid, bm25(words, 1.0, 0.0) FROM words WHERE words MATCH ? ORDER BY 2, 1 LIMIT ?"
        found = db.execute(sql, (match, limit)).fetchall()
        rows = np.array([row for row, _ in found], dtype=np.int64)
        scores = -np.array([score for _, score in found], dtype=np.float32)
        keep = selector.allows(rows)
        return Ranked(rows[keep][:n], scores[keep][:n]), len(found) < limit or limit < 0

    def _is_common(self, db: sqlite3.Connection, term: str, size: int) -> bool:
        if size > 1.2 * self.counted_at:
            self.common, self.counted_at = {}, size
        if size <= COMMON_LEAST:
            return False
        if term not in self.common:
            bound = max(int(COMMON_SHARE * size), COMMON_LEAST)
            sql = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            ((count,),) = db.execute(sql, (f"text : {term}", bound + 1))
            self.common[term] = count > bound
        return self.common[term]


def find_all_words(db: sqlite3.Connection, words: Sequence[str], selector: Selector, n: int) -> NDArray[np.int64]:
    """The n allowed rows that came in last of those with all of the words. Nothing is ranked, so it stops at the n-th:
    BM25 would count first how often each word occurs, and the kind of a record is a word of nearly all."""
    terms, rows = _terms(words), list[int]()
    if terms and selector.scopes != [] and selector.kinds != []:
        match, _ = _tagged(" AND ".join(terms), selector)
        found = db.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC", (match,))
        while len(rows) < n and (some := found.fetchmany(n)):
            coming = np.array([row for (row,) in some], dtype=np.int64)
            rows += coming[selector.allows(coming)].tolist()
    return np.array(rows[:n], dtype=np.int64)


def find_vectors(db: sqlite3.Connection, vector: NDArray[np.float32], selector: Selector, n: int) -> Ranked:
    """The n allowed rows with the largest cosine; a zero vector finds nothing."""
    columns = selector.columns
    if not len(columns) or not vector.any():
        return NONE
    mask = selector.mask()
    positions = np.flatnonzero(mask)
    if len(positions) > max(SCAN_ALL, n):
        positions = _shortlist(columns, vector, mask, max(SHORTLIST, 2 * n))
    if not len(positions):
        return NONE
    scores = columns.cosine(vector, positions)
    best = np.argsort(-scores, kind="stable")[: max(n, EXACT)]
    positions, scores = positions[best], scores[best]
    rows = columns.take("row", positions).astype(np.int64)
    exact = read_vectors(db, rows[:EXACT], columns.dim)
    scores[: len(exact)] = np.vecdot(exact, vector)
    best = np.argsort(-scores, kind="stable")[:n]
    return Ranked(rows[best], scores[best])


def read_vectors(db: sqlite3.Connection, rows: NDArray[np.int64], dim: int) -> NDArray[np.float32]:
    """[n, dim], in the order given; a row without a vector gives zeros."""
    found: dict[int, bytes] = {}
    for marks, some in batches(rows.tolist()):
        found.update(db.execute(f"SELECT id, v FROM vector WHERE id IN ({marks})", some).fetchall())
    empty = bytes(2 * dim)
    raw = b"".join(found.get(row, empty) for row in rows.tolist())
    return np.frombuffer(raw, dtype=np.float16).reshape(len(rows), dim).astype(np.float32)


def find_neighbours(
    db: sqlite3.Connection, columns: ColumnFile, rows: NDArray[np.int64], steps: Sequence[int]
) -> NDArray[np.int64]:
    """[n, steps]: turns stand beside each other in the columns unless sessions were written at the same time."""
    positions, out = columns.positions(rows), np.zeros((len(rows), len(steps)), dtype=np.int64)
    places = columns.take("place", positions)
    for i, step in enumerate(steps):
        beside = np.clip(positions + step, 0, len(columns) - 1)
        there = columns.take("place", beside) == places + step
        out[there, i] = columns.take("row", beside[there])
        apart = np.flatnonzero(~there & (places > 0) & ((places + step) & 0xFFFFFFFF > 0))
        wanted = (places[apart] + step).tolist()
        found: dict[int, int] = {}
        for marks, some in batches(wanted):
            found.update(db.execute(f"SELECT place, id FROM record WHERE place IN ({marks})", some).fetchall())
        out[apart, i] = [found.get(place, 0) for place in wanted]
    return out


def _shortlist(columns: ColumnFile, vector: NDArray[np.float32], mask: NDArray[np.bool_], n: int) -> NDArray[np.intp]:
    """About the n allowed positions that look best by their sign bits alone.

    Counting differing bits is quick and coarse; what it leaves is ranked by the query's own numbers, added where a
    row's bit is set and taken off where it is not.
    """
    distance = columns.hamming(sign_bits(vector[None])[0])
    counts = np.bincount(distance if mask.all() else distance[mask], minlength=columns.dim + 1)
    bound = int(np.searchsorted(counts.cumsum(), max(WIDE, n)))
    wide = np.flatnonzero((distance <= bound) & mask)
    if len(wide) <= n:
        return wide
    octets = columns.take("bits", wide).view(np.uint8)  # [wide, dim / 8]
    parts = np.zeros((octets.shape[1], 8), dtype=np.float32)
    parts.ravel()[: len(vector)] = vector
    sums = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) @ parts.T  # [256, dim / 8]
    scores = sums[octets[:, 0], 0]
    for i in range(1, octets.shape[1]):
        scores += sums[:, i][octets[:, i]]
    return np.sort(wide[np.argpartition(-scores, n)[:n]])


def _tagged(terms: str, selector: Selector) -> tuple[str, bool]:
    """What to match for these terms among the allowed records, and whether what is found must be looked at again."""
    match, beyond_tags = f"text : ({terms})", selector.beyond_tags
    for letter, numbers in (("s", selector.scopes), ("k", selector.kinds)):
        if numbers is not None and len(numbers) > MANY_TAGS:
            beyond_tags = True
        elif numbers is not None:
            match += f" AND tags : ({' OR '.join(f'{letter}{number}' for number in numbers)})"
    return match, beyond_tags


def _terms(words: Sequence[str]) -> list[str]:
    return [_quoted(word) for word in dict.fromkeys(words) if word.strip()][:MOST_WORDS]


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""').replace("\0", " ") + '"'


def find_newest(selector: Selector, n: int) -> Ranked:
    """The n allowed rows that began to hold last, the later row first of two of one moment."""
    positions = np.flatnonzero(selector.mask())
    at = selector.columns.take("at", positions)
    best = np.lexsort((-positions, -at))[:n]
    rows = selector.columns.take("row", positions[best])
    return Ranked(rows.astype(np.int64), (at[best] / 1e6).astype(np.float32))
