"""One clause to who, what relation, what: "WHO has moved to Lisbon" is (WHO, lives_in, Lisbon).

Idea:    find where the subject ends (the first auxiliary or known verb), read the auxiliaries (they say whether it
         is denied, past or only wished), look the verb up, and cut the object where the next thought begins.
Cost:    O(characters), about 20 microseconds a clause.
Differs: a clause whose verb is not in the table says nothing here; wishes, plans and conditions never state anything.
"""

import re
from dataclasses import dataclass

from remanence.lm.rule.objects import NAME, appointed, tidy
from remanence.lm.rule.person import WHO
from remanence.lm.rule.relations import ATTRIBUTES, CHECKS, OPPOSITE, PEOPLE_AND_PETS, canonical, core
from remanence.lm.rule.verbs import EVENTS, LISTS, VERBS
from remanence.lm.rule.words import UPPER, listed


@dataclass(frozen=True, slots=True)
class Statement:
    """Who - relation - what; the mark WHO stands for the speaker."""

    subject: str
    relation: str
    object: str


@dataclass(slots=True)
class _Mood:
    be: bool = False
    past: bool = False
    denied: bool = False
    wished: bool = False


_AUX = re.compile(
    r"\s*(?:(?P<denied>not|no\s+longer|never|(?P<been>is|are|was|were)n['’]t"
    r"|(?:do|does|did|has|have|had)n['’]t)"
    r"|(?P<wished>will|would|could|might|may|should|must|can(?:['’]?t)?|cannot|won['’]t|wouldn['’]t|couldn['’]t"
    r"|['’](?:ll|d)|if|almost|nearly|wants?\s+to|hopes?\s+to|plans?\s+to|going\s+to|used\s+to\s+want)"
    r"|(?P<used>used\s+to|formerly|previously)|(?P<past>was|were|had)|(?P<be>am|is|are|['’](?:s|m|re)|gets?|got)"
    r"|(?:be|been|being|have|has|['’]ve|do|does|did)"
    r"|(?:now|just|recently|currently|also|really|still|always|finally|actually|originally|happily|already|both|all"
    r"|absolutely|definitely|totally|usually|often|mostly|officially|newly|so|very|quite|super|deeply|severely|truly"
    r"|only|even|ever|mainly|temporarily|permanently|presently|once|completely|generally|suddenly|proudly|since|then"
    r"|later|eventually|kind\s+of|kinda|sort\s+of|sometimes|here))(?![\w-])",
    re.IGNORECASE,
)
_STEP = re.compile(rf"[\w.&’'{WHO}-]+|,(?=\s+[A-Z])")
_KIN_NAMED = re.compile(rf"(?:.*['’]s)\s+(?:[a-z-]+\s+){{1,3}},?\s*(?P<name>{NAME})\s*,?$")
_OWNED = re.compile(r"(?P<owner>.+?)['’]s?\s+(?P<what>[^'’]+)$")
_OF = re.compile(r"[Tt]he\s+(?P<what>[\w -]+?)\s+(?:of|for)\s+(?:the\s+)?(?P<owner>.+)$")
_EVENT = re.compile(
    r"\b(?:meeting|appointment|call|interview|party|wedding|flight|deadline|exam|class|dinner|lunch|concert|trip|event"
    r"|review|demo|launch|visit|ceremony|session|workshop|conference|lecture|rehearsal|match|surgery|checkup|check-up"
    r"|presentation|standup|reservation|booking|test|tournament|recital|graduation|funeral)\b(?:\s+(?:with"
    r"|about|for)\s+.+)?$"
)
_HAS_EVENT = re.compile(
    r"(?:has|got)\s+(?:an?|the|WHO's)\s+(?P<what>[\w' -]{3,40}?)\s+(?P<rest>(?:on|at|in)\s+.+)".replace("WHO", WHO)
)
_CHANGED = re.compile(
    r"\s*(?:(?:has\s+|just\s+|recently\s+)*(?:changed|switched|updated|went\s+(?:up"
    r"|down))(?:\s+from\s+.+?)?\s+to|became|has\s+become)\s+"
)
_CHANGES = re.compile(
    rf"\s*(?:changed|switched|updated)\s+(?:{WHO}'s|his|her|their"
    rf"|the)\s+(?P<what>[\w -]+?)(?:\s+from\s+.+?)?\s+to\s+(?P<value>.+)"
)
_CALLED = re.compile(rf"(?:.*\s)?calls?\s+{WHO}\s+(?P<name>{NAME})", re.IGNORECASE)
_REACH = re.compile(
    rf".*\b(?:reach|contact|email|call|text|phone)\s+{WHO}\s+(?:at|on|via)\s+(?P<value>\S*[\w)](?:[ -]?\d+)*)",
    re.IGNORECASE,
)
_FAVOURITE = re.compile(
    rf"(?:(?:one)\s+of\s+)?(?P<owner>{WHO}|{NAME})['’]s\s+(?P<what>(?:all[- ]time\s+)?favou?rite\s+(?!thing"
    rf"|one\b|part\b)\w+(?:\s+(?!to\b|of\b|for\b|in\b|so\b|right\b)\w+)?)"
)
_OWNS = re.compile(
    rf"(?P<owned>{WHO}|{NAME}?)['’]s\s+(?P<kin>(?:[a-z-]+\s+){{0,2}}[a-z-]+)(?=\s*(?:[.,!;]|$))"
    rf"|the\s+(?P<what>(?:[a-z-]+\s+){{0,2}}[a-z-]+)\s+of\s+(?P<owner>[^,.;]+)"
)
_NAMED = re.compile(rf"(?P<what>[\w -]+?),?\s+(?:named|called|whose\s+name\s+is)\s+(?P<name>{NAME}.*)")
# "a nurse at St. Mary's", "biology at the University of Porto", "5 May 1990 in Porto" say where as well.
_BESIDE = re.compile(rf"(?P<what>.+?)\s+(?:at|for|with|in)\s+(?:the\s+)?(?P<where>{NAME})$")
_BESIDES = {"occupation": "works_at", "studies": "studies_at", "born_on": "born_in"}
_ON = re.compile(r"(?:on|at|in)\s+")
_SUBJECT = re.compile(rf"(?:{WHO}|[{UPPER}]|the\s|our\s)")
# What may be a subject: the speaker, a name, somebody's something, "the ...". Not just any words before a verb.
_SUITED = re.compile(
    rf"{WHO}(?: and others)?|(?:{WHO}|{NAME}?)['’]s?(?:\s+(?![a-z]+(?:ing"
    rf"|ed)\b)[\w.&’'-]+){{1,5}}(?:,\s+{NAME},?)?|{NAME}(?:\s+and\s+(?:{NAME}|{WHO}))?|[Tt]he\s+[^,;:!?]+"
)
_OPENING = re.compile(
    r"(?:\w+ing|Sounds|Looks|Feels|Seems|Would|Glad|Hope|Hopefully|Almost|Always|Ever|Never|Words|Having"
    r"|Show|Look|Let|Thanks|Maybe|Perhaps|Everyone|Everybody|Nothing|People|Family|Nature|Life|Music"
    r"|Animals|Love|Guess|Not|No|Yes|One|Some|Many|All|Both|Each|Most|Wish|Speaking|Also|Just|So|Such|Here"
    r"|Such|Please|Who|Someone|Anyone|Nobody|\w+['’](?:re|ll|ve|d))\b|(?:It|That|There|What|Here|Who|Let"
    r"|She|He|How|Where)['’]s\b"
)
_BASE = listed(
    """like love enjoy play live work study have own prefer hate learn speak attend keep join detest adore"""
)
_FAVOURED = re.compile(
    r"(?:all[- ]time |new |absolute |current )*(?:favou?rite|fav) (?!thing|one\b|part\b)[\w-]+(?: [\w-]+){0,2}"
)
_UNSUITED = listed("""there it this that these those what which who here he she they you but and if when as""")


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
    if m := _CALLED.match(clause) or _REACH.match(clause):
        value = (m["name"] if "name" in m.groupdict() else m["value"]).rstrip(".,!")
        relation = "goes_by" if "name" in m.groupdict() else "email" if "@" in value else "phone"
        return Statement(WHO, relation, value) if relation != "phone" or CHECKS["phone"].match(value) else None
    if not _SUBJECT.match(clause):
        return None
    at = _subject_end(clause)
    if at is None or clause[:at].strip().lower().split()[0] in _UNSUITED:
        return None
    subject = clause[:at].rstrip(" ,")
    if not _SUITED.fullmatch(subject) or _OPENING.match(subject):
        return None
    if m := _CHANGES.match(clause, at):
        return _attribute(subject, m["what"], m["value"], checked=False)
    mood = _Mood()
    changed = _CHANGED.match(clause, at)
    if changed and (found := _of_subject(subject, clause[changed.end() :], checked=False)):
        return found
    at = _read_auxiliaries(clause, at, mood)
    if mood.wished and not clause.startswith(("can't stand", "cannot stand"), at):
        return None
    return _predicate(subject, clause, at, mood)


