"""``/console/alerts/test``: a test message to every alert service."""

import threading
from collections.abc import Sequence

from flask import current_app, flash, redirect, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from shared.infrastructure.alert_services import Service, make_services, send_test
from shared.infrastructure.settings import Settings
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs, operator_name


class AlertTests:
    """One test at a time: a service that hangs takes a thread that visitors need, too."""

    def __init__(self, services: Sequence[Service], public_url: str) -> None:
        self._services = services
        self._public_url = public_url
        self._busy = threading.Lock()

    @property
    def names(self) -> list[str]:
        """What each service is called, without its address."""
        return [service.name for service in self._services]

    def send(self, by: str) -> dict[str, bool] | None:
        """Return whether each service was told; None while somebody else's test goes on."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            return send_test(self._services, by=by, public_url=self._public_url)
        finally:
            self._busy.release()


@bp.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Make the app's alert services; nothing is sent yet."""
    settings: Settings = state.app.extensions["settings"]
    tests = AlertTests(make_services(settings.alerts), settings.public_url)
    state.app.extensions["alert_tests"] = tests


@bp.post("/alerts/test")
@needs(Role.OPERATOR)
def test_alerts() -> ResponseReturnValue:
    """Send a test message to every alert service now."""
    sent = alert_tests().send(f"from the console: {operator_name()}")
    flash(_outcome(sent))
    return redirect(url_for("console.overview"), 303)


def alert_tests() -> AlertTests:
    tests: AlertTests = current_app.extensions["alert_tests"]
    return tests


def _outcome(sent: dict[str, bool] | None) -> str:
    if sent is None:
        return "Somebody else sends a test alert just now. Try again in a few seconds."
    if not sent:
        return "Nobody is told of troubles: web has no RELAY_ALERTS."
    failed = ", ".join(name for name, went in sent.items() if not went)
    if not failed:
        return f"A test alert was sent to: {', '.join(sent)}. Look whether it arrived."
    return (
        f"No test alert got through to: {failed}. Check the address in RELAY_ALERTS, and whether"
        " this host reaches it; `relay alerts test` says how to see more."
    )
