"""The demo of `relay up` with the sandbox: a connected account and a form, ready to try."""

import contextlib
import json
import urllib.request
from typing import Any

from shared.accounts.account_services import AccountServices, make_account_services
from shared.domain.audit import Actor, Via, acting_as
from shared.domain.form import Form, ListRef
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Bind, Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.forms.forms import Forms

DEMO_ACCOUNT, DEMO_FORM, DEMO_LIST = "sandbox", "demo", "Newsletter"
# Not one that a person would connect: an account has one name here.
DEMO_ORGANIZATION = "Demo Bakery"


@acting_as(Actor("relay up", Via.CLI))
def set_up_demo(sandbox: Bind, settings: Settings) -> None:
    """Connect a sandbox account and add a form, if the ledger is empty."""
    with contextlib.closing(connect(settings.redis_url, socket_timeout=10)) as client:
        registry = Registry(client)
        if registry.account_names():
            return
        accounts = make_account_services(settings, client, notify_workers=lambda account: None)
        accounts.connecting.tokens.connect(DEMO_ACCOUNT, _sandbox_tokens(sandbox), by="relay up")
        Forms(registry, AuditTrail(client), utc_now).save(_demo_form(accounts))


def _sandbox_tokens(sandbox: Bind) -> dict[str, Any]:
    url, headers = f"http://{sandbox}/sandbox/connect", {"Content-Type": "application/json"}
    wanted = json.dumps({"organization": DEMO_ORGANIZATION}).encode()
    request = urllib.request.Request(url, wanted, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
        tokens: dict[str, Any] = json.load(answer)
    return tokens


def _demo_form(accounts: AccountServices) -> Form:
    lists = accounts.api.lists(DEMO_ACCOUNT).lists
    (newsletter,) = [found for found in lists if found.name == DEMO_LIST]
    return Form(
        name=DEMO_FORM,
        account=DEMO_ACCOUNT,
        lists=(ListRef(newsletter.id, newsletter.name),),
        title="Join our newsletter",
    )
