"""Strangers hold connections in every way that HTTP has, and honest visitors notice nothing.

A visitor at the strangers' own address loads the form, signs up and is answered in the usual time.
Afterwards web has closed the strangers' connections, and has needed little memory for them.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.attackers import Attack, Attackers, from_many_networks
from tests.support.honest_visitor import HonestVisitor
from tests.support.raw_http import accepted, head, with_length
from tests.support.stack import eventually
from tests.support.web_process import WebProcess
from web.server.listeners import MOST_UNREAD

ROUTES = {
    "sign-up": (b"POST", b"/f/news"),
    "sign-in": (b"POST", b"/console/sign-in"),
    "a client's link": (b"POST", b"/connect/link/token"),
    "the form": (b"GET", b"/f/news"),
    "a file": (b"GET", b"/static/console.css"),
    "health": (b"GET", b"/healthz"),
    "nothing": (b"GET", b"/nothing"),
}
ESTABLISHED = "01"
# For a visitor on a slow machine that is busy with other tests, too. On a quiet one it is
# milliseconds for most, and a second when thousands of bodies are late at the same moment. Who had
# to wait for a stranger's body would wait for two seconds at least (CROWDED_SECONDS).
USUAL_SECONDS, WORST_SECONDS = 1.5, 8
# A sign-up whose answer, a page that keeps what was typed, is four times as long.
LARGE_BODY = b"email=&first_name=" + b"%22" * 20_000


@dataclass(frozen=True)
class Kind:
    """`attack` makes one from the arguments of a request's head. `seconds` is when it has ended,
    `mebibytes` how much memory a hundred of them may need."""

    attack: Callable[..., Attack]
    seconds: float
    mebibytes: float


def with_body(first: bytes, again: bytes = b"") -> Callable[..., Attack]:
    def attack(path: bytes, method: bytes) -> Attack:
        request = head(path, b"Content-Length: 500", method=method, last=False)
        return Attack(request + first, again)

    return attack


def chunked(first: bytes, again: bytes = b"") -> Callable[..., Attack]:
    def attack(path: bytes, method: bytes) -> Attack:
        request = head(path, b"Transfer-Encoding: chunked", method=method, last=False)
        return Attack(request + first, again)

    return attack


def endless_head(path: bytes, method: bytes) -> Attack:
    return Attack(head(path, method=method, last=False).removesuffix(b"\r\n"), b"X-More: a\r\n")


def many_requests(path: bytes, method: bytes) -> Attack:
    return Attack(head(path, b"Content-Length: 0", method=method, last=False) * 1000)


def large_answer(path: bytes, method: bytes) -> Attack:
    length = b"Content-Length: %d" % len(LARGE_BODY)
    return Attack(head(path, length, method=method, accept=b"text/html", last=False) + LARGE_BODY)


BODIES = {
    "silent after the head": Kind(with_body(b""), 10, 6),
    "silent in the body": Kind(with_body(b"email="), 10, 6),
    "a byte a second": Kind(with_body(b"email=", again=b"a"), 10, 6),
    "chunked and silent": Kind(chunked(b"5\r\nemail\r\n"), 10, 6),
    "a chunk a second": Kind(chunked(b"", again=b"1\r\na\r\n"), 10, 6),
    "a head without end": Kind(endless_head, 5, 6),
}
MANY = Kind(many_requests, 20, 15)
LARGE = Kind(large_answer, 20, 60)


def unread(web: WebProcess) -> list[int]:
    """Return, for each connection that web has open, how much of its answers is not received.

    What web has closed does not count.
    """
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [row for row in rows if row[1].endswith(f":{web.port:04X}") and row[3] == ESTABLISHED]
    return [int(row[4].partition(":")[0], 16) for row in ours]


def assert_served(visitor: HonestVisitor) -> None:
    assert visitor.refused == []
    assert statistics.median(visitor.seconds) < USUAL_SECONDS
    assert max(visitor.seconds) < WORST_SECONDS


def besiege(web: WebProcess, kind: Kind, attacks: list[Attack], **options: object) -> None:
    """Attack until web has closed all connections, with an honest visitor all the time."""
    before = web.resident_mebibytes()
    with (
        HonestVisitor(web.port) as visitor,
        Attackers(web.port, attacks, **options),  # type: ignore[arg-type]
    ):
        peak = web.resident_mebibytes()
        eventually(lambda: len(unread(web)) < 10, within=kind.seconds + 60, what="the end")
        peak = max(peak, web.resident_mebibytes())
        eventually(lambda: visitor.rounds >= 10, within=30, what="signing up")
    assert_served(visitor)
    assert accepted(web) == visitor.signed_up
    assert peak - before < 60 + kind.mebibytes * len(attacks) / 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", BODIES.values(), ids=BODIES.keys())
def test_bodies_and_heads_that_never_end(web: WebProcess, kind: Kind) -> None:
    attacks = [kind.attack(path, method) for method, path in ROUTES.values() for _ in range(500)]
    besiege(web, kind, attacks, address_of=from_many_networks)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BODIES.values(), ids=BODIES.keys())
def test_bodies_and_heads_that_never_end_from_one_address(web: WebProcess, kind: Kind) -> None:
    attacks = [kind.attack(path, method) for method, path in ROUTES.values() for _ in range(71)]
    besiege(web, kind, attacks)


@pytest.mark.slow
def test_answers_that_nobody_reads(web: WebProcess) -> None:
    attacks = [MANY.attack(path, method) for method, path in ROUTES.values() for _ in range(71)]
    besiege(web, MANY, attacks)


@pytest.mark.slow
def test_large_answers_that_nobody_reads(web: WebProcess) -> None:
    besiege(web, LARGE, [LARGE.attack(b"/f/news", b"POST")] * 500)


# --- the same in short, for every run


def test_five_hundred_bodies_that_do_not_come_shut_nobody_out(web: WebProcess) -> None:
    attack = BODIES["silent in the body"].attack(b"/f/news", b"POST")
    with HonestVisitor(web.port) as visitor, Attackers(web.port, [attack] * 500):
        eventually(lambda: visitor.rounds >= 15, within=30, what="signing up")
    assert_served(visitor)


def test_a_client_that_reads_nothing_gets_few_answers(web: WebProcess) -> None:
    attack = MANY.attack(b"/f/news", b"POST")
    with HonestVisitor(web.port) as visitor, Attackers(web.port, [attack] * 5):
        eventually(lambda: visitor.rounds >= 15, within=30, what="signing up")
        assert 10_000 < max(unread(web)) < 4 * MOST_UNREAD  # the system doubles what it is asked
    assert_served(visitor)


@pytest.mark.slow
def test_hundreds_of_sign_ins_at_a_time_shut_no_visitor_out(web: WebProcess) -> None:
    tries = [
        Attack(with_length(b"name=admin%d&password=x" % each, target=b"/console/sign-in"))
        for each in range(300)
    ]
    with (
        HonestVisitor(web.port) as visitor,
        Attackers(web.port, tries, address_of=from_many_networks),
    ):
        eventually(lambda: visitor.rounds >= 10, within=30, what="signing up")
    assert_served(visitor)