def _subject_end(clause: str) -> int | None:
    """Where the subject stops: after WHO, or before the first auxiliary or verb of the table; at most eight words."""
    if clause.startswith(WHO) and not clause.startswith(("'s", "’s"), 1):
        return len(WHO) + (len(" and others") if clause.startswith(" and others", 1) else 0)
    at = 0
    for _ in range(8):
        step = _STEP.match(clause, at)
        if step is None:
            return None
        end = step.end()
        if end - at > 2 and clause[end - 2 : end] in ("'s", "’s") and at == 0 and _is_verb(clause, end + 1):
            return end - 2  # "Maria's living in Porto"
        at = end + (clause[end : end + 1] == " ")
        if _AUX.match(clause, at) or _is_verb(clause, at) or _CHANGED.match(clause, at):
            return at
    return None


def _is_verb(clause: str, at: int) -> bool:
    found = VERBS.match(clause, at)
    return bool(found and found.group())


def _read_auxiliaries(clause: str, at: int, mood: _Mood) -> int:
    while True:
        start = at
        while start < len(clause) and clause[start] == " ":
            start += 1
        if VERBS.match(clause, start):
            return start
        aux = _AUX.match(clause, at)
        if aux is None:
            return start
        mood.denied |= bool(aux["denied"])
        mood.wished |= bool(aux["wished"])
        mood.past |= bool(aux["past"] or aux["used"] or (aux["been"] or "").startswith("w"))
        mood.be |= bool(aux["be"] or aux["been"] or aux["past"] in ("was", "were"))
        at = aux.end()


