"""One clause to who, what relation, what: "WHO has moved to Lisbon" is (WHO, lives_in, Lisbon).

Idea:    find where the subject ends (the first auxiliary or known verb), read the auxiliaries (they say whether it
         is denied, past or only wished), look the verb up, and cut the object where the next thought begins.
Cost:    O(characters), about 20 microseconds a clause.
Differs: a clause whose verb is not in the table says nothing here; wishes, plans and conditions never state anything.
"""

import re

from remanence.lm.rule.attributes import (
    Statement,
    appointment,
    attribute,
    complement,
    former,
    of_subject,
    owned_attribute,
)
from remanence.lm.rule.auxiliaries import Mood, read
from remanence.lm.rule.instead import instead
from remanence.lm.rule.later import Later
from remanence.lm.rule.objects import NAME, tidy
from remanence.lm.rule.person import WHO
from remanence.lm.rule.relations import OPPOSITE, PEOPLE_AND_PETS, canonical, core
from remanence.lm.rule.shapes import shaped
from remanence.lm.rule.subjects import CHANGED, plain, subject
from remanence.lm.rule.verbs import EVENTS, LISTS, VERBS
from remanence.lm.rule.words import listed

_CHANGES = re.compile(
    rf"\s*(?:changed|switched|updated)\s+(?:{WHO}'s|his|her|their"
    rf"|the)\s+(?P<what>[\w -]+?)(?:\s+from\s+.+?)?\s+to\s+(?P<value>.+)"
)
_NAMED = Later(rf"(?P<what>[\w -]+?),?\s+(?:named|called|whose\s+name\s+is)\s+(?P<name>{NAME}.*)")
_CLIPPED = re.compile(r"(?<=[a-z])['’]s\s+(?=\+?\d{3})")  # "my number's 555 ..."
_CHANGED_SO = re.compile(r"\s*(?:(?:has|have|just|recently|again)\s+)*changed\b")
_WITH = Later(rf"(?:with|at|part\s+of)\s+(?P<where>{NAME})")
_CEASED = re.compile(r"\bany\s?(?:more|longer)\b|\bno\s+longer\b")
_LEFT = Later(rf"(?:the\s+)?(?P<what>{NAME})(?=\s*(?:$|behind\b|to\s+\w))")
_HOME = Later(rf"\s+(?:{WHO}'s\s+(?:new\s+)?)?home\b.*")
LASTING = listed("name birthday born_on born_in from nationality hometown goes_by capital")
# "a nurse at St. Mary's", "biology at the University of Porto", "5 May 1990 in Porto" say where as well.
_BESIDE = Later(rf"(?P<what>.+?)\s+(?:at|for|with|in)\s+(?:the\s+)?(?P<where>{NAME})$")
_BESIDES = {"occupation": "works_at", "studies": "studies_at", "born_on": "born_in"}
_BASE = listed(
    """like love enjoy play live work study have own prefer hate learn speak attend keep join detest adore"""
)


def statements(clause: str) -> list[Statement]:
    """What the clause states, the main thing first. First person has been replaced by WHO, leading words are gone."""
    main = _statement(clause)
    if main is None:
        return []
    place = _BESIDE.match(main.object) if core(main.relation)[1] in _BESIDES else None
    if place is None:
        return [main]
    mark, relation = core(main.relation)
    beside = Statement(main.subject, mark + _BESIDES[relation], place["where"])
    return [Statement(main.subject, main.relation, place["what"].rstrip(" ,")), beside]


def _statement(clause: str) -> Statement | None:
    clause = _CLIPPED.sub(" is ", clause[:400])
    if said := shaped(clause):
        return said
    found = subject(clause)
    if found is None:
        return None
    who, at = found
    if m := _CHANGES.match(clause, at):
        return attribute(who, m["what"], m["value"], checked=False)
    changed = CHANGED.match(clause, at)
    if changed and (value_said := of_subject(who, clause[changed.end() :], checked=False)):
        return value_said
    if (changed := _CHANGED_SO.match(clause, at)) and (later := instead(clause[changed.end() :])):
        return complement(who, later)
    mood = Mood()
    at = read(clause, at, mood)
    return None if mood.wished else _predicate(who, clause, at, mood)


