"""Which of the known speakers a question names: "Mel's dog", "alex", "Bob" for Robert, "Sasha" for Alexandra.

Idea:    each speaker's first name, full name, surname, known nicknames and prefixes go into one table of words; the
         words of the question are looked up in it.
Cost:    about 0.01 ms for a question; the table is made once for a set of speakers.
Differs: English nicknames and a few others; a name written without spaces around it (Chinese, Thai) is not found.

The rules, each on whole words, with or without a possessive:
- A first name counts in any case, and so does a known nickname of it. A full name wins over a shared first name, a
  first name over a nickname, a nickname over a prefix; equals are all returned ("Alex": Alexandra and Alexander).
- A name that is also a common word (`WORDLIKE`: will, mark, may, rose), or has two letters, counts only when it is
  capitalised mid-sentence or possessive: "What did Will say?", "rose's cat", but not "Will you", "Mark my words".
  "Will Turner" counts at the start of a sentence too, where that is a full name.
- Any other prefix of three letters or more, and a surname, count only when capitalised, and at the start of a sentence
  only when possessive. A prefix that is a name of its own does not: "Robert" is not short for Roberta.
- A month that is a name ("June") is the month after "in", "since", "last", ... or before a number.
- Capitals mean nothing in a question without a lower-case word.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_NICKNAMES = """
alexander alex al lex sasha sandy xander alec | alexandra alex alexa lexi sasha sandra sandy allie | andrew andy drew
abigail abby gail | albert al bert bertie | alfred alf alfie fred | amanda mandy | anastasia ana nastya stacy
anna ann anne annie nan | anthony tony | antonio tony toni | arthur art artie | barbara barb barbie babs
benjamin ben benny benji | bernard bernie | catherine cathy cath cat kate katie kitty kit
katherine kathy kath kat kate katie kitty kit | charles charlie chuck chaz | charlotte charlie lottie
christina chris chrissy tina | christine chris chrissy tina | christopher chris topher kit | cynthia cindy
daniel dan danny | danielle dani | david dave davey | deborah deb debs debbie | donald don donny | dorothy dot dottie
edward ed eddie ned ted teddy | eleanor ellie nell nora | elizabeth liz lizzy lizzie beth betty bess eliza libby lisa
emily em emmy | emma em emmy | eugene gene | francis frank frankie | frances fran frankie fanny | franklin frank
frederick fred freddie | gabriel gabe | gabriella gabi gabby ella | george georgie | gerald gerry jerry
gregory greg | harold harry hal | henry harry hank hal | isabella bella izzy isa | isabel bel izzy isa | jacob jake
james jim jimmy jamie | janet jan | jennifer jen jenny | jeffrey jeff | jessica jess jessie | joanna jo joan | joanne jo
jonathan jon jonny nathan | john johnny jack jock | joseph joe joey | josephine jo josie | joshua josh | judith judy
julia jules | kenneth ken kenny | kimberly kim | lawrence larry laurie | leonard leo len lenny | lillian lily lil
louis lou louie | louise lou | lucille lucy | madeleine maddie | margaret maggie meg peggy peg marge daisy greta rita
maria mia ria masha | martin marty | martha marty | mary molly polly mamie | matthew matt matty
melanie mel | melissa mel missy | michael mike mick mickey misha | mikhail misha | mildred millie | mohammed mo
natalia natasha nat | natalie nat | nathaniel nathan nate nat | nicholas nick nicky nico | nicole nicky nikki
olivia liv livvy | oliver ollie | pamela pam | patricia pat patty trish tricia | patrick pat paddy | paul paulie
peter pete petya | philip phil pip | priscilla cilla | rachel rach | raymond ray | rebecca becca becky beck
reginald reg reggie | richard rick ricky rich dick | robert bob bobby rob robbie bert | roberta bobbie
ronald ron ronnie | rosemary rose rosie
samantha sam sammy | samuel sam sammy | sarah sally sadie | sebastian seb bas | sofia sofie sonya | solomon sol
sophia sophie | stephanie steph steffi | stephen steve | steven steve | susan sue susie suzy | susanna sue susie
teresa tess terry tessa | theodore theo ted teddy | thomas tom tommy | timothy tim timmy | ursula ulla
valerie val | vanessa nessa | veronica ronnie vera | victor vic | victoria vicky tori vic | vincent vince vinny
vladimir vova volodya | walter walt wally | wilhelmina mina minnie | william will bill billy willie liam
winifred winnie | yekaterina katya | zachary zach zack | tomasz tomek | katarzyna kasia | francisco paco pancho
jose pepe | giuseppe beppe
"""
_ROWS = [row.split() for row in _NICKNAMES.replace("\n", "|").split("|") if row.strip()]
_FORMAL = {row[0] for row in _ROWS}

_WORDLIKE = """
al amber angel april art ash august aurora autumn bell bella bill blue bob brook buck buddy bud candy carol cat chance
charity chase cherry christian chuck clay cliff coral crystal daisy dale dash dawn dean destiny dick don dot drew duke
earl em eve faith fanny fay fern flora forest frank gay gene gent ginger glen grace grant guy hank harmony harry hazel
heath heather holly honey hope hunter iris ivy jack jade jan jasmine jay jean jimmy jo joy june king kit lance lane
laurel lee lil lily liv lou marina mark marsh martin mason max may meg melody mercy merry mick mike miles mina misty mo
nan nat ned nell nick norm nova olive opal pansy paris pat patience patty pearl peg penny pip piper pop poppy porter
prince queen randy raven ray reed reg rich rick river rob robin rocky rod roman rose rosemary ross rowan royal ruby rue
rusty sage sally sandy scarlet scout sierra skip sky sol star stew stone storm sue summer sunny system tad tanner ted
terry tim tool trinity troy tucker user van val vic victor viola violet wade wally ward wayne will willow winter woody
wren young
"""
WORDLIKE = frozenset(_WORDLIKE.split())
_NEVER = """
all and any are but can car did for had has have her him his how isle its man mar may not now our out she that the then
they this was were what when where which who why with you jan feb apr jun jul aug sep oct nov dec mon tue wed thu fri
sat sun
"""
NEVER = frozenset(_NEVER.split())  # begin names, but are no prefixes of one even with a capital
MONTHS = frozenset(["jan", "april", "may", "june", "august", "summer", "autumn", "winter"])
_TIMELY = "in since during until till by early late mid last next this before after between"
TIMELY = frozenset(_TIMELY.split())
TITLES = frozenset(["dr", "mr", "mrs", "ms", "miss", "prof", "professor", "sir", "st"])

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_STARTS = re.compile(r"[.!?:;\"“\n]")  # between two words: the second begins a sentence
_NUMBER = re.compile(r",?\s+\d")
_SURNAME, _PREFIX, _NICKNAME, _FIRST, _FULL = range(5)  # a later one wins


def people(question: str, speakers: Iterable[str]) -> list[str]:
    """The speakers a question names, in the order it names them."""
    table, words = _table(tuple(speakers)), list(_WORD.finditer(question))
    texts = [_fold(word[0]).removesuffix("'s") for word in words]
    found: dict[str, None] = {}
    after = 0  # the first word after the last full name
    for i, text in enumerate(texts):
        if i < after or text not in table:
            continue
        word = _Word(question, words, texts, i)
        ranks = {}
        for speaker, rank in table[text].items():
            if more := word.rest_of_name(speaker) if rank == _FIRST else 0:
                ranks[speaker], after = _FULL, i + 1 + more
            elif word.names(rank):
                ranks[speaker] = rank
        best = max(ranks.values(), default=None)
        found |= dict.fromkeys(speaker for speaker, rank in ranks.items() if rank == best)
    return list(found)


@dataclass
class _Word:
    """The `i`-th word of a question, which may name somebody."""

    question: str
    words: list[re.Match[str]]
    texts: list[str]  # folded and without the possessive
    i: int

    @property
    def owns(self) -> bool:
        word = self.words[self.i]
        apostrophe = self.question[word.end() : word.end() + 1]  # of "James' dog"
        return word[0].lower().endswith(("'s", "’s")) or (word[0][-1] in "sS" and apostrophe in ("'", "’"))

    @property
    def inside(self) -> bool:
        """Whether it is not the first of its sentence."""
        if self.i == 0 or self.texts[self.i - 1] in TITLES:
            return self.i > 0
        return not _STARTS.search(self.question, self.words[self.i - 1].end(), self.words[self.i].start())

    def upper(self, i: int) -> bool:
        """Whether a word has a capital that says something: there is lower case elsewhere."""
        return self.words[i][0][0].isupper() and any(word[0][0].islower() for word in self.words)

    def names(self, rank: int) -> bool:
        text, owns = self.texts[self.i], self.owns
        if text in MONTHS and not owns and self.is_month():
            return False
        if rank > _PREFIX and (owns or (len(text) > 2 and text not in WORDLIKE)):
            return True
        return self.upper(self.i) and (owns or self.inside)

    def is_month(self) -> bool:
        before = self.texts[self.i - 1] if self.i else ""
        return before in TIMELY or bool(_NUMBER.match(self.question, self.words[self.i].end()))

    def rest_of_name(self, speaker: str) -> int:
        """How many of the words after a first name belong to it; after "will", only capitalised ones."""
        rest, start = _parts(speaker)[1:], self.i + 1
        for name in (rest, rest[-1:]):
            end = start + len(name)
            if name and self.texts[start:end] == name and (self.texts[self.i] not in WORDLIKE or self.upper(end - 1)):
                return len(name)
        return 0


def _fold(text: str) -> str:
    """Lower case, no accents, straight apostrophes."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text.replace("’", "'")) if not unicodedata.combining(c))
    return text.lower()


@lru_cache(maxsize=1024)
def _parts(speaker: str) -> list[str]:
    """The words of a name without titles and without the host of a mail address."""
    return [word for word in _WORD.findall(_fold(speaker.split("@")[0])) if word not in TITLES]


@lru_cache(maxsize=64)
def _table(speakers: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Word to the speakers it may name and how."""
    table: dict[str, dict[str, int]] = {}
    for speaker in speakers:
        first, *rest = _parts(speaker) or [""]
        ranks = dict.fromkeys(rest[-1:], _SURNAME)
        ranks |= {first[:n]: _PREFIX for n in range(3, len(first)) if first[:n] not in NEVER | _FORMAL}
        ranks |= {name: _NICKNAME for row in _ROWS if first in row for name in row}
        for word, rank in (ranks | {first: _FIRST}).items():
            table.setdefault(word, {})[speaker] = rank
    return table
