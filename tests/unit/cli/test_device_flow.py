"""The device flow on a terminal: what each answer means for asking again."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from relay.connecting.device_flow import follow, instructions
from relay.terminal.progress import Waiting
from shared.accounts.account_connector import AnotherAccount, Connected
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.connect_request import ConnectRequest, StartedFrom
from shared.constant_contact.errors import DeviceDenied, DevicePending, TokenEndpointFailed
from shared.constant_contact.oauth import DeviceCode
from shared.constant_contact.token_vault import Token
from shared.domain.errors import LedgerUnavailable, Refused
from tests.support.builders import account

CODE = DeviceCode(
    device_code="never shown",
    user_code="BCDF-GHJK",
    page="https://login.example.com/activate",
    page_with_code="https://login.example.com/activate?user_code=BCDF-GHJK",
    expires_in=timedelta(minutes=10),
    interval=timedelta(seconds=5),
)
TOKEN = Token(
    access="a",
    version=1,
    received_at=datetime(2026, 3, 1, tzinfo=UTC),
    expires_at=datetime(2026, 3, 2, tzinfo=UTC),
    scopes=None,
)
CONNECTED = Connected(account(), TOKEN, (), StartedFrom.TERMINAL)

Answer = Connected | Exception


class Server:
    """Answers in order, and notes at which second it was asked; goes on with the last answer."""

    def __init__(self, *answers: Answer) -> None:
        self.now = 0.0
        self.asked_at: list[float] = []
        self.resumed: list[str] = []
        self._answers = list(answers)

    def poll(self) -> Connected:
        self.asked_at.append(self.now)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def resume(self, kept: str) -> Connected:
        self.resumed.append(kept)
        return self.poll()

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def followed(server: Server) -> Connected:
    waiting = Waiting(
        CODE.expires_in, stream=io.StringIO(), clock=lambda: server.now, sleep=server.sleep
    )
    return follow(CODE, server.poll, server.resume, waiting)


PENDING = DevicePending(slow_down=False)
SLOW_DOWN = DevicePending(slow_down=True)


def test_it_asks_at_the_interval_until_it_is_connected() -> None:
    server = Server(PENDING, PENDING, CONNECTED)
    assert followed(server) is CONNECTED
    assert server.asked_at == [5, 10, 15]


def test_slow_down_lengthens_the_interval_for_good() -> None:
    server = Server(SLOW_DOWN, PENDING, SLOW_DOWN, CONNECTED)
    followed(server)
    assert server.asked_at == [5, 15, 25, 40]


@pytest.mark.parametrize(
    "failure",
    [TokenEndpointFailed("HTTP 503"), LedgerUnavailable("no answer"), ConnectFailed("Not now.")],
)
def test_what_passes_is_waited_out(failure: Exception) -> None:
    server = Server(failure, failure, CONNECTED)
    assert followed(server) is CONNECTED
    assert server.asked_at == [5, 10, 15]


def test_tokens_that_were_kept_are_gone_on_with() -> None:
    server = Server(PENDING, ConnectFailed("Not now.", pending_id="k1"), CONNECTED)
    assert followed(server) is CONNECTED
    assert server.resumed == ["k1"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(DeviceDenied(expired=False), "Access was denied", id="denied"),
        pytest.param(DeviceDenied(expired=True), "The code has expired", id="expired"),
        pytest.param(Refused("No such code."), "No such code", id="refused"),
    ],
)
def test_what_will_not_change_ends_it(answer: Exception, says: str) -> None:
    server = Server(PENDING, answer)
    with pytest.raises(Refused, match=says):
        followed(server)
    assert server.asked_at == [5, 10]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(PENDING, "The code has expired", id="nobody came"),
        pytest.param(ConnectFailed("Not now.", pending_id="k"), "Not now", id="the API stays away"),
    ],
)
def test_it_ends_with_the_life_of_the_code(answer: Exception, says: str) -> None:
    server = Server(answer)
    with pytest.raises(Refused, match=says):
        followed(server)
    assert server.asked_at[-1] == CODE.expires_in.total_seconds()


def test_another_account_is_for_somebody_to_decide() -> None:
    request = ConnectRequest(
        account="acme",
        client_id="key",
        redirect_uri="",
        by="ada",
        started_from=StartedFrom.TERMINAL,
    )
    found = AnotherAccount(account(), account(organization="Blue Door Books"), request)
    with pytest.raises(AnotherAccount):
        followed(Server(found))


def test_the_instructions_name_address_and_code_and_nothing_secret() -> None:
    notified = instructions(CODE)
    for word in (CODE.page, CODE.user_code, CODE.page_with_code):
        assert word in notified.split()
    assert CODE.device_code not in notified


def test_without_a_complete_address_there_is_one_way_only() -> None:
    notified = instructions(replace(CODE, page_with_code=CODE.page))
    assert notified.count(CODE.page) == 1
