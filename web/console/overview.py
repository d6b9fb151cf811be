"""``/console/``: every account with its figures, and which processes are alive."""

from flask import render_template
from flask.typing import ResponseReturnValue

from shared.accounts.advice import for_account, in_trouble_first
from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.alert_services import ALERTS_OFF
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs
from web.services import services


@bp.get("/")
@needs(Role.VIEWER)
def overview() -> ResponseReturnValue:
    """Show all accounts."""
    found = services()
    summaries = in_trouble_first(found.accounts.summaries.all())
    return render_template(
        "console/overview.html",
        refuses_sign_ups=_why_sign_ups_are_refused(),
        summaries=summaries,
        figures=found.operations.status.figures(),
        advice={
            summary.account.name: list(for_account(summary.account.name, summary.holds, summary))
            for summary in summaries
        },
        pulse=found.operations.status.pulse(),
        used=found.accounts.summaries.ledger.pace.used_today(found.settings.client_id),
        allowed=found.settings.requests_per_day,
        alert_services=[service.name for service in found.alert_services],
        alerts_off=ALERTS_OFF,
    )


def _why_sign_ups_are_refused() -> str | None:
    """Return why Redis would take no sign-up now, though it answers, such as a full memory."""
    found = services()
    try:
        found.deadlines.start().ask(found.check_ledger)
    except LedgerUnavailable as error:
        return str(error.problem)
    except Refused as error:
        return str(error)
    return None
