"""The command line, run in the test's own process: what was printed, and how it ended."""

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from relay.cli import main
from relay.runtime import CommandRuntime
from shared.infrastructure.settings import Settings
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
    """Runs commands with `environ`. `clock` and `sleep` are the time of those that wait."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        environ: dict[str, str],
    ) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self.sleep: Callable[[float], None] = time.sleep
        self._environ = environ
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._out = self._err = ""

    def __call__(self, *arguments: str, stdin: str = "", at_terminal: bool = False) -> Ran:
        """Run a command to its end. `stdin` is what a script gives or, `at_terminal`, a person
        types."""

        class Runtime(CommandRuntime):
            @property
            def interactive(self) -> bool:
                return at_terminal and not self.output.as_json

        make_runtime = partial(Runtime, environ=self._environ, clock=self.clock, sleep=self.sleep)
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        self._out = self._err = ""
        with pytest.raises(SystemExit) as ended:
            main(arguments, make_runtime)
        self.printed()
        return Ran(int(ended.value.code or 0), self._out, self._err)

    def printed(self) -> str:
        """Return what the command that runs has printed so far."""
        printed = self._capsys.readouterr()
        self._out += printed.out
        self._err += printed.err
        return self._out + self._err

    def set(self, **settings: str) -> None:
        self._environ |= settings

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self._environ)


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
    """A person who does things while a command waits for its device code; no time goes by."""

    def __init__(self, run: CommandLine) -> None:
        self._run = run
        self._now = 0.0
        self._plans: list[tuple[float, Callable[[], object]]] = []
        run.clock, run.sleep = lambda: self._now, self._sleep

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        self._plans.append((seconds, act))

    def decide(self, *, allow: bool = True, organization: str = "Acme Bakery") -> None:
        """Open the page that the command names, log in, and allow access or not."""
        page = re.search(r"open this page instead: +(\S+)", self._run.printed())
        assert page is not None
        decision = "allow" if allow else "deny"
        answer = requests.post(
            page[1],
            data={"organization": organization, "user": "Account Owner", "decision": decision},
            timeout=10,
        )
        assert answer.ok, answer.text

    def _sleep(self, seconds: float) -> None:
        self._now += seconds
        due = [plan for plan in self._plans if plan[0] <= self._now]
        self._plans = [plan for plan in self._plans if plan not in due]
        for _, act in due:
            act()
