"""The console's test alert: who may send it, what it says, and that it holds nobody up."""

import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from flask import Flask

from shared.infrastructure.alert_services import MessageKind, Service
from shared.infrastructure.settings import Settings
from shared.operations.operators import Role
from tests.support.console_browser import SignedIn
from tests.support.web_services import change_services
from tests.support.webhook import Webhook
from web.app import create_app

BUTTON = "Send a test alert"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


@pytest.fixture
def alerting(
    settings_with: Callable[..., Settings], webhook: Webhook, redis_client: "redis.Redis"
) -> Flask:
    """An app whose alerts go to the webhook."""
    return create_app(settings_with(alerts=(webhook.address,)))


def test_an_operator_sends_a_test_alert(alerting: Flask, webhook: Webhook) -> None:
    browser = SignedIn(alerting, Role.OPERATOR, "grace")
    page = browser.get("/console/").text
    assert BUTTON in page and "Alerts go to: json." in page
    assert browser.post("/console/alerts/test").headers["Location"] == "/console/"
    (message,) = webhook.taken
    assert message["type"] == "info"
    assert "from the console: grace" in message["message"]
    page = browser.get("/console/").text
    assert "A test alert was sent to: json." in page
    assert "secret-path" not in page


def test_one_that_does_not_get_out_is_told(alerting: Flask, webhook: Webhook) -> None:
    webhook.status = 500
    browser = SignedIn(alerting)
    browser.post("/console/alerts/test")
    page = browser.get("/console/").text
    assert "The test alert did not reach: json." in page
    assert "secret-path" not in page


def test_a_viewer_sees_where_alerts_go_and_sends_none(alerting: Flask, webhook: Webhook) -> None:
    browser = SignedIn(alerting, Role.VIEWER)
    page = browser.get("/console/").text
    assert BUTTON not in page and "Alerts go to: json." in page
    assert browser.post("/console/alerts/test").status_code == 403
    assert webhook.taken == []


def test_another_sites_page_sends_none(alerting: Flask, webhook: Webhook) -> None:
    browser = SignedIn(alerting)
    assert browser.client.post("/console/alerts/test").status_code == 403
    assert webhook.taken == []


def test_without_a_service_the_setting_is_named(app: Flask) -> None:
    browser = SignedIn(app)
    page = browser.get("/console/").text
    assert BUTTON not in page and "Set RELAY_ALERTS for workers" in page
    browser.post("/console/alerts/test")
    assert browser.get("/console/").text.count("Set RELAY_ALERTS for workers") == 2


class Hanging(Service):
    """A service that sends once it is let to."""

    def __init__(self) -> None:
        self.name = "json"
        self.sending = threading.Event()
        self.may_end = threading.Event()

    def send(self, title: str, body: str, kind: MessageKind) -> bool:
        self.sending.set()
        return self.may_end.wait(30)


def test_while_one_is_being_sent_a_second_is_asked_to_come_back(alerting: Flask) -> None:
    service = Hanging()
    change_services(alerting, alert_services=[service])
    first, second = SignedIn(alerting), SignedIn(alerting, name="another")
    sending = threading.Thread(target=first.post, args=("/console/alerts/test",))
    sending.start()
    try:
        assert service.sending.wait(10)
        second.post("/console/alerts/test")
    finally:
        service.may_end.set()
        sending.join(10)
    assert "Another operator is sending a test alert" in second.get("/console/").text
    assert "A test alert was sent to: json." in first.get("/console/").text
