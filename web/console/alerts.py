"""``/console/alerts/test``: a test message to every alert service."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from shared.infrastructure.alert_services import ALERTS_OFF
from shared.operations.alert_test import send_test_alert
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs, operator_name
from web.services import services


@bp.post("/alerts/test")
@needs(Role.OPERATOR)
def test_alerts() -> ResponseReturnValue:
    """Send a test message to every alert service now."""
    found, by = services(), f"from the console: {operator_name()}"
    public_url, trail = found.settings.public_url, found.operations.trail
    sent = found.alert_tests.run(
        lambda: send_test_alert(found.alert_services, trail, by=by, public_url=public_url)
    )
    flash(_outcome(sent))
    return redirect(url_for("console.overview"), 303)


def _outcome(sent: dict[str, bool] | None) -> str:
    """Return what to say when each service in `sent` got the message, or not."""
    if sent is None:
        return "Another operator is sending a test alert. Try again in a few seconds."
    if not sent:
        return ALERTS_OFF
    failed = ", ".join(name for name, went in sent.items() if not went)
    if not failed:
        return f"A test alert was sent to: {', '.join(sent)}. Check that it arrived."
    return (
        f"The test alert did not reach: {failed}. Check the address in RELAY_ALERTS, and whether"
        " this host can reach it. `relay alerts test` shows more."
    )
