"""A check: what it looked at, what it found, and the one thing to do about a problem."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    PROBLEM = "problem"  #: somebody must do something
    UNKNOWN = "unknown"  #: the check could not run, which need not mean anything bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`name` is stable, for scripts; `title`, `found` and `fix` are for people.

    `fix` is the one thing to do, a whole sentence; None if there is nothing to do. `account` is
    the account that was checked; None for the installation itself.
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


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check looks at: the name, title and account that all its results share."""

    name: str
    title: str
    account: str | None = None

    def of(self, account: str) -> Self:
        """Return the same subject for `account`."""
        return replace(self, account=account)

    def ok(self, found: str) -> Check:
        return ok(self.name, self.title, found, account=self.account)

    def advice(self, found: str, fix: str) -> Check:
        """Return a check of something that works but could be better: `fix` says how."""
        return replace(self.ok(found), fix=fix)

    def problem(self, found: str, fix: str) -> Check:
        return problem(self.name, self.title, found, fix, account=self.account)

    def unknown(self, found: str, fix: str | None = None) -> Check:
        return unknown(self.name, self.title, found, fix, account=self.account)
