"""What real pages, form tools and scripts send, from the request to the contact at the API.

Each file in wild_forms/ is one sender: the body that it posts, with example data, and what must
become of every field. Most come from the vendors' documentation and from public bug reports.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from flask.testing import FlaskClient

from shared.constant_contact.client import ConstantContact, signup_body
from shared.constant_contact.factory import make_constant_contact
from shared.domain.form import CustomField, ListRef
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.sandbox_server import SandboxServer
from web.app import create_app

SENDERS = sorted((Path(__file__).parent / "wild_forms").glob("*.toml"))
LISTS = ("News", "Offers")
OWN_FIELDS = ("interests", "twitter", "favourite_colour")


@dataclass(frozen=True)
class Website:
    """A form with two lists, a consent box and custom fields, and the account that it fills."""

    visitor: FlaskClient
    ledger: Ledger
    api: ConstantContact
    access: str
    sandbox: SandboxServer
    list_ids: dict[str, str]

    def read_back(self, email: str) -> str:
        """Return the contact as the API gives it, with all its parts."""
        include = "phone_numbers,street_addresses,custom_fields,list_memberships"
        answer = requests.get(
            f"{self.sandbox.api_url}/contacts",
            params={"email": email, "include": include},
            headers={"Authorization": f"Bearer {self.access}"},
            timeout=10,
        )
        [contact] = answer.json()["contacts"]
        return str(contact)


@pytest.fixture
def website(
    live_settings: Settings, redis_client: "redis.Redis", sandbox: SandboxServer
) -> Iterator[Website]:
    api = make_constant_contact(live_settings, redis_client, live_settings.client_id)
    access = str(sandbox.connect()["access_token"])
    ids = dict(zip(LISTS, (each.id for each in api.lists(access)), strict=False))
    custom = zip(OWN_FIELDS, api.custom_fields(access), strict=False)
    form = builders.form(
        lists=tuple(ListRef(id, name) for name, id in ids.items()),
        custom_fields=tuple(CustomField(each.id, name, name.title()) for name, each in custom),
        consent_box="optional",
    )
    Registry(redis_client).save_form(form)
    visitor = create_app(
        replace(live_settings, visitor_limit=None, person_limit=None)
    ).test_client()
    yield Website(visitor, Ledger(redis_client), api, access, sandbox, ids)
    api.close()


def test_every_field_of_every_sender_arrives_or_is_shown_as_not_sent(
    website: Website, subtests: pytest.Subtests
) -> None:
    for number, sender in enumerate(SENDERS):
        with subtests.test(sender=sender.stem):
            text = sender.read_text(encoding="utf-8")
            # Each is another person, or a contact would have the fields of earlier senders.
            _check(website, tomllib.loads(text.replace("example.org", f"s{number}.example.org")))


def _check(website: Website, case: dict[str, Any]) -> None:
    answer = website.visitor.post(
        "/f/news",
        data=case["body"].encode(case.get("charset", "utf-8")),
        content_type=case["content_type"],
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json is not None
    signup = website.ledger.find(answer.json["id"], ["acme"])
    assert signup is not None
    assert signup.reasons == (), "no form tool's sign-up may look like spam"
    contact = signup.contact
    assert contact.fields == case["sent"]
    assert {each.name: each.value for each in contact.custom} == case.get("sent_custom", {})
    assert contact.other == case.get("not_sent", {})
    assert contact.typed == case.get("typed", {})
    assert signup.consent.box is case.get("ticked", False)
    wanted = [website.list_ids[name] for name in case.get("lists", LISTS)]
    assert list(signup.lists) == wanted

    assert website.api.sign_up(website.access, signup_body(contact, signup.lists)).status == 201
    arrived = website.read_back(contact.email)
    sent = [*contact.fields.values(), *(each.value for each in contact.custom), *wanted]
    assert [value for value in sent if _as_stored(value) not in arrived] == []


def _as_stored(value: Any) -> str:
    """Return `value` as the text of the JSON has it: a month is a number."""
    return str(int(value)) if str(value).isdigit() and len(value) == 2 else repr(value)[1:-1]
