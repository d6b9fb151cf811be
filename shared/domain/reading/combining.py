"""Fields that pages post in parts: a full name, a birthday, an anniversary, a phone, an address."""

import re
from collections.abc import Iterator, Mapping

from shared.domain.reading import meanings
from shared.domain.reading.dates import read_date, read_month

Parts = Mapping[str, str]  # a part's value by its meaning

_TITLES = {"dr", "prof", "mr", "mrs", "ms", "miss", "herr", "frau", "mme", "sr", "sra"}
# What follows a comma without being a first name.
_TITLES_AFTER_NAMES = {
    *("jr", "sr", "ii", "iii", "iv", "phd", "md", "dds", "esq", "cpa", "rn"),
    *("inc", "llc", "ltd", "co", "gmbh"),
}


def combine_parts(fields: dict[str, str], parts: Parts, *, name_is_last: bool) -> set[str]:
    """Add to `fields` what the `parts` make together; return the meanings that went in whole.

    What a page posted as a field of its own stays as it is. `name_is_last` says that a full name
    beside a first name means the last name.
    """
    combined = dict(_combined(fields, parts, name_is_last))
    used = {meaning for meaning, made in combined.items() if made}
    for made in combined.values():
        fields.update(made)
    return used


def _combined(
    fields: Parts, parts: Parts, name_is_last: bool
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each part's meaning with the fields that it makes; none if it cannot be used."""
    if meanings.FULL_NAME in parts:
        yield meanings.FULL_NAME, _split_name(fields, parts[meanings.FULL_NAME], name_is_last)
    if meanings.STREET_LINE in parts and "street" in fields:
        yield meanings.STREET_LINE, {"street": f"{fields['street']}, {parts[meanings.STREET_LINE]}"}
    if meanings.BIRTHDAY in parts:
        yield meanings.BIRTHDAY, _birthday(fields, parts[meanings.BIRTHDAY])
    area = parts.get(meanings.PHONE_AREA)
    if area and "phone" in fields:
        yield meanings.PHONE_AREA, {"phone": f"{area} {fields['phone']}"}
    for whole, group, make in (
        ("anniversary", meanings.ANNIVERSARY_PARTS, _anniversary),
        ("phone", meanings.PHONE_PARTS, "-".join),
    ):
        if whole not in fields and all(part in parts for part in group):
            made = make([parts[part] for part in group])
            yield from ((part, {whole: made} if made else {}) for part in group)


def _split_name(fields: Parts, full: str, name_is_last: bool) -> dict[str, str]:
    """Return first and last name; beside one of them only the other, if `full` has it."""
    first, last = fields.get("first_name"), fields.get("last_name")
    if first and last:
        return {}
    if last:
        return {"first_name": full.removesuffix(f" {last}")}
    if first:
        rest = full.removeprefix(f"{first} ")
        return {"last_name": rest} if name_is_last or rest != full else {}
    given, family = _turned_around(full) or _at_first_blank(full)
    return {"first_name": given} | ({"last_name": family} if family else {})


def _turned_around(full: str) -> tuple[str, str] | None:
    """Return the parts of ``Lovelace, Ada``; None for ``Ada Lovelace, PhD`` and names in order."""
    last, _, first = map(str.strip, full.partition(","))
    is_title = re.sub(r"\W", "", first).lower() in _TITLES_AFTER_NAMES
    return (first, last) if first and last and "," not in first and not is_title else None


def _at_first_blank(full: str) -> tuple[str, str]:
    first, *rest = full.split()
    if len(rest) > 1 and first.rstrip(".").lower() in _TITLES:
        first = f"{first} {rest.pop(0)}"
    return first, " ".join(rest)


def _birthday(fields: Parts, text: str) -> dict[str, str]:
    if text.isdigit() and "birthday_month" in fields and "birthday_day" not in fields:
        return {"birthday_day": text}  # `birth_day` beside `birth_month`
    found = read_date(text)
    if found is None or "birthday_month" in fields or "birthday_day" in fields:
        return {}
    return {"birthday_month": str(found.month), "birthday_day": str(found.day)}


def _anniversary(parts: list[str]) -> str:
    year, month, day = parts
    found = read_date(f"{year}-{read_month(month) or month}-{day}")
    return found.iso() if found else ""
