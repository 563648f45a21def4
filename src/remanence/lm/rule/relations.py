"""The names of relations, which of them hold one object at a time, and what denying one is called.

A relation is one word: "lives_in", "works_at", "favourite_colour", "phone". Two marks may stand before it:
    not_R   it does not hold, or no longer: "no longer lives in Porto" is not_lives_in Porto
    past_R  it held once: "used to work at Acme" is past_works_at Acme
Neither is ever a positive fact. With an empty object they deny R whatever it was.
Five more are not attributes of a person: "left" (a place or an employer, the text does not say which), "when" and
"where" (of an event), "value" (of "the wifi password"), "moving_to" (planned: lives_in does not hold yet).
"""

import re

from remanence.lm.rule.words import UPPER, listed, words

# A new object replaces the old one. Everything else may hold many objects at once (likes, plays, has, knows, ...).
SINGLE = listed(
    """lives_in moving_to works_at occupation studies_at from born_in born_on birthday age name goes_by phone email
    address relationship spouse wife husband partner boyfriend girlfriend fiance fiancee boss manager mother
    father diet when where value status password pin code username salary budget deadline price weight height size
    blood_type nationality job_title title role timezone time_zone hometown version capital population ceo
    president major zip_code postcode wifi_password licence_plate shoe_size star_sign religion native_language
    car commute landlord landlady dentist therapist accountant team"""
)
OPPOSITE = {"likes": "dislikes", "dislikes": "likes"}

_SAME = {
    "phone": "phone number, phone, telephone, telephone number, mobile, mobile number, cell, cell number, cell phone, "
    "cell phone number, number",
    "email": "email, e mail, email address, e mail address, mail address",
    "occupation": "job, occupation, profession, work, day job",
    "address": "address, home address, postal address",
    "birthday": "birthday, birth date, date of birth, birthdate, bday",
    "name": "name, full name, first name",
    "goes_by": "nickname, preferred name",
    "partner": "partner, significant other",
    "mother": "mother, mom, mum, mama",
    "father": "father, dad, papa",
    "works_at": "employer, company, workplace",
    "lives_in": "city, current city, place of residence, home, home city",
    "boss": "boss, supervisor, manager, line manager, direct manager, team lead, team leader, superior",
    "favourite_food": "favourite food, favourite dish, favourite meal, favourite thing to eat",
    "favourite_film": "favourite film, favourite movie, favourite thing to watch",
    "favourite_drink": "favourite drink, favourite beverage, favourite thing to drink",
}
_CANONICAL = {said: name for name, all_said in _SAME.items() for said in all_said.split(", ")}
_FILLER = re.compile(
    r"^(?:(?:new|current|latest|own|actual|present|updated|old|former|previous|all\s+time|absolute)\s+)+"
)
_FAVOURED = re.compile(r"^(?:go to|number one|top|best loved|preferred)\b(?= \w+)")

# The last word of what somebody or something can have one value of. "Ana's sister is ..." is about the sister,
# "Ana's phone number is ..." about Ana.
ATTRIBUTES = listed(
    """name number phone mobile email mail address birthday birthdate age job occupation profession title role salary
    password pin code username commute handle car height weight size type budget deadline price cost plan goal
    nationality hometown boss manager wife husband partner boyfriend girlfriend fiance fiancee mother mom mum father dad
    employer company capital population ceo president director author founder timezone zone version status colour
    color language religion major degree city country team school university brand model year date time location
    venue sign nickname bday postcode plate home landlady stack database framework port url website theme motto doctor
    dentist teacher therapist landlord roommate lawyer accountant supervisor superior lead leader"""
)
PEOPLE_AND_PETS = listed(
    """wife husband partner boyfriend girlfriend fiance fiancee mother mom mum father dad sister brother son daughter
    child kid cousin aunt uncle niece nephew grandmother grandma grandfather grandpa friend boss manager colleague
    coworker roommate neighbour neighbor teacher coach mentor doctor dog puppy cat kitten bunny rabbit hamster
    parrot bird horse turtle fish snake lizard pet guinea-pig therapist twin stepmother stepfather godson
    goddaughter dentist landlord landlady lawyer accountant supervisor"""
)
# Things "the ... is" gives a value to: "the wifi password is hunter2", but not "the author is amazing".
VALUED = listed(
    """name number phone email address password pin code price cost budget deadline salary version weight size height
    port url date time location venue password username balance score total"""
)
# What a value must look like, or it is not one ("my phone number is wrong").
CHECKS = {
    "phone": re.compile(r".*\d{3}"),
    "email": re.compile(r"\S+@\S+"),
    "lives_in": re.compile(f"(?:the )?[{UPPER}]"),
    "works_at": re.compile(f"(?:the )?[{UPPER}0-9]"),
    "team": re.compile(f"(?:the )?[{UPPER}]"),
    "car": re.compile(f"(?:\\w+ )?[{UPPER}]"),
    "age": re.compile(r"\d+|\w+ years? old"),
    "birthday": re.compile(r".*(?:\d|(?i:january|february|march|april|may|june|july|august|sept|octo|novem|decem))"),
    "name": re.compile(r"[^\W_a-z]|\w+$"),
    "occupation": re.compile(r"an?\s|\w+(?:er|or|ist|ian|ant|nurse|chef|design|engineering|teaching)$"),
}


def single(relation: str) -> bool:
    """Whether a later object takes the place of an earlier one."""
    return relation in SINGLE or relation.startswith("favourite_")


def canonical(attribute: str) -> str:
    """The relation an attribute is kept under: "new phone number" is "phone", "favorite color" "favourite_colour"."""
    plain = _FILLER.sub("", " ".join(words(attribute)))
    plain = re.sub(r"\bfavorite\b|\bfav\b", "favourite", re.sub(r"\bcolor\b", "colour", plain))
    if plain not in _CANONICAL:
        plain = _FAVOURED.sub("favourite", plain)
    return _CANONICAL.get(plain, plain.replace(" ", "_").replace("'", ""))


def core(relation: str) -> tuple[str, str]:
    """(mark, relation): the mark is "not_", "past_" or empty."""
    for mark in ("not_", "past_"):
        if relation.startswith(mark):
            return mark, relation.removeprefix(mark)
    return "", relation
