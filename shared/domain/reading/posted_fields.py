"""Sorting posted fields: which of them are sent, and as what.

There are three kinds of names:

- a field of the contact or one of the form's custom fields: checked, and sent;
- an instruction to us, such as ``_lists``: not kept;
- any other name: kept with the sign-up as `other`, not sent, and shown to the operator.

In a nested document, the object with the e-mail address is the person. Names outside of it count
only where they can mean nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from shared.domain.fields import EMAIL, FIELDS, Field
from shared.domain.form import CustomField, Form
from shared.domain.reading import meanings
from shared.domain.reading.check_boxes import is_no, is_nothing, is_yes, without_unticked
from shared.domain.reading.combining import combine_parts
from shared.domain.reading.values import (
    clean_name,
    clean_text,
    looks_like_address,
    plain_address,
)
from shared.domain.remembering import remembered

LISTS = "_lists"
SHOWN_AT = "_t"
CONSENT_SHOWN = "_consent"
LANGUAGE = "_language"
# What ALTCHA's widget calls its proof of work.
SOLUTION = "altcha"
# Posted by our page that has asked for the proof of work: it does not ask twice.
ASKED = "_asked"
# What a request can tell us besides its fields. Those in the second line are set by browsers, and
# by our pages and snippets.
INSTRUCTIONS = frozenset(
    {"_next", "_gotcha", LISTS}
    | {"_page", "_referrer", "_charset_", SHOWN_AT, CONSENT_SHOWN, LANGUAGE, SOLUTION, ASKED}
)

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

_PLACES = {field.name: place for place, field in enumerate(FIELDS)}

# Of each field. Cleaning a value can cost a millisecond, and a robot may post thousands for one.
MOST_TRIED = 10

# Of the names in a body. A robot may post eight thousand, each of which costs 20 µs.
MOST_READ = 500

# A page with more fields is sorted anew each time.
_MOST_USUAL = 30

_OLD_LABELS = ("_name--", "_label--")

Values = list[str]


@dataclass(slots=True, kw_only=True)  # a frozen one takes three times as long to make
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
    values of a custom field, such as a group of check boxes, are joined. Names after the first
    `MOST_READ` mean nothing, so theirs go to `other`, too.
    """
    if len(posted) > MOST_READ:
        sorted_ones = sort_fields(dict(islice(posted.items(), MOST_READ)), form)
        sorted_ones.other |= dict(_unread(posted))
        return sorted_ones
    names = [_name(name) for name in posted]
    given = _given(posted, names, form)
    names_address = any(name.is_address for name in names)
    only = None if names_address else _only_address(given)
    sorting = _Sorting(form)
    for name, meaning in _in_order(tuple(given), only, names_address):
        sorting.take(name, given[name], meaning)
    return sorting.result(given, names_address=names_address)


def _unread(posted: Mapping[str, Values]) -> Iterator[tuple[str, str | Values]]:
    """Yield what comes after the first `MOST_READ` names, without instructions and empty values."""
    for name, values in islice(posted.items(), MOST_READ, None):
        given = list(filter(None, map(clean_text, values)))
        if given and not name.startswith("_"):
            yield name, given[0] if len(given) == 1 else given


def was_known_before(parts: Iterable[str]) -> bool:
    """Whether one of these parts of a name says that the page knew the value before."""
    return any(part.lower() in _KNOWN_BEFORE for part in parts)


def instruction(posted: Mapping[str, Values], wanted: str) -> Values:
    """Return the trimmed values posted for an instruction, such as ``_next``."""
    return [
        value.strip()
        for name, given in posted.items()
        if name.startswith("_") and _instruction_key(name) == wanted
        for value in given
    ]


