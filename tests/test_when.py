"""What time a question speaks about: pinned phrases, sentences without a time, and a fuzz that nothing raises."""

import timeit
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from remanence.text.parts.english.when import Span, resolve, spans

NOW = datetime(2025, 11, 12, 15, 30)  # a Wednesday

PINNED = """
What did Ana say on 2024-03-05?                | in     2024-03-05 2024-03-06
the call at 2024-03-05T10:00:00Z               | in     2024-03-05 2024-03-06
What was the plan for 2024-03?                 | in     2024-03-01 2024-04-01
Who came on 5 March 2024?                      | in     2024-03-05 2024-03-06
Who came on March 5, 2024?                     | in     2024-03-05 2024-03-06
Who came on Tuesday, 5 March 2024?             | in     2024-03-05 2024-03-06
Who came on the 5th of March?                  | in     2025-03-05 2025-03-06
Who came on March 5th?                         | in     2025-03-05 2025-03-06
Who came on March the fifth?                   | in     2025-03-05 2025-03-06
Who came on Mar. 5, 2024?                      | in     2024-03-05 2024-03-06
What about 12 November?                        | in     2025-11-12 2025-11-13
What about 13 November?                        | in     2024-11-13 2024-11-14
Where were we on 29 February?                  | in     2024-02-29 2024-03-01
Where were we on 2 May last year?              | in     2024-05-02 2024-05-03
What did he cook on 5/3/2024?                  | in     2024-03-05 2024-03-06
What did he cook on 3/25/2024?                 | in     2024-03-25 2024-03-26
What did he cook on 5/3/24?                    | in     2024-03-05 2024-03-06
What did Mel paint in March?                   | in     2025-03-01 2025-04-01
What did Mel paint in December?                | in     2024-12-01 2025-01-01
What did Mel paint in November?                | in     2025-11-01 2025-12-01
What did Mel paint in March 2023?              | in     2023-03-01 2023-04-01
What did Mel paint in may?                     | in     2025-05-01 2025-06-01
What did Mel paint last August?                | in     2025-08-01 2025-09-01
What did Mel paint in August last year?        | in     2024-08-01 2024-09-01
What did Mel paint last year in August?        | in     2024-08-01 2024-09-01
Where did he go in 2022?                       | in     2022-01-01 2023-01-01
What did we decide last week?                  | in     2025-11-03 2025-11-10
What is on this week?                          | in     2025-11-10 2025-11-17
What is planned next week?                     | in     2025-11-17 2025-11-24
What about the week before last?               | in     2025-10-27 2025-11-03
What did I buy last month?                     | in     2025-10-01 2025-11-01
What is due this month?                        | in     2025-11-01 2025-12-01
What is due next month?                        | in     2025-12-01 2026-01-01
Where did we go last year?                     | in     2024-01-01 2025-01-01
Where do we go this year?                      | in     2025-01-01 2026-01-01
Where do we go next year?                      | in     2026-01-01 2027-01-01
What did Bob do last weekend?                  | in     2025-11-08 2025-11-10
What did Bob do over the weekend?              | in     2025-11-08 2025-11-10
What will Bob do at the weekend?               | in     2025-11-15 2025-11-17
What is on this weekend?                       | in     2025-11-15 2025-11-17
What is on next weekend?                       | in     2025-11-22 2025-11-24
What happened two weekends ago?                | in     2025-11-01 2025-11-03
What did we eat last Saturday?                 | in     2025-11-08 2025-11-09
What do we eat this Saturday?                  | in     2025-11-15 2025-11-16
What do we eat next Saturday?                  | in     2025-11-22 2025-11-23
What did we say on Monday?                     | in     2025-11-10 2025-11-11
What did we say on Wednesday?                  | in     2025-11-05 2025-11-06
What did we say last Tues?                     | in     2025-11-11 2025-11-12
What will we do on Friday?                     | in     2025-11-14 2025-11-15
What did we say on Tuesday last week?          | in     2025-11-04 2025-11-05
What did we say three Saturdays ago?           | in     2025-10-25 2025-10-26
What did I do yesterday?                       | in     2025-11-11 2025-11-12
What did I do the day before yesterday?        | in     2025-11-10 2025-11-11
What do I do today?                            | in     2025-11-12 2025-11-13
What do I do tomorrow?                         | in     2025-11-13 2025-11-14
What do I do the day after tomorrow?           | in     2025-11-14 2025-11-15
What is on tonight?                            | in     2025-11-12T18 2025-11-13T06
What did we watch last night?                  | in     2025-11-11T18 2025-11-12T06
What did I eat this morning?                   | in     2025-11-12T04 2025-11-12T12
What did I eat on Monday evening?              | in     2025-11-10T17 2025-11-11
Who called an hour ago?                        | in     2025-11-12T14 2025-11-12T15
What did she say three days ago?               | in     2025-11-09 2025-11-10
What did she say two weeks ago?                | in     2025-10-27 2025-11-03
What did she say a fortnight ago?              | in     2025-10-27 2025-11-03
What did she say a couple of weeks ago?        | in     2025-10-27 2025-11-03
What did she say a few days ago?               | in     2025-11-07 2025-11-11
Who called 5 months ago?                       | in     2025-06-01 2025-07-01
Who called two years ago?                      | in     2023-01-01 2024-01-01
What did I read in the last 10 days?           | in     2025-11-02 2025-11-13
What did I read over the past few months?      | in     2025-06-12 2025-11-13
What did I read in the past month?             | in     2025-10-12 2025-11-13
What did I read in the last week?              | in     2025-11-05 2025-11-13
What comes in the next 3 days?                 | in     2025-11-12 2025-11-16
The exam is in two weeks.                      | in     2025-11-24 2025-12-01
What has changed since March?                  | since  2025-03-01 2025-04-01
What has changed since last week?              | since  2025-11-03 2025-11-10
What has changed since 2020?                   | since  2020-01-01 2021-01-01
What has changed from March onwards?           | since  2025-03-01 2025-04-01
Where did she live before June 2023?           | before 2023-06-01 2023-07-01
Where did she live prior to 2019?              | before 2019-01-01 2020-01-01
What happened after Christmas?                 | after  2024-12-25 2024-12-26
Where did she live until last June?            | until  2025-06-01 2025-07-01
How many pets has he as of December 2023?      | until  2023-12-01 2024-01-01
What happened between 3 May and 10 May?        | in     2025-05-03 2025-05-11
What happened between 3 and 10 May?            | in     2025-05-03 2025-05-11
What happened from 3 to 10 May 2024?           | in     2024-05-03 2024-05-11
What happened on May 3-7, 2024?                | in     2024-05-03 2024-05-08
What happened from March to May?               | in     2025-03-01 2025-06-01
What happened from November to February?       | in     2024-11-01 2025-03-01
What happened between June and August 2023?    | in     2023-06-01 2023-09-01
What happened from March 2023 to May?          | in     2023-03-01 2023-06-01
What happened between 2019 and 2021?           | in     2019-01-01 2022-01-01
What happened from Monday to Wednesday?        | in     2025-11-03 2025-11-06
Where were we last summer?                     | in     2025-06-01 2025-09-01
Where were we in the summer of 2019?           | in     2019-06-01 2019-09-01
Where were we two summers ago?                 | in     2024-06-01 2024-09-01
What did I plant this spring?                  | in     2025-03-01 2025-06-01
Where do we go next winter?                    | in     2025-12-01 2026-03-01
Which band was big in the 90s?                 | in     1990-01-01 2000-01-01
Which band was big in the 1980s?               | in     1980-01-01 1990-01-01
Which band was big in the nineties?            | in     1990-01-01 2000-01-01
What did Jo do in early March?                 | in     2025-03-01 2025-03-11
What did Jo do in mid-March?                   | in     2025-03-11 2025-03-21
What did Jo do in late March 2024?             | in     2024-03-21 2024-04-01
What did Jo do in the first week of June?      | in     2025-06-01 2025-06-08
What did Jo do in the last week of June?       | in     2025-06-24 2025-07-01
Who came on the first Monday of September?     | in     2025-09-01 2025-09-02
Who came on the last Friday in October 2024?   | in     2024-10-25 2024-10-26
Who came in the first half of 2024?            | in     2024-01-01 2024-07-01
What did he earn at the end of 2023?           | in     2023-09-01 2024-01-01
Will it be done by the end of next month?      | until  2025-12-21 2026-01-01
What did he earn in Q3 2024?                   | in     2024-07-01 2024-10-01
Where were you on New Year's Eve?              | in     2024-12-31 2025-01-01
Where were you on New Year’s Day 2024?         | in     2024-01-01 2024-01-02
What did we do on Valentine's day?             | in     2025-02-14 2025-02-15
What was her costume at Halloween?             | in     2025-10-31 2025-11-01
Who cooked last Christmas?                     | in     2024-12-25 2024-12-26
Who cooked on Easter Monday 2024?              | in     2024-04-01 2024-04-02
Who cooked at Thanksgiving 2024?               | in     2024-11-28 2024-11-29
What did he do two days before Christmas?      | in     2024-12-23 2024-12-24
Who ran the weekend before April 10, 2023?     | in     2023-04-08 2023-04-10
What is on the Saturday after 28 October 2023? | in     2023-11-04 2023-11-05
Who met in the week of 5 March?                | in     2025-03-03 2025-03-10
Who wrote on the 5th?                          | in     2025-11-05 2025-11-06
Who wrote on the 15th?                         | in     2025-10-15 2025-10-16
Who came two decades ago?                      | in     2000-01-01 2010-01-01
What came in the last decade?                  | in     2015-11-12 2025-11-13
Who came thirty days ago?                      | in     2025-10-13 2025-10-14
Who came three nights ago?                     | in     2025-11-09T18 2025-11-10T06
Who came the other day?                        | in     2025-11-05 2025-11-12
Who came the Saturday before last?             | in     2025-11-01 2025-11-02
Who came the summer before last?               | in     2024-06-01 2024-09-01
Who comes the Saturday after next?             | in     2025-11-29 2025-11-30
Who comes the summer after next?               | in     2027-06-01 2027-09-01
Who comes the year after next?                 | in     2027-01-01 2028-01-01
Who comes two weeks from now?                  | in     2025-11-24 2025-12-01
Who comes a few days from now?                 | in     2025-11-14 2025-11-18
Who leaves in a couple of days' time?          | in     2025-11-14 2025-11-15
Who leaves in a few days' time?                | in     2025-11-14 2025-11-18
What comes in the next two months?             | in     2025-11-12 2026-01-13
What comes in the next two weekends?           | in     2025-11-15 2025-11-24
What was on the last two weekends?             | in     2025-11-01 2025-11-10
What came in the last fortnight?               | in     2025-10-29 2025-11-13
Who came last week on Tuesday?                 | in     2025-11-04 2025-11-05
Who comes next week Thursday?                  | in     2025-11-20 2025-11-21
What did we eat on Christmas morning?          | in     2024-12-25T04 2024-12-25T12
Which band was big in the 20s?                 | in     2020-01-01 2030-01-01
Which band was big in the noughties?           | in     2000-01-01 2010-01-01
Who wrote on the 12th?                         | in     2025-11-12 2025-11-13
Who wrote on the 31st?                         | in     2025-10-31 2025-11-01
Who wrote on the 15th of last month?           | in     2025-10-15 2025-10-16
See you on the 14th!                           | in     2025-11-14 2025-11-15
See you on the 12th!                           | in     2025-11-12 2025-11-13
See you on the 5th!                            | in     2025-12-05 2025-12-06
See you on 3 May!                              | in     2026-05-03 2026-05-04
See you on 12 November!                        | in     2025-11-12 2025-11-13
See you on 29 February!                        | in     2028-02-29 2028-03-01
See you at Easter!                             | in     2026-04-05 2026-04-06
Will it snow in January?                       | in     2026-01-01 2026-02-01
Did Will see snow in January?                  | in     2025-01-01 2025-02-01
Who came the week after 5 March?               | in     2025-03-10 2025-03-17
Who came the day before 1 May 2024?            | in     2024-04-30 2024-05-01
Who came a week after Christmas 2023?          | in     2024-01-01 2024-01-08
Who came two Saturdays after 28 October 2023?  | in     2023-11-11 2023-11-12
Who came the Monday before 24 July 2023?       | in     2023-07-17 2023-07-18
Who came two Mondays before 24 July 2023?      | in     2023-07-10 2023-07-11
Who came the Sunday of the first week of June? | in     2025-06-01 2025-06-02
Who came the summer before 2020?               | in     2019-06-01 2019-09-01
Who came the summer after 2020?                | in     2021-06-01 2021-09-01
Who came at the start of March?                | in     2025-03-01 2025-03-11
Who came in the middle of March?               | in     2025-03-11 2025-03-21
Who came at the beginning of 2023?             | in     2023-01-01 2023-05-01
Who came in early summer 2021?                 | in     2021-06-01 2021-07-01
Who came in the second week of June?           | in     2025-06-08 2025-06-15
Who came in the third week of June?            | in     2025-06-15 2025-06-22
Who came in the fourth week of June?           | in     2025-06-22 2025-06-29
Who came in the second half of March?          | in     2025-03-16 2025-04-01
Who came in the first half of last week?       | in     2025-11-03 2025-11-06
Who came late last week?                       | in     2025-11-07 2025-11-10
Who comes late this weekend?                   | in     2025-11-15 2025-11-17
Who came the first weekend of July?            | in     2025-07-05 2025-07-07
Who came the last weekend of July?             | in     2025-07-26 2025-07-28
Who came on the second Sunday of May 2024?     | in     2024-05-12 2024-05-13
What did he cook on 12/12/2024?                | in     2024-12-12 2024-12-13
What did he cook on 12/13/2024?                | in     2024-12-13 2024-12-14
Who called 20 minutes ago?                     | in     2025-11-12T15:10 2025-11-12T15:11
What did I read in the last 2 hours?           | in     2025-11-12T13:30 2025-11-12T16:30
Where were we that summer 2019?                | in     2019-06-01 2019-09-01
I adopted that one last winter                 | in     2024-12-01 2025-03-01
Where were we May last year?                   | in     2024-05-01 2024-06-01
Where were we May 2023?                        | in     2023-05-01 2023-06-01
what about the 5 may 2023 trip?                | in     2023-05-05 2023-05-06
what about 5 may?                              | in     2025-05-05 2025-05-06
Where were we 3 May - 10 May 2024?             | in     2024-05-03 2024-05-11
the 2014 to March 2023 gap                     | in     2023-03-01 2023-04-01
Since July have we met her?                    | since  2025-07-01 2025-08-01
Was July hot?                                  | in     2025-07-01 2025-08-01
What do we eat at Christmas dinner?            | in     2024-12-25 2024-12-26
He will see. What did we say on Monday?        | in     2025-11-10 2025-11-11
What did we say on Monday? He will see.        | in     2025-11-10 2025-11-11
We will be away from March to May.             | in     2026-03-01 2026-06-01
What did we say on Sun morning?                | in     2025-11-09T04 2025-11-09T12
what did we say on fri?                        | in     2025-11-07 2025-11-08
Where were we in the fall?                     | in     2025-09-01 2025-12-01
Where were we before the summer?               | before 2025-06-01 2025-09-01
What is due at the end of the month?           | in     2025-11-21 2025-12-01
Who came the day after March 2024?             | in     2024-04-01 2024-04-02
Who came the day before March 2024?            | in     2024-02-29 2024-03-01
Who came in the first half of summer 2021?     | in     2021-06-01 2021-07-17
Who came in the last half of 2024?             | in     2024-07-01 2025-01-01
What came in the early 90s?                    | in     1990-01-01 1993-05-01
What did we say of Thursday 16 October?        | in     2025-10-16 2025-10-17
What did we say of Thursday 18 December?       | in     2025-12-18 2025-12-19
What did we say of Friday 13 December?         | in     2024-12-13 2024-12-14
What did we say of Friday the 14th?            | in     2025-11-14 2025-11-15
What did we say of Friday the 31st?            | in     2025-10-31 2025-11-01
What did we eat on the previous Monday?        | in     2025-11-10 2025-11-11
What did we do the previous week?              | in     2025-11-03 2025-11-10
What did we do this past weekend?              | in     2025-11-08 2025-11-10
What did we eat on Christmas Eve night?        | in     2024-12-24T18 2024-12-25T06
"""


