"""The sandbox in this process, under a clock that only moves when it is told to."""

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox import Clock, SandboxConfig, create_app

AUTH = "/oauth2/default/v1"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SIGN_UP = "/v3/contacts/sign_up_form"
CALLBACK = "https://relay.example/connect/callback?from=cc"
SCOPE = "account_read contact_data offline_access"
UNKNOWN_ID = "12345678-1234-4234-8234-123456789abc"
EMAIL = "ann@example.com"
OLIVE = {"organization": "Acme Bakery", "user": "Account Owner", "decision": "allow"}
MONDAY = 1_772_409_600.0  # 2026-03-02T00:00:00Z


@dataclass
class Sandbox:
    """The app's test client, its clock, and shorthands."""

    config: SandboxConfig = field(default_factory=SandboxConfig)
    time: float = MONDAY
    client: FlaskClient = field(init=False)
    token: str = ""
    application: tuple[str, str] = ("sandbox-key", "sandbox-secret")

    def __post_init__(self) -> None:
        app = create_app(self.config, Clock(now=lambda: self.time, monotonic=lambda: self.time))
        self.client = app.test_client()

    def connect(self, **wanted: str) -> dict[str, Any]:
        tokens: dict[str, Any] = self.client.post("/sandbox/connect", json=wanted).get_json()
        self.token = tokens["access_token"]
        return tokens

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """Call the API with the token, a second later, so that no limit is met."""
        self.time += 1
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str) -> TestResponse:
        return self.call("GET", path)

    def sign_up(self, email: str = EMAIL, **more: Any) -> TestResponse:
        return self.call("POST", SIGN_UP, json=self.payload(email, **more))

    def payload(self, email: str = EMAIL, **more: Any) -> dict[str, Any]:
        return {"email_address": email, "list_memberships": [self.list_id()]} | more

    def list_id(self, name: str = "Newsletter") -> str:
        app_state = self.client.application.extensions["sandbox"]
        lists = app_state.accounts["p07e1l8cdif9dl"].lists.values()
        return next(str(each.list_id) for each in lists if each.name == name)

    def field_id(self, name: str = "favourite_cake") -> str:
        app_state = self.client.application.extensions["sandbox"]
        fields = app_state.accounts["p07e1l8cdif9dl"].custom_fields.values()
        return next(str(each.custom_field_id) for each in fields if each.name == name)

    def contact(self, email: str = EMAIL) -> dict[str, Any]:
        query = urlencode(
            {"email": email, "status": "all", "include": "custom_fields,list_memberships"}
        )
        found: list[dict[str, Any]] = self.get(f"/v3/contacts?{query}").get_json()["contacts"]
        assert len(found) == 1
        return found[0]

    def control(self, **wanted: Any) -> dict[str, Any]:
        answer = self.client.post("/sandbox/control", json=wanted)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def stats(self) -> dict[str, Any]:
        return dict(self.client.get("/sandbox/stats").get_json())

    def authorize_path(self, **changed: str | None) -> str:
        asked: dict[str, str | None] = {
            "client_id": self.application[0],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "state": "s t/1",
        }
        given = {name: value for name, value in (asked | changed).items() if value is not None}
        return f"{AUTH}/authorize?{urlencode(given)}"

    def allow(self, *, decision: str = "allow", **changed: str | None) -> dict[str, list[str]]:
        """Decide on the consent page; return the parameters that come back."""
        form = OLIVE | {"decision": decision}
        answer = self.client.post(self.authorize_path(**changed), data=form)
        assert answer.status_code == 302
        return parse_qs(urlsplit(answer.location).query)

    def ask_token(self, **form: str) -> TestResponse:
        """Call the token endpoint as `application`, a second later."""
        self.time += 1
        credentials = base64.b64encode(":".join(self.application).encode()).decode()
        return self.client.post(
            f"{AUTH}/token", data=form, headers={"Authorization": f"Basic {credentials}"}
        )

    def ask_as_device(self, **form: str) -> TestResponse:
        """Call the token endpoint without a secret, a second later."""
        self.time += 1
        return self.client.post(f"{AUTH}/token", data=form | {"client_id": self.application[0]})

    def begin_device(self) -> dict[str, Any]:
        asked = {"client_id": self.application[0], "scope": SCOPE, "response_type": "code"}
        begun: dict[str, Any] = self.client.post(f"{AUTH}/device/authorize", data=asked).get_json()
        return begun

    def poll(self, begun: dict[str, Any]) -> TestResponse:
        return self.ask_as_device(grant_type=DEVICE_GRANT, device_code=begun["device_code"])

    def exchange(self, code: str, redirect_uri: str = CALLBACK) -> TestResponse:
        return self.ask_token(grant_type="authorization_code", code=code, redirect_uri=redirect_uri)

    def refresh(self, token: str) -> TestResponse:
        return self.ask_token(grant_type="refresh_token", refresh_token=token)


def assert_invalid_grant(answer: TestResponse, text: str | None = None) -> None:
    assert answer.status_code == 400
    body = answer.get_json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == "invalid_grant"
    assert text in (None, body["error_description"])
