"""Signs of spam in names and in other short fields.

Every sign-up comes here. So one look at all short fields together leaves out those of most people.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from shared.domain.spam import signs
from shared.domain.spam.disguises import MANY_DISGUISED, disguised_words, mixes_scripts
from shared.domain.spam.gibberish import (
    CERTAINLY,
    GIBBERISH,
    has_capital_inside,
    oddities,
    surely_no_oddities,
)
from shared.domain.spam.links import has_chat, has_link, has_markup, is_one_link
from shared.domain.spam.signs import Found, Sign
from shared.domain.spam.texts import signs_of_spam_words
from shared.domain.spam.words import CURRENCIES, surely_no_telling_words

_PERSON = ("first_name", "last_name")
# People write their website into these, alone or beside other words.
_WORK = ("company_name", "job_title")
_MAY_BE_ALIKE = (*_WORK, "street", "city")
# Of an address and a whole name.
_USUAL = 3
_SHORT = frozenset((*_PERSON, *_MAY_BE_ALIKE, "state", "postal_code", "country"))
# A word of spam in a name counts as three in a text.
_IN_NAME = 3

_EMOJI = "[\u2600-\u27bf\U0001f300-\U0001faff]"
_FANCY = "[\U0001d400-\U0001d7ff\u24b6-\u24e9\U0001f130-\U0001f189]"
# What links, markup and oddities have; names of people, companies and places may have it, too. A
# house's number is none of it, unless it stands beside a sign: `50%`, `page-1-of-google`.
_TELLING = re.compile(r"[.:<\[=$%!(\\@]")
_WORDS_AND_NUMBERS = re.compile(r"[A-Za-z0-9\s]*")
_NUMBER = re.compile(r"\d")
_ODD = re.compile(rf"\d\s?%|!!|{_EMOJI}\ufe0f?\s?{_EMOJI}|{_FANCY}")
_MONEY = re.compile(
    r"[$€£₽₿]\s?\d|\d\s?[$€£₽₿]|\$\$"
    rf"|\d\s(?:{'|'.join(CURRENCIES)})\b",
    re.IGNORECASE,
)


def signs_in_names(fields: Mapping[str, str]) -> Iterable[Found]:
    """Return the signs in a contact's short fields, which are by their `api_name`."""
    text = "\n".join([value for name, value in fields.items() if name in _SHORT])
    if _is_plain(text) and surely_no_oddities(text) and surely_no_telling_words(text):
        return _signs_of_the_same(fields) if len(fields) > _USUAL else ()
    return _signs(fields, text)


def _is_plain(text: str) -> bool:
    """Whether only its words can tell anything."""
    if not text.isascii() or _TELLING.search(text):
        return False
    return not _NUMBER.search(text) or _WORDS_AND_NUMBERS.fullmatch(text) is not None


def _signs(fields: Mapping[str, str], text: str) -> Iterator[Found]:
    first, last = [fields.get(name, "") for name in _PERSON]
    yield from _signs_of_person(first, last, fields["email_address"].rpartition("@")[0])
    yield from _signs_of_the_same(fields)
    if work := "\n".join([fields[name] for name in _WORK if name in fields]):
        yield from signs_of_spam_words(work)
    if mixes_scripts(text):
        yield _disguise(text)
    for name, value in fields.items():
        if name in _SHORT:
            yield from _signs_in(name, value)


def _signs_of_person(first: str, last: str, address: str) -> Iterator[Found]:
    whole, seen = f"{first}\n{last}", f"{first} {last}".strip()
    of_address = oddities(_NUMBER.sub(" ", address))
    if gibberish := _gibberish(oddities(first), oddities(last), of_address):
        yield Found(gibberish, seen)
    yield from signs_of_spam_words(whole, each_counts=_IN_NAME)
    if has_chat(whole):
        yield Found(signs.CHAT_IN_NAME, seen)
    if _MONEY.search(whole):
        yield Found(signs.MONEY_IN_NAME, seen)
    elif _ODD.search(whole):
        yield Found(signs.ODD_NAME, seen)


def _gibberish(first: int, last: int, address: int) -> Sign | None:
    """Return the sign of so many oddities in each. Those of an address alone say nothing."""
    least, most = sorted((first, last))
    if most < GIBBERISH:
        return None
    if least or most >= CERTAINLY:
        return signs.RANDOM_NAMES
    return signs.RANDOM_NAME if address >= GIBBERISH else signs.ODD_LETTERS


def _disguise(text: str) -> Found:
    words = disguised_words(text)
    return Found(signs.DISGUISED if len(words) >= MANY_DISGUISED else signs.MIXED_SCRIPTS, text)


def _signs_in(name: str, value: str) -> Iterator[Found]:
    if has_markup(value):
        yield Found(signs.MARKUP_IN_NAME, value)
    elif has_link(value) and not (name in _WORK and is_one_link(value)):
        yield Found(signs.SOME_LINKS if name in _WORK else signs.LINK_IN_NAME, value)


def _signs_of_the_same(fields: Mapping[str, str]) -> Iterator[Found]:
    first, last = map(fields.get, _PERSON)
    if first and first == last:
        others = map(fields.get, _MAY_BE_ALIKE)
        if first in others or has_capital_inside(first):
            yield Found(signs.SAME_VALUES, first)
