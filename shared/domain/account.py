"""An account at Constant Contact, as we know it, and the holds that can stop its deliveries."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.domain.errors import NoSuchAccount, Refused
from shared.domain.moments import read_moment

# What accounts and forms may be called: fit for addresses, for Redis keys and for typing.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def check_name(name: str, whose: str = "an account's") -> None:
    """Raise `Refused` unless `name` can be such a name."""
    if not NAME.fullmatch(name):
        raise Refused(
            f"{name!r} cannot be {whose} name: at most 40 letters of a to z, digits, and . - _,"
            " the first of them a letter or digit."
        )


def told_name(name: str) -> str:
    """Return a name as an error repeats it. A link may have any text in its place, and no page of
    ours says that."""
    return repr(name) if NAME.fullmatch(name) else "of this name"


def unknown_account(name: str, known: Iterable[str]) -> NoSuchAccount:
    """Return the error for a name that no account has; `known` are the names that there are."""
    names, called = ", ".join(known), told_name(name)
    if names:
        return NoSuchAccount(f"There is no account {called}. Known accounts: {names}.")
    example = name if NAME.fullmatch(name) else "NAME"
    return NoSuchAccount(
        f"There is no account {called} yet. Connect it with: relay connect {example}"
    )


class HoldReason(StrEnum):
    """Why an account's (or API key's) deliveries wait. None of these is a sign-up's fault.

    The gravest first: that is the one shown where there is room for only one.
    """

    RECONNECT = "reconnect"  #: no working token is available; often a person must log in again
    FORBIDDEN = "forbidden"  #: the login that connected it may not write contacts
    PAUSED = "paused"  #: an operator paused it
    OUTAGE = "outage"  #: sign-ups fail at Constant Contact, one after the other
    QUOTA = "quota"  #: the API key's calls of this day are spent

    @property
    def is_harmless(self) -> bool:
        """Whether nobody needs to act: an operator wants it, or it ends at a known time."""
        return self in (HoldReason.PAUSED, HoldReason.QUOTA)

    @property
    def ends_by_itself(self) -> bool:
        """Whether nobody here can do more than wait: it ends when Constant Contact lets it."""
        return self in (HoldReason.OUTAGE, HoldReason.QUOTA)


# `Hold.by` of a hold `quota` that the API asked for. Our own count had requests left.
COUNTED_BY_API = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One reason to wait. `until` and `probe_at` are None where only its cause ends it.
    `refused_at` is when its cause was last seen, at first when it began; None if an older version
    began it.
    """

    reason: HoldReason
    since: datetime
    until: datetime | None = None
    probe_at: datetime | None = None
    refused_at: datetime | None = None
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An operator's release of an account's `holds`. By then, `delivered` of its sign-ups were
    delivered in all, and `dead` had failed."""

    at: datetime
    by: str
    holds: tuple[HoldReason, ...]
    delivered: int
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose lists the sign-ups go to. `encoded_account_id` is Constant Contact's own key.

    `login` is who logged in at Constant Contact, as far as its token tells; `connected_by` who
    of ours asked for it. After `disconnected_at` it has no tokens; its ledger stays.
    """

    name: str
    client_id: str
    organization: str | None = None
    contact_email: str | None = field(default=None, repr=False)
    encoded_account_id: str | None = None
    connected_at: str | None = None
    connected_by: str | None = None
    login: str | None = field(default=None, repr=False)
    disconnected_at: str | None = None

    @property
    def called(self) -> str:
        """What people call it: the organization, or our name for it."""
        return self.organization or self.name

    @property
    def identity(self) -> str | None:
        """What tells it from other accounts at Constant Contact: its id there, else the login."""
        return self.encoded_account_id or self.login

    def is_same_as(self, other: "Account") -> bool:
        """Whether both stand for one account at Constant Contact, as far as is known.

        A login belongs to one account. It decides where a login may not read the account's id.
        """
        if self.encoded_account_id and other.encoded_account_id:
            return self.encoded_account_id == other.encoded_account_id
        return self.login is not None and self.login == other.login

    def may_become(self, other: "Account") -> bool:
        """Whether `other` may take this name unasked: it is the same account, or nobody knows which
        account this one is. A login that may not read the account's id cannot show that it is."""
        if self.encoded_account_id:
            return self.encoded_account_id == other.encoded_account_id
        return self.login in (None, other.login)

    def other_names(self, accounts: Iterable["Account"]) -> list["Account"]:
        """Return those of `accounts` that are connected to the same account at Constant Contact."""
        return [
            each
            for each in accounts
            if each.name != self.name and not each.disconnected_at and each.is_same_as(self)
        ]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Account":
        """Return the account that `to_dict` described; other keys are ignored."""
        known = {key: value for key, value in stored.items() if key in cls.__dataclass_fields__}
        for each in ("connected_at", "disconnected_at"):
            if known.get(each):
                read_moment(known[each])  # raises for what is no time
        return cls(**known)
