"""A script that uses the API with an operator's key, for tests.

script = Script(app, Role.VIEWER)
answer = script.get("/signups?state=dead")
"""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from shared.operations.operators import Role
from tests.support.web_services import services_of
from web.api import PREFIX


class Script:
    """Has a key of a new operator, named like their role unless told otherwise."""

    def __init__(self, app: Flask, role: Role = Role.ADMIN, name: str | None = None) -> None:
        self.app = app
        self.name = name or str(role)
        services_of(app).operators.add(self.name, role, "a password for tests")
        self.key = services_of(app).operator_keys.issue(self.name)

    def get(self, path: str) -> TestResponse:
        return self.ask("GET", path)

    def post(self, path: str, **body: Any) -> TestResponse:
        """Post `body` as JSON; nothing if it is empty and the route reads nothing."""
        return self.ask("POST", path, json=body)

    def patch(self, path: str, **body: Any) -> TestResponse:
        return self.ask("PATCH", path, json=body)

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        return ask(self.app, method, path, key=self.key, **options)


def ask(
    app: Flask, method: str, path: str, *, key: str | None = None, **options: Any
) -> TestResponse:
    """Send a request to the API's `path`, with a key or without one."""
    headers = dict(options.pop("headers", {}))
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return app.test_client().open(f"{PREFIX}{path}", method=method, headers=headers, **options)
