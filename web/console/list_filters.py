"""The filters of lists of sign-ups: from what a page sent, and for its links and forms."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.domain.errors import WrongFilter
from shared.domain.moments import typed_moment
from shared.domain.signup import State
from shared.operations.signup_lists import SignupFilter

# These may be in an address. An e-mail address is posted.
_IN_ADDRESSES = ("account", "form", "reason", "group", "words", "since", "until", "settled")


def from_address(given: Mapping[str, str]) -> dict[str, str]:
    """Return what the address of a page asks for. A person is not looked up by it: browsers and
    proxies keep addresses."""
    return {name: value for name, value in given.items() if name != "email"}


def chosen_filter(given: Mapping[str, str], states: frozenset[State]) -> SignupFilter:
    """Return the filter that was asked for. Raises `WrongFilter`."""
    texts = {name: given.get(name, "").strip() or None for name in (*_IN_ADDRESSES, "email")}
    return SignupFilter(
        states=states,
        account=texts["account"],
        form=texts["form"],
        reason=texts["reason"],
        group=texts["group"],
        words=texts["words"],
        email=texts["email"],
        since=_time("since", texts["since"]),
        until=_time("until", texts["until"]),
        settled_since=_time("settled", texts["settled"]),
    )


def kept_filters(given: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that were given, for the fields of a page and for a form."""
    return {name: given[name] for name in (*_IN_ADDRESSES, "email") if given.get(name)}


def in_address(given: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that may be in an address."""
    return {name: given[name] for name in _IN_ADDRESSES if given.get(name)}


def _time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return typed_moment(text)
    except ValueError as error:
        message = "A time looks like 2026-03-01, or 2026-03-01T12:00."
        raise WrongFilter(name, message) from error


def picked(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the account and the id of each row that was picked; leave out what names no row."""
    parts = (value.partition(" ") for value in values)
    return tuple((account, id) for account, space, id in parts if space)
