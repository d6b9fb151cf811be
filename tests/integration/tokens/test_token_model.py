"""A model of the refresh protocol: any number of processes, one step at a time, in any order.

The processes run the real vault and the real scripts, each in a thread that stops wherever
something may come between: with the lock, before and after writing its intention down, while
the request and while the answer are on their way, before storing. There hypothesis chooses what
happens next. The authorization server is a model in plain Python.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.constant_contact.errors import InvalidGrant, TokenEndpointFailed
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import TokenVault
from shared.domain.errors import LedgerUnavailable, RelayError
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.sealing import Sealer
from shared.ledger import keys
from shared.ledger.stores.token_store import StoredTokens, TokenLedger
from tests.support.valkey_server import ValkeyServer

ACME = keys.account("acme")
LOCK, CALLS, TOKENS = f"{ACME}token-lock", f"{ACME}token-calls", f"{ACME}tokens"
MOST_PROCESSES = 4
# Longer than any deadline of the protocol.
LONG = 1000.0

# Where a process may stop. ON_THE_WAY is the request, ANSWERED the answer.
LOCKED, BEGUN, ON_THE_WAY, ANSWERED = "locked", "begun", "on the way", "answered"
STORING, JUDGING, FAILING, WAITING, ENDED = "storing", "judging", "failing", "waiting", "ended"
STOPS = (LOCKED, BEGUN, ON_THE_WAY, ANSWERED, STORING, JUDGING, ENDED)
IN_A_CALL = (BEGUN, ON_THE_WAY, ANSWERED, STORING)


class Died(BaseException):
    """Ends a process as `kill -9` does: nothing of ours may handle it."""


class Server:
    """The authorization server: one consent at a time, whose refresh token rotates or not."""

    def __init__(self, *, rotating: bool, reuse_revokes: bool) -> None:
        self.rotating = rotating
        self.reuse_revokes = reuse_revokes
        self.good: str | None = None
        self.spent: set[str] = set()
        self.issued = 0

    def consent(self) -> TokenSet:
        self.spent.clear()
        self.good = self._next("refresh")
        return self._tokens(self.good)

    def refresh(self, token: str) -> TokenSet | None:
        """Return the next tokens, or None for invalid_grant."""
        if token != self.good:
            if token in self.spent and self.reuse_revokes:
                self.good = None
            return None
        if self.rotating:
            self.spent.add(token)
            self.good = self._next("refresh")
        return self._tokens(self.good)

    def _tokens(self, refresh: str) -> TokenSet:
        return TokenSet(
            access_token=self._next("access"),
            refresh_token=refresh,
            expires_in=timedelta(hours=24),
            scope=None,
        )

    def _next(self, kind: str) -> str:
        self.issued += 1
        return f"{kind}-{self.issued:06}"


class Process:
    """One process that wants a newer token. The test and its thread take turns."""

    def __init__(self, run: Callable[["Process"], None]) -> None:
        self.at = ""
        self.dead = self.frozen = False
        self.intended = False
        self.sent = ""
        self.pair: TokenSet | None = None
        self.era = 0
        self.outcome: RelayError | None = None
        self.bug: BaseException | None = None
        self._orders: SimpleQueue[Any] = SimpleQueue()
        self._stops: SimpleQueue[str] = SimpleQueue()
        self._thread = threading.Thread(target=self._main, args=[run], daemon=True)
        self._thread.start()
        self.at = self._stops.get(timeout=5)

    def go_on(self, order: Any = None) -> None:
        """Let it run to its next stop, where it gets `order`."""
        self._orders.put(order)
        self.at = self._stops.get(timeout=5)
        if self.at == ENDED:
            self._thread.join(timeout=10)
            if self.bug is not None:
                raise self.bug

    def stop(self, at: str) -> Any:
        """Called by its own thread: wait for the test's next order."""
        self._stops.put(at)
        order = self._orders.get(timeout=60)
        if self.dead:
            raise Died
        return order

    def _main(self, run: Callable[["Process"], None]) -> None:
        try:
            run(self)
        except Died:
            pass
        except RelayError as error:
            self.outcome = error
        except BaseException as error:  # noqa: BLE001 - shown by the test's thread
            self.bug = error
        finally:
            self._stops.put(ENDED)


