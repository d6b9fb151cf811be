"""Sorting posted fields: which of them are sent, and as what.

There are three kinds of names:

- a field of the contact or one of the form's custom fields: checked, and sent;
- an instruction to us, such as ``_lists``: not kept;
- any other name: kept with the sign-up as `other`, not sent, and shown to the operator.

In a nested document, the object with the e-mail address is the person. Names outside of it count
only where they can mean nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.fields import EMAIL, FIELDS, Field
from shared.domain.form import CustomField, Form
from shared.domain.reading import meanings
from shared.domain.reading.check_boxes import is_no, is_nothing, is_yes, without_unticked
from shared.domain.reading.combining import combine_parts
from shared.domain.reading.values import (
    clean_address,
    clean_name,
    clean_text,
    looks_like_address,
)

LISTS = "_lists"
# What a request can tell us besides its fields. `_page` and `_charset_` are set by browsers and by
# our own pages.
INSTRUCTIONS = frozenset({"_next", "_gotcha", LISTS, "_page", "_charset_"})

# Addresses under such names are not the visitor's: old form mailers post them.
_NOT_THE_VISITORS = {
    *("to", "cc", "bcc", "from", "sender", "recipient", "admin", "owner", "webmaster", "site"),
}
# What a page knew before anybody typed: from hidden inputs, and from its own address.
HIDDEN = "hidden"
_KNOWN_BEFORE = {HIDDEN, "urlparameters", "url_parameters", "url_params", "query", "utm"}
# Fields in the form's own address, beside a body, get names that begin so. They are kept, not sent.
IN_ADDRESS = "query["
# Outside the person's object, these words may mean the form, the site or the shop.
_VAGUE = frozenset({meanings.FULL_NAME, "company_name", "street", "city", "state", "country"})

_OLD_LABELS = ("_name--", "_label--")

Values = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedFields:
    """Posted fields by purpose: the contact's by `Field.name`, custom ones by id.

    `typed` has what was typed where that differs from what is sent, by the same names. `consent`
    has the values of the consent box. `lists` is a choice of lists under a name of the website's
    own. `names_address` says whether any name means the e-mail address, even one left empty.
    """

    fields: dict[str, str]
    custom: dict[str, str]
    other: dict[str, str | Values]
    consent: tuple[str, ...]
    lists: tuple[str, ...]
    typed: dict[str, str]
    names_address: bool


def sort_fields(posted: Mapping[str, Values], form: Form) -> SortedFields:
    """Return `posted` sorted by purpose. Values are cleaned and unchecked; empty ones are left out.

    If a contact's field has several values, the first counts and the others go to `other`. The
    values of a custom field, such as a group of check boxes, are joined.
    """
    custom = _custom_by_key(form.custom_fields)
    entries = _entries(posted, custom)
    names_address = any(_names_address(name) for name in posted)
    address = _address_entry(entries, names_address=names_address)
    person = address.path[:-1] if address else ()
    sorting = _Sorting(form, custom)
    for entry in sorted(entries, key=lambda each: (each is not address, *each.rank(person))):
        meaning = EMAIL if entry is address else entry.meaning_for(person)
        sorting.take(entry, meaning if address or meaning is not EMAIL else None)
    return sorting.result(entries, names_address=names_address)


def was_known_before(parts: Iterable[str]) -> bool:
    """Whether one of these parts of a name says that the page knew the value before."""
    return any(part.lower() in _KNOWN_BEFORE for part in parts)


def instruction(posted: Mapping[str, Values], wanted: str) -> Values:
    """Return the trimmed values posted for an instruction, such as ``_next``."""
    return [
        value.strip()
        for name, given in posted.items()
        if _instruction_key(name) == wanted
        for value in given
    ]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A posted name with its values, and what the page means by it.

    `name` is what was posted. The meaning goes by `called`, which is another name in Constant
    Contact's old forms. `effort` says how far the name had to be simplified.
    """

    name: str
    called: str
    values: Values
    path: tuple[str, ...]
    meaning: meanings.Meaning | None
    effort: int

    @classmethod
    def of(cls, name: str, called: str, given: Values) -> "_Entry":
        meaning, effort = meanings.meaning_of(called) or (None, 0)
        if name.startswith(IN_ADDRESS) or (name.startswith("_") and meaning is not EMAIL):
            meaning = None  # no field begins so, but the `_replyto` of Formspree's users
        return cls(name, called, given, meanings.path_of(called), meaning, effort)

    @property
    def last(self) -> str:
        """The last part of the name; empty if it has no name."""
        return "".join(self.path[-1:])

    @property
    def known_before(self) -> bool:
        return was_known_before(self.path[:-1])

    def rank(self, person: tuple[str, ...]) -> tuple[bool, bool, int, int]:
        """Sorts the entry that a page means most before others of the same meaning."""
        return self.known_before, self._outside(person), len(self.path), self.effort

    def meaning_for(self, person: tuple[str, ...]) -> meanings.Meaning | None:
        meaning = self.meaning.name if isinstance(self.meaning, Field) else self.meaning
        return None if self._outside(person) and meaning in _VAGUE else self.meaning

    def _outside(self, person: tuple[str, ...]) -> bool:
        return self.path[: len(person)] != person


