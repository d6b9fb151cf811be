"""``/console/doctor``: every check of the installation and its accounts, each with what to do."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Protocol

from flask import current_app, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from shared.doctor.doctor import make_doctor, summary
from shared.domain.check import Check, Verdict
from shared.infrastructure.settings import Settings
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs

# Redis, which is asked before all else, may take three more.
WITHIN = timedelta(seconds=7)


class Examines(Protocol):
    """Looks at the installation and its accounts; `Doctor` does."""

    def examine(
        self, names: Sequence[str] = (), *, refresh: bool = False, within: timedelta
    ) -> list[Check]:
        """Return every check; raises `Refused` for a name that no account has."""


class Examinations:
    """One examination at a time: each spends requests, and a thread that visitors need, too."""

    def __init__(self, doctor: Examines) -> None:
        self._doctor = doctor
        self._busy = threading.Lock()

    def examine(self, names: Sequence[str]) -> list[Check] | None:
        """Return the checks; None while somebody else's examination goes on."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            return self._doctor.examine(names, within=WITHIN)
        finally:
            self._busy.release()


@bp.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Make the app's doctor; nothing is connected yet."""
    settings: Settings = state.app.extensions["settings"]
    state.app.extensions["examinations"] = Examinations(make_doctor(settings))


@bp.get("/doctor")
@needs(Role.VIEWER)
def doctor() -> ResponseReturnValue:
    """Look at everything now, or with ``?account=NAME`` at those accounts only."""
    examinations: Examinations = current_app.extensions["examinations"]
    names = request.args.getlist("account")
    checks = examinations.examine(names)
    if checks is None:
        return render_template("console/doctor.html", groups=None, again=request.full_path), 503
    return render_template(
        "console/doctor.html",
        groups=grouped(checks),
        summary=summary(checks),
        verdicts={check.verdict for check in checks},
        again=request.full_path,
        alone=bool(names),
    )


def grouped(checks: Sequence[Check]) -> list[tuple[str | None, list[Check]]]:
    """Return the checks by account, the installation's first; in each what is wrong comes first,
    and so do accounts with something wrong."""
    by_account = [
        (account, sorted(its_checks, key=_place))
        for account, its_checks in groupby(checks, key=lambda check: check.account)
    ]
    return sorted(by_account, key=lambda group: (group[0] is not None, _place(group[1][0])))


def _place(check: Check) -> int:
    return (Verdict.PROBLEM, Verdict.UNKNOWN, Verdict.OK).index(check.verdict)
