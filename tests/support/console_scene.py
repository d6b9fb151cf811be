"""The account `acme` with the form `news`, sign-ups in it, and somebody who is signed in."""

from html import unescape

import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.domain.short_ids import short_id
from shared.domain.signup import Signup
from shared.infrastructure.email_syntax import check_email
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.signups import Made
from tests.support.web_services import services_of


class ConsoleScene:
    """`made` makes sign-ups, `browser` is the operator's."""

    def __init__(self, app: Flask, client: "redis.Redis", role: Role = Role.OPERATOR) -> None:
        Registry(client).save_account(builders.account())
        self.app, self.client = app, client
        self.ledger = Ledger(client)
        self.made = Made(self.ledger, self._person_of)
        self.browser = SignedIn(app, role)

    def _person_of(self, email: str) -> str:
        return services_of(self.app).people.fingerprints().person(check_email(email))

    def signup(self, id: str) -> Signup:
        return services_of(self.app).operations.one_signup.finder.one(id)

    def states(self, ids: list[str]) -> list[str]:
        return [str(self.signup(id).state) for id in ids]


def text(response: TestResponse, status: int = 200) -> str:
    """Return the page's text with single blanks, and without escapes."""
    assert response.status_code == status, response.text
    return " ".join(unescape(response.text).split())


def link(id: str) -> str:
    return f'href="/console/signups/{short_id(id)}"'
