"""The command line, run in the test's own process: what was printed, and how it ended."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from relay.cli import main
from relay.connecting import device_flow
from relay.runtime import CommandRuntime
from relay.terminal.progress import Waiting
from shared.constant_contact.oauth import DeviceCode
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands; what settings say lasts for the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, stdin: str = "", at_terminal: bool = False) -> Ran:
        """Run a command to its end. `stdin` is what a script gives or, `at_terminal`, a person
        types."""
        someone = property(lambda self: at_terminal and not self.output.as_json)
        self._monkeypatch.setattr(CommandRuntime, "interactive", someone)
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self._capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._monkeypatch.setenv(name, value)


def settings_for(valkey: ValkeyServer, sandbox: SandboxServer, folder: Path) -> dict[str, str]:
    return {
        "REDIS_URL": valkey.url(),
        "CTCT_CLIENT_ID": sandbox.client_id,
        "CTCT_CLIENT_SECRET": sandbox.client_secret,
        "CTCT_API_URL": sandbox.api_url,
        "CTCT_AUTH_URL": sandbox.auth_url,
        "CTCT_REQUESTS_PER_SECOND": "1000",
        "RELAY_SECRET_KEY": "a secret only for tests",
        "RELAY_DATA_DIR": str(folder),
        "RELAY_PUBLIC_URL": "https://signup.example.com",
    }


class AtTheDevicePage:
    """Somebody who does things while a command waits for its device code; no time goes by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        self._plans: list[tuple[float, Callable[[], object]]] = []
        self._code: DeviceCode | None = None
        monkeypatch.setattr("relay.connecting.connect_flows.Waiting", self._waiting)
        monkeypatch.setattr("relay.connecting.connect_flows.instructions", self._shown)

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        self._plans.append((seconds, act))

    def decide(self, *, allow: bool = True, organization: str = "Acme Bakery") -> None:
        """Enter the code, log in, and allow access or not."""
        assert self._code is not None
        decision = "allow" if allow else "deny"
        answer = requests.post(
            self._code.page_with_code,
            data={"organization": organization, "user": "Account Owner", "decision": decision},
            timeout=10,
        )
        assert answer.ok, answer.text

    def _waiting(self, longest: Any) -> Waiting:
        return Waiting(longest, clock=lambda: self._now, sleep=self._sleep)

    def _shown(self, code: DeviceCode) -> str:
        self._code = code
        return device_flow.instructions(code)

    def _sleep(self, seconds: float) -> None:
        self._now += seconds
        due = [plan for plan in self._plans if plan[0] <= self._now]
        self._plans = [plan for plan in self._plans if plan not in due]
        for _, act in due:
            act()
