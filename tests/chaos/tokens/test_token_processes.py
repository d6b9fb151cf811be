"""The token protocol with real processes, killed and frozen at the very points that matter.

The points are reached by force: the sandbox holds a call back before or after its work, Redis
is stopped, or the next slot at the token endpoint is far away. The lives of lock and intention,
minutes long, are shortened in Redis; they then end as they would have.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from shared.constant_contact.factory import make_vault
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import BEGIN_DEADLINE, LOCK_LIFE, Token, TokenVault
from shared.domain.errors import Revoked, TokenUnavailable
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from tests.support.stack import Stack, eventually
from tests.support.token_process import READY, START, TokenProcess

ACME = keys.account("acme")
LOCK, CALLS, TOKENS = f"{ACME}token-lock", f"{ACME}token-calls", f"{ACME}tokens"

MakeStack = Callable[..., Stack]
StartProcess = Callable[..., TokenProcess]

both_kinds = pytest.mark.parametrize(
    "rotating", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["rotating", "long-lived"]
)


@pytest.fixture
def stack(make_stack: MakeStack) -> Stack:
    """Redis and the sandbox, where a spent refresh token that is sent again ends everything."""
    stack = make_stack()
    # No test here is about the endpoint's one call a second, which calls that a busy machine held
    # up could seem to break.
    stack.sandbox.control(reuse_revokes=True, rates={"token_requests_per_second": 1000})
    return stack


@pytest.fixture
def vault(stack: Stack) -> Iterator[TokenVault]:
    """The vault of another process than the ones that come to grief; `acme` is connected."""
    with stack.valkey.client() as client:
        vault = make_vault(Settings.from_env(stack.environ), client)
        connect(vault, stack)
        yield vault


@pytest.fixture
def start_process() -> Iterator[StartProcess]:
    """Start a process that refreshes the tokens of `acme`; it ends with the test at the latest."""
    with ExitStack() as processes:

        def start(stack: Stack, *options: str) -> TokenProcess:
            process = TokenProcess(stack.environ, stack.folder, *options)
            processes.callback(process.kill)
            return process

        yield start


# --- one refresher


@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_of_many_processes_in_a_race_one_asks(
    stack: Stack, vault: TokenVault, start_process: StartProcess, count: int
) -> None:
    # Long enough that all find the lock taken.
    stack.sandbox.control(grant_type="refresh_token", latency_ms=1000)
    processes = [start_process(stack, "--together") for _ in range(count)]
    with stack.valkey.client() as client:
        eventually(lambda: client.get(READY) == str(count), what="their start")
        client.rpush(START, *range(count))

    results = [process.result() for process in processes]

    assert results == [{"version": 2}] * count
    assert stack.sandbox.stats()["token_calls"] == 1


@pytest.mark.slow
def test_two_beats_and_three_workers_refresh_all_the_time_and_spend_no_token_twice(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(RELAY_TOKEN_REFRESH_SECONDS="2")
    stack.sandbox.control(reuse_revokes=True)
    stack.connect("acme")
    stack.connect("books", organization="Blue Door Books")
    before = stack.sandbox.stats()["refreshes"]
    for _ in range(2):
        stack.start("beat")
    stack.start_workers(3)

    eventually(
        lambda: stack.sandbox.stats()["refreshes"] >= before + 12,
        within=60,
        what="refreshing twelve times",
    )

    stats = stack.sandbox.stats()
    assert stats["spent_refresh_tokens_seen"] == 0
    # No call is made within a second of another, though one that a busy machine holds up may come
    # within it. Without that, about half of them would.
    assert stats["token_throttled"] <= 2
    assert stats["refresh_calls"] - stats["refreshes"] <= 1  # one may be under way
    assert [each["hold"] for each in stack.json("status")["accounts"]] == [None, None]


# --- a process is killed


@both_kinds
def test_killed_before_its_call_it_leaves_only_a_lock_that_runs_out(
    stack: Stack, vault: TokenVault, start_process: StartProcess, rotating: bool
) -> None:
    stack.sandbox.control(rotating=rotating)
    slot = put_next_slot_off(stack)
    process = start_process(stack)
    wait_for_reservation(stack, slot)

    process.kill()

    assert not calls_under_way(stack)
    with stack.valkey.client() as client:
        assert 0 < client.pttl(LOCK) <= LOCK_LIFE.total_seconds() * 1000
    assert stack.sandbox.stats()["token_calls"] == 0
    let_lock_run_out(stack)
    assert vault.renew("acme", 1).version == 2
    assert_nothing_spent_twice(stack)


@both_kinds
def test_killed_during_its_call_before_the_server_worked_nothing_is_lost(
    stack: Stack, vault: TokenVault, start_process: StartProcess, rotating: bool
) -> None:
    stack.sandbox.control(rotating=rotating)
    stack.sandbox.control(grant_type="refresh_token", hang_seconds=60, count=1)
    process = start_process(stack)
    eventually(lambda: stack.sandbox.stats()["faults_used"] == 1, what="the call")

    process.kill()

    assert calls_under_way(stack) == 1
    let_lock_run_out(stack)
    assert vault.renew("acme", 1).version == 2
    assert_nothing_spent_twice(stack)


def test_killed_between_answer_and_store_a_long_lived_token_is_simply_sent_again(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    stack.sandbox.control(rotating=False)

    die_with_the_pair(stack, start_process)

    assert vault.renew("acme", 1).version == 2
    assert not vault.has_failed("acme")


@pytest.mark.slow
def test_killed_between_answer_and_store_a_rotating_pair_is_lost_and_no_signup_with_it(
    make_stack: MakeStack, start_process: StartProcess
) -> None:
    stack = make_stack(RELAY_TOKEN_REFRESH_SECONDS="2")
    stack.sandbox.control(reuse_revokes=True)
    stack.open()

    die_with_the_pair(stack, start_process)

    stack.start("beat")
    stack.start_workers()
    eventually(lambda: stack.account()["hold"] is not None, what="the hold")
    hold = stack.account()["hold"]
    assert (hold["reason"], hold["until"]) == ("reconnect", None)  # not probed: only a person helps
    sent = stack.sandbox.stats()["refresh_calls"]
    assert stack.post(email="ada@example.com").status_code == 202
    eventually(lambda: stack.account()["due"] == 1, what="accepting")
    assert stack.sandbox.stats()["refresh_calls"] == sent

    stack.connect()

    eventually(stack.settled, what="the delivery")
    account = stack.account()
    assert (account["hold"], account["delivered"]) == (None, 1)
    assert len(stack.deliveries()["ada@example.com"]) == 1
    stack.assert_accounted_for()


@pytest.mark.slow
def test_before_the_intention_is_over_that_loss_is_not_taken_for_proven(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    die_with_the_pair(stack, start_process, intention_over=False)

    with pytest.raises(TokenUnavailable, match="another process was using it"):
        vault.renew("acme", 1)
    let_intention_run_out(stack)
    with pytest.raises(Revoked):
        once_the_pause_is_over(vault)


# --- the lock runs out while its holder waits


@pytest.mark.slow
@both_kinds
def test_a_pair_that_a_slow_endpoint_made_is_stored_although_another_was_refused(
    stack: Stack, vault: TokenVault, start_process: StartProcess, rotating: bool
) -> None:
    stack.sandbox.control(rotating=rotating, reuse_revokes=False)
    hold_answer_back(stack)
    slow = start_process(stack)
    eventually(lambda: stack.sandbox.stats()["refreshes"] == 1, what="the server's work")
    let_lock_run_out(stack)
    if rotating:
        with pytest.raises(TokenUnavailable, match="another process was using it"):
            vault.renew("acme", 1)
        assert not vault.stored("acme").revoked
    else:
        assert vault.renew("acme", 1).version == 2

    stack.sandbox.clear()

    assert slow.result() == {"version": 2}
    assert not vault.has_failed("acme")
    assert vault.refresh("acme").version == 3


@pytest.mark.slow
def test_a_refusal_is_no_proof_when_another_process_has_just_refreshed(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    stack.sandbox.control(reuse_revokes=False)
    stack.sandbox.control(grant_type="refresh_token", latency_ms=60_000, count=1)
    slow = start_process(stack)
    eventually(lambda: stack.sandbox.stats()["faults_used"] == 1, what="the call")
    let_lock_run_out(stack)
    newer = vault.renew("acme", 1)

    stack.sandbox.clear()  # the slow call goes on now, with a refresh token that is spent

    assert slow.result() == {"version": 2}
    assert stack.sandbox.stats()["spent_refresh_tokens_seen"] == 1
    assert vault.stored_token("acme") == newer
    assert not vault.has_failed("acme")


# --- Redis is away


@both_kinds
def test_a_pair_that_came_while_redis_was_away_is_stored_once_it_is_back(
    stack: Stack, vault: TokenVault, start_process: StartProcess, rotating: bool
) -> None:
    stack.sandbox.control(rotating=rotating)
    process = get_pair_without_redis(stack, start_process)

    stack.valkey.start()

    assert vault.renew("acme", 1).version == 2
    assert process.result() == {"version": 2}
    assert stack.sandbox.stats()["refresh_calls"] == 1
    assert vault.refresh("acme").version == 3


@pytest.mark.slow
@both_kinds
def test_a_pair_that_came_while_redis_was_frozen_is_stored_once_it_answers(
    stack: Stack, vault: TokenVault, start_process: StartProcess, rotating: bool
) -> None:
    stack.sandbox.control(rotating=rotating)
    hold_answer_back(stack)
    process = start_process(stack)
    eventually(lambda: stack.sandbox.stats()["refreshes"] == 1, what="the server's work")
    stack.valkey.freeze()
    stack.sandbox.clear()
    eventually(lambda: "not stored yet" in process.log, what="the failure to store")

    stack.valkey.thaw()

    assert vault.renew("acme", 1).version == 2
    assert process.result() == {"version": 2}
    assert stack.sandbox.stats()["refresh_calls"] == 1
    assert vault.refresh("acme").version == 3


# --- a process is frozen


@pytest.mark.slow
def test_frozen_before_its_call_it_does_not_call_when_others_have_refreshed(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    slot = put_next_slot_off(stack)
    frozen = start_process(stack)
    wait_for_reservation(stack, slot)
    frozen.freeze()
    let_lock_run_out(stack)
    vault.renew("acme", 1)

    frozen.thaw()

    assert frozen.result() == {"version": 2}
    assert stack.sandbox.stats()["token_calls"] == 1
    assert_nothing_spent_twice(stack)


@pytest.mark.slow
def test_frozen_while_its_intention_is_written_down_it_does_not_call_either(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    vault.refresh("acme")  # now Redis knows the scripts, and beginning takes one command
    slot = put_next_slot_off(stack)
    frozen = start_process(stack)
    wait_for_reservation(stack, slot)
    with stack.valkey.client() as client:
        client.client_pause(60_000, all=False)  # writing alone; so beginning has to wait
        eventually(lambda: someone_waits(client), what="beginning")
        asked_before = time.monotonic()
        frozen.freeze()
        client.client_unpause()
    eventually(lambda: calls_under_way(stack) == 1, what="the intention")
    let_lock_run_out(stack)
    vault.renew("acme", 2)
    eventually(
        lambda: time.monotonic() > asked_before + BEGIN_DEADLINE.total_seconds(),
        what="the end of the time for beginning",
    )

    frozen.thaw()

    assert frozen.result() == {"version": 3}
    assert stack.sandbox.stats()["token_calls"] == 2
    assert_nothing_spent_twice(stack)


@pytest.mark.slow
def test_frozen_with_the_only_pair_it_mends_what_everyone_had_given_up(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    stack.sandbox.control(reuse_revokes=False)
    frozen = freeze_with_the_pair(stack, start_process)
    with pytest.raises(Revoked):
        vault.renew("acme", 1)

    frozen.thaw()

    assert frozen.result() == {"version": 2}
    assert not vault.has_failed("acme")
    assert vault.refresh("acme").version == 3


@pytest.mark.slow
def test_frozen_with_a_pair_it_does_not_overwrite_a_newer_connection(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    frozen = freeze_with_the_pair(stack, start_process)
    newer = connect(vault, stack)

    frozen.thaw()

    assert frozen.result() == {"version": 2}
    assert vault.stored_token("acme") == newer
    assert "came too late" in frozen.log
    assert vault.refresh("acme").version == 3
    assert stack.sandbox.stats()["refresh_calls"] == 2


@pytest.mark.slow
def test_frozen_with_long_lived_tokens_it_does_not_overwrite_newer_ones(
    stack: Stack, vault: TokenVault, start_process: StartProcess
) -> None:
    stack.sandbox.control(rotating=False)
    frozen = freeze_with_the_pair(stack, start_process)
    newer = vault.renew("acme", 1)

    frozen.thaw()

    assert frozen.result() == {"version": 2}
    assert vault.stored_token("acme") == newer
    assert "came too late" in frozen.log
    assert stack.sandbox.stats()["refresh_calls"] == 2


# --- how the points are reached


def connect(vault: TokenVault, stack: Stack) -> Token:
    tokens = TokenSet.from_json(stack.sandbox.connect())
    assert tokens is not None
    return vault.store("acme", tokens, client_id=stack.sandbox.client_id)


def put_next_slot_off(stack: Stack) -> int:
    """Leave no slot at the token endpoint for some seconds; return when the next one is."""
    with stack.valkey.client() as client:
        slot = now_ms(client) + 6000
        client.set(keys.TOKEN_PACE, slot, px=60_000)
        return slot


def wait_for_reservation(stack: Stack, slot: int) -> None:
    """Wait until someone has reserved the slot: with the lock, and before the call. The next one
    need not wait that long."""
    with stack.valkey.client() as client:
        eventually(lambda: int(client.get(keys.TOKEN_PACE) or 0) > slot, what="a reservation")
        client.delete(keys.TOKEN_PACE)
        assert client.exists(LOCK) == 1


def hold_answer_back(stack: Stack) -> None:
    """Let the server do its work, and keep its answer until the faults are cleared."""
    stack.sandbox.control(grant_type="refresh_token", answer_latency_ms=60_000, count=1)


def get_pair_without_redis(stack: Stack, start_process: StartProcess) -> TokenProcess:
    """Return a process that has got a pair and cannot store it, as there is no Redis."""
    refreshed = stack.sandbox.stats()["refreshes"]
    hold_answer_back(stack)
    process = start_process(stack)
    eventually(lambda: stack.sandbox.stats()["refreshes"] > refreshed, what="the server's work")
    stack.valkey.kill()
    stack.sandbox.clear()
    eventually(lambda: "not stored yet" in process.log, what="the failure to store")
    return process


def die_with_the_pair(
    stack: Stack, start_process: StartProcess, *, intention_over: bool = True
) -> None:
    """Have a process killed that has got a pair and not stored it."""
    process = get_pair_without_redis(stack, start_process)
    process.kill()
    stack.valkey.start()
    assert calls_under_way(stack) == 1
    let_lock_run_out(stack)
    if intention_over:
        let_intention_run_out(stack)


def freeze_with_the_pair(stack: Stack, start_process: StartProcess) -> TokenProcess:
    """Return a frozen process whose answer has arrived; lock and intention have run out."""
    hold_answer_back(stack)
    frozen = start_process(stack)
    eventually(lambda: stack.sandbox.stats()["refreshes"] == 1, what="the server's work")
    frozen.freeze()
    stack.sandbox.clear()
    let_lock_run_out(stack)
    let_intention_run_out(stack)
    return frozen


def let_lock_run_out(stack: Stack) -> None:
    with stack.valkey.client() as client:
        assert client.pexpire(LOCK, 100)
        eventually(lambda: not client.exists(LOCK), what="the lock's end")


def let_intention_run_out(stack: Stack) -> None:
    with stack.valkey.client() as client:
        (call,) = client.zrange(CALLS, 0, -1)
        client.zadd(CALLS, {call: now_ms(client)})


def calls_under_way(stack: Stack) -> int:
    with stack.valkey.client() as client:
        return int(client.zcard(CALLS))


def someone_waits(client: Any) -> bool:
    """Whether a script of a client is held up by `CLIENT PAUSE`."""
    return any("b" in each["flags"] and each["cmd"] == "evalsha" for each in client.client_list())


def now_ms(client: Any) -> int:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def once_the_pause_is_over(vault: TokenVault) -> Token:
    """Renew the first tokens when the token endpoint may be asked again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return vault.renew("acme", 1)
        except TokenUnavailable as error:
            assert "last token refresh failed" in str(error), error
            assert time.monotonic() < deadline
            time.sleep(0.05)


def assert_nothing_spent_twice(stack: Stack) -> None:
    assert stack.sandbox.stats()["spent_refresh_tokens_seen"] == 0
