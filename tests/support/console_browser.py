"""An operator's browser, for tests of the console's pages.

browser = SignedIn(app)                # or SignedIn(app, Role.VIEWER)
page = browser.get("/console/")
answer = browser.post("/console/accounts/acme/lists", some_field="its value")
"""

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.operations.operators import Role
from tests.support.phone import Phone
from tests.support.web_services import services_of

PASSWORD = "a password for tests"


def with_cookie(app: Flask, cookie: str) -> FlaskClient:
    """Return a browser that has nothing but a copy of this cookie."""
    client = app.test_client()
    client.set_cookie("relay_console", cookie, path="/console")
    return client


class SignedIn:
    """A new operator, named like their role unless told otherwise, who has signed in.

    `post` sends what a form of the console's own pages would; `client` sends nothing by itself.
    """

    def __init__(self, app: Flask, role: Role = Role.ADMIN, name: str | None = None) -> None:
        self.app = app
        self.name = name or str(role)
        self.client = app.test_client()
        services_of(app).operators.add(self.name, role, PASSWORD)
        self.sign_in()

    def sign_in(self) -> None:
        sent = {"name": self.name, "password": PASSWORD}
        answer = self.client.post("/console/sign-in", data=sent)
        assert answer.status_code == 303, answer.status_code

    def switch_on_second_factor(self, phone: Phone) -> list[str]:
        """Switch it on as the page does; return the recovery codes."""
        phone.set_clock(self.app)
        page = self.get("/console/profile/second-factor").text
        [secret] = re.findall(r'<textarea id="secret"[^>]*>([^<]+)<', page)
        phone.secret = secret.replace(" ", "")
        shown = self.post("/console/profile/second-factor", code=phone.code(), password=PASSWORD)
        assert shown.status_code == 200, shown.status_code
        return re.findall(r"\d{4}(?:-\d{4}){4}", shown.text)

    def sign_in_with_code(self, code: str) -> TestResponse:
        """Type password and code in this browser."""
        sent = {"name": self.name, "password": PASSWORD}
        asked = self.client.post("/console/sign-in", data=sent)
        assert asked.location == "/console/sign-in/code?next=", asked.location
        return self.client.post("/console/sign-in/code", data={"code": code})

    @property
    def token(self) -> str:
        """The token that every form of the session carries."""
        with self.client.session_transaction("/console/") as session:
            return str(session["token"])

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("relay_console", path="/console")
        assert found
        return found.value

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def post(self, path: str, **fields: str) -> TestResponse:
        return self.client.post(
            path,
            data={"csrf_token": self.token, **fields},
            headers={"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        )