class _Sorting:
    """Collects what each entry gives. Of several for one field, the first entry taken counts."""

    def __init__(self, form: Form, custom: Mapping[str, CustomField]) -> None:
        self._custom_by_key = custom
        self._has_box = form.consent_box != "none"
        self._list_names = {name.lower() for ref in form.lists for name in (ref.name, ref.id)}
        self._fields: dict[str, str] = {}
        self._typed: dict[str, str] = {}
        self._custom: dict[str, Values] = {}
        self._parts: dict[str, tuple[str, str]] = {}  # name and value by meaning
        self._consent: tuple[str, ...] = ()
        self._consent_path: tuple[str, ...] | None = None
        self._lists: tuple[str, ...] = ()
        self._left: dict[str, Values] = {}
        self._name_is_last = False

    def take(self, entry: _Entry, meaning: meanings.Meaning | None) -> None:
        custom = None if meaning is EMAIL else self._custom_of(entry)
        if custom:
            left = self._take_custom(custom, entry)
        elif isinstance(meaning, Field):
            self._name_is_last |= meanings.match_key(entry.last) in meanings.FIRST_BESIDE_NAME
            left = self._take_field(meaning, entry.values)
        elif meaning == meanings.CONSENT:
            left = self._take_consent(entry)
        elif meaning == meanings.LIST_CHOICE:
            left = self._take_lists(entry.values)
        elif meaning is not None and meaning not in self._parts:
            left = self._take_part(meaning, entry)
        else:
            left = entry.values
        self._left[entry.name] = left

    def result(self, entries: Iterable[_Entry], *, names_address: bool) -> SortedFields:
        self._combine()
        other = {entry.name: self._left[entry.name] for entry in entries}
        texts = {name: [clean_text(each) for each in left] for name, left in other.items() if left}
        return SortedFields(
            fields={
                each.name: self._fields[each.name] for each in FIELDS if each.name in self._fields
            },
            custom={id: ", ".join(given) for id, given in self._custom.items()},
            other={name: left[0] if len(left) == 1 else left for name, left in texts.items()},
            consent=self._consent,
            lists=self._lists,
            typed=self._typed,
            names_address=names_address,
        )

    def _custom_of(self, entry: _Entry) -> CustomField | None:
        """Return the custom field: by the whole name, by its last part, or as a group of boxes."""
        if not self._custom_by_key:
            return None
        _, _, in_brackets = entry.called.rpartition("[")
        keys = (entry.called, in_brackets, *reversed(entry.path[-2:]))
        found = (self._custom_by_key.get(meanings.match_key(key)) for key in keys)
        return next(filter(None, found), None)

    def _take_custom(self, custom: CustomField, entry: _Entry) -> Values:
        given = [value for value in entry.values if not is_nothing(value)]
        if self._is_box(custom, entry):
            chosen = [entry.last if is_yes(value) else value for value in given if not is_no(value)]
        else:
            chosen = without_unticked(given)
        if chosen:
            self._custom.setdefault(custom.id, []).extend(map(clean_text, chosen))
        return [value for value in entry.values if is_nothing(value) or not chosen]

    def _is_box(self, custom: CustomField, entry: _Entry) -> bool:
        """Whether it is a box of a group: `interests[bread]=1` ticks "bread" of "interests"."""
        groups = map(meanings.match_key, entry.path[-2:-1])
        is_in_group = any(self._custom_by_key.get(group) is custom for group in groups)
        return is_in_group and meanings.match_key(entry.last) not in self._custom_by_key

    def _take_field(self, wanted: Field, given: Values) -> Values:
        usable = [value for value in given if not is_nothing(value) and wanted.may_be(value)]
        if wanted is EMAIL:  # of a list of answers, the one that is an address
            usable.sort(key=lambda value: not looks_like_address(clean_address(value)))
        if usable and wanted.name not in self._fields:
            self._fields[wanted.name] = wanted.clean(usable[0])
            if self._fields[wanted.name] != usable[0].strip():
                self._typed[wanted.name] = usable[0].strip()
        return [value for value in given if wanted.clean(value) != self._fields.get(wanted.name)]

    def _take_consent(self, entry: _Entry) -> Values:
        self._consent_path = self._consent_path or entry.path
        if not self._has_box or entry.path != self._consent_path:  # another box
            return entry.values
        self._consent += tuple(value.strip() for value in entry.values)
        return []

    def _take_lists(self, given: Values) -> Values:
        chosen = [value for value in given if value.strip().lower() in self._list_names]
        self._lists += tuple(value.strip() for value in chosen)
        return [value for value in given if value not in chosen]

    def _take_part(self, meaning: str, entry: _Entry) -> Values:
        given = [value for value in entry.values if not is_nothing(value)]
        if given:
            self._parts[meaning] = (entry.name, given[0])
        return entry.values  # until it is used

    def _combine(self) -> None:
        parts = {meaning: clean_name(typed) for meaning, (_, typed) in self._parts.items()}
        for meaning in combine_parts(self._fields, parts, name_is_last=self._name_is_last):
            name, typed = self._parts[meaning]
            if typed.strip() not in " ".join(self._fields.values()):  # a birthday with its year
                self._typed[name] = typed.strip()
            self._left[name] = [value for value in self._left[name] if value != typed]