class _Name:
    """What a posted name says, whatever its values are. Pages post the same few again and again.

    The meaning goes by `called`, which is another name in Constant Contact's old forms. `effort`
    says how far the name had to be simplified. `known_before` says that the page knew the value.
    """

    def __init__(self, posted: str, called: str) -> None:
        meaning, self.effort = meanings.meaning_of(called) or (None, 0)
        self.posted = posted
        self.called = called
        self.path = meanings.path_of(called)
        self.last = self.path[-1] if self.path else ""
        self.known_before = was_known_before(self.path[:-1])
        self.is_address = meaning is EMAIL and not self.known_before
        self.is_instruction = _instruction_key(posted) in INSTRUCTIONS
        if posted.startswith(IN_ADDRESS) or (posted.startswith("_") and meaning is not EMAIL):
            meaning = None  # no field begins so, but the `_replyto` of Formspree's users
        self.meaning = meaning

    @cached_property
    def key(self) -> str:
        """The key of the last part."""
        return meanings.match_key(self.last)

    @cached_property
    def custom_keys(self) -> tuple[str, ...]:
        """By what a custom field may be called: the whole name, its last part, or its group."""
        _, _, in_brackets = self.called.rpartition("[")
        names = dict.fromkeys((self.called, in_brackets, *reversed(self.path[-2:])))
        return tuple(map(meanings.match_key, names))

    def rank(self, person: tuple[str, ...]) -> tuple[bool, bool, int, int]:
        """Sorts the name that a page means most before others of the same meaning."""
        return self.known_before, self._is_outside(person), len(self.path), self.effort

    def meaning_for(self, person: tuple[str, ...]) -> meanings.Meaning | None:
        meaning = self.meaning.name if isinstance(self.meaning, Field) else self.meaning
        return None if self._is_outside(person) and meaning in _VAGUE else self.meaning

    def _is_outside(self, person: tuple[str, ...]) -> bool:
        return self.path[: len(person)] != person


Given = dict[_Name, Values]
Order = tuple[tuple[_Name, meanings.Meaning | None], ...]


@remembered(longest=meanings.LONGEST_USUAL, most=4096)
def _name(posted: str) -> _Name:
    return _Name(posted, posted)


