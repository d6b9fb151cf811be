"""Signs of spam in free texts: custom fields, and fields of the website's own such as a message."""

from collections.abc import Iterator

from shared.domain.signup import Contact
from shared.domain.spam import signs
from shared.domain.spam.disguises import MANY_DISGUISED, disguised_words, mixes_scripts
from shared.domain.spam.links import has_markup, links_in
from shared.domain.spam.signs import Found
from shared.domain.spam.words import HINT, OFFER, POINTS, spam_words_in

_MANY_LINKS = 3
# How many points their words need.
_BY_POINTS = ((2 * OFFER, signs.OFFERS), (OFFER, signs.OFFER), (2 * HINT, signs.HINTS))


def signs_in_texts(contact: Contact) -> Iterator[Found]:
    """Yield the signs in all that has several words."""
    text = "\n".join(each for each in _values(contact) if _has_words(each))
    if not text:
        return
    if has_markup(text):
        yield Found(signs.MARKUP_IN_TEXT, text)
    elif links := links_in(text):
        yield Found(signs.MANY_LINKS if links >= _MANY_LINKS else signs.SOME_LINKS, text)
    yield from signs_of_spam_words(text)
    if mixes_scripts(text) and len(disguised := disguised_words(text)) >= MANY_DISGUISED:
        yield Found(signs.DISGUISED, " ".join(disguised))


def _has_words(text: str) -> bool:
    """Whether it is more than one word. One says little: a website's hidden fields and form tools
    post addresses of pages, and people their own website. Chinese has no blanks."""
    return " " in text or "\n" in text or not text.isascii()


def signs_of_spam_words(text: str, *, each_counts: int = 1) -> Iterator[Found]:
    """Yield the sign of the text's words of spam, if it has enough."""
    words = spam_words_in(text)
    points = each_counts * sum(map(POINTS.__getitem__, words))
    for least, sign in _BY_POINTS:
        if points >= least:
            yield Found(sign, ", ".join(words))
            return


def _values(contact: Contact) -> Iterator[str]:
    for custom in contact.custom:
        yield custom.value
    for other in contact.other.values():
        if isinstance(other, str):
            yield other
        else:
            yield from other
