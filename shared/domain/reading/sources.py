"""Where a sign-up came from, as custom fields: its campaign, its page, and the page before that."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.domain.form import CUSTOM_LIMIT, Form, SourceField
from shared.domain.reading.check_boxes import is_nothing
from shared.domain.reading.meanings import path_of
from shared.domain.reading.posted_fields import SortedFields, Values
from shared.domain.reading.values import clean_text
from shared.domain.signup import CustomValue

# What links of campaigns have in their addresses.
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
PAGE, REFERRER = "page", "referrer"
SOURCES = (*CAMPAIGN, PAGE, REFERRER)


def take_sources(
    given: SortedFields, form: Form, arrived: Mapping[str, str]
) -> tuple[SortedFields, tuple[CustomValue, ...]]:
    """Return the fields without the sources that the form sends, and these.

    `arrived` has what the request tells of them.
    What the page posted under a source's name counts first. A field that the visitor filled in
    stays as it is. A value that is too long stays with the fields that are not sent.
    """
    other, sources = dict(given.other), []
    for each in form.sources:
        if each.field.id in given.custom:
            continue
        name, value = next(_found(each, other, arrived), (None, ""))
        if len(value) > CUSTOM_LIMIT:
            other.setdefault(name or each.source, value)
        elif value:
            sources.append(CustomValue(each.field.id, each.field.name, value, each.source))
            if name:
                _remove(other, name, value)
    return replace(given, other=other), tuple(sources)


def _found(
    each: SourceField, other: Mapping[str, str | Values], arrived: Mapping[str, str]
) -> Iterator[tuple[str | None, str]]:
    """Yield the values of the source, each with the name under which it was posted, if it was."""
    for name, kept in other.items():
        path = path_of(name)
        if path and path[-1].lower() == each.source:
            for value in [kept] if isinstance(kept, str) else kept:
                if not is_nothing(value):
                    yield name, value
    if value := clean_text(arrived.get(each.source, "")):
        yield None, value


def _remove(other: dict[str, str | Values], name: str, value: str) -> None:
    """Remove the value from the fields that are not sent."""
    kept = other.pop(name)
    left = [each for each in kept if each != value] if isinstance(kept, list) else []
    if left:
        other[name] = left[0] if len(left) == 1 else left
