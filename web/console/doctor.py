"""``/console/doctor``: every check of the installation and its accounts, each with what to do."""

from datetime import timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.doctor.doctor import summary
from shared.domain.check import CheckKind, most_urgent_first
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs
from web.services import services

# Checking Redis, which comes first, may take three seconds more.
WITHIN = timedelta(seconds=7)


@bp.get("/doctor")
@needs(Role.VIEWER)
def doctor() -> ResponseReturnValue:
    """Run all checks now, or with ``?account=NAME`` those of the named accounts only.

    ``?deploy=1`` adds what running in public needs.
    """
    found, names = services(), request.args.getlist("account")
    deploy = request.args.get("deploy") == "1"
    again = url_for("console.doctor", account=names, deploy=1 if deploy else None)
    checks = found.examinations.run(
        lambda: found.doctor.examine(names, deploy=deploy, within=WITHIN)
    )
    if checks is None:
        return render_template("console/doctor.html", again=again), 503
    sorted_checks = most_urgent_first(checks)
    return render_template(
        "console/doctor.html",
        findings=[check for check in sorted_checks if check.kind != CheckKind.OK],
        passes=[check for check in sorted_checks if check.kind == CheckKind.OK],
        problems=any(check.kind == CheckKind.PROBLEM for check in checks),
        accounts=sorted({check.account for check in checks if check.account}),
        summary=summary(checks),
        again=again,
        only_some=bool(names),
        deploy=deploy,
    )
