"""The sandbox in a process of its own, for tests that need a real server."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import requests

from sandbox import SandboxConfig
from sandbox.oauth.issued_tokens import AUTHORIZATION_SERVER
from tests.support.ports import free_port

_DEFAULTS = SandboxConfig()

START_SECONDS = 60
STOP_SECONDS = 10


class SandboxServer:
    """Runs the sandbox on a free port of 127.0.0.1, from ``with`` to its end.

    ``restart`` brings it back on the same port, with its data if it keeps some.
    """

    def __init__(
        self,
        *,
        rate: int = 4,
        day: int = 10_000,
        long_lived: bool = False,
        data: Path | None = None,
        client_id: str = _DEFAULTS.client_id,
        client_secret: str = _DEFAULTS.client_secret,
        redirect_uris: Sequence[str] = (),
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_url = f"{self.url}/v3"
        self.auth_url = f"{self.url}/oauth2/default/v1"
        self.keys_url = f"{self.url}/oauth2/{AUTHORIZATION_SERVER}/v1/keys"
        self._command = [
            *(sys.executable, "-m", "sandbox"),
            *("--bind", f"127.0.0.1:{self.port}", "--rate", str(rate), "--day", str(day)),
            *("--client-id", client_id, "--client-secret", client_secret),
            *(("--long-lived",) if long_lived else ()),
            *(("--data", str(data)) if data else ()),
            *(f"--redirect-uri={each}" for each in redirect_uris),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._http.close()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self._process = subprocess.Popen(self._command, cwd=Path(__file__).parents[2])
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the sandbox ended with {self._process.returncode}")
            if time.monotonic() > deadline:
                self.stop()
                raise TimeoutError("the sandbox did not answer in time")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process with SIGTERM, and by force when that takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def control(self, **wanted: Any) -> dict[str, Any]:
        """Set faults or change things; the names are those of ``POST /sandbox/control``."""
        return dict(self._post("/sandbox/control", wanted))

    def application(
        self,
        client_id: str,
        client_secret: str,
        *,
        redirect_uris: Sequence[str] | None = None,
        rotating: bool | None = None,
    ) -> None:
        """Register an application, or change one; None leaves to the sandbox what is taken."""
        wanted = {
            "client_id": client_id,
            "client_secret": client_secret,
            "redirect_uris": None if redirect_uris is None else list(redirect_uris),
            "rotating": rotating,
        }
        self.control(applications=[wanted])

    def refresh_fault(self, **fault: Any) -> None:
        """Set a fault that only the calls meet that refresh a token."""
        self.control(grant_type="refresh_token", **fault)

    def clear(self) -> None:
        """End all faults."""
        self.control(clear=True)

    def stats(self, *, deliveries: bool = True) -> dict[str, Any]:
        """Return what ``GET /sandbox/stats`` says."""
        return dict(self._get(f"/sandbox/stats?deliveries={int(deliveries)}"))

    def connect(self, **wanted: Any) -> dict[str, Any]:
        """Return a token set: for ``organization``, ``user`` (role or login), ``scope`` and
        ``application`` (its API key)."""
        return dict(self._post("/sandbox/connect", wanted))

    def reset(self) -> None:
        """Forget everything that arrived, all tokens, settings and faults."""
        self._post("/sandbox/reset", {})

    def contacts(self, organization: str | None = None) -> list[dict[str, Any]]:
        """Return the contacts that arrived, deleted ones too, in the order they came."""
        found: list[dict[str, Any]] = self._get("/sandbox/contacts")
        return [each for each in found if organization in (None, each["organization"])]

    def authorize(
        self,
        url: str,
        *,
        organization: str = "Acme Bakery",
        user: str = "Account Owner",
        allow: bool = True,
    ) -> str:
        """Decide on the consent page at ``url``; return where it sends the browser."""
        answer = self._decide(url, organization, user, allow)
        if answer.status_code != 302:
            raise AssertionError(f"{answer.status_code} from {urlsplit(url).path}: {answer.text}")
        return answer.headers["Location"]

    def activate(
        self,
        user_code: str,
        *,
        organization: str = "Acme Bakery",
        user: str = "Account Owner",
        allow: bool = True,
    ) -> None:
        """Decide about the device that shows ``user_code``."""
        url = f"{self.url}/activate?{urlencode({'user_code': user_code})}"
        answer = self._decide(url, organization, user, allow)
        if not answer.ok:
            raise AssertionError(f"{answer.status_code} from /activate: {answer.text}")

    def _decide(self, url: str, organization: str, user: str, allow: bool) -> requests.Response:
        return self._http.post(
            url,
            data={
                "organization": organization,
                "user": user,
                "decision": "allow" if allow else "deny",
            },
            allow_redirects=False,
            timeout=10,
        )

    def _answers(self) -> bool:
        try:
            return self._http.get(f"{self.url}/sandbox/control", timeout=1).ok
        except requests.RequestException:
            return False

    def _get(self, path: str) -> Any:
        return _json(self._http.get(self.url + path, timeout=10))

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return _json(self._http.post(self.url + path, json=body, timeout=10))


def _json(answer: requests.Response) -> Any:
    if not answer.ok:
        raise AssertionError(f"the sandbox answered {answer.status_code}: {answer.text}")
    return answer.json()
