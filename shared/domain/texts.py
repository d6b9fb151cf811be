"""Texts that visitors read: in English, with what a translation needs.

Whoever makes a text rarely knows the visitor's language. So it stays a value until an answer is
written; `web.translations` then says it in a language. `make texts` finds the English texts by the
names of the two functions, and takes only literals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Union

# A name that somebody chose, such as the label of a custom field, is a `str`: it is not translated.
Value = Union["Text", str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text with its named values. `many` is its form for any `count` but one, if it has one."""

    english: str
    values: tuple[tuple[str, Value], ...] = ()
    many: str = ""
    count: int = 1

    def __str__(self) -> str:
        """Return the text in English, as logs and operators have it."""
        chosen = self.english if self.count == 1 or not self.many else self.many
        return chosen % dict(self.values)


# Says a text in a language. A `str` is somebody's own words, and stays.
Say = Callable[[Text | str], str]


def lazy_gettext(english: str, /, **values: Value) -> Text:
    """Return a text, whose `%(name)s` stand for the values."""
    return Text(english=english, values=tuple(values.items()))


def lazy_ngettext(one: str, many: str, count: int, /, **values: Value) -> Text:
    """Return a text that depends on a count: languages have up to six forms for it.

    In the text, `%(count)s` is the count.
    """
    return Text(
        english=one, many=many, count=count, values=(("count", count), *tuple(values.items()))
    )


def sentences(texts: Sequence[Text | str]) -> Text:
    """Return the texts one after another."""
    values = tuple((f"sentence_{number}", each) for number, each in enumerate(texts))
    return Text(english=" ".join(f"%({name})s" for name, _ in values), values=values)
