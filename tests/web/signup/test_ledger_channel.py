"""The one connection for all sign-ups of an event loop: whose answer is whose, and how long anybody
waits, whatever Redis does."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.domain.errors import KeyReused, LedgerUnavailable, VisitorLimited
from shared.infrastructure.redis_urls import connect, connect_async
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import Ledger
from shared.ledger.script_library import ScriptCall
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Accepted
from tests.support import builders
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.ports import free_port
from tests.support.sentinels import Sentinels
from tests.support.tls_proxy import TlsProxy
from tests.support.valkey_server import PASSWORD, ValkeyServer
from web.signup.ledger_channel import HeldBack, LedgerChannel
from web.signup.redis_deadline import VISITOR_WAITS

# For a machine that does something else, too. Twice the wait would be more.
AT_MOST = 2 * VISITOR_WAITS.total_seconds()


@dataclass
class Rig:
    """A channel to `url`, as `web.app` makes it."""

    url: str
    fsync: bool = False
    waits: timedelta = VISITOR_WAITS
    connects_within: float = 0.3  # seconds
    timeouts: list[float] = field(default_factory=list)
    look: Callable[[], bool] = lambda: True

    def __post_init__(self) -> None:
        self.ledger = Ledger(connect(self.url), fsync=self.fsync)
        self.channel = LedgerChannel(
            connect_async(self.url, socket_connect_timeout=self.connects_within),
            then=self.ledger.after_accept,
            waits=self.waits,
            timed_out=lambda: self.timeouts.append(time.monotonic()),
            may_send=lambda: self.look(),
        )

    async def accept(self, email: str, **sent: Any) -> Accepted:
        """Accept a sign-up of the person `email`, under the id `id` if it is given."""
        origin = {
            name: sent.pop(name, None) for name in ("idempotency_key", "visitor", "limit", "digest")
        }
        submission = builders.submission(email, **sent)
        origin["digest"] = origin["digest"] or email
        call = self.ledger.accept_call(submission, person=email, **origin)
        return self.ledger.read_accepted(await self.channel.run(call))

    async def fails_in_time(self, *, at_once: int = 1) -> None:
        """Check that so many sign-ups fail, all at the same moment, and none waits for longer than
        a visitor does."""
        began = time.monotonic()
        running = [
            asyncio.create_task(self.accept(f"late-{number}@x")) for number in range(at_once)
        ]
        ended = await asyncio.gather(*map(_moment_of_failure, running))
        assert max(ended) - began < AT_MOST
        assert max(ended) - min(ended) < 0.3


async def _moment_of_failure(running: "asyncio.Task[Accepted]") -> float:
    with pytest.raises(LedgerUnavailable):
        await running
    return time.monotonic()


def run(rig: Rig, work: Coroutine[Any, Any, Any]) -> Any:
    """Return what `work` returns in an event loop, at whose end the channel is closed."""

    async def to_the_end() -> Any:
        try:
            return await work
        finally:
            await rig.channel.close()

    return asyncio.run(to_the_end())


@pytest.fixture
def client(redis_client: "redis.Redis") -> "redis.Redis":
    registry = Registry(redis_client)
    registry.save_account(builders.account())
    registry.save_form(builders.form())
    return redis_client


@pytest.fixture
def proxy(valkey: ValkeyServer, client: "redis.Redis") -> Iterator[FaultProxy]:
    with FaultProxy(valkey) as proxy:
        yield proxy


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server that a test may break."""
    with ValkeyServer(tmp_path / "valkey") as server, server.client() as client:
        Registry(client).save_account(builders.account())
        yield server
        server.thaw()


def calls(client: "redis.Redis") -> Counter[str]:
    """Return how often each command of a client has come since `config_resetstat`."""
    found: dict[str, Any] = client.info("commandstats")
    names = ("evalsha", "eval", "script|load", "script|exists", "waitaof", "ping")
    return Counter({name: found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in names})


# --- whose answer is whose


