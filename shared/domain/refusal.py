"""A refusal: a sign-up that a form did not take, or a page that may not show the form. Refusals are
counted for each form by their code, and the last ones are kept without personal data."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.errors import FieldError

# How `client` names what visits pages by itself, such as search engines.
BOT = "bot"
BROWSERS = frozenset({"Chrome", "Edge", "Firefox", "Opera", "Safari", "Samsung Internet"})


class RefusalCode(StrEnum):
    """Why a form refused a request. A request with several wrong fields counts for the first."""

    ORIGIN = "origin"  #: the page that posted is not on one of the form's origins
    NOT_SHOWN = "not_shown"  #: no sign-up: a page on no such origin wanted to show the form
    MALFORMED = "malformed"  #: the body cannot be read
    TOO_LARGE = "too_large"  #: the body is too large
    UNSUPPORTED = "unsupported"  #: the body's content type is not supported
    RATE_LIMITED = "rate_limited"  #: too many sign-ups or refused requests came from one network
    DISABLED = "disabled"  #: an operator has closed the form
    UNAVAILABLE = "unavailable"  #: the sign-up could not be stored
    REQUIRED = "required"  #: a field is missing or empty
    INVALID = "invalid"  #: a field, or the Idempotency-Key, is wrong
    TOO_LONG = "too_long"  #: a field is too long
    UNKNOWN_LIST = "unknown_list"  #: the form has no list of this name


_BY_STATUS = {
    400: RefusalCode.MALFORMED,
    403: RefusalCode.ORIGIN,
    410: RefusalCode.DISABLED,
    413: RefusalCode.TOO_LARGE,
    415: RefusalCode.UNSUPPORTED,
    422: RefusalCode.INVALID,
    429: RefusalCode.RATE_LIMITED,
}
# An operator ends both by adding the origin to the form's.
OF_WEBSITES = (RefusalCode.ORIGIN, RefusalCode.NOT_SHOWN)
# Neither says that anything is wrong with the form: the next minute, or an operator, ends it.
NO_FAULT_OF_THE_FORM = (RefusalCode.RATE_LIMITED, RefusalCode.DISABLED)


def code_for(status: int, errors: Sequence[FieldError]) -> RefusalCode:
    """Return the code of the answer with this HTTP status and these field errors."""
    if errors and errors[0].code in list(RefusalCode):
        return RefusalCode(errors[0].code)
    return _BY_STATUS.get(status, RefusalCode.UNAVAILABLE)


# What somebody who typed it can type again.
_TYPED = frozenset({RefusalCode.REQUIRED, RefusalCode.INVALID, RefusalCode.TOO_LONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongField:
    """A field that was refused, by the name that the form has for it, and why. `arrived` says that
    a posted field means it, so the page has an input for it."""

    field: str
    code: RefusalCode
    arrived: bool

    @property
    def visitor_can_mend(self) -> bool:
        """Whether the visitor can mend it by typing again."""
        return self.arrived and self.code in _TYPED


def wrong_fields(errors: Iterable[FieldError], arrived: Callable[[str], bool]) -> list[WrongField]:
    """Return the fields with these errors, each once; `arrived` tells whether a field did."""
    known = (each for each in errors if each.code in list(RefusalCode))
    found = {(each.field, RefusalCode(each.code)): None for each in known}
    return [WrongField(field=field, code=code, arrived=arrived(field)) for field, code in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request was refused, and what it was, without personal data.

    `fields` are names of posted fields (`plain_names`), empty where the body was not read. `wrong`
    are those that were refused; empty if it was for something else, or an older version kept it.
    `origin` is the scheme and host of the website's page; None if it is unknown. `hosted` says that
    our own page posted, which the website may frame or link to. `from_several` says that visitors
    of several networks have sent the origin. `client` is the kind of browser or tool.
    """

    code: RefusalCode
    fields: tuple[str, ...]
    origin: str | None
    client: str
    from_several: bool = False
    wrong: tuple[WrongField, ...] = ()
    hosted: bool = False

    @property
    def visitor_can_mend(self) -> bool:
        """Whether typing again mends all that was wrong. Otherwise only the form's owner can."""
        return bool(self.wrong) and all(each.visitor_can_mend for each in self.wrong)

    @property
    def is_a_fault(self) -> bool:
        """Whether it may mean a fault that no visitor can mend."""
        return self.may_be_a_fault and not self.visitor_can_mend

    @property
    def may_be_a_fault(self) -> bool:
        """Whether it may mean that the form, or the page with it, is broken.

        Every browser says from which page it posts, if only "null". What calls itself a browser
        and does not is a robot. What visitors mend counts, too: maybe none of them can.
        """
        said_page = self.hosted or self.origin is not None
        is_robot = self.client == BOT or (self.client in BROWSERS and not said_page)
        return not is_robot and self.code not in NO_FAULT_OF_THE_FORM


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRefusal:
    """One of a form's last refusals."""

    at: datetime
    refusal: Refusal
