"""The sandbox as a process, with real connections."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.sandbox_server import SandboxServer
from tests.support.stack import eventually


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxServer]:
    with SandboxServer(rate=1000) as server:
        yield server


@pytest.fixture
def server(running: SandboxServer) -> SandboxServer:
    """A running sandbox after a reset."""
    running.reset()
    return running


class Caller:
    """Signs people up on one connection."""

    def __init__(self, server: SandboxServer) -> None:
        self._url = f"{server.api_url}/contacts/sign_up_form"
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {server.connect()['access_token']}"
        lists: dict[str, Any] = self._http.get(f"{server.api_url}/contact_lists").json()
        self._list_id = lists["lists"][0]["list_id"]

    def sign_up(self, email: str = "ann@example.com", seconds: float = 10) -> requests.Response:
        body = {"email_address": email, "list_memberships": [self._list_id]}
        return self._http.post(self._url, json=body, timeout=seconds)

    def begin_sign_up(self) -> requests.Response:
        """Send a sign-up and read no more than the headers of the answer."""
        body = {"email_address": "ann@example.com", "list_memberships": [self._list_id]}
        return self._http.post(self._url, json=body, timeout=10, stream=True)


def test_a_reset_breaks_the_connection_off_and_no_other(server: SandboxServer) -> None:
    caller = Caller(server)
    server.control(reset=True, count=1)
    with pytest.raises(requests.RequestException):
        caller.sign_up()
    assert caller.sign_up().status_code == 201


def test_an_answer_lost_to_a_reset_has_done_its_work(server: SandboxServer) -> None:
    caller = Caller(server)
    server.control(lost_answer=True, reset=True, count=1)
    with pytest.raises(requests.RequestException):
        caller.sign_up()
    assert caller.sign_up().json()["action"] == "updated"


def test_a_truncated_answer_ends_after_half_of_it(server: SandboxServer) -> None:
    caller = Caller(server)
    server.control(truncated=True, status=201, body={"contact_id": "c-1"}, count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        caller.sign_up()
    assert caller.sign_up().json()["action"] == "created"


def test_a_drip_keeps_the_caller_reading_until_the_faults_are_cleared(
    server: SandboxServer,
) -> None:
    caller = Caller(server)
    server.control(drip_seconds=60, status=503)
    answer = caller.begin_sign_up()
    pieces = answer.iter_content(1)
    assert [next(pieces), next(pieces)] == [b" ", b" "]
    server.clear()
    rest = b"".join(pieces)
    assert rest.strip().startswith(b"[")
    assert len(rest) < 500  # of the 600 blanks that were to come, few did


def test_a_hanging_call_runs_into_the_caller_s_timeout(server: SandboxServer) -> None:
    caller = Caller(server)
    server.control(hang_seconds=30, count=1)
    with pytest.raises(requests.Timeout):
        caller.sign_up(seconds=0.3)
    assert caller.sign_up().status_code == 201
    assert server.stats()["overlapping_same_email"] == 0
    server.clear()


def test_of_two_sign_ups_at_once_for_one_address_one_meets_a_conflict(
    server: SandboxServer,
) -> None:
    callers = [Caller(server), Caller(server)]
    server.control(latency_ms=300)
    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(Caller.sign_up, callers))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert server.stats()["overlapping_same_email"] == 1


def refresh(server: SandboxServer, token: str) -> requests.Response:
    return requests.post(
        f"{server.auth_url}/token",
        data={"grant_type": "refresh_token", "refresh_token": token},
        auth=(server.client_id, server.client_secret),
        timeout=10,
    )


def test_a_refresh_token_is_spent_before_a_late_answer_arrives(server: SandboxServer) -> None:
    server.control(rates={"token_requests_per_second": 1000})
    token = server.connect()["refresh_token"]
    server.refresh_fault(answer_latency_ms=30_000, count=1)
    with ThreadPoolExecutor() as threads:
        late = threads.submit(refresh, server, token)
        eventually(lambda: server.stats()["refreshes"] == 1, what="spending the token")
        assert refresh(server, token).json()["error"] == "invalid_grant"
        assert not late.done()
        server.clear()
        pair = late.result(timeout=10).json()
    assert refresh(server, pair["refresh_token"]).status_code == 200


def test_an_answer_carries_one_date_by_the_sandbox_s_clock(server: SandboxServer) -> None:
    server.control(clock_offset_seconds=86_400)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/v3/contact_lists")
    answer = connection.getresponse()
    (date,) = answer.headers.get_all("Date") or [""]
    connection.close()
    ahead = parsedate_to_datetime(date) - datetime.now(UTC)
    assert timedelta(hours=23) < ahead < timedelta(hours=25)


def test_a_device_connects_for_another_application(server: SandboxServer) -> None:
    server.application("other-key", "other-secret", rotating=False)
    asked = {"client_id": "other-key", "scope": "contact_data", "response_type": "code"}
    begun = requests.post(f"{server.auth_url}/device/authorize", data=asked, timeout=10).json()
    server.activate(begun["user_code"])
    poll = {
        "client_id": "other-key",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": begun["device_code"],
    }
    answer = requests.post(f"{server.auth_url}/token", data=poll, timeout=10)
    assert answer.status_code == 200
    assert requests.get(server.keys_url, timeout=10).json()["keys"]


def test_redirect_addresses_are_registered_at_the_start() -> None:
    uris = ["https://a.example/callback", "https://b.example/callback"]
    with SandboxServer(redirect_uris=uris) as server:
        assert server.control()["applications"][0]["redirect_uris"] == uris


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    with SandboxServer(data=tmp_path / "sandbox.db") as server:
        token = server.connect()["refresh_token"]
        Caller(server).sign_up()
        server.kill()
        server.start()
        assert [each["email"] for each in server.contacts()] == ["ann@example.com"]
        assert refresh(server, token).status_code == 200


def test_a_taken_port_is_reported(server: SandboxServer) -> None:
    command = [sys.executable, "-m", "sandbox"]
    ended = subprocess.run(
        [*command, "--bind", f"127.0.0.1:{server.port}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert ended.returncode == 1
    assert "cannot listen" in ended.stderr
