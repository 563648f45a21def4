"""A text as the row numbers of its word pieces: greedy longest match first.

Source:  Wu et al. 2016 (arXiv 1609.08144), WordPiece; Devlin et al. 2019 (arXiv 1810.04805), BERT's lower case.
Idea:    a word takes the longest known piece from its left, then the longest that continues it, and so on.
Cost:    O(characters); a word already seen costs one dictionary look-up.
Differs: punctuation and symbols give no piece, and a format character inside a word parts it.
"""

import re
import unicodedata
from collections.abc import Mapping

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # each such character is a word
WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
LONGEST_WORD = 100  # characters; beyond, a word is unknown, as in BERT
MOST_CACHED = 100_000  # words


def fold(text: str) -> str:
    """Lower case, without accents: what the vocabulary was made of."""
    text = text.lower()
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


class WordPiece:
    """`vocabulary` maps a piece to its row; a piece that continues a word starts with ##."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self.vocabulary = vocabulary
        self.longest = max(map(len, vocabulary), default=0)
        self.cache: dict[str, tuple[int, ...]] = {}

    def rows(self, text: str) -> list[int]:
        """Rows of the pieces in reading order; a word that cannot be made up of pieces gives none."""
        rows: list[int] = []
        for word in WORD.findall(fold(text)):
            known = self.cache.get(word)
            if known is None:
                if len(self.cache) >= MOST_CACHED:
                    self.cache.clear()
                known = self.cache[word] = self.split(word)
            rows += known
        return rows

    def split(self, word: str) -> tuple[int, ...]:
        if len(word) > LONGEST_WORD:
            return ()
        rows: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(min(len(word), start + self.longest), start, -1):
                row = self.vocabulary.get(mark + word[start:end])
                if row is not None:
                    break
            else:
                return ()
            rows.append(row)
            start = end
        return tuple(rows)
