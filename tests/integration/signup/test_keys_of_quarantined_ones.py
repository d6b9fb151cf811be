"""One Idempotency-Key is one sign-up, also where it goes to quarantine. Apart from the key, a
quarantined one is nobody's first: the person's own later sign-up is taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.domain.errors import KeyReused
from shared.domain.signup import Consent
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import RateLimit
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from tests.support import builders
from tests.support.retention import retention
from web.signup.checked_signup import CheckedSignup
from web.signup.draining import Drainer
from web.signup.spool import Spool

SEALER = Sealer(("a secret only for tests",))
LIMIT = RateLimit(30, timedelta(minutes=1))
NOW = timedelta()


@dataclass(frozen=True)
class Post:
    """`content` is the list that the visitor chose."""

    content: str = "news"
    key: str | None = "k"
    trapped: bool = False
    address: str = "192.0.2.1"


def clean(content: str = "news", key: str | None = "k", address: str = "192.0.2.1") -> Post:
    return Post(content, key, trapped=False, address=address)


def trapped(content: str = "news", key: str | None = "k", address: str = "192.0.2.1") -> Post:
    return Post(content, key, trapped=True, address=address)


ELSEWHERE = "198.51.100.7"
# What is posted one after the other, and what each is told: the number of a sign-up, or 422.
CASES = {
    "the same again": ([trapped(), trapped()], "0 0"),
    "other content": ([trapped(), trapped("other")], "0 422"),
    "other content that is clean": ([trapped(), clean("other")], "0 422"),
    "clean, then it looks like spam": ([clean(), trapped()], "0 0"),
    "clean, then other content looks like spam": ([clean(), trapped("other")], "0 422"),
    "it looks like spam, then it is clean": ([trapped(), clean()], "0 0"),
    "its own second try has no key": ([trapped(), clean(key=None)], "0 1"),
    "its own second try has another key": ([trapped(), clean(key="l")], "0 1"),
    "each key keeps its meaning": (
        [trapped(), clean(key="l"), trapped(), trapped(key="l")],
        "0 1 0 1",
    ),
    "without keys, nothing that looks like spam is a repeat": ([trapped(key=None)] * 2, "0 1"),
    "a key that comes later": ([trapped(key=None), trapped(), clean(), clean(key=None)], "0 1 1 2"),
    "from elsewhere": ([trapped(), trapped(address=ELSEWHERE)], "0 0"),
    "from elsewhere, other content": ([trapped(), trapped("other", address=ELSEWHERE)], "0 422"),
    "a clean one from elsewhere": ([clean(), trapped(address=ELSEWHERE)], "0 0"),
    "a repeat from elsewhere is no sign-up of anybody": (
        [trapped(), clean(address=ELSEWHERE), clean(key=None), clean(key=None, address=ELSEWHERE)],
        "0 0 1 1",
    ),
    "nor is one of those who sent it": (
        [trapped(), clean(address=ELSEWHERE), clean(key=None, address=ELSEWHERE), clean(key=None)],
        "0 0 1 1",
    ),
}


@dataclass
class Rig:
    """A ledger, and a web host with its disk. `told` is what visitors were told."""

    client: "redis.Redis"
    spool: Spool
    drainer: Drainer
    told: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.client)

    def entry(self, post: Post) -> CheckedSignup:
        submission = builders.submission(
            lists=(post.content,),
            quarantine="honeypot" if post.trapped else None,
            consent=Consent(text="Yes", version="1", box=None, address=post.address, page=None),
        )
        return CheckedSignup(
            submission=submission, compared_email="ada@example.com", idempotency_key=post.key
        )

    def in_ledger(self, post: Post) -> str:
        entry, marks = self.entry(post), load_fingerprints(self.client, SEALER)
        return self.ledger.accept(
            entry.submission,
            person=entry.person(marks),
            digest=entry.content(marks),
            idempotency_key=entry.key(marks),
            visitor=marks.visitor_in(post.address, "1"),
            limit=LIMIT,
        ).id

    def on_disk(self, post: Post) -> str:
        return self.spool.add(self.entry(post)).id

    def drain(self) -> None:
        while self.spool.in_use():
            self.drainer.drain_some()

    def tell(self, way: Callable[[Post], str], *posts: Post) -> str:
        """Post them; return all that visitors were told until now."""
        for post in posts:
            try:
                self.told.append(way(post))
            except KeyReused:
                self.told.append("422")
        ids = [each for each in dict.fromkeys(self.told) if each != "422"]
        return " ".join(str(ids.index(each)) if each in ids else each for each in self.told)

    def accepted(self) -> int:
        figures = self.ledger.figures("acme")
        ended = figures.delivered + figures.dead + figures.discarded + figures.quarantined
        assert figures.accepted == figures.due + ended
        of_form = self.client.hgetall("relay:{acme}:forms")
        assert int(of_form["accepted:news"]) == figures.accepted
        return figures.accepted


@pytest.fixture
def rig(tmp_path: Path, redis_client: "redis.Redis") -> Rig:
    Registry(redis_client).save_account(builders.account())
    spool = Spool(tmp_path / "relay", limit=1_000_000, now=utc_now)
    drainer = Drainer(
        spool,
        redis_client,
        folder=tmp_path / "relay",
        host="web-1",
        fingerprints=lambda client: load_fingerprints(client, SEALER),
        notify_workers=lambda account: None,
        person_limit=None,
        now=utc_now,
        sleep=lambda seconds: None,
    )
    return Rig(redis_client, spool, drainer)


def signups_in(told: str) -> int:
    return len(set(told.split()) - {"422"})


@pytest.mark.parametrize(("posts", "told"), CASES.values(), ids=CASES)
def test_in_the_ledger_and_on_the_disk(rig: Rig, posts: list[Post], told: str) -> None:
    assert rig.tell(rig.in_ledger, *posts) == told
    quarantined = rig.ledger.figures("acme").quarantined
    assert rig.accepted() == signups_in(told)
    rig.client.flushdb()
    Registry(rig.client).save_account(builders.account())
    rig.told.clear()

    assert rig.tell(rig.on_disk, *posts) == told
    rig.drain()
    assert rig.accepted() == signups_in(told)
    assert rig.ledger.figures("acme").quarantined == quarantined


def deliver(rig: Rig, id: str) -> None:
    signup = rig.ledger.find(id, ["acme"])
    assert signup is not None
    assert rig.ledger.deliver_anyway(signup)


def discard(rig: Rig, id: str) -> None:
    assert rig.ledger.discard("acme", id)


def erase(rig: Rig, id: str) -> None:
    assert People(rig.client).erase("acme", id, "")


def clear(rig: Rig, id: str) -> None:
    keeping = RecordKeeping(rig.client, retention(quarantined=NOW))
    keeping.begin(timedelta(days=1))
    assert keeping.clear("acme", "quarantined") == 1


def nothing(rig: Rig, id: str) -> None:
    """It waits in quarantine."""


@pytest.mark.parametrize("settle", [nothing, deliver, discard, clear, erase])
@pytest.mark.parametrize("way", [Rig.in_ledger, Rig.on_disk])
def test_its_key_outlasts_it(
    rig: Rig, settle: Callable[[Rig, str], None], way: Callable[[Rig, Post], str]
) -> None:
    """Whatever became of it, a repeat is no second one, and the person's own one is taken."""
    rig.tell(lambda post: way(rig, post), trapped())
    rig.drain()
    settle(rig, rig.told[0])
    assert rig.tell(rig.in_ledger, trapped(), clean(), trapped("other")) == "0 0 0 422"
    assert rig.accepted() == 1
    assert rig.tell(rig.in_ledger, clean(key=None)) == "0 0 0 422 1"
    assert rig.accepted() == 2


@pytest.mark.parametrize("late", [trapped(), clean()])
@pytest.mark.parametrize("known", [trapped(), clean()])
def test_what_drains_late_is_no_second_one(rig: Rig, late: Post, known: Post) -> None:
    """Another host had the key first, while Redis was away from this one."""
    rig.on_disk(late)
    first = rig.in_ledger(known)
    rig.drain()
    assert rig.accepted() == 1
    assert rig.in_ledger(late) == first


def test_two_at_once_are_one(rig: Rig) -> None:
    for way in (rig.in_ledger, rig.on_disk):
        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(way, [trapped()] * 24))) == 1
