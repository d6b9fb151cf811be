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
    cards = account_tools().cards.all()
    return render_template(
        "console/overview.html",
        cards=cards,
        figures=figures,
        advice={
            card.account.name: list(on_account(card.account.name, card.holds, card))
            for card in cards
        },
        pulse=operations.pulse(),
        used=account_tools().cards.ledger.used_today(settings.client_id),
        allowed=settings.requests_per_day,
        alert_services=alert_tests().names,
    )
