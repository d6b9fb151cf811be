"""The lists, custom fields and origins of a form, as an operator gives them. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from shared.constant_contact.client import ContactList
from shared.domain.errors import Refused
from shared.domain.form import CustomField, ListRef, SourceField
from shared.domain.reading.sources import SOURCES
from shared.domain.web_addresses import dns_name

# The API's limits for one sign-up.
MOST_LISTS = 50
MOST_FIELDS = 50

# A place for the visitor to go: any address on the web.
_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*")
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")


def checked_redirect(given: str) -> str:
    """Return the address to which visitors go after signing up."""
    if not _ADDRESS.fullmatch(given):
        raise Refused(
            f"{given!r} is no web address. It must be like https://example.com/thanks, with"
            " https:// at its beginning."
        )
    return given


def checked_origin(given: str) -> str:
    """Return the origin as browsers write it: in lower case and ASCII, without the default port.

    It may be copied from the address bar, with a slash at its end and letters such as `ü`.
    """
    scheme, separator, host = given.strip().lower().removesuffix("/").partition("://")
    try:
        origin = scheme + separator + dns_name(host)
    except UnicodeError:  # no host has such a name
        origin = ""
    if not _ORIGIN.fullmatch(origin):
        raise Refused(
            f"{given!r} is no website's address. It must be like https://example.com or"
            " http://localhost:8000, without a path."
        )
    default_port = ":443" if origin.startswith("https://") else ":80"
    return origin.removesuffix(default_port)


def chosen_lists(wanted: Sequence[str], there: Sequence[ContactList]) -> tuple[ListRef, ...]:
    """Return the wanted lists. Each is given by its id, or by its name in any case."""
    chosen = dict.fromkeys(_chosen_list(each, there) for each in wanted)
    if len(chosen) > MOST_LISTS:
        raise Refused(f"A sign-up can put a person on {MOST_LISTS} lists at most.")
    return tuple(chosen)


def _chosen_list(wanted: str, there: Sequence[ContactList]) -> ListRef:
    found = [each for each in there if each.id == wanted.lower()] or [
        each for each in there if _same(each.name, wanted)
    ]
    if len(found) > 1:
        raise Refused(
            f"{len(found)} lists have the name {wanted!r}. Give the id of one instead:"
            f" {', '.join(each.id for each in found)}."
        )
    if not found:
        raise Refused(
            f"There is no list {wanted!r}. The lists: {in_order(each.name for each in there)}."
        )
    return ListRef(found[0].id, found[0].name)


def chosen_fields(wanted: Sequence[str], there: Sequence[CustomField]) -> tuple[CustomField, ...]:
    """Return the wanted custom fields. Each is given by its id, name or label, in any case."""
    chosen = dict.fromkeys(_chosen_field(each, there) for each in wanted)
    if len(chosen) > MOST_FIELDS:
        raise Refused(f"A sign-up can have {MOST_FIELDS} custom fields at most.")
    return tuple(chosen)


def _chosen_field(wanted: str, there: Sequence[CustomField]) -> CustomField:
    for field in there:
        if field.id == wanted.lower() or _same(field.name, wanted) or _same(field.label, wanted):
            return field
    raise Refused(
        f"There is no custom field {wanted!r}. The fields: {in_order(each.name for each in there)}."
    )


def chosen_sources(wanted: Sequence[str], there: Sequence[CustomField]) -> tuple[SourceField, ...]:
    """Return the sources, each given as ``source=FIELD``, with the field's id, name or label."""
    chosen = tuple(
        SourceField(source, _chosen_field(field, there))
        for source, field in map(source_and_field, wanted)
    )
    for what, names in (
        ("source", [each.source for each in chosen]),
        ("custom field", [each.field.name for each in chosen]),
    ):
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise Refused(f"The {what} {twice[0]} is there twice. Name each once.")
    return chosen


def source_and_field(given: str) -> tuple[str, str]:
    """Return both parts of ``source=FIELD``."""
    source, _, field = map(str.strip, given.partition("="))
    if source.lower() not in SOURCES or not field:
        raise Refused(
            f"{given!r} is not a source and a custom field, such as utm_campaign=Campaign. The"
            f" sources: {', '.join(SOURCES)}."
        )
    return source.lower(), field


def _same(name: str, wanted: str) -> bool:
    return name.strip().casefold() == wanted.strip().casefold()


def in_order(names: Iterable[str]) -> str:
    """Return the names in alphabetical order, or "none"."""
    return ", ".join(sorted(names, key=str.casefold)) or "none"
