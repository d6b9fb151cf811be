"""``/console/doctor``: every check of the installation and its accounts, each with what to do."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.doctor.doctor import summary
from shared.domain.check import Check, Verdict
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs
from web.services import services

# Checking Redis, which comes first, may take three seconds more.
WITHIN = timedelta(seconds=7)


@bp.get("/doctor")
@needs(Role.VIEWER)
def doctor() -> ResponseReturnValue:
    """Run all checks now, or with ``?account=NAME`` those of the named accounts only."""
    found, names = services(), request.args.getlist("account")
    again = url_for("console.doctor", account=names)
    checks = found.examinations.run(lambda: found.doctor.examine(names, within=WITHIN))
    if checks is None:
        return render_template("console/doctor.html", groups=None, again=again), 503
    return render_template(
        "console/doctor.html",
        groups=grouped(checks),
        summary=summary(checks),
        verdicts={check.verdict for check in checks},
        again=again,
        only_some=bool(names),
    )


def grouped(checks: Sequence[Check]) -> list[tuple[str | None, list[Check]]]:
    """Return the checks by account, the installation's first.

    In each group, and among the accounts, problems come first.
    """
    by_account = [
        (account, sorted(its_checks, key=_rank))
        for account, its_checks in groupby(checks, key=lambda check: check.account)
    ]
    return sorted(by_account, key=lambda group: (group[0] is not None, _rank(group[1][0])))


def _rank(check: Check) -> int:
    return (Verdict.PROBLEM, Verdict.UNKNOWN, Verdict.OK).index(check.verdict)
