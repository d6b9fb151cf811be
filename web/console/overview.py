"""``/console/``: every account at a glance, what waits for whom, and who is alive."""

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from shared.accounts.advice import on_account
from shared.infrastructure.settings import Settings
from shared.operations.operations import Operations
from shared.operations.operators import Role
from web.console import bp
from web.console.accounts import account_tools
from web.console.alerts import alert_tests
from web.console.guard import needs


@bp.get("/")
@needs(Role.VIEWER)
def overview() -> ResponseReturnValue:
    """Show all accounts."""
    operations: Operations = current_app.extensions["operations"]
    settings: Settings = current_app.extensions["settings"]
    figures = operations.figures()
    summaries = account_tools().summaries.all()
    return render_template(
        "console/overview.html",
        summaries=summaries,
        figures=figures,
        advice={
            summary.account.name: list(on_account(summary.account.name, summary.holds, summary))
            for summary in summaries
        },
        pulse=operations.pulse(),
        used=account_tools().summaries.ledger.used_today(settings.client_id),
        allowed=settings.requests_per_day,
        alert_services=alert_tests().names,
    )