class SteppedLedger(TokenLedger):
    """The real steps, with a stop before or after those that something may come between."""

    def __init__(self, client: "redis.Redis", process: Process) -> None:
        super().__init__(client)
        self._process = process

    def begin(self, *args: Any, **kwargs: Any) -> bool:
        begun = super().begin(*args, **kwargs)
        self._process.intended = begun
        self._process.stop(BEGUN)
        return begun

    def renew(self, *args: Any, **kwargs: Any) -> int | None:
        order = self._process.stop(STORING)
        if order == "not heard":
            raise LedgerUnavailable("no answer")
        version = super().renew(*args, **kwargs)
        if order == "answer lost":
            raise LedgerUnavailable("no answer")
        self._process.intended = False
        return version

    def refused(self, *args: Any, **kwargs: Any) -> Any:
        self._process.stop(JUDGING)
        self._process.intended = False
        return super().refused(*args, **kwargs)

    def failed(self, *args: Any, **kwargs: Any) -> None:
        self._process.stop(FAILING)
        self._process.intended = False
        super().failed(*args, **kwargs)

    def unlock(self, *args: Any, **kwargs: Any) -> None:
        if not self._process.dead:
            super().unlock(*args, **kwargs)


class SteppedOAuth:
    """Stands in for `OAuth`: what the server does with a request, the test decides."""

    def __init__(self, process: Process, sending: Callable[[Process, str], None]) -> None:
        self._process = process
        self._sending = sending

    @contextmanager
    def endpoint(self, deadline: timedelta) -> Iterator["SteppedOAuth"]:
        self._process.stop(LOCKED)
        yield self

    def refresh(self, token: str) -> TokenSet:
        self._sending(self._process, token)
        self._process.stop(ON_THE_WAY)
        if self._process.stop(ANSWERED) == "lost":
            raise TokenEndpointFailed("no answer")
        if self._process.pair is None:
            raise InvalidGrant("refused")
        return self._process.pair


