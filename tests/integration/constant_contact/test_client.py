"""The API client against the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.constant_contact.client import (
    ConstantContact,
    ContactList,
    FoundContact,
    Organization,
    clock_ahead_in,
    signup_body,
)
from shared.constant_contact.connection import Connection
from shared.constant_contact.errors import ApiError, ApiUnavailable, Forbidden, Unauthorized
from shared.constant_contact.response import Response
from shared.domain.form import CustomField
from shared.domain.signup import Contact, CustomValue
from tests.support.sandbox_server import SandboxServer


class Grants:
    """Counts the slots that were asked for, and keeps for how long the key was let rest."""

    def __init__(self) -> None:
        self.count = 0
        self.rests: list[timedelta] = []

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
        rest=grants.rests.append,
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


def test_a_sign_up_is_answered_even_when_nothing_answers(grants: Grants) -> None:
    client = ConstantContact(
        "http://127.0.0.1:9/v3",
        Connection(),
        grant=grants,
        rest=grants.rests.append,
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


def test_a_read_in_a_second_that_was_too_full_is_made_again_after_a_rest(
    client: ConstantContact, access: str, grants: Grants, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3/account/summary", throttle_storm=True, count=1)
    assert client.summary(access).organization == "Acme Bakery"
    assert grants.rests == [timedelta(seconds=1)]
    assert grants.count == 2


def test_a_read_that_is_throttled_again_or_whose_day_is_spent_is_not_made_again(
    client: ConstantContact, access: str, grants: Grants, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3/account/summary", throttle_storm=True, count=2)
    with pytest.raises(ApiUnavailable):
        client.summary(access)
    assert grants.count == 2
    sandbox.control(path="/v3/account/summary", quota_exceeded=True, count=1)
    with pytest.raises(ApiUnavailable):
        client.summary(access)
    assert grants.count == 3
    assert len(grants.rests) == 1


def test_reads(client: ConstantContact, access: str) -> None:
    assert "contacts:write" in client.privileges(access)
    summary = client.summary(access)
    assert summary.organization == "Acme Bakery"
    assert isinstance(summary, Organization)
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
        pytest.param(page("http://[oops"), id="no address"),
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


def test_no_host_of_many_marks_is_read(
    client: ConstantContact,
    sandbox: SandboxServer,
    access: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "shared.constant_contact.client.urljoin", lambda *_: pytest.fail("it is read")
    )
    marks = "\u0301\u0323" * 500
    sandbox.control(path="/v3/contact_lists", body=page(f"//a{marks}/v3/contact_lists"))

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


@pytest.mark.parametrize(
    "body", [{"organization_name": {"x": 1}, "contact_email": 7, "encoded_account_id": ["p07"]}, {}]
)
def test_a_summary_that_makes_no_sense_tells_nothing(
    client: ConstantContact, sandbox: SandboxServer, access: str, body: Any
) -> None:
    sandbox.control(path="/v3/account/summary", body=body)

    assert client.summary(access) == Organization(
        organization=None, contact_email=None, encoded_account_id=None
    )


def test_a_count_of_members_that_makes_no_sense_is_not_known(
    client: ConstantContact, sandbox: SandboxServer, access: str
) -> None:
    sandbox.control(
        path="/v3/contact_lists",
        body={"lists": [{"list_id": 7, "name": "One", "membership_count": "many"}]},
    )

    assert client.lists(access) == [ContactList("7", "One", None)]


def test_addresses_are_not_in_the_repr_of_a_summary(client: ConstantContact, access: str) -> None:
    summary = client.summary(access)

    assert summary.contact_email
    assert summary.contact_email not in repr(summary)


# --- contacts


def test_a_contact_is_found_by_its_address(
    client: ConstantContact, sandbox: SandboxServer, access: str
) -> None:
    wanted = client.lists(access)[0]
    answer = client.sign_up(access, signup_body(contact(), [wanted.id]))

    found = client.contact(access, "ada@example.com")

    assert found == FoundContact(
        id=str(answer.contact_id), permission="explicit", lists=(wanted.id,)
    )
    assert client.contact(access, "grace@example.com") is None


def test_an_address_with_odd_characters_is_asked_for_as_it_is(
    client: ConstantContact, access: str
) -> None:
    odd = "ada+news&more=1@example.com"
    wanted = client.lists(access)[0]
    client.sign_up(access, signup_body(Contact(fields={"email_address": odd}), [wanted.id]))

    assert client.contact(access, odd) is not None


def test_a_deleted_contact_is_none_and_can_be_deleted_again(
    client: ConstantContact, sandbox: SandboxServer, access: str, grants: Grants
) -> None:
    wanted = client.lists(access)[0]
    answer = client.sign_up(access, signup_body(contact(), [wanted.id]))
    grants.count = 0

    for _ in range(2):
        client.delete_contact(access, str(answer.contact_id))

    assert grants.count == 2
    assert client.contact(access, "ada@example.com") is None
    assert sandbox.contacts()[0]["deleted"]


def test_an_id_of_a_contact_leads_nowhere_else(
    client: ConstantContact, access: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = Connection.send

    def noted(self: Connection, method: str, url: str, **options: Any) -> Response:
        asked.append(urlsplit(url).path)
        return send(self, method, url, **options)

    monkeypatch.setattr(Connection, "send", noted)
    client.delete_contact(access, "x/../../contact_lists/7?all=true#")

    assert asked == ["/v3/contacts/x%2F..%2F..%2Fcontact_lists%2F7%3Fall%3Dtrue%23"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"status": 503}, ApiUnavailable), ({"status": 403}, Forbidden), ({"reset": True}, ApiError)],
)
def test_a_contact_that_could_not_be_deleted_is_told(
    client: ConstantContact,
    sandbox: SandboxServer,
    access: str,
    fault: dict[str, Any],
    error: type[ApiError],
) -> None:
    sandbox.control(path="/v3/contacts", **fault)

    with pytest.raises(error, match="deletion of the contact"):
        client.delete_contact(access, "some-id")


@pytest.mark.parametrize(
    "entry",
    [
        {"contact_id": "1"},
        {"contact_id": "1", "email_address": "ada@example.com", "list_memberships": "none"},
        {"contact_id": "1", "email_address": {"permission_to_send": 7}},
    ],
)
def test_a_contact_that_tells_little_is_found_all_the_same(
    client: ConstantContact, sandbox: SandboxServer, access: str, entry: dict[str, Any]
) -> None:
    sandbox.control(path="/v3/contacts", body={"contacts": [entry]})

    assert client.contact(access, "ada@example.com") == FoundContact(
        id="1", permission=None, lists=()
    )


# --- clocks


@pytest.mark.parametrize("seconds", [0, 300, -300])
def test_every_read_tells_how_far_the_clocks_are_apart(
    client: ConstantContact, sandbox: SandboxServer, access: str, seconds: int
) -> None:
    assert client.clock_ahead is None
    sandbox.control(clock_offset_seconds=seconds)

    client.privileges(access)

    assert client.clock_ahead is not None
    assert abs(client.clock_ahead.total_seconds() - seconds) < 30


@pytest.mark.parametrize(
    "date",
    [
        *(None, "", "yesterday", "Sun, 01 Mar 2026 12:00:00 -0000"),
        *("Sun, 01 Mar 99999 12:00:00 GMT", "Sun, 01 Mar 2026 12:00:00 +999999999999999999999"),
    ],
)
def test_a_date_that_makes_no_sense_tells_nothing(date: str | None) -> None:
    response = Response(200, {} if date is None else {"date": date})

    assert clock_ahead_in(response, datetime(2026, 3, 1, 12, tzinfo=UTC)) is None


# --- a token that is refused


def test_a_refused_token_is_told_apart(client: ConstantContact) -> None:
    with pytest.raises(Unauthorized) as failure:
        client.privileges("no such token")

    assert failure.value.answer.error_key == "unauthorized"
