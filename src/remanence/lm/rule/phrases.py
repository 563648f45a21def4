"""The phrases that say what a text is about.

Source:  Rose et al. 2010, Automatic Keyword Extraction from Individual Documents (RAKE): phrases between stop words,
         a word scored by degree over frequency.
Idea:    a phrase weighs the sum of its words' scores, more for a name, less the later it comes, more when it recurs.
Cost:    O(words log words).
Differs: phrases have at most three words, and position and repetition count, as in YAKE (Campos et al. 2020).
"""

import math
import re
from collections import Counter, defaultdict

from remanence.lm.rule.names import names
from remanence.lm.rule.words import STOP, WORD, listed, stem

_TOKEN = re.compile(r"\d[\d.,:/-]*\d|[^\W_]+(?:['’-][^\W_]+)*|\S")
_WEAK = listed(
    """good great new really nice lot bit time day today yesterday tomorrow year years week weeks month months last
    next first one two three come came know think thought feel feeling felt see saw seen take took give gave find
    found tell told went said makes making keep kept start started been use used using let sure definitely always
    never also much awesome amazing cool yeah wow haha hey thanks best better big little old right back away
    around people everyone am pm ago since including became become well known later"""
)
LONGEST = 3  # words of a phrase


def keywords(text: str, n: int) -> list[str]:
    """At most n phrases, best first."""
    small = {word for word in WORD.findall(text) if word[0].islower()}
    found = [(start, name, True) for start, _, name in names(text) if name.lower() not in small]  # "Wild" opens a line
    taken = [(start, start + len(name)) for start, name, _ in found]
    found += [(start, phrase, False) for start, phrase in _between(text, taken)]
    if not found or n < 1:
        return []
    degree: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for _, phrase, _ in found:
        stems = [stem(w.lower()) for w in phrase.split()]
        count.update(stems)
        degree.update(dict.fromkeys(stems, 0))
        for s in stems:
            degree[s] += len(stems)
    seen: dict[str, list[tuple[int, str, bool]]] = defaultdict(list)
    for place in sorted(found):
        seen[" ".join(stem(w.lower()) for w in place[1].split())].append(place)
    scored = []
    for key, places in seen.items():
        start, phrase, name = places[0]
        weight = sum(degree[w] / count[w] for w in key.split()) ** 0.5 * (1 + math.log(len(places)))
        weight *= (1.6 if name or any(p[2] for p in places) else 1.0) / math.log2(2 + start / 200)
        scored.append((-weight, start, phrase))
    best: list[str] = []
    for _, _, phrase in sorted(scored):
        inside = f" {phrase.lower()} "
        if not any(inside in f" {b.lower()} " for b in best):
            best.append(phrase)
        if len(best) == n:
            break
    return best


def _between(text: str, taken: list[tuple[int, int]]) -> list[tuple[int, str]]:
    """Runs of content words between stop words, marks and names."""
    runs: list[tuple[int, str]] = []
    run: list[str] = []
    start, last, i = 0, -1, 0
    for m in _TOKEN.finditer(text):
        while i < len(taken) and taken[i][1] <= m.start():
            i += 1
        word = m.group()
        low = word.lower().replace("’", "'")
        stop = not word[0].isalnum() or low in STOP or low.removesuffix("'s") in STOP or low in _WEAK
        stop |= i < len(taken) and taken[i][0] <= m.start()
        stop |= len(word) < 3 and not word[0].isdigit()
        broken = bool(run) and (stop or len(run) == LONGEST or "\n" in text[last : m.start()])
        if broken:
            runs.append((start, " ".join(run)))
            run = []
        if not stop:
            start = start if run else m.start()
            run.append(word.removesuffix("'s").removesuffix("’s"))
            last = m.end()
    if run:
        runs.append((start, " ".join(run)))
    return runs