class _Sorting:
    """Collects what each name gives. Of several for one field, the first name taken counts."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._custom_by_key = form.custom_by_key
        self._fields: dict[str, str] = {}
        self._typed: dict[str, str] = {}
        self._tried: dict[str, int] = {}  # a Counter takes as long to make as all else here
        self._custom: dict[str, Values] = {}
        self._parts: dict[str, tuple[_Name, str]] = {}  # name and value by meaning
        self._consent: tuple[str, ...] = ()
        self._consent_path: tuple[str, ...] | None = None
        self._lists: tuple[str, ...] = ()
        self._left: dict[_Name, Values] = {}
        self._name_is_last = False

    def take(self, name: _Name, given: Values, meaning: meanings.Meaning | None) -> None:
        custom = None
        if self._custom_by_key and meaning is not EMAIL:
            custom = self._custom_of(name)
        if custom:
            left = self._take_custom(custom, name, given)
        elif isinstance(meaning, Field):
            self._name_is_last |= name.key in meanings.FIRST_BESIDE_NAME
            left = self._take_field(meaning, given)
        elif meaning == meanings.CONSENT:
            left = self._take_consent(name, given)
        elif meaning == meanings.LIST_CHOICE:
            left = self._take_lists(given)
        elif meaning is not None and meaning not in self._parts:
            left = self._take_part(meaning, name, given)
        else:
            left = given
        self._left[name] = left

    def result(self, names: Iterable[_Name], *, names_address: bool) -> SortedFields:
        self._combine()
        texts = {
            name.posted: list(map(clean_text, left)) for name in names if (left := self._left[name])
        }
        return SortedFields(
            fields={
                name: self._fields[name] for name in sorted(self._fields, key=_PLACES.__getitem__)
            },
            custom={id: ", ".join(given) for id, given in self._custom.items()},
            other={name: left[0] if len(left) == 1 else left for name, left in texts.items()},
            consent=self._consent,
            lists=self._lists,
            typed=self._typed,
            names_address=names_address,
        )

    def _custom_of(self, name: _Name) -> CustomField | None:
        return next(filter(None, map(self._custom_by_key.get, name.custom_keys)), None)

    def _take_custom(self, custom: CustomField, name: _Name, given: Values) -> Values:
        usable = [value for value in given if not is_nothing(value)]
        if self._is_box(custom, name):
            chosen = [name.last if is_yes(value) else value for value in usable if not is_no(value)]
        else:
            chosen = without_unticked(usable)
        if chosen:
            self._custom.setdefault(custom.id, []).extend(map(clean_text, chosen))
        return [value for value in given if is_nothing(value) or not chosen]

    def _is_box(self, custom: CustomField, name: _Name) -> bool:
        """Whether it is a box of a group: `interests[bread]=1` ticks "bread" of "interests"."""
        groups = map(meanings.match_key, name.path[-2:-1])
        is_in_group = any(self._custom_by_key.get(group) is custom for group in groups)
        return is_in_group and name.key not in self._custom_by_key

    def _take_field(self, wanted: Field, given: Values) -> Values:
        tried_before = self._tried.get(wanted.name, 0)
        tried = given[: MOST_TRIED - tried_before]
        self._tried[wanted.name] = tried_before + len(tried)
        cleaned = {value: wanted.clean(value) for value in tried}
        usable = [value for value in tried if not is_nothing(value) and wanted.may_be(value)]
        if wanted is EMAIL and len(usable) > 1:  # of a list of answers, the one that is an address
            usable.sort(key=lambda value: not looks_like_address(cleaned[value]))
        if usable and wanted.name not in self._fields:
            typed = usable[0]
            self._fields[wanted.name] = cleaned[typed]
            if cleaned[typed] != typed.strip():
                self._typed[wanted.name] = typed.strip()
        taken = self._fields.get(wanted.name)
        return [value for value in given if value not in cleaned or cleaned[value] != taken]

    def _take_consent(self, name: _Name, given: Values) -> Values:
        self._consent_path = self._consent_path or name.path
        if name.path != self._consent_path:  # another box
            return given
        self._consent += tuple(value.strip() for value in given)
        # A page may have a box that its form does not ask for.
        return given if self._form.consent_box == "none" else []

    def _take_lists(self, given: Values) -> Values:
        known = self._form.list_ids
        chosen = [value for value in given if value.strip().lower() in known]
        self._lists += tuple(value.strip() for value in chosen)
        return [value for value in given if value not in chosen]

    def _take_part(self, meaning: str, name: _Name, given: Values) -> Values:
        usable = [value for value in given if not is_nothing(value)]
        if usable:
            self._parts[meaning] = (name, usable[0])
        return given  # until it is used

    def _combine(self) -> None:
        if not self._parts:
            return
        parts = {meaning: clean_name(typed) for meaning, (_, typed) in self._parts.items()}
        for meaning in combine_parts(self._fields, parts, name_is_last=self._name_is_last):
            name, typed = self._parts[meaning]
            if typed.strip() not in " ".join(self._fields.values()):  # a birthday with its year
                self._typed[name.posted] = typed.strip()
            self._left[name] = [value for value in self._left[name] if value != typed]


def _in_order(names: tuple[_Name, ...], only: _Name | None, names_address: bool) -> Order:
    """Return the names as they are taken, with what each means beside the others.

    Pages post the same names together again and again.
    """
    order = _usual_order if len(names) <= _MOST_USUAL else _order
    return order(names, only, names_address)


def _order(names: tuple[_Name, ...], only: _Name | None, names_address: bool) -> Order:
    address = only or _address_name(names, names_address=names_address)
    person = address.path[:-1] if address else ()
    ordered = sorted(names, key=lambda each: (each is not address, *each.rank(person)))
    found = ((each, each.meaning_for(person)) for each in ordered)
    return tuple(
        (each, EMAIL if each is address else meaning if address or meaning is not EMAIL else None)
        for each, meaning in found
    )


_usual_order = lru_cache(maxsize=256)(_order)


def _address_name(names: Iterable[_Name], *, names_address: bool) -> _Name | None:
    """Return the name of the person's address."""
    named = [name for name in names if name.meaning is EMAIL]
    typed = [name for name in named if not name.known_before]
    candidates = typed if names_address else named
    return min(candidates, key=lambda each: each.rank(()), default=None)


def _only_address(given: Given) -> _Name | None:
    """Return the name with the only address that was typed under a name that says nothing."""
    found = {
        address.casefold(): name
        for name, values in reversed(given.items())
        if name.meaning is None and not name.known_before
        for value in values
        if looks_like_address(address := plain_address(value)) and not _is_for_others(name)
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _is_for_others(name: _Name) -> bool:
    return not _NOT_THE_VISITORS.isdisjoint(name.posted.lower().replace("-", "_").split("_"))


def _given(posted: Mapping[str, Values], names: Iterable[_Name], form: Form) -> Given:
    """Return each name that is no instruction, with its values that are not empty."""
    called = dict(_called(posted, form.custom_by_key)) if form.custom_fields else {}
    labels = {name.replace("_value--", kind) for name in called for kind in _OLD_LABELS}
    return {
        _Name(name.posted, called[name.posted]) if name.posted in called else name: given
        for name, values in zip(names, posted.values(), strict=True)
        if name.posted not in labels and not name.is_instruction
        if (given := list(filter(clean_text, values)))
    }


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


def _instruction_key(name: str) -> str:
    return name.lower().removesuffix("[]")