def test_what_waits_at_the_same_time_goes_out_together(
    proxy: FaultProxy, client: "redis.Redis"
) -> None:
    rig = Rig(proxy.url())

    async def work() -> tuple[int, list[Accepted]]:
        await rig.accept("first@example.com")
        client.config_resetstat()
        before = proxy.writes
        found = await asyncio.gather(*(rig.accept(f"{n}@x", id=f"id-{n}") for n in range(32)))
        return proxy.writes - before, found

    writes, found = run(rig, work())
    assert [accepted.id for accepted in found] == [f"id-{number}" for number in range(32)]
    assert calls(client) == Counter(evalsha=32)
    assert writes < 8


def test_each_gets_its_own_answer_whatever_becomes_of_the_others(
    valkey: ValkeyServer, client: "redis.Redis"
) -> None:
    rig = Rig(valkey.url())
    once = RateLimit(1, builders.LEASE)
    no_command = ScriptCall(("GET",), "")
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: rig.accept("ada@x", id="one", idempotency_key="k"),
        lambda: rig.accept("ada@x", id="again"),
        lambda: rig.channel.run(no_command),
        lambda: rig.accept("bob@x", id="two", visitor="v", limit=once),
        lambda: rig.accept("cy@x", id="limited", visitor="v", limit=once),
        lambda: rig.accept("dora@x", id="reused", idempotency_key="k"),
        lambda: rig.accept("eve@x", id="spam", quarantine="honeypot"),
        lambda: rig.accept("fay@x", id="three"),
    ]

    async def work() -> list[object]:
        return await asyncio.gather(*(step() for step in steps), return_exceptions=True)

    found = run(rig, work())
    assert [each.id if isinstance(each, Accepted) else type(each) for each in found] == [
        "one", "one", LedgerUnavailable, "two", VisitorLimited, KeyReused, "spam", "three",
    ]  # fmt: skip
    assert client.hget("relay:{acme}:totals", "accepted") == "4"


def test_scripts_that_the_server_has_forgotten_are_sent_once_and_nobody_is_doubled(
    valkey: ValkeyServer, client: "redis.Redis"
) -> None:
    rig = Rig(valkey.url())

    async def work() -> list[Accepted]:
        first = await rig.accept("first@x", id="first")
        client.script_flush()
        client.config_resetstat()
        return [first, *await asyncio.gather(*(rig.accept(f"{n}@x", id=f"{n}") for n in range(5)))]

    found = run(rig, work())
    assert [accepted.id for accepted in found] == ["first", *"01234"]
    assert not any(accepted.duplicate for accepted in found)
    assert calls(client) == Counter({"evalsha": 10, "script|load": 1})
    assert client.hget("relay:{acme}:totals", "accepted") == "6"