def _predicate(subject: str, clause: str, at: int, mood: _Mood) -> Statement | None:
    rest = clause[at:]
    if _EVENT.search(subject.lower()) and (value := appointed(rest)):
        return Statement(_plain(subject), *value)
    if (m := _HAS_EVENT.match(rest)) and _EVENT.search(m["what"]) and (value := appointed(m["rest"])):
        return Statement(f"{_plain(subject)}'s {m['what']}", *value)
    if mood.be and not mood.denied and (found := _complement(subject, rest)):
        return found
    verb = VERBS.match(clause, at)
    if verb is None or verb.lastgroup is None:
        return None
    relation = verb.lastgroup
    if (
        not (mood.denied or mood.past)
        and verb.group().split(" ")[0] in _BASE
        and " and " not in subject
        and not subject.endswith("s")
    ):
        return None  # "Family love" is a noun
    if mood.be and not verb.group() and relation == "occupation" and _owned_attribute(subject):
        return None
    what = tidy(clause[verb.end() :], many=relation in LISTS)
    if m := _NAMED.match(what) if relation == "has" else None:
        relation, what = m["what"].split()[-1].lower(), tidy(m["name"], many=False)
    if relation == "age":
        what = what.split()[0]
    if not what and not relation.startswith("not_"):
        return None
    return Statement(_plain(subject), _marked(relation, verb.group(), clause, mood), what)


