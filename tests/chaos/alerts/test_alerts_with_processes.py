"""Operators are notified when an account stops and when it goes on, by any worker that sees it."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.stack import Stack, eventually
from tests.support.webhook import Webhook

pytestmark = pytest.mark.slow

MakeStack = Callable[..., Stack]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


def test_operators_are_notified_once_of_a_revoked_connection_and_of_its_recovery(
    make_stack: MakeStack, webhook: Webhook
) -> None:
    stack = make_stack(rate=100, RELAY_ALERTS=webhook.address, RELAY_ALERT_AFTER_SECONDS="1")
    stack.open()
    stack.start_workers(2)
    for _ in range(2):
        stack.start("beat")
    stack.sandbox.control(revoke="all")
    held = stack.post(email="ada@example.com", first_name="Ada")
    assert held.status_code == 202

    eventually(lambda: bool(webhook.taken), what="the alert")

    alert = webhook.taken[0]
    assert alert["type"] == "failure"
    assert "acme is on hold" in alert["title"]
    assert "1 sign-up waits" in alert["message"]
    assert f"{stack.url}/console/accounts/acme" in alert["message"]
    (active,) = stack.json("alerts", "list")
    assert active["key"] == "reconnect:acme"
    # Noted by the process that sent it, once the alert service has answered.
    eventually(
        lambda: all(each["told_at"] for each in stack.json("alerts", "list")), what="the note of it"
    )

    stack.connect()

    eventually(lambda: len(webhook.taken) == 2, what="the recovery notice")
    assert webhook.taken[1]["type"] == "success"
    assert webhook.taken[1]["title"] == "acme: the hold `reconnect` has ended"
    eventually(stack.settled, what="delivery")
    assert set(stack.deliveries()) == {"ada@example.com"}
    stack.assert_accounted_for()
    assert stack.account()["delivered"] == 1
    # Two beats and the workers looked three times a second, and notified of each thing once.
    assert [message["type"] for message in webhook.taken] == ["failure", "success"]
    assert stack.json("alerts", "list") == []
    assert "the-secret-path" not in stack.log


def test_beat_tells_that_all_workers_died_and_that_one_lives_again(
    make_stack: MakeStack, webhook: Webhook
) -> None:
    stack = make_stack(
        rate=100,
        RELAY_ALERTS=webhook.address,
        RELAY_ALERT_AFTER_SECONDS="1",
        RELAY_HEARTBEAT_URL=webhook.page,
    )
    stack.open()
    workers = stack.start_workers(2)
    stack.start("beat")
    eventually(lambda: bool(webhook.asked), what="the heartbeat")

    for worker in workers:
        stack.kill(worker)
    assert stack.post(email="ada@example.com", first_name="Ada").status_code == 202
    with stack.valkey.client() as client:  # as if half a minute had passed since
        for name, _ in client.zrange("relay:workers", 0, -1, withscores=True):
            client.zincrby("relay:workers", -31_000, name)

    eventually(lambda: bool(webhook.taken), what="the alert")
    assert webhook.titles == ["No worker is alive, so nothing is delivered"]
    assert "1 sign-up waits" in webhook.taken[0]["message"].lower()

    stack.start_workers(1)
    eventually(lambda: len(webhook.taken) == 2, what="the recovery notice")
    assert webhook.titles[1] == "A worker is alive again"
    eventually(stack.settled, what="delivery")
    stack.assert_accounted_for()
    assert stack.account()["delivered"] == 1
    assert "secret-path" not in stack.log


def test_operators_are_notified_of_a_form_that_refuses_and_of_its_end(
    make_stack: MakeStack, webhook: Webhook
) -> None:
    stack = make_stack(rate=100, RELAY_ALERTS=webhook.address, RELAY_ALERT_AFTER_SECONDS="1")
    stack.open()
    stack.start_workers(1)
    stack.start("beat")
    assert stack.post(email="ada@example.com").status_code == 202
    for _ in range(25):
        assert stack.post(mail_adress="robert", first_name="Bob").status_code == 422

    eventually(lambda: bool(webhook.taken), what="the alert")
    assert webhook.titles == ["news: the form refuses unusually many sign-ups"]
    message = webhook.taken[0]["message"]
    assert "sign-ups refused in the last hour: a required field was missing." in message
    assert "These fields arrived: mail_adress, first_name." in message
    assert "robert" not in message

    stack.relay("forms", "disable", "news")
    eventually(lambda: len(webhook.taken) == 2, what="the recovery notice")
    assert webhook.titles[1] == "news: the form no longer refuses unusually many sign-ups"
    (form,) = stack.json("status")["forms"]
    assert form == {
        "name": "news",
        "account": "acme",
        "accepted": 1,
        "quarantined": 0,
        "refused": {"required": 25},
    }
