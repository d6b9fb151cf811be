"""A check: what it looked at, what it found, and the one thing to do about a problem."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self


class CheckResult(StrEnum):
    """The result of a check."""

    OK = "ok"
    PROBLEM = "problem"  #: somebody must do something
    UNKNOWN = "unknown"  #: the check could not run, which need not mean anything bad


class CheckKind(StrEnum):
    """How a check is shown: its result, or advice about something that works. The most urgent
    first."""

    PROBLEM = "problem"
    UNKNOWN = "unknown"
    ADVICE = "advice"
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`name` is stable, for scripts; `title`, `found` and `fix` are for people.

    `fix` is the one thing to do, a whole sentence; None if there is nothing to do. `account` is
    the account that was checked; None for the installation itself.
    """

    name: str
    title: str
    verdict: CheckResult
    found: str
    fix: str | None = None
    account: str | None = None

    @property
    def kind(self) -> CheckKind:
        return (
            CheckKind.ADVICE
            if self.verdict == CheckResult.OK and self.fix
            else CheckKind(self.verdict)
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Check":
        return cls(**{**stored, "verdict": CheckResult(stored["verdict"])})


def most_urgent_first(checks: Iterable[Check]) -> list[Check]:
    """Return the checks by their kind; those of one kind stay in their order."""
    return sorted(checks, key=lambda check: list(CheckKind).index(check.kind))


@dataclass(frozen=True, slots=True)
class CheckSubject:
    """What a check looks at: the name, title and account that all its results share."""

    name: str
    title: str
    account: str | None = None

    def of(self, account: str) -> Self:
        """Return the same subject for `account`."""
        return replace(self, account=account)

    def ok(self, found: str) -> Check:
        return self._check(CheckResult.OK, found)

    def advice(self, found: str, fix: str) -> Check:
        """Return a check of something that works but could be better: `fix` says how."""
        return self._check(CheckResult.OK, found, fix)

    def problem(self, found: str, fix: str) -> Check:
        return self._check(CheckResult.PROBLEM, found, fix)

    def unknown(self, found: str, fix: str | None = None) -> Check:
        return self._check(CheckResult.UNKNOWN, found, fix)

    def _check(self, verdict: CheckResult, found: str, fix: str | None = None) -> Check:
        return Check(
            name=self.name,
            title=self.title,
            verdict=verdict,
            found=found,
            fix=fix,
            account=self.account,
        )