def _predicate(who: str, clause: str, at: int, mood: Mood) -> Statement | None:
    if found := appointment(who, clause[at:]):
        return found
    if mood.coming:
        return None
    if mood.be and (found := _valued(who, clause[at:], mood)):
        return found
    if mood.be and mood.denied and (m := _WITH.match(clause, at)) and _CEASED.search(clause):
        return Statement(plain(who), "not_works_at", m["where"].rstrip(".,"))
    verb = VERBS.match(clause, at)
    if verb is None or verb.lastgroup is None or _noun(who, verb.group(), mood):
        return None
    relation = verb.lastgroup
    if mood.be and not verb.group() and relation == "occupation" and _job(who):
        return None
    what = tidy(clause[verb.end() :], many=relation in LISTS)
    if m := _NAMED.match(what) if relation == "has" else None:
        relation, what = canonical(m["what"].split()[-1].lower()), tidy(m["name"], many=False)
    what = _fitted(who, relation, what, mood)
    if not what and not relation.startswith("not_"):
        return None
    return Statement(plain(who), _marked(relation, verb.group(), clause, mood), what)


def _valued(who: str, rest: str, mood: Mood) -> Statement | None:
    """ "Ana's boss" + "is" + "Karen"; of "is no longer A, it is B" the B, else that it is not, or was, A."""
    gone = mood.denied or mood.past
    if gone and (later := instead(rest)) and (found := complement(who, later)):
        return found
    found = complement(who, rest)
    if found is None or found.relation in LASTING:
        return None if mood.denied else found
    mark = "not_" if mood.denied else "past_" if mood.past or former(who) else ""
    return Statement(found.subject, mark + found.relation, found.object)


def _fitted(who: str, relation: str, what: str, mood: Mood) -> str:
    """The object without words that belong to the verb; empty when it cannot be one."""
    if (relation == "boss" and who.startswith(("the ", "The "))) or (relation == "moving_to" and mood.past):
        return ""
    if relation == "age":
        return what.split()[0] if what else ""
    if relation == "left":
        found = _LEFT.match(what)
        return found["what"] if found else ""
    if relation == "commute":
        return what.split(" to ")[0]
    if relation == "lives_in":
        found = _HOME.search(what)
        return what[: found.start()] if found else what
    return what.removeprefix(f"{WHO}'s ") if relation == "not_has" else what


def _noun(who: str, verb: str, mood: Mood) -> bool:
    """Whether the verb is more likely a noun: "Family love", "Ana play"."""
    singular = " and " not in who and not who.endswith("s")
    return singular and verb.split(" ")[0] in _BASE and not (mood.denied or mood.past)


def _job(who: str) -> bool:
    """Whether the subject is an attribute rather than a person: "Ana's job is a pain", not "Ana's dad is a nurse"."""
    found = owned_attribute(who)
    return found is not None and found["what"].split()[-1].lower() not in PEOPLE_AND_PETS


def _marked(relation: str, verb: str, clause: str, mood: Mood) -> str:
    if relation.startswith("not_") or relation == "left":
        return relation
    ceased = _CEASED.search(clause)
    if relation == "dislikes" and ceased and verb.startswith(("can", "not")):
        return relation
    if mood.denied or ceased:
        return OPPOSITE[relation] if relation == "likes" and not ceased else f"not_{relation}"
    word = verb.split()[0].lower() if verb else ""
    told = word.endswith("ed") and " has " not in clause and " have " not in clause and not mood.be
    past = (mood.past or told) and word not in EVENTS
    return f"past_{relation}" if past else relation
