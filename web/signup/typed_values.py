"""What a visitor typed, as text to copy: for pages without a form that could send it again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from shared.domain.field_names import MASKED, one_word, plain_name
from shared.domain.fields import FIELDS
from shared.domain.form import Form
from shared.domain.reading.posted_fields import SortedFields, sort_fields
from shared.domain.texts import Say, lazy_gettext
from web.signup.form_page import Room
from web.signup.reading.pairs import is_file_note

MOST_SHOWN_VALUES = 50
# Of fields, and of values of each. A robot may post eight thousand, which take 100 ms to sort, and
# no limit counts these pages.
MOST_SORTED = 100
MOST_OF_ONE = 10
# Of the characters that are none in UTF-8. Compressed bodies and pictures have more.
MOST_UNKNOWN = 10
_ALL = lazy_gettext("All that arrived")
_NAME_NOT_SHOWN = lazy_gettext("(name not shown)")


@dataclass(frozen=True, slots=True)
class Typed:
    """A value, labelled for the visitor."""

    label: str
    value: str

    @property
    def lines(self) -> int:
        """How many lines a text area needs for it, within reason."""
        return min(8, self.value.count("\n") + 1 + len(self.value) // 60)


def typed_values(posted: Mapping[str, list[str]], form: Form, say: Say) -> tuple[Typed, ...]:
    """Return the values of the form's fields first, then those of the website's own.

    What does not fit into the page is left out.
    """
    first = {name: each[:MOST_OF_ONE] for name, each in islice(posted.items(), MOST_SORTED)}
    given, room = sort_fields(first, form), Room()
    found = (*_of_fields(given, say), *_of_custom(given, form), *_of_others(given, say))
    shown = (each for each in found if each.value and not is_file_note(each.value))
    return tuple(
        each for each in islice(shown, MOST_SHOWN_VALUES) if room.fits(each.label, each.value)
    )


def as_it_came(body: bytes, say: Say) -> tuple[Typed, ...]:
    """Return a body that no reader understands, if it is text and fits into the page."""
    text = body.decode(errors="replace").strip()
    is_text = bool(text) and "\0" not in text and text.count("\ufffd") < MOST_UNKNOWN
    return (Typed(say(_ALL), text),) if is_text and Room().fits(text) else ()


def _of_fields(given: SortedFields, say: Say) -> Iterator[Typed]:
    for field in FIELDS:
        value = given.typed.get(field.name) or given.fields.get(field.name, "")
        yield Typed(say(field.label), value)


def _of_custom(given: SortedFields, form: Form) -> Iterator[Typed]:
    for custom in form.custom_fields:
        yield Typed(custom.label, given.custom.get(custom.id, ""))


def _of_others(given: SortedFields, say: Say) -> Iterator[Typed]:
    for name, kept in given.other.items():
        for value in [kept] if isinstance(kept, str) else kept:
            yield Typed(shown_name(name, say), value)


def shown_name(name: str, say: Say) -> str:
    """Return the name of a posted field as our pages may show it.

    Any page can post any names. On a page of ours, none may look like a sentence of ours.
    """
    shown = one_word(plain_name(name))
    return say(_NAME_NOT_SHOWN) if shown == MASKED else shown
