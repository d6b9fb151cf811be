"""Signs of spam in names and in other short fields.

Every sign-up comes here. So one look at all short fields together leaves out those of most people.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from shared.domain.spam import signs
from shared.domain.spam.gibberish import CERTAINLY, GIBBERISH, oddities, surely_no_oddities
from shared.domain.spam.links import has_link, has_markup, is_one_link
from shared.domain.spam.signs import Found, Sign
from shared.domain.spam.texts import signs_of_spam_words
from shared.domain.spam.words import surely_no_spam_words

_PERSON = ("first_name", "last_name")
# People write their website into these, alone or beside other words.
_WORK = ("company_name", "job_title")
_MAY_BE_ALIKE = (*_WORK, "street", "city")
# Of an address and a whole name.
_USUAL = 3
_SHORT = frozenset((*_PERSON, *_MAY_BE_ALIKE, "state", "postal_code", "country"))

_EMOJI = "[\u2600-\u27bf\U0001f300-\U0001faff]"
# What links, markup and oddities have; names of people, companies and places may have it, too. A
# house's number is none of it, unless it stands beside a sign: `50%`, `page-1-of-google`.
_TELLING = re.compile(r"[.:<\[=$%!]")
_WORDS_AND_NUMBERS = re.compile(r"[A-Za-z0-9\s]*")
_NUMBER = re.compile(r"\d")
_ODD = re.compile(rf"[$€£₽₿]\s?\d|\d\s?[$€£₽₿%]|!!|{_EMOJI}\ufe0f?\s?{_EMOJI}")
# Latin letters, Cyrillic and Greek ones look alike. Robots mix them so that no filter knows a word.
# Ghana's Akyerε has an epsilon.
_LATIN, _ALIKE = "[A-Za-z\u00c0-\u024f]", "[\u0370-\u03b4\u03b6-\u052f]"
_MIXED_SCRIPTS = re.compile(f"{_LATIN}{_ALIKE}|{_ALIKE}{_LATIN}")


def signs_in_names(fields: Mapping[str, str]) -> Iterable[Found]:
    """Return the signs in a contact's short fields, which are by their `api_name`."""
    text = "\n".join([value for name, value in fields.items() if name in _SHORT])
    if _is_plain(text) and surely_no_oddities(text) and surely_no_spam_words(text):
        return _signs_of_the_same(fields) if len(fields) > _USUAL else ()
    return _signs(fields)


def _is_plain(text: str) -> bool:
    """Whether only its words can tell anything."""
    if not text.isascii() or _TELLING.search(text):
        return False
    return not _NUMBER.search(text) or _WORDS_AND_NUMBERS.fullmatch(text) is not None


def _signs(fields: Mapping[str, str]) -> Iterator[Found]:
    person = [fields.get(name, "") for name in _PERSON]
    first, last = map(oddities, person)
    if gibberish := _gibberish(first, last, oddities(_local_part(fields))):
        yield Found(gibberish, " ".join(person))
    yield from _signs_of_the_same(fields)
    yield from signs_of_spam_words("\n".join(person), each_counts=2)
    yield from signs_of_spam_words("\n".join([fields.get(name, "") for name in _WORK]))
    for name, value in fields.items():
        if name in _SHORT:
            yield from _signs_in(name, value)


def _gibberish(first: int, last: int, address: int) -> Sign | None:
    """Return the sign of so many oddities in each. Those of an address alone say nothing."""
    least, most = sorted((first, last))
    if most < GIBBERISH:
        return None
    if least:
        return signs.RANDOM_NAMES
    is_certain = most >= CERTAINLY or address >= GIBBERISH
    return signs.RANDOM_NAME if is_certain else signs.ODD_LETTERS


def _local_part(fields: Mapping[str, str]) -> str:
    return fields["email_address"].rpartition("@")[0]


def _signs_in(name: str, value: str) -> Iterator[Found]:
    if not value.isascii() and _MIXED_SCRIPTS.search(value):
        yield Found(signs.MIXED_SCRIPTS, value)
    if name in _PERSON and _ODD.search(value):
        yield Found(signs.ODD_NAME, value)
    if has_markup(value):
        yield Found(signs.MARKUP_IN_NAME, value)
    elif has_link(value) and not (name in _WORK and is_one_link(value)):
        yield Found(signs.SOME_LINKS if name in _WORK else signs.LINK_IN_NAME, value)


def _signs_of_the_same(fields: Mapping[str, str]) -> Iterator[Found]:
    first, last = map(fields.get, _PERSON)
    if first and first == last and first in map(fields.get, _MAY_BE_ALIKE):
        yield Found(signs.SAME_VALUES, first)