def test_a_visitor_who_has_left_takes_nobodys_answer_along(
    valkey: ValkeyServer, client: "redis.Redis"
) -> None:
    rig = Rig(valkey.url())

    async def work() -> Accepted:
        gone, stays = (asyncio.create_task(rig.accept(f"{n}@x", id=n)) for n in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert run(rig, work()).id == "stays"


def test_an_answer_that_comes_late_reaches_nobody_else(server: ValkeyServer) -> None:
    rig = Rig(server.url())

    async def work() -> Accepted:
        await rig.accept("before@x")
        server.freeze()
        with pytest.raises(LedgerUnavailable):
            await rig.accept("late@x", id="late")
        server.thaw()
        return await rig.accept("next@x", id="next")

    assert run(rig, work()).id == "next"


def test_what_may_not_be_sent_is_not_and_what_comes_next_is(
    valkey: ValkeyServer, client: "redis.Redis"
) -> None:
    """It is asked anew before each batch, as what waits behind one may not overtake the disk."""
    rig = Rig(valkey.url())

    async def held_back() -> int:
        held = [rig.accept(f"held-{number}@x") for number in range(3)]
        answers = await asyncio.gather(*held, return_exceptions=True)
        return sum(isinstance(answer, HeldBack) for answer in answers)

    async def work() -> Accepted:
        assert await held_back() == 0
        rig.look = lambda: False
        assert await held_back() == 3
        sending = asyncio.create_task(rig.accept("behind@x"))
        await asyncio.sleep(0)
        rig.look = lambda: True
        return await sending

    assert run(rig, work()).id
    assert client.hget("relay:{acme}:totals", "accepted") == "4"


def test_a_look_that_fails_leaves_nobody_waiting(valkey: ValkeyServer) -> None:
    rig = Rig(valkey.url())
    rig.look = broken

    async def work() -> Accepted:
        held = [asyncio.create_task(rig.accept(f"{number}@x")) for number in range(3)]
        found = await asyncio.wait_for(asyncio.gather(*held, return_exceptions=True), AT_MOST)
        assert [type(each) for each in found] == [OSError] * 3
        rig.look = lambda: True
        return await rig.accept("next@x", id="next")

    assert run(rig, work()).id == "next"


def broken() -> bool:
    raise OSError


# --- how long anybody waits


def test_a_frozen_server_fails_all_at_the_same_moment(server: ValkeyServer) -> None:
    """Also those that came while the first ones waited: they would only wait behind them."""
    rig = Rig(server.url())

    async def work() -> Accepted:
        await rig.accept("before@x")
        server.freeze()
        first = asyncio.create_task(rig.accept("first@x"))
        await asyncio.sleep(0.2)
        behind = [asyncio.create_task(rig.accept(f"{number}@x")) for number in range(3)]
        with pytest.raises(LedgerUnavailable, match="in time"):
            await first
        failed_at = time.monotonic()
        await asyncio.gather(*map(_moment_of_failure, behind))
        assert time.monotonic() - failed_at < 0.4
        server.thaw()
        return await rig.accept("after@x", id="after")

    assert run(rig, work()).id == "after"
    assert len(rig.timeouts) == 1


@pytest.mark.parametrize(
    ("fault", "seconds", "is_late"),
    [
        pytest.param(Fault.LATE, 2.0, True, id="late"),
        pytest.param(Fault.SLOW, 0.1, True, id="byte by byte"),
        pytest.param(Fault.ANSWER_CUT, 0, False, id="closed within an answer"),
        pytest.param(Fault.ANSWER_LOST, 0, False, id="closed before an answer"),
        pytest.param(Fault.REQUEST_LOST, 0, False, id="closed before the request arrived"),
    ],
)
def test_whatever_becomes_of_the_answer_nobody_waits_for_long_and_the_next_one_is_well(
    proxy: FaultProxy, fault: Fault, seconds: float, is_late: bool
) -> None:
    rig = Rig(proxy.url())

    async def work() -> Accepted:
        await rig.accept("before@x")
        proxy.arm(fault, seconds=seconds)
        await rig.fails_in_time(at_once=5)
        return await rig.accept("after@x", id="after")

    assert run(rig, work()).id == "after"
    assert (proxy.struck, len(rig.timeouts)) == (1, int(is_late))


def silent(taken: ExitStack) -> int:
    """Return a port that takes connections, and never answers."""
    return int(taken.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1])


def full(taken: ExitStack) -> int:
    """Return a port that answers no attempt to connect, as behind a firewall."""
    listener = taken.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(2):
        waiting = taken.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    return int(listener.getsockname()[1])


@pytest.mark.parametrize("port", [silent, full])
def test_a_server_that_cannot_be_reached_makes_nobody_wait_for_long(
    port: Callable[[ExitStack], int],
) -> None:
    with ExitStack() as taken:
        rig = Rig(f"redis://:{PASSWORD}@127.0.0.1:{port(taken)}/0")
        run(rig, rig.fails_in_time(at_once=5))
    assert rig.timeouts  # so that the visitors of the next second do not even try


def test_a_server_that_refuses_connections_is_away_at_once() -> None:
    rig = Rig(f"redis://127.0.0.1:{free_port()}/0")
    run(rig, rig.fails_in_time(at_once=5))
    assert rig.timeouts == []


def full_memory(admin: "redis.Redis") -> None:
    admin.config_set("maxmemory", 1)


def follow_another(admin: "redis.Redis") -> None:
    admin.replicaof("127.0.0.1", "1")


@pytest.mark.parametrize(("breaks", "said"), [(full_memory, "memory"), (follow_another, "replica")])
def test_a_server_that_takes_nothing_says_why_until_it_takes_again(
    server: ValkeyServer, breaks: Callable[["redis.Redis"], None], said: str
) -> None:
    rig = Rig(server.url())

    async def work() -> Accepted:
        await rig.accept("before@x")
        with server.client() as admin:
            breaks(admin)
            with pytest.raises(LedgerUnavailable, match=said):
                await rig.accept("late@x")
            admin.config_set("maxmemory", 0)
            admin.replicaof("NO", "ONE")
        return await rig.accept("after@x", id="after")

    assert run(rig, work()).id == "after"