class Protocol(RuleBasedStateMachine):
    """The rules are what can happen; the invariants what must hold whatever happens."""

    def __init__(self, client: "redis.Redis") -> None:
        super().__init__()
        client.flushall()
        self.client = client
        self.clock = 0.0
        # Processes whose lock may have been lost belong to an era before this one.
        self.era = 0
        self.processes: list[Process] = []
        # Whether the only good refresh token went with a dead process or a lost answer.
        self.pair_lost = False
        self.was_revoked = False
        self.newest = ""
        self.ledger = TokenLedger(client)
        self.vault = self._vault(self.ledger, SteppedOAuth(cast(Process, None), self._sending))

    @initialize(rotating=st.booleans(), reuse_revokes=st.booleans(), until=st.sampled_from(STOPS))
    def begin(self, rotating: bool, reuse_revokes: bool, until: str) -> None:
        self.server = Server(rotating=rotating, reuse_revokes=reuse_revokes)
        self.connect()
        self.start_process(until)

    # --- what people do

    @rule()
    def connect(self) -> None:
        self.pair_lost = False
        self.vault.store("acme", self.server.consent(), client_id="key")

    @precondition(lambda self: self._stored() is not None)
    @rule()
    def disconnect(self) -> None:
        self.vault.forget("acme")

    @precondition(lambda self: self._stored() is not None)
    @rule()
    def token_works(self) -> None:
        version = self._read().version
        self.ledger.worked("acme", version)

    # --- what processes do

    @precondition(lambda self: len(self.processes) < MOST_PROCESSES and self._stored() is not None)
    @rule(until=st.sampled_from(STOPS))
    def start_process(self, until: str) -> None:
        """Start a process, and let it go as far as `until` with nothing in between."""
        version = self._read().version

        def run(process: Process) -> None:
            process.era = self.era
            oauth = SteppedOAuth(process, self._sending)
            vault = self._vault(
                SteppedLedger(self.client, process),
                oauth,
                sleep=lambda _: process.stop(WAITING),
            )
            vault.renew("acme", version)

        process = Process(run)
        self._watched(process)
        self._advance_to(until, process)

    @precondition(lambda self: self._awake())
    @rule(data=st.data(), until=st.sampled_from(STOPS))
    def go_on(self, data: st.DataObject, until: str) -> None:
        """One more step, and as far as `until` with nothing in between."""
        process = self._choose(data)
        self._advance(process)
        self._advance_to(until, process)

    @precondition(lambda self: self._awake(ON_THE_WAY, ANSWERED, STORING))
    @rule(data=st.data(), done=st.booleans())
    def go_wrong(self, data: st.DataObject, done: bool) -> None:
        """Lose what the process waits for: the request or its answer, the step or its answer."""
        process = self._choose(data, ON_THE_WAY, ANSWERED, STORING)
        if process.at == STORING:
            self._go_on(process, "answer lost" if done else "not heard")
            return
        if process.at == ON_THE_WAY and done:
            self._serve(process)
        elif process.at == ON_THE_WAY:
            self._go_on(process)
        self._lose_pair_of(process)
        self._go_on(process, "lost")

    @precondition(lambda self: bool(self.processes))
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from(self.processes))
        if process.at in (ANSWERED, STORING):
            self._lose_pair_of(process)
        process.dead = True
        self._go_on(process)

    @precondition(lambda self: bool(self.processes))
    @rule(data=st.data())
    def freeze_or_thaw(self, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from(self.processes))
        process.frozen = not process.frozen

    # --- what time does

    @precondition(
        lambda self: (
            not any(each.at == BEGUN for each in self.processes)
            and len(self.processes) < MOST_PROCESSES
            and self._stored() is not None
        )
    )
    @rule(until=st.sampled_from(STOPS))
    def lock_is_lost(self, until: str) -> None:
        """As in a failover, and another process gets it. Within the moment between beginning and
        sending nothing would help against that."""
        self.era += 1
        self.client.delete(LOCK)
        self.start_process(until)

    @precondition(lambda self: bool(self.processes))
    @rule(data=st.data(), until=st.sampled_from(STOPS))
    def one_is_frozen_for_long(self, data: st.DataObject, until: str) -> None:
        """For so long that everything has run out; another process tries, then it wakes."""
        process = data.draw(st.sampled_from(self.processes))
        process.frozen = True
        self.long_time_passes(answers=True)
        if self._stored() is not None:
            self.start_process(until)
        process.frozen = False

    @rule(answers=st.booleans())
    def long_time_passes(self, answers: bool) -> None:
        """Whoever is awake comes to an end in that time, and everything in Redis does."""
        self._finish([each for each in self.processes if not each.frozen], answers=answers)
        self.clock += LONG
        self.era += 1
        for process in self.processes:
            process.intended = False
        self._expire_all()

    def _expire_all(self) -> None:
        self.client.delete(LOCK, CALLS)
        self.client.hdel(TOKENS, "retry_at")

    # --- what must hold

    @invariant()
    def stored_tokens_are_never_replaced_by_older_ones(self) -> None:
        stored = self._stored()
        if stored is not None:
            access = self.vault.stored_token("acme").access
            assert access >= self.newest, (access, self.newest)
            self.newest = access

    @invariant()
    def revocation_is_found_only_when_no_call_can_bring_the_pair(self) -> None:
        stored = self._stored()
        revoked = stored is not None and stored.revoked
        if stored is not None and revoked and not self.was_revoked:
            assert not [
                each
                for each in self.processes
                if each.intended and each.pair and self.vault.has("acme", each.sent)
            ]
            assert not self.vault.has("acme", self.server.good or "")
        self.was_revoked = revoked

    @invariant()
    def the_pair_before_is_kept_until_the_new_one_has_worked(self) -> None:
        stored = self._stored()
        if stored is not None and stored.kind == "rotating" and not stored.worked:
            assert stored.previous is not None

    def _sending(self, process: Process, token: str) -> None:
        """Called at the moment in which a process sends its refresh token."""
        assert not self.vault.has_replaced("acme", token), "a spent refresh token was sent"
        others = [each for each in self.processes if each is not process and each.at in IN_A_CALL]
        assert not [each for each in others if each.era == self.era and each.intended]
        process.era = self.era
        process.sent = token

    def teardown(self) -> None:
        """In the end everyone wakes and is answered; then a good token that anyone alive had
        is stored, and without one the account is known to be revoked."""
        if any(each.bug for each in self.processes):
            return  # the run has failed already
        for process in self.processes:
            process.frozen = False
        self._finish(list(self.processes), answers=True)
        stored = self._stored()
        if stored is not None:
            self._expire_all()
            good = self.server.good is not None and not self.pair_lost
            assert self.vault.has("acme", self.server.good or "") == good
            self.start_process(ENDED)
            now = self._read()
            assert now.revoked is not good
            assert (now.version > stored.version) is good
        self.client.flushall()

    # --- how

    def _vault(self, ledger: TokenLedger, oauth: SteppedOAuth, **options: Any) -> TokenVault:
        return TokenVault(
            ledger,
            lambda client_id: cast(OAuth, oauth),
            _SEALER,
            origin=TokenOrigin(api_url="https://api.example", auth_url="https://login.example"),
            instance="test",
            refresh_after=timedelta(hours=4),
            now=lambda: datetime.now(UTC),
            monotonic=lambda: self.clock,
            **options,
        )

    def _stored(self) -> StoredTokens | None:
        return self.ledger.read("acme")

    def _read(self) -> StoredTokens:
        return self.vault.stored("acme")

    def _awake(self, *stops: str) -> list[Process]:
        return [
            each for each in self.processes if not each.frozen and (not stops or each.at in stops)
        ]

    def _choose(self, data: st.DataObject, *stops: str) -> Process:
        return data.draw(st.sampled_from(self._awake(*stops)))

    def _advance_to(self, until: str, process: Process) -> None:
        while process.at not in (until, WAITING, ENDED):
            self._advance(process)

    def _advance(self, process: Process) -> None:
        """Let the process take its next step, as it does where nothing goes wrong."""
        if process.at == ON_THE_WAY:
            self._serve(process)
        else:
            self._go_on(process)

    def _serve(self, process: Process) -> None:
        """Let the server do its work on the request that is on its way."""
        process.pair = self.server.refresh(process.sent)
        self._go_on(process)

    def _go_on(self, process: Process, order: Any = None) -> None:
        if process.at == STORING and not process.dead:
            # One that was frozen for minutes may wake in the very moment between another's
            # beginning and sending, and nothing would help against that either.
            for other in [each for each in self.processes if each.at == BEGUN]:
                self._go_on(other)
        process.go_on(order)
        self._watched(process)

    def _watched(self, process: Process) -> None:
        """Keep the process among the others while it lives."""
        if process.bug is not None:
            raise process.bug
        if process.at == ENDED and process in self.processes:
            self.processes.remove(process)
        elif process.at != ENDED and process not in self.processes:
            self.processes.append(process)
        assert process.outcome is None or isinstance(process.outcome, RelayError)

    def _lose_pair_of(self, process: Process) -> None:
        lost = process.pair.refresh_token if process.pair else None
        if self.server.rotating and lost is not None and lost == self.server.good:
            stored = self._stored()
            if stored is None or not self.vault.has("acme", lost):
                self.pair_lost = True

    def _finish(self, processes: list[Process], *, answers: bool) -> None:
        """Let the processes come to their ends; requests are answered, or time out."""
        while processes := [each for each in processes if each in self.processes]:
            for process in processes:
                match process.at:
                    case "ended":
                        pass
                    case "on the way" if not answers:
                        self._go_on(process)
                    case "answered" if not answers:
                        self._lose_pair_of(process)
                        self._go_on(process, "lost")
                    case "waiting":
                        self.clock += 10
                        self._go_on(process)
                    case _:
                        self._advance(process)


_SEALER = Sealer(("a secret only for tests",))


@pytest.fixture
def client(tmp_path: Path) -> Iterator["redis.Redis"]:
    """A server without an append-only file, as each storing would wait for the disk."""
    with ValkeyServer(tmp_path) as server, server.client() as client:
        client.config_set("appendonly", "no")
        yield client


@pytest.mark.timeout(900)
@pytest.mark.parametrize("examples", [50, pytest.param(400, marks=pytest.mark.slow)])
def test_no_order_of_events_breaks_the_protocol(client: "redis.Redis", examples: int) -> None:
    run_state_machine_as_test(
        cast(Any, lambda: Protocol(client)),
        settings=profile(
            max_examples=examples,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            database=None,
            # Of a failure all steps are shown: to find the fewest takes minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
