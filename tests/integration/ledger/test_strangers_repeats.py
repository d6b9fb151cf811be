"""A repeat tells a stranger nothing: it is answered and counted as a sign-up of their own.

Each case runs twice: in one ledger somebody else has sent the same just before, in the other nobody
has. A stranger, who may send from several addresses, must not see which is which.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import redis

from shared.domain.errors import KeyReused, VisitorLimited
from shared.domain.signup import Consent
from shared.infrastructure.addresses import wider_network
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import Ledger
from shared.ledger.limits import LEAST_REPEATS, MOST_REPEAT_KEYS
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.ledger_model import Clock, turnable_server

LIMIT = RateLimit(3, timedelta(minutes=1))
VICTIM, STRANGER, NEIGHBOUR = "198.51.100.1", "203.0.113.7", "203.0.113.8"


@dataclass
class Intake:
    """A ledger whose clock can be turned. `seen` is all that its visitors were told."""

    ledger: Ledger
    clock: Clock
    seen: list[str] = field(default_factory=list)

    def post(
        self, address: str, content: str = "news", key: str | None = None, *, trapped: bool = False
    ) -> str:
        """Return the number of the id that was answered, in order of appearance, or the error."""
        network, place = wider_network(address)
        try:
            answer = builders.accept(
                self.ledger,
                digest=content,
                idempotency_key=key,
                quarantine="honeypot" if trapped else None,
                visitor=f"of-{network.replace(':', '-')}:{place}",
                limit=LIMIT,
                consent=Consent(text="Yes", version="1", box=None, address=address, page=None),
            ).id
        except (VisitorLimited, KeyReused) as error:
            answer = type(error).__name__
        self.seen.append(answer)
        return answer

    def wait(self, minutes: float) -> None:
        self.clock.us += int(minutes * 60_000_000)

    def told(self) -> list[str]:
        """Return what visitors were told, with ids by the order in which they first came."""
        order = {answer: f"#{n}" for n, answer in enumerate(dict.fromkeys(self.seen))}
        return [order[answer] if "-" in answer else answer for answer in self.seen]


@pytest.fixture
def intake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Intake]]:
    def make() -> Intake:
        clock = Clock(1_790_000_000_000_000)
        client: redis.Redis = turnable_server(monkeypatch, clock)
        client.flushall()
        Registry(client).save_account(builders.account())
        return Intake(Ledger(client), clock)

    yield make


def use_up(intake: Intake) -> None:
    for number in range(LIMIT.count):
        intake.post(STRANGER, f"own-{number}")


def probe_at_the_limit(intake: Intake) -> None:
    use_up(intake)
    intake.post(STRANGER)


def probe_then_count_what_is_left(intake: Intake) -> None:
    intake.post(STRANGER)
    use_up(intake)


def probe_twice(intake: Intake) -> None:
    intake.post(STRANGER)
    use_up(intake)
    intake.post(STRANGER)


def probe_until_the_first_is_ten_minutes_old(intake: Intake) -> None:
    intake.post(STRANGER)
    for _ in range(4):
        intake.wait(2.4)
        intake.post(STRANGER)


def probe_with_a_key(intake: Intake) -> None:
    intake.post(STRANGER, key="k")
    intake.wait(12)
    use_up(intake)
    intake.post(STRANGER, key="k")
    intake.post(STRANGER, "other", key="k")


def probe_from_two_addresses(intake: Intake) -> None:
    intake.post(STRANGER)
    intake.post(NEIGHBOUR)
    intake.post(STRANGER)


def probe_from_two_addresses_for_half_an_hour(intake: Intake) -> None:
    for address in (STRANGER, NEIGHBOUR, STRANGER, NEIGHBOUR, STRANGER):
        intake.post(address)
        intake.wait(5.5)


def probe_with_a_key_of_a_repeat(intake: Intake) -> None:
    intake.post(STRANGER)
    intake.post(STRANGER, key="k")
    intake.wait(12)
    use_up(intake)
    intake.post(STRANGER, key="k")


def probe_how_many_keys_are_left(intake: Intake) -> None:
    for number in range(MOST_REPEAT_KEYS + 2):
        intake.post(STRANGER, key=f"k{number}")
    for number in range(MOST_REPEAT_KEYS + 2):
        intake.post(STRANGER, f"other-{number}", key=f"k{number}")


def probe_as_a_robot(intake: Intake) -> None:
    """The content of a quarantined one is no mark: only what has its key repeats it."""
    for key in (None, None, "k", "k"):
        intake.post(STRANGER, key=key, trapped=True)


def probe_as_a_robot_with_a_key_of_somebody_else(intake: Intake) -> None:
    for content in ("news", "news", "other"):
        intake.post(STRANGER, content, key="victim's", trapped=True)


@pytest.mark.parametrize(
    "probe",
    [
        probe_as_a_robot,
        probe_as_a_robot_with_a_key_of_somebody_else,
        probe_at_the_limit,
        probe_then_count_what_is_left,
        probe_twice,
        probe_until_the_first_is_ten_minutes_old,
        probe_with_a_key,
        probe_from_two_addresses,
        probe_from_two_addresses_for_half_an_hour,
        probe_with_a_key_of_a_repeat,
        probe_how_many_keys_are_left,
    ],
)
def test_a_stranger_cannot_find_out_whether_somebody_signed_up(
    intake: Callable[[], Intake], probe: Callable[[Intake], None]
) -> None:
    found = []
    for somebody in (False, True):
        here = intake()
        if somebody:
            here.post(VICTIM, key="victim's")
            for number in range(3):
                here.post(VICTIM, key=f"victim's {number}")
            here.wait(5)
        here.seen.clear()
        probe(here)
        found.append(here.told())
    assert found[0] == found[1]


@dataclass(frozen=True)
class Post:
    after: float  # minutes after the one before
    address: str
    content: str
    key: str | None
    trapped: bool


def made_up(chance: random.Random, addresses: tuple[str, ...]) -> list[Post]:
    return [
        Post(
            after=chance.choice((0, 0, 0.31, 2.37, 4.83, 7.59, 9.91, 10.13)),
            address=chance.choice(addresses),
            content=chance.choice(("news", "news", "news", "other")),
            key=chance.choice((None, None, "k0", "k1", "k2")),
            trapped=chance.random() < 0.1,
        )
        for _ in range(chance.randint(2, 14))
    ]


def played(here: Intake, schedule: list[Post], *, without: str | None) -> list[str]:
    """Return what all but the victim are told. The posts `without` are left out."""
    for post in schedule:
        here.wait(post.after)
        key = f"victim's {post.key}" if post.key and post.address == VICTIM else post.key
        if post.address != without:
            here.post(post.address, post.content, key, trapped=post.trapped)
        if post.address == VICTIM and without is None:
            here.seen.pop()
    return here.told()


def test_one_address_never_sees_what_another_sends(intake: Callable[[], Intake]) -> None:
    """Whoever posts when: the victim before the stranger, in between, again and again."""
    chance = random.Random(2)
    for _ in range(25):
        schedule = made_up(chance, (VICTIM, STRANGER, STRANGER))
        assert played(intake(), schedule, without=None) == played(
            intake(), schedule, without=VICTIM
        ), schedule


def test_several_addresses_never_see_what_another_sent_before(
    intake: Callable[[], Intake],
) -> None:
    """Who works together cannot find out afterwards. One who posts before the victim can, as the
    same content within ten minutes gets the same answer."""
    chance = random.Random(0)
    for _ in range(25):
        schedule = [
            *made_up(chance, (VICTIM,)),
            *made_up(chance, (STRANGER, NEIGHBOUR, "192.0.2.9")),
        ]
        assert played(intake(), schedule, without=None) == played(
            intake(), schedule, without=VICTIM
        ), schedule


@pytest.mark.parametrize("minutes", [(6, 6), (9, 9, 9, 9)])
def test_the_same_within_ten_minutes_is_one_sign_up_for_strangers_too(
    intake: Callable[[], Intake], minutes: tuple[float, ...]
) -> None:
    here = intake()
    first = here.post(VICTIM)
    for number, pause in enumerate(minutes):
        here.wait(pause)
        assert here.post(f"203.0.113.{number}") == first
    here.wait(10.1)
    assert here.post(NEIGHBOUR) != first


def test_who_signs_up_again_after_ten_minutes_is_not_kept_out_by_strangers(
    intake: Callable[[], Intake],
) -> None:
    here = intake()
    first = here.post(VICTIM)
    here.wait(9)
    assert here.post(STRANGER) == first
    here.wait(2)
    again = here.post(VICTIM)
    assert again != first
    assert here.post(NEIGHBOUR) == again


def test_what_looks_like_spam_makes_nobody_elses_a_repeat(intake: Callable[[], Intake]) -> None:
    here = intake()
    first = here.post(VICTIM, key="k")
    here.wait(9)
    assert here.post(STRANGER, key="k", trapped=True) == first
    here.wait(2)
    assert here.post(NEIGHBOUR) != first


@pytest.mark.parametrize(
    ("at_first", "again"),
    [
        pytest.param(VICTIM, VICTIM, id="IPv4"),
        pytest.param("2001:db8:1:2:3::4", "2001:db8:1:2::9", id="one IPv6 /64"),
        pytest.param("2001:db8::1", "2001:db8::2:0:0:1", id="a /64 that ends in zeros"),
        pytest.param("::1", "::1", id="the shortest"),
        pytest.param("1:2:3:4::", "1:2:3:4:5:6:7:8", id="one that ends in colons"),
        pytest.param("", "", id="nobody knows the address"),
    ],
)
def test_a_visitors_own_repeat_is_never_limited(
    intake: Callable[[], Intake], at_first: str, again: str
) -> None:
    here = intake()
    first = here.post(at_first)
    for number in range(LIMIT.count + 1):
        here.post(at_first, f"more-{number}")
    assert here.seen[-1] == "VisitorLimited"
    assert [here.post(again), here.post(again, key="k"), here.post(again, key="k")] == [first] * 3
    assert here.post(again, "other", key="k") == "KeyReused"


def test_repeats_have_a_limit_of_their_own(intake: Callable[[], Intake]) -> None:
    """Whose are refused can still sign up, and a stranger's repeats are limited as before."""
    here = intake()
    first = here.post(VICTIM)
    assert {here.post(VICTIM) for _ in range(LEAST_REPEATS)} == {first}
    assert here.post(VICTIM) == "VisitorLimited"
    assert "-" in here.post(VICTIM, "another")
    assert [here.post(STRANGER), here.post(NEIGHBOUR)] == [first, first]
    here.wait(1.1)
    assert here.post(VICTIM) == first


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("::1", "::1:0:0:0:1"),
        ("203.0.113.7", "203.0.113.70"),
    ],
)
def test_who_is_a_stranger(intake: Callable[[], Intake], first: str, other: str) -> None:
    here = intake()
    here.post(first)
    for number in range(LIMIT.count):
        here.post(other, f"own-{number}")
    assert here.post(other) == "VisitorLimited"


def test_a_key_of_somebody_else_opens_no_way_around_the_limit(
    intake: Callable[[], Intake],
) -> None:
    here = intake()
    first = here.post(VICTIM, key="k")
    assert here.post(STRANGER, key="k") == first  # as senders with many addresses need it
    for number in range(LIMIT.count - 1):
        here.post(STRANGER, f"own-{number}")
    told = [here.post(NEIGHBOUR, f"own-{number}", key="k") for number in range(LIMIT.count)]
    assert set(told) == {"KeyReused"}
    assert here.post(NEIGHBOUR, key="k") == here.post(NEIGHBOUR, "x", key="k") == "VisitorLimited"
