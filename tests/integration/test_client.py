"""The API client against the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.constant_contact.client import (
    AccountSummary,
    ApiError,
    ApiUnavailable,
    ConstantContact,
    Forbidden,
    Unauthorized,
    signup_body,
)
from shared.constant_contact.connection import Connection
from shared.domain.form import CustomField
from shared.domain.signup import Contact, CustomValue
from tests.sandbox_server import SandboxServer


class Grants:
    """Counts the slots that were asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def grants() -> Grants:
    return Grants()


@pytest.fixture
def client(sandbox: SandboxServer, grants: Grants) -> Iterator[ConstantContact]:
    made = ConstantContact(
        sandbox.api_url,
        Connection(),
        grant=grants,
        deadline=timedelta(seconds=5),
        now=lambda: datetime.now(UTC),
    )
    yield made
    made.close()


@pytest.fixture
def access(sandbox: SandboxServer) -> str:
    return str(sandbox.connect()["access_token"])


def contact(**fields: str) -> Contact:
    return Contact(fields={"email_address": "ada@example.com", **fields})


def test_a_sign_up_arrives_with_everything_that_was_typed(
    client: ConstantContact, sandbox: SandboxServer, access: str
) -> None:
    contact_list, field = client.lists(access)[0], client.custom_fields(access)[0]
    typed = contact(
        first_name="Ada",
        phone_number="+1 555 0100",
        birthday_month="12",
        birthday_day="10",
        anniversary="2026-03-01",
        street="1 Main Street",
        postal_code="02451",
    )
    sent = Contact(fields=typed.fields, custom=(CustomValue(field.id, field.name, "Lemon"),))

    client.prepare()
    answer = client.sign_up(access, signup_body(sent, [contact_list.id]))

    assert (answer.status, answer.action) == (201, "created")
    [arrived] = sandbox.contacts()
    assert arrived["contact_id"] == answer.contact_id
    assert arrived["email"] == "ada@example.com"
    assert arrived["custom_fields"] == {field.name: "Lemon"}
    [delivery] = sandbox.stats()["deliveries"]["ada@example.com"]
    assert delivery["payload"]["street_address"] == {
        "kind": "home",
        "street": "1 Main Street",
        "postal_code": "02451",
    }
    assert client.sign_up(access, signup_body(sent, [contact_list.id])).status == 200


def test_the_body_has_nothing_that_was_not_typed() -> None:
    assert signup_body(contact(last_name="", city=""), ["l"]) == {
        "email_address": "ada@example.com",
        "list_memberships": ["l"],
    }


def test_a_birthday_that_is_no_number_goes_out_as_it_is() -> None:
    assert signup_body(contact(birthday_month="May"), ["l"])["birthday_month"] == "May"


def test_a_sign_up_is_answered_even_when_nothing_answers(grants: Grants) -> None:
    client = ConstantContact(
        "http://127.0.0.1:9/v3",
        Connection(),
        grant=grants,
        deadline=timedelta(seconds=5),
        now=lambda: datetime.now(UTC),
    )

    answer = client.sign_up("token", signup_body(contact(), ["l"]))

    assert answer.status is None
    assert answer.message == "could not connect: Connection refused"


def test_a_sign_up_asks_for_no_slot_and_every_read_for_one(
    client: ConstantContact, access: str, grants: Grants
) -> None:
    client.sign_up(access, signup_body(contact(), ["l"]))
    assert grants.count == 0

    client.privileges(access)
    client.summary(access)
    assert grants.count == 2


def test_reads(client: ConstantContact, access: str) -> None:
    assert "contacts:write" in client.privileges(access)
    summary = client.summary(access)
    assert summary.organization == "Acme Bakery"
    assert isinstance(summary, AccountSummary)
    assert summary.encoded_account_id
    assert summary.contact_email
    lists = client.lists(access)
    assert all(each.membership_count is not None for each in lists)
    assert all(isinstance(each, CustomField) for each in client.custom_fields(access))


def test_all_pages_are_read(
    client: ConstantContact,
    access: str,
    grants: Grants,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything = client.lists(access)
    assert len(everything) > 1
    grants.count = 0

    monkeypatch.setattr("shared.constant_contact.client._LISTS_A_PAGE", 1)

    assert client.lists(access) == everything
    assert grants.count == len(everything)


def page(href: Any) -> dict[str, Any]:
    return {"lists": [{"list_id": "1", "name": "One"}], "_links": {"next": {"href": href}}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(page("https://evil.example/v3/contact_lists"), id="another host"),
        pytest.param(page("//evil.example/v3/contact_lists"), id="another host, shorter"),
        pytest.param(page("/v3/contact_lists?cursor=again"), id="pages without end"),
        pytest.param({"lists": "none"}, id="no lists"),
        pytest.param({"lists": [{"name": "One"}]}, id="a list without id"),
        pytest.param([], id="an array"),
    ],
)
def test_pages_that_make_no_sense_are_not_followed(
    client: ConstantContact, sandbox: SandboxServer, access: str, body: Any
) -> None:
    sandbox.control(path="/v3/contact_lists", body=body)

    with pytest.raises(ApiUnavailable, match="makes no sense"):
        client.lists(access)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param({"status": 403}, Forbidden, id="forbidden"),
        pytest.param({"status": 404}, ApiError, id="not found"),
        pytest.param({"status": 503}, ApiUnavailable, id="down"),
        pytest.param({"throttle_storm": True}, ApiUnavailable, id="throttled"),
        pytest.param({"reset": True}, ApiUnavailable, id="cut off"),
        pytest.param({"html": True}, ApiUnavailable, id="HTML"),
        pytest.param({"empty": True}, ApiUnavailable, id="empty"),
        pytest.param({"redirect": "/elsewhere"}, ApiUnavailable, id="redirect"),
    ],
)
def test_failed_reads(
    client: ConstantContact,
    sandbox: SandboxServer,
    access: str,
    fault: dict[str, Any],
    error: type[ApiError],
) -> None:
    sandbox.control(path="/v3/account/summary", **fault)

    with pytest.raises(ApiError) as failure:
        client.summary(access)

    assert type(failure.value) is error
    assert access not in str(failure.value)


def test_a_refused_token_is_told_apart(client: ConstantContact) -> None:
    with pytest.raises(Unauthorized) as failure:
        client.privileges("no such token")

    assert failure.value.answer.error_key == "unauthorized"