def _marked(relation: str, verb: str, clause: str, mood: _Mood) -> str:
    if relation.startswith("not_") or relation == "left":
        return relation
    ceased = re.search(r"\bany\s?(?:more|longer)\b|\bno\s+longer\b", clause)
    if mood.denied or ceased:
        return OPPOSITE[relation] if relation == "likes" and not ceased else f"not_{relation}"
    word = verb.split()[0].lower() if verb else ""
    told = word.endswith("ed") and " has " not in clause and " have " not in clause and not mood.be
    past = (mood.past or told) and word not in EVENTS
    return f"past_{relation}" if past else relation


def _complement(subject: str, rest: str) -> Statement | None:
    """What follows "is": somebody's favourite, or the value of an attribute."""
    if m := _FAVOURITE.match(rest):
        relation = "likes" if rest.startswith("one of") else canonical(m["what"].replace("all-time ", ""))
        return Statement(m["owner"], relation, tidy(subject, many=True))
    if (m := _OWNS.match(rest)) and re.match(rf"{NAME}$", subject):
        if (m["what"] or m["kin"]).lower().split()[-1] not in ATTRIBUTES | (PEOPLE_AND_PETS if m["owned"] else set()):
            return None
        return Statement(_plain(m["owned"] or tidy(m["owner"], many=False)), canonical(m["what"] or m["kin"]), subject)
    return _of_subject(subject, rest, checked=True)


def _owned_attribute(subject: str) -> re.Match[str] | None:
    m = _OWNED.match(subject) or _OF.match(subject)
    head = m["what"].lower().split()[-1] if m and m["what"].split() else ""
    return m if head in ATTRIBUTES or (m and _FAVOURED.fullmatch(m["what"].lower())) else None


def _of_subject(subject: str, rest: str, *, checked: bool) -> Statement | None:
    """ "Ana's phone number" + value, "the capital of France" + value, "the wifi password" + value."""
    m = _owned_attribute(subject)
    if m:
        return _attribute(m["owner"], m["what"], rest, checked=checked)
    named = _OWNED.match(subject)
    if (
        named
        and named["what"].split()[-1].lower() in PEOPLE_AND_PETS
        and (value := re.match(rf"{NAME}(?=\s*(?:[.,!;]|$))", rest))
        and checked
    ):
        return Statement(_plain(named["owner"]), named["what"].split()[-1].lower(), value.group())
    value_text = tidy(rest, many=False)
    head = subject.lower().split()[-1]
    if value_text and (head in ATTRIBUTES or not checked) and not subject.startswith(WHO):
        return Statement(_plain(subject), "value", value_text)
    return None


def _attribute(owner: str, what: str, value: str, *, checked: bool) -> Statement | None:
    relation, value = canonical(what), tidy(value, many=False) or tidy(_ON.sub("", value), many=False)
    if relation == "name" and (nested := _OWNED.match(owner)):  # "Ana's dog's name is Rex"
        owner, relation = nested["owner"], nested["what"].split()[-1].lower()
    check = CHECKS.get(relation)
    if not value or (checked and check and not check.match(value)):
        return None
    return Statement(_plain(owner), relation, value)


def _plain(subject: str) -> str:
    """The subject without its article; of "Ana's sister Maria", Maria."""
    named = _KIN_NAMED.match(subject)
    subject = named["name"] if named else subject.replace(f"{WHO} and others", WHO)
    return re.sub(r"^(?:[Tt]he|[Oo]ur)\s+", "", subject)
