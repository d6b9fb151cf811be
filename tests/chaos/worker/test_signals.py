"""What each signal does to a worker, whatever it is at."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM, Signals

import pytest
import redis

from sandbox.api.sample_accounts import sample_accounts
from shared.constant_contact.factory import make_vault
from shared.constant_contact.token_set import TokenSet
from shared.domain.errors import Revoked
from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.records import read_record
from tests.support.stack import Stack, eventually
from worker.delivery.shutdown import SOON

ACME = keys.account("acme")
# So long that what waits for it fails the test.
LEASE = timedelta(minutes=10)
SEND_DEADLINE = timedelta(minutes=5)
ACCOUNT, *_ = sample_accounts().values()
SIGN_UP = "/v3/contacts/sign_up_form"
LATENCY_MS = 240_000  # as good as for ever, until the faults are cleared


class Doing(StrEnum):
    """What a worker is at when the signal comes."""

    NOTHING = "idle"
    REQUEST = "in mid-request"
    PACE = "waiting for the pace"
    TOKEN = "refreshing a token"


class Left(StrEnum):
    """What the worker leaves of the sign-up that was its to deliver: settled, due at once, or
    claimed until the lease is over."""

    DELIVERED = "delivered"
    DUE = "queued"
    CLAIMED = "delivering"


@dataclass(frozen=True, slots=True)
class End:
    """How a worker ended: its exit status, what it left, whether the tokens still work, and how
    often the sign-up was sent by the time that another worker had been at it, too."""

    status: int
    left: Left
    tokens_work: bool = True
    sent: int = 1


Ends = dict[tuple[Signals, ...], End]

# The table of the test, as values; a second signal where there is time for one.
ENDS: dict[Doing, Ends] = {
    Doing.NOTHING: {
        (SIGTERM,): End(0, Left.DUE),
        (SIGINT,): End(0, Left.DUE),
        (SIGQUIT,): End(0, Left.DUE),
        (SIGKILL,): End(-9, Left.DUE),
    },
    Doing.REQUEST: {
        (SIGTERM,): End(0, Left.DELIVERED),
        (SIGINT,): End(0, Left.DELIVERED),
        (SIGQUIT,): End(1, Left.CLAIMED, sent=2),
        (SIGTERM, SIGTERM): End(1, Left.CLAIMED, sent=2),
        (SIGKILL,): End(-9, Left.CLAIMED, sent=2),
    },
    Doing.PACE: {
        (SIGTERM,): End(0, Left.DUE),
        (SIGINT,): End(0, Left.DUE),
        (SIGQUIT,): End(0, Left.DUE),
        (SIGKILL,): End(-9, Left.DUE),
    },
    Doing.TOKEN: {
        (SIGTERM,): End(0, Left.DUE),
        (SIGINT,): End(0, Left.DUE),
        (SIGQUIT,): End(0, Left.DUE),
        (SIGTERM, SIGTERM): End(0, Left.DUE),
        (SIGKILL,): End(-9, Left.CLAIMED, tokens_work=False),
    },
}


class Product:
    """A ledger of its own with one account, for which one person signs up, and its worker."""

    def __init__(self, stack: Stack, number: int) -> None:
        self.email = f"person-{number}@example.com"
        self.worker: subprocess.Popen[bytes]
        self.signup: str
        self._stack = stack
        self._databases = {
            "REDIS_URL": stack.valkey.url(2 * number),
            "RELAY_BROKER_URL": stack.valkey.url(2 * number + 1),
        }
        self.client: redis.Redis = stack.valkey.client(2 * number)
        self.ledger = Ledger(self.client)
        settings = Settings.from_env({**stack.environ, **self._databases})
        self._publisher = Publisher(settings)
        self._vault = make_vault(settings, self.client)
        account = builders.account(client_id=stack.sandbox.client_id)
        Registry(self.client).save_account(account)
        self._key = keys.api_key(account.client_id)
        self._connect()

    def _connect(self) -> None:
        tokens = TokenSet.from_json(self._stack.sandbox.connect())
        assert tokens is not None
        self._vault.store("acme", tokens, client_id=self._stack.sandbox.client_id)

    def start_worker(self) -> None:
        self.client.delete("relay:workers")
        self._stack.set(**self._databases)
        self.worker = self._stack.start("worker")

    def has_worker(self) -> bool:
        return bool(self.client.zcard("relay:workers"))

    def sign_up(self) -> None:
        lists = tuple(ACCOUNT.lists)[:1]
        self.signup = builders.accept(self.ledger, self.email, lists=lists).id
        self._publisher.notify_workers("acme")

    def state(self) -> str:
        return str(read_record(self.client, f"{ACME}signup:{self.signup}")["state"])

    def waits_for_the_pace(self) -> bool:
        return bool(self.client.zcard(f"{self._key}turns"))

    def settled(self) -> bool:
        return bool(self.client.hget(f"{ACME}totals", "due") == "0")

    def end_waiting(self) -> None:
        """Let the rest of the pace and the lease of what is claimed be over."""
        self.client.delete(f"{self._key}pace")
        if self.state() == Left.CLAIMED:
            self.client.zadd(f"{ACME}due:fresh", {self.signup: 0}, xx=True)

    def tokens_work(self) -> bool:
        """Whether they can be refreshed, once whatever a killed worker left has run out; if not,
        the account is connected again."""
        self.client.delete(f"{ACME}token-lock", f"{ACME}token-calls")
        try:
            self._vault.refresh("acme")
        except Revoked:
            self._connect()
            return False
        return True


class Row:
    """A worker for each column of the table, all at the same when their signals come."""

    def __init__(self, stack: Stack, doing: Doing) -> None:
        self.stack = stack
        self.doing = doing
        self.products = {
            signals: Product(stack, number) for number, signals in enumerate(ENDS[doing])
        }

    def run(self) -> Ends:
        """Return how each worker ended, by the signals that it got."""
        self._have_them_at_it()
        self._send_signals()
        self._wait_for_those_that_do_not_finish()
        self._let_them_finish()
        columns = self.products.items()
        statuses = {signals: each.worker.wait(timeout=60) for signals, each in columns}
        left = {signals: Left(each.state()) for signals, each in columns}
        work = {signals: each.tokens_work() for signals, each in columns}
        sent = self._sent_by_others_too()
        return {
            signals: End(statuses[signals], left[signals], work[signals], sent[signals])
            for signals in self.products
        }

    def _have_them_at_it(self) -> None:
        sandbox = self.stack.sandbox
        match self.doing:
            case Doing.REQUEST:
                sandbox.control(path=SIGN_UP, latency_ms=LATENCY_MS)
            case Doing.TOKEN:
                sandbox.control(revoke="access")
                sandbox.control(grant_type="refresh_token", answer_latency_ms=LATENCY_MS)
            case Doing.PACE:
                for product in self.products.values():
                    product.ledger.pace.rest("acme", LEASE, slower_for=timedelta())
        self._start_workers()
        if self.doing is not Doing.NOTHING:
            for product in self.products.values():
                product.sign_up()
        eventually(self._all_are_at_it, what="what is to be interrupted")

    def _all_are_at_it(self) -> bool:
        if self.doing is Doing.NOTHING:
            return True
        if self.doing is Doing.PACE:
            return all(each.waits_for_the_pace() for each in self.products.values())
        stats = self.stack.sandbox.stats()
        return bool(stats["faults_used"] == len(self.products))

    def _send_signals(self) -> None:
        for signals, product in self.products.items():
            product.worker.send_signal(signals[0])
        heard = len(self.products) - 1  # SIGKILL is not
        eventually(lambda: self.stack.log.count("worker stops signal=") == heard, what="stopping")
        for signals, product in self.products.items():
            for another in signals[1:]:
                product.worker.send_signal(another)

    def _wait_for_those_that_do_not_finish(self) -> None:
        """What they are at lasts until it is let go, so these end while it does."""
        for signals, product in self.products.items():
            if ENDS[self.doing][signals].status != 0:
                product.worker.wait(timeout=60)
        if self.doing is Doing.TOKEN:  # nor does the hurried one give up a pair
            with pytest.raises(subprocess.TimeoutExpired):
                self.products[SIGQUIT,].worker.wait(SOON.total_seconds() + 1)

    def _let_them_finish(self) -> None:
        self.stack.sandbox.clear()
        if self.doing is Doing.NOTHING:
            for product in self.products.values():
                product.sign_up()

    def _sent_by_others_too(self) -> dict[tuple[Signals, ...], int]:
        """Have other workers deliver what is left; return how often each sign-up was sent."""
        for product in self.products.values():
            product.end_waiting()
        self._start_workers()
        for product in self.products.values():
            eventually(product.settled, what="delivery")
        deliveries = self.stack.deliveries()
        return {signals: len(deliveries[each.email]) for signals, each in self.products.items()}

    def _start_workers(self) -> None:
        for product in self.products.values():
            product.start_worker()
        for product in self.products.values():
            eventually(product.has_worker, what="a worker's start")


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    stack = make_stack(
        rate=100,
        RELAY_LEASE_SECONDS=f"{LEASE.total_seconds():.0f}",
        RELAY_SEND_DEADLINE_SECONDS=f"{SEND_DEADLINE.total_seconds():.0f}",
    )
    stack.sandbox.control(rates={"token_requests_per_second": 100})
    return stack


@pytest.mark.parametrize(
    "doing",
    [
        pytest.param(doing, marks=[] if doing is Doing.REQUEST else pytest.mark.slow, id=doing)
        for doing in Doing
    ],
)
def test_a_worker_ends_as_promised(stack: Stack, doing: Doing) -> None:
    """What is promised (docs/internals/failures.md has it for operators):

    | at the signal        | TERM, INT            | QUIT, or a second one  | KILL                 |
    |----------------------|----------------------|------------------------|----------------------|
    | idle                 | ends                 | ends                   | ends                 |
    | in mid-request       | its answer is waited | 5 s for the answer;    | claimed until the    |
    |                      | for and settled;     | then claimed until the | lease is over; sent  |
    |                      | sent once            | lease is over; sent    | once more at most    |
    |                      |                      | once more at most      |                      |
    | waiting for the pace | ends; nothing is     | ends; nothing is       | nothing is claimed   |
    |                      | claimed              | claimed                |                      |
    | refreshing a token   | its answer is waited | as with TERM           | claimed until the    |
    |                      | for and stored; the  |                        | lease is over; a     |
    |                      | sign-up is given     |                        | rotating pair under  |
    |                      | back, sent once      |                        | way is lost          |

    An answer is waited for as long as its own deadline is: RELAY_SEND_DEADLINE_SECONDS, 20 s for
    a token. "Sent once" counts what another worker sends after that, too.
    """
    assert Row(stack, doing).run() == ENDS[doing]
