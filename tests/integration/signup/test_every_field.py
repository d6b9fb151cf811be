"""Every field of the table, from a website's form to the contact that the API gives back."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import requests

from shared.constant_contact.client import ConstantContact, signup_body
from shared.constant_contact.factory import make_constant_contact
from shared.domain.fields import FIELDS, Field
from shared.domain.form import ListRef
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.sandbox_server import SandboxServer
from web.app import create_app

EMAIL = "ada@example.com"
# What their rules accept. Any other field takes any text.
TYPED = {
    "email": EMAIL,
    "birthday_month": "11",
    "birthday_day": "23",
    "anniversary": "2001-12-31",
}


@pytest.fixture
def api(live_settings: Settings, redis_client: "redis.Redis") -> Iterator[ConstantContact]:
    made = make_constant_contact(live_settings, redis_client, live_settings.client_id)
    yield made
    made.close()


def typed(field: Field) -> str:
    return TYPED.get(field.name, f"{field.label} of Ada")


def read_back(sandbox: SandboxServer, access: str) -> dict[str, Any]:
    """Return the contact as the API gives it, with all its parts."""
    answer = requests.get(
        f"{sandbox.api_url}/contacts",
        params={"email": EMAIL, "include": "phone_numbers,street_addresses"},
        headers={"Authorization": f"Bearer {access}"},
        timeout=10,
    )
    [contact] = answer.json()["contacts"]
    return dict(contact)


def values_in(document: Any) -> set[str]:
    """Return all values in a JSON document, as text."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        return {value for part in document for value in values_in(part)}
    return {str(document)}


def test_every_field_that_a_form_posts_arrives_in_the_contact(
    live_settings: Settings,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    api: ConstantContact,
) -> None:
    access = str(sandbox.connect()["access_token"])
    contact_list = api.lists(access)[0]
    form = builders.form(lists=(ListRef(contact_list.id, contact_list.name),))
    Registry(redis_client).save_form(form)
    visitor = create_app(live_settings).test_client()

    posted = {field.name: typed(field) for field in FIELDS}
    assert visitor.post("/f/news", data=posted).status_code == 303
    claim = builders.claimed(Ledger(redis_client))
    assert api.sign_up(access, signup_body(claim.contact, claim.lists)).status == 201

    arrived = values_in(read_back(sandbox, access))
    assert [field.name for field in FIELDS if typed(field) not in arrived] == []
