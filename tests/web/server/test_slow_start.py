"""A web process that starts slowly, as beside many others on a busy machine."""

import threading

import pytest

from shared.infrastructure.settings import Settings
from shared.ledger.stores.fingerprints import Fingerprints, load_fingerprints
from tests.support.web_services import services_of
from web.app import create_app
from web.signup.redis_deadline import VISITOR_WAITS

pytestmark = pytest.mark.impatient


def test_a_slow_start_is_not_taken_for_a_redis_that_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_slowly(*given: object) -> Fingerprints:
        threading.Event().wait(VISITOR_WAITS.total_seconds() + 0.1)
        return load_fingerprints(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("web.app.load_fingerprints", load_slowly)
    services = services_of(create_app(settings))
    assert services.intake.fingerprints.known is not None
    assert services.deadlines.answers()