def _address_entry(entries: Sequence[_Entry], *, names_address: bool) -> _Entry | None:
    """Return the entry with the person's address: by its name, or as the only address posted."""
    named = [entry for entry in entries if entry.meaning is EMAIL]
    if not names_address and (only := _only_address(entries)):
        return only
    typed = [entry for entry in named if not entry.known_before]
    candidates = typed if names_address else named
    return min(candidates, key=lambda each: each.rank(()), default=None)


def _names_address(name: str) -> bool:
    """Whether `name` means the e-mail address that the visitor types, even if it was left empty."""
    known_before = was_known_before(meanings.path_of(name)[:-1])
    return not known_before and meanings.find_field(name) is EMAIL


def _only_address(entries: Sequence[_Entry]) -> _Entry | None:
    """Return the entry with the only address that was typed under a name that says nothing."""
    found = {
        clean_address(value).casefold(): entry
        for entry in reversed(entries)
        if entry.meaning is None and not entry.known_before and not _is_for_others(entry)
        for value in entry.values
        if looks_like_address(clean_address(value))
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _is_for_others(entry: _Entry) -> bool:
    return not _NOT_THE_VISITORS.isdisjoint(entry.name.lower().replace("-", "_").split("_"))


def _entries(posted: Mapping[str, Values], custom: Mapping[str, CustomField]) -> list[_Entry]:
    """Return each name that is no instruction, with its values that are not empty."""
    called = dict(_called(posted, custom))
    labels = {name.replace("_value--", kind) for name in called for kind in _OLD_LABELS}
    return [
        _Entry.of(name, called.get(name, name), given)
        for name, values in posted.items()
        if name not in labels and _instruction_key(name) not in INSTRUCTIONS
        if (given := [value for value in values if clean_text(value)])
    ]


def _called(
    posted: Mapping[str, Values], custom: Mapping[str, CustomField]
) -> Iterator[tuple[str, str]]:
    """Yield the custom fields of Constant Contact's old forms: each posted name and its own name.

    ``cf_text_value--0`` has the value, ``cf_text_name--0`` or ``cf_text_label--0`` the name.
    """
    for name in posted:
        if name.startswith("cf_") and "_value--" in name:
            labels = (posted.get(name.replace("_value--", kind), [""])[0] for kind in _OLD_LABELS)
            if found := next((each for each in labels if meanings.match_key(each) in custom), None):
                yield name, found


def _custom_by_key(custom_fields: Iterable[CustomField]) -> dict[str, CustomField]:
    fields = tuple(custom_fields)
    by_label = {meanings.match_key(custom.label): custom for custom in fields}
    return by_label | {meanings.match_key(custom.name): custom for custom in fields}


def _instruction_key(name: str) -> str:
    return name.lower().removesuffix("[]")
