"""One clause to who, what relation, what: "WHO has moved to Lisbon" is (WHO, lives_in, Lisbon).

Idea:    find where the subject ends (the first auxiliary or known verb), read the auxiliaries (they say whether it
         is denied, past or only wished), look the verb up, and cut the object where the next thought begins.
Cost:    O(characters), about 20 microseconds a clause.
Differs: a clause whose verb is not in the table says nothing here; wishes, plans and conditions never state anything.
"""

import re

from remanence.lm.rule.attributes import Statement, appointment, attribute, complement, of_subject, owned_attribute
from remanence.lm.rule.auxiliaries import Mood, read
from remanence.lm.rule.objects import NAME, tidy
from remanence.lm.rule.person import WHO
from remanence.lm.rule.relations import CHECKS, OPPOSITE, PEOPLE_AND_PETS, core
from remanence.lm.rule.subjects import CHANGED, plain, subject
from remanence.lm.rule.verbs import EVENTS, LISTS, VERBS
from remanence.lm.rule.words import listed

_CHANGES = re.compile(
    rf"\s*(?:changed|switched|updated)\s+(?:{WHO}'s|his|her|their"
    rf"|the)\s+(?P<what>[\w -]+?)(?:\s+from\s+.+?)?\s+to\s+(?P<value>.+)"
)
_CALLED = re.compile(rf"(?:.*\s)?[Cc]alls?\s+{WHO}\s+(?P<name>{NAME})")
_REACH = re.compile(
    rf".*\b(?:reach|contact|email|call|text|phone)\s+{WHO}\s+(?:at|on|via)\s+(?P<value>\S*[\w)](?:[ -]?\d+)*)",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"(?P<what>[\w -]+?),?\s+(?:named|called|whose\s+name\s+is)\s+(?P<name>{NAME}.*)")
# "a nurse at St. Mary's", "biology at the University of Porto", "5 May 1990 in Porto" say where as well.
_BESIDE = re.compile(rf"(?P<what>.+?)\s+(?:at|for|with|in)\s+(?:the\s+)?(?P<where>{NAME})$")
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
    clause = clause[:400]
    if m := _CALLED.match(clause):
        return Statement(WHO, "goes_by", m["name"].rstrip(".,!"))
    if m := _REACH.match(clause):
        value = m["value"].rstrip(".,!")
        relation = "email" if "@" in value else "phone"
        return Statement(WHO, relation, value) if CHECKS[relation].match(value) else None
    found = subject(clause)
    if found is None:
        return None
    who, at = found
    if m := _CHANGES.match(clause, at):
        return attribute(who, m["what"], m["value"], checked=False)
    changed = CHANGED.match(clause, at)
    if changed and (value_said := of_subject(who, clause[changed.end() :], checked=False)):
        return value_said
    mood = Mood()
    at = read(clause, at, mood)
    return None if mood.wished else _predicate(who, clause, at, mood)


def _predicate(who: str, clause: str, at: int, mood: Mood) -> Statement | None:
    if found := appointment(who, clause[at:]):
        return found
    if mood.coming:
        return None
    if mood.be and not mood.denied and (found := complement(who, clause[at:])):
        return found
    verb = VERBS.match(clause, at)
    if verb is None or verb.lastgroup is None or _noun(who, verb.group(), mood):
        return None
    relation = verb.lastgroup
    if mood.be and not verb.group() and relation == "occupation" and _job(who):
        return None
    what = tidy(clause[verb.end() :], many=relation in LISTS)
    if m := _NAMED.match(what) if relation == "has" else None:
        relation, what = m["what"].split()[-1].lower(), tidy(m["name"], many=False)
    what = what.split()[0] if relation == "age" else what
    if not what and not relation.startswith("not_"):
        return None
    return Statement(plain(who), _marked(relation, verb.group(), clause, mood), what)


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
    ceased = re.search(r"\bany\s?(?:more|longer)\b|\bno\s+longer\b", clause)
    if mood.denied or ceased:
        return OPPOSITE[relation] if relation == "likes" and not ceased else f"not_{relation}"
    word = verb.split()[0].lower() if verb else ""
    told = word.endswith("ed") and " has " not in clause and " have " not in clause and not mood.be
    past = (mood.past or told) and word not in EVENTS
    return f"past_{relation}" if past else relation
