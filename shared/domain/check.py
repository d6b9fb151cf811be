"""A check: what was looked at, what was found, and the one thing to do where it is not right."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    PROBLEM = "problem"  #: something must be done
    UNKNOWN = "unknown"  #: it could not be looked at, which need not mean anything bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`name` is stable, for scripts; `title`, `found` and `fix` are for people.

    `fix` is the one thing to do, a whole sentence; None where nothing is. `account` is the
    account that was looked at; None for the installation itself.
    """

    name: str
    title: str
    verdict: Verdict
    found: str
    fix: str | None = None
    account: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Check":
        return cls(**{**stored, "verdict": Verdict(stored["verdict"])})


def ok(name: str, title: str, found: str, *, account: str | None = None) -> Check:
    return Check(name=name, title=title, verdict=Verdict.OK, found=found, account=account)


def advice(name: str, title: str, found: str, fix: str, *, account: str | None = None) -> Check:
    """Return a check of what works, and had better be otherwise: `fix` says how."""
    return Check(name=name, title=title, verdict=Verdict.OK, found=found, fix=fix, account=account)


def problem(name: str, title: str, found: str, fix: str, *, account: str | None = None) -> Check:
    return Check(
        name=name, title=title, verdict=Verdict.PROBLEM, found=found, fix=fix, account=account
    )


def unknown(
    name: str, title: str, found: str, fix: str | None = None, *, account: str | None = None
) -> Check:
    return Check(
        name=name, title=title, verdict=Verdict.UNKNOWN, found=found, fix=fix, account=account
    )