def test_a_wrong_password_is_told(valkey: ValkeyServer) -> None:
    rig = Rig(valkey.url().replace(PASSWORD, "wrong"))
    with pytest.raises(LedgerUnavailable, match="password"):
        run(rig, rig.accept("ada@x"))


def test_a_server_that_was_restarted_is_used_by_the_next_one(server: ValkeyServer) -> None:
    rig = Rig(server.url())

    async def work() -> Accepted:
        await rig.accept("before@x")
        server.stop()
        await rig.fails_in_time(at_once=2)
        server.start()
        return await rig.accept("after@x", id="after")

    assert run(rig, work()).id == "after"


def test_a_connection_that_ended_during_a_pause_costs_nobody_a_timeout(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.signup.ledger_channel.CHECK_AFTER", 0)
    rig = Rig(server.url())

    async def work() -> Accepted:
        await rig.accept("before@x")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        return await rig.accept("after@x", id="after")

    assert run(rig, work()).id == "after"


# --- other ways to a server


class SocketServer(ValkeyServer):
    """Listens on a socket of the file system, too."""

    def command(self) -> list[str]:
        return [*super().command(), "--unixsocket", str(self.data_dir / "redis.sock")]


def test_a_unix_socket_is_as_good(tmp_path: Path) -> None:
    with SocketServer(tmp_path) as server:
        rig = Rig(f"unix://:{PASSWORD}@{tmp_path}/redis.sock?db=0")

        async def work() -> Accepted:
            found = await rig.accept("ada@x", id="ada")
            server.freeze()
            await rig.fails_in_time()
            server.thaw()
            return found

        assert run(rig, work()).id == "ada"


def test_tls_is_as_good(valkey: ValkeyServer, client: "redis.Redis", tmp_path: Path) -> None:
    with TlsProxy(valkey, tmp_path) as tls:
        # On a busy machine, five handshakes at once take long.
        patient: dict[str, Any] = {"waits": timedelta(seconds=30), "connects_within": 30}
        rig = Rig(tls.url(f"?ssl_ca_certs={tls.certificate}"), **patient)

        async def work() -> list[Accepted]:
            return await asyncio.gather(*(rig.accept(f"{n}@x", id=f"{n}") for n in range(5)))

        assert [accepted.id for accepted in run(rig, work())] == list("01234")
        untrusted = Rig(tls.url())
        with pytest.raises(LedgerUnavailable, match="certificate"):
            run(untrusted, untrusted.accept("ada@x"))


@pytest.mark.slow
def test_when_a_replica_takes_over_the_next_ones_go_there(tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path)
    with sentinels:
        rig = Rig(sentinels.url())

        async def work() -> bool:
            await rig.accept("before@x")
            sentinels.replicate()
            sentinels.primary.kill()
            while not sentinels.replica_leads():
                await rig.fails_in_time(at_once=3)
            for _ in range(600):
                try:
                    return bool(await rig.accept("after@x", id="after"))
                except LedgerUnavailable:
                    await asyncio.sleep(0.1)
            return False

        assert run(rig, work())


# --- RELAY_ACCEPT_FSYNC


def test_a_batch_waits_for_the_disk_once(server: ValkeyServer) -> None:
    rig = Rig(server.url(), fsync=True)

    async def work() -> Counter[str]:
        with server.client() as admin:
            admin.config_set("appendfsync", "always")
            await rig.accept("before@x")
            admin.config_resetstat()
            await asyncio.gather(*(rig.accept(f"{number}@x") for number in range(20)))
            return calls(admin)

    assert run(rig, work()) == Counter(evalsha=20, waitaof=1)


def test_what_did_not_reach_the_disk_is_not_accepted(server: ValkeyServer) -> None:
    rig = Rig(server.url(), fsync=True)

    async def work() -> None:
        with server.client() as admin:
            admin.config_set("appendfsync", "no")
        await rig.accept("before@x")

    with pytest.raises(LedgerUnavailable, match="disk"):
        run(rig, work())