class Samoa(tzinfo):
    """Where the day after 29 December 2011 was the 31st."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=-10 if dt and dt.replace(tzinfo=None) < datetime(2011, 12, 31) else 14)

    def dst(self, dt: datetime | None) -> timedelta:
        return timedelta(0)


ROWS = [[side.strip() for side in line.split("|")] for line in PINNED.strip().splitlines()]

NEGATIVE = """
May I ask who phoned?
I may go out
This may be wrong
At last may I sit down?
What did May bring to the party?
2 or 3 may come along
Who will march with us?
the second march for peace
What did April say to June?
Does August like tea?
What is in April's garden?
we sat down together
The sun is out
Sun cream for the beach
They wed in a church
the second time we met
I second that
Did Jan call?
He may fall down
Every Monday we run
I swim on Mondays
She runs once a week
He worked there for two years
I read it in two weeks
How many weeks are left?
What a day!
I am 34 years old
She is in her early 40s
Half the time I forget
since I moved house
before we met
after the party
last time we met
the next step
the last book I read
Call me at 555-0199
I own 2000 books
a text in 2000 words
It cost $2019
version 1.2.3 is out, and so is 3.12.10
the address 192.168.10.12
a score of 3-2, open 24/7
The 30 February 2024 joke
What is my favourite colour?
Happy New Year!
Who bought the Christmas tree?
He drove up in the 2014 Mustang
Do you play Cyberpunk 2077?
Was June hot?
He said Oct twice
He was fine before the fall
put it on sun cream
The month was long, the weekend short
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("question", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_phrase_names_its_period(question: str, expected: str) -> None:
    found = [(span.relation, span.start, span.end) for span in spans(question, NOW)]
    relation, start, end = expected.split()
    assert found == [(relation, at(start), at(end))]


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert len(ROWS) >= 80
    assert len(NEGATIVE.split("\n")) >= 30


@pytest.mark.parametrize("sentence", NEGATIVE.strip().splitlines())
def test_a_sentence_without_a_time_has_none(sentence: str) -> None:
    assert spans(sentence, NOW) == []


def test_the_text_of_a_span_is_what_was_read_and_spans_keep_the_order_of_the_text() -> None:
    found = spans("Since March he paints; on 3 May 2024 and last week he sold one.", NOW)
    assert [span.text for span in found] == ["Since March", "on 3 May 2024", "last week"]


@pytest.mark.parametrize(
    ("now", "phrase", "start"),
    [
        ("2025-11-15", "last Saturday", "2025-11-08"),  # a Saturday
        ("2025-11-16", "last weekend", "2025-11-08"),  # a Sunday
        ("2025-11-16", "next Monday", "2025-11-17"),
        ("2025-11-10", "next Thursday", "2025-11-20"),
        ("2025-11-10", "on Sunday", "2025-11-09"),
        ("2025-07-10", "last summer", "2024-06-01"),
        ("2026-01-10", "last summer", "2025-06-01"),
        ("2026-01-10", "this winter", "2025-12-01"),
        ("2026-01-10", "last winter", "2024-12-01"),
        ("2025-05-10", "this winter", "2024-12-01"),
        ("2025-06-10", "this winter", "2025-12-01"),
        ("2025-05-10", "next summer", "2025-06-01"),
        ("2025-06-01", "next summer", "2026-06-01"),
        ("2025-11-14", "over the weekend", "2025-11-08"),
        ("2025-11-15", "over the weekend", "2025-11-15"),
        ("2025-11-15", "the next two weekends", "2025-11-22"),
        ("2025-11-15", "the last two weekends", "2025-11-01"),
        ("2025-12-24", "last Christmas", "2024-12-25"),
        ("2025-12-25", "at Christmas", "2025-12-25"),
        ("2026-01-10", "last month", "2025-12-01"),
        ("2025-03-31", "in the last month", "2025-02-28"),
        ("2024-02-29", "a year ago", "2023-01-01"),
        ("2024-04-02", "I moved to Lisbon in March.", "2024-03-01"),
    ],
)
def test_the_clock_decides(now: str, phrase: str, start: str) -> None:
    [span] = resolve(phrase, datetime.fromisoformat(now))
    assert span.start == at(start)


def test_a_day_that_a_zone_skips_is_no_span() -> None:
    assert spans("Who came yesterday?", datetime(2011, 12, 31, 12, tzinfo=Samoa())) == []


def test_what_was_said_of_last_saturday_happened_then() -> None:
    [span] = resolve("I ran a charity race last Saturday", datetime(2023, 5, 25, 13, 14))
    assert (span.start, span.end) == (at("2023-05-20"), at("2023-05-21"))


@pytest.mark.parametrize(
    ("told", "start"),
    [
        ("The survey is in December.", "2025-12-01"),
        ("Snow in March, how lovely.", "2026-03-01"),
        ("It snowed in March.", "2025-03-01"),
        ("We were in Rome in December.", "2024-12-01"),
        ("We should have it painted before Christmas.", "2025-12-25"),
        ("Joyce can come on 10 February.", "2026-02-10"),
        ("Friday then, at four?", "2025-11-14"),
        ("The bill came on Friday.", "2025-11-07"),
        ("Rehearsals are from Thursday to Saturday.", "2025-11-13"),
        ("See you in March!", "2026-03-01"),
        ("I still love that song from October.", "2025-10-01"),
    ],
)
def test_what_is_told_may_lie_ahead_unless_the_tense_says_otherwise(told: str, start: str) -> None:
    [span] = resolve(told, NOW)
    assert span.start == at(start)


def test_days_are_those_of_the_zone_of_now() -> None:
    late = datetime(2025, 11, 12, 23, 30, tzinfo=timezone(timedelta(hours=-5)))  # already the 13th in UTC
    [span] = spans("What did I do today?", late)
    assert (span.start, span.end) == (at("2025-11-12T05"), at("2025-11-13T05"))
    assert span.start.tzinfo is UTC


@pytest.mark.parametrize(
    ("relation", "early", "inside", "late"),
    [
        ("in", False, True, False),
        ("since", False, True, True),
        ("until", True, True, False),
        ("before", True, False, False),
        ("after", False, False, True),
    ],
)
def test_a_span_holds_what_its_relation_says(relation, early, inside, late) -> None:
    span = Span(at("2025-03-01"), at("2025-04-01"), "March", relation)
    moments = [at("2025-02-28"), at("2025-03-01"), at("2025-03-31"), at("2025-04-01")]
    assert [span.holds(moment) for moment in moments] == [early, inside, inside, late]


def test_letters_whose_lower_case_is_longer_do_not_shift_the_text() -> None:
    assert [span.text for span in spans("İİİ İstanbul in March 2023, İ!", NOW)] == ["in March 2023"]


WORDS = """
in on at since before after until by from to and between the a early mid late end of first last next this past of week
weekend day days weeks months years year month fortnight decade ago from now May march june Sun sat Monday fri Saturdays
Christmas Easter Halloween new year's eve summer fall winter 5 31 30 29 February 2024 0 999 9999 0000 9999-12-31
0001-01-01 00/00/0000 31/12/9999 90s 1990s nineties yesterday tomorrow tonight morning night couple few several Q4 the
5th 31st - , . ? İ ß ５ ² hour minute half will let's going
"""
ZONES = [None, UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)), Samoa()]


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)),
    st.datetimes(timezones=st.sampled_from(ZONES)),
)
@example("999 decades ago and in the next 999 years", datetime.min)
@example("999 decades ago and in the next 999 years", datetime.max)
@example("next Saturday, last Easter, the winter after next, 31 December", datetime.max)
@example("last Saturday, last Easter, 29 February, the Saturday before last", datetime.min)
@example("yesterday", datetime(2011, 12, 31, 12, tzinfo=Samoa()))
def test_nothing_raises_and_every_span_has_a_length(text: str, now: datetime) -> None:
    for span in spans(text, now) + resolve(text, now):
        assert span.start < span.end
        assert span.text in text


def test_a_question_costs_less_than_a_third_of_a_millisecond() -> None:
    question = "What did Caroline and Melanie decide about the adoption agency between 3 May and the end of June 2023?"
    assert min(timeit.repeat(lambda: spans(question, NOW), number=20, repeat=20)) / 20 < 3e-4


def test_a_long_text_without_sentences_is_read_in_time() -> None:
    assert len(spans("on 3 May 2024 she ran " * 5000, NOW)) == 5000
