"""The spool: what is kept on web's disk, in which order, how much, and for whose eyes."""

import json
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.domain.errors import KeyReused, SpoolRefused, VisitorLimited
from shared.domain.signup import Contact
from shared.ledger.spools import damaged_ones
from shared.ledger.values import Accepted
from tests.support import builders
from tests.support.builders import NOON
from web.signup.checked_signup import CheckedSignup
from web.signup.spool import Spool
from web.signup.spool_file import FILE_NAME, SpoolFile, locked, peek

MANY = 1_000_000


class Clock:
    """A time that only the test moves."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def pass_by(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "relay"


@pytest.fixture
def make(folder: Path, clock: Clock) -> Callable[..., Spool]:
    """Return the spool as a new process has it."""

    def new(limit: int = MANY) -> Spool:
        return Spool(folder, limit=limit, now=clock.now)

    return new


@pytest.fixture
def spool(make: Callable[..., Spool]) -> Spool:
    return make()


def entry(
    id: str, email: str = "ada@example.com", *, key: str | None = None, **fields: object
) -> CheckedSignup:
    return CheckedSignup(
        submission=builders.submission(email, id=id, **fields),
        compared_email=email.lower(),
        idempotency_key=key,
    )


def ids(spool: Spool, count: int = 100) -> list[str]:
    return [row.id for row in spool.first(count)]


# --- keeping


def test_a_sign_up_is_read_as_it_was_kept(spool: Spool, make: Callable[..., Spool]) -> None:
    kept = entry(
        "one",
        "Ünal@example.com",
        key="a key",
        contact=Contact(fields={"email_address": "Ünal@example.com"}, other={"cake": ["a", "b"]}),
        quarantine=builders.suspicion("disposable", "too_fast", score=11, disposable="x.example"),
        unsubscribed="ask",
    )
    spool.add(kept)
    [row] = make().first(10)
    assert row.checked() == kept
    assert (row.id, row.account, row.received_at) == ("one", "acme", NOON)


def test_they_come_in_the_order_received_a_few_at_a_time(spool: Spool, clock: Clock) -> None:
    for number in range(5):
        spool.add(entry(str(number), f"{number}@example.com"))
        clock.pass_by(seconds=-1)  # the order is not the clock's
    assert ids(spool, 3) == ["0", "1", "2"]
    spool.remove(spool.first(3))
    assert ids(spool, 3) == ["3", "4"]


def test_a_place_is_not_used_again(spool: Spool) -> None:
    spool.add(entry("one"))
    gone = spool.first(1)
    spool.remove(gone)
    spool.add(entry("two"))
    spool.remove(gone)  # by a process that was held up meanwhile
    assert ids(spool) == ["two"]


def test_figures_are_those_of_what_is_there(spool: Spool, clock: Clock) -> None:
    spool.add(entry("one"))
    one = spool.figures()
    assert (one.count, one.oldest, one.refused) == (1, timedelta(), 0)
    clock.pass_by(minutes=3)
    spool.add(entry("two", "bob@example.com"))
    assert (spool.figures().count, spool.figures().oldest) == (2, timedelta(minutes=3))
    assert spool.figures().bytes > one.bytes > 100
    spool.remove(spool.first(10))
    empty = spool.figures()
    assert (empty.count, empty.bytes, empty.oldest) == (0, 0, None)


# --- the same one again


def test_the_same_content_within_ten_minutes_gets_the_first_ones_id(
    spool: Spool, make: Callable[..., Spool], clock: Clock
) -> None:
    assert spool.add(entry("one")) == Accepted("one", duplicate=False, notify_workers=False)
    clock.pass_by(minutes=10)
    again = make().add(entry("two"))
    assert (again.id, again.duplicate) == ("one", True)
    assert ids(spool) == ["one"]


def test_after_ten_minutes_it_is_another_sign_up(spool: Spool, clock: Clock) -> None:
    spool.add(entry("one"))
    clock.pass_by(minutes=10, milliseconds=1)
    assert spool.add(entry("two")).duplicate is False
    assert ids(spool) == ["one", "two"]


def test_other_content_is_another_sign_up(spool: Spool) -> None:
    spool.add(entry("one"))
    assert spool.add(entry("two", lists=("another",))).duplicate is False


def test_the_same_key_within_a_day_gets_the_first_ones_id(spool: Spool, clock: Clock) -> None:
    spool.add(entry("one", key="k"))
    clock.pass_by(days=1)
    assert spool.add(entry("two", key="k")).id == "one"
    clock.pass_by(milliseconds=1)
    assert spool.add(entry("three", key="k")).id == "three"


def test_other_content_under_the_same_key_is_refused(spool: Spool) -> None:
    spool.add(entry("one", key="k"))
    with pytest.raises(KeyReused):
        spool.add(entry("two", "bob@example.com", key="k"))
    assert ids(spool) == ["one"]


def test_a_key_is_one_forms_own(spool: Spool) -> None:
    spool.add(entry("one", key="k"))
    assert spool.add(entry("two", key="k", form="other")).id == "two"


def test_a_key_that_comes_with_known_content_stands_for_it_from_now_on(spool: Spool) -> None:
    spool.add(entry("one"))
    assert spool.add(entry("two", key="k")).id == "one"
    assert spool.first(1)[0].checked().idempotency_key == "k"
    with pytest.raises(KeyReused):
        spool.add(entry("three", "bob@example.com", key="k"))


def test_the_first_key_stays(spool: Spool) -> None:
    spool.add(entry("one", key="k"))
    assert spool.add(entry("two", key="l")).id == "one"
    assert spool.first(1)[0].checked().idempotency_key == "k"


def test_only_its_key_makes_a_quarantined_one_the_first(spool: Spool) -> None:
    spool.add(entry("spam", key="k", quarantine="honeypot"))
    assert spool.add(entry("again", key="k")).id == "spam"
    assert spool.add(entry("clean")).id == "clean"
    assert spool.add(entry("more spam", quarantine="honeypot")).id == "clean"


def test_a_quarantine_of_an_earlier_version_is_its_reason() -> None:
    document = json.loads(entry("spam", quarantine="honeypot").to_json())
    earlier = CheckedSignup.from_json(json.dumps(document | {"quarantine": "honeypot"}))
    assert earlier.submission.quarantine == builders.suspicion("honeypot")


# --- what must go first


def test_what_waits_of_the_same_person_or_key_goes_first(spool: Spool) -> None:
    assert not spool.in_use()
    spool.add(entry("one", "ada@example.com", key="k"))
    assert spool.in_use()
    behind = spool.add_behind(entry("two", "ADA@example.com", lists=("another",)))
    assert behind is not None and behind.id == "two"
    again = spool.add_behind(entry("three", "ada@example.com"))
    assert again is not None and (again.id, again.duplicate) == ("one", True)
    with pytest.raises(KeyReused):
        spool.add_behind(entry("three", "bob@example.com", key="k"))
    assert spool.add_behind(entry("three", "bob@example.com")) is None
    assert spool.add_behind(entry("three", "ada@example.com", account="other")) is None
    assert ids(spool) == ["one", "two"]
    spool.remove(spool.first(2))
    assert not spool.in_use()


class HandedOverMeanwhile(Spool):
    """The first sign-up is handed over between the look at the spool and the transaction."""

    def _finds(self, query: str, values: Sequence[str | None]) -> bool | None:
        found = super()._finds(query, values)
        self.remove(self.first(1))
        return found


def test_only_new_sign_ups_need_to_be_admitted_and_a_refusal_leaves_nothing(spool: Spool) -> None:
    def refuse() -> None:
        raise VisitorLimited(timedelta(seconds=1))

    spool.add(entry("one"))
    assert spool.add(entry("two"), admit=refuse).id == "one"
    for add in (spool.add, spool.add_behind):
        with pytest.raises(VisitorLimited):
            add(entry("three", lists=("another",)), admit=refuse)
    assert spool.figures().count == 1
    assert spool.add(entry("three", lists=("another",))).id == "three"


def test_a_repeat_by_another_visitor_must_be_admitted(spool: Spool) -> None:
    def from_address(address: str, id: str, key: str | None = None) -> CheckedSignup:
        consent = replace(builders.submission().consent, address=address)
        return entry(id, consent=consent, key=key)

    def refuse() -> None:
        raise VisitorLimited(timedelta(seconds=1))

    spool.add(from_address("2001:db8::1", "one", key="k"))
    assert spool.add(from_address("2001:db8::2", "two"), admit=refuse).id == "one"
    for key in (None, "k"):
        with pytest.raises(VisitorLimited):
            spool.add(from_address("2001:db8:0:1::1", "three", key=key), admit=refuse)
        assert spool.add(from_address("2001:db8:0:1::1", "three", key=key)).id == "one"


def test_a_strangers_trapped_repeat_is_a_sign_up_of_its_own(spool: Spool) -> None:
    """Its content is no mark. So the ids would tell that somebody else has sent the same. A key
    means the same for everybody."""
    elsewhere = replace(builders.submission().consent, address="198.51.100.1")
    spool.add(entry("one", key="k"))
    for id, key, told in (("two", None, "two"), ("three", None, "three"), ("four", "k", "one")):
        trapped = entry(id, key=key, consent=elsewhere, quarantine="honeypot")
        assert spool.add(trapped).id == told
    assert spool.add(entry("five", quarantine="honeypot")).id == "one"


def test_nothing_is_kept_behind_what_was_handed_over_just_now(folder: Path, clock: Clock) -> None:
    """The ledger has the first one, and must see the repeat."""
    spool = HandedOverMeanwhile(folder, limit=MANY, now=clock.now)
    spool.add(entry("one"))
    assert spool.add_behind(entry("two")) is None
    assert ids(spool) == []


def test_looking_makes_no_file(spool: Spool, folder: Path) -> None:
    assert not spool.in_use()
    assert not folder.exists()


# --- what cannot be handed over


def test_what_was_set_aside_lets_the_others_pass_and_comes_again_later(
    spool: Spool, clock: Clock
) -> None:
    spool.add(entry("one"))
    spool.add(entry("two", "bob@example.com"))
    spool.postpone(spool.first(1)[0], error="ValueError", wait=timedelta(minutes=1))
    assert ids(spool) == ["two"]
    assert (spool.figures().count, spool.figures().refused) == (2, 1)
    clock.pass_by(minutes=1)
    assert ids(spool) == ["one", "two"]


# --- how much


def test_a_full_spool_refuses_and_takes_again_once_it_is_drained(
    make: Callable[..., Spool],
) -> None:
    spool = make()
    spool.add(entry("one"))
    size = spool.figures().bytes
    small = make(limit=2 * size)
    assert small.add(entry("two", "bob@example.com")).id == "two"
    with pytest.raises(SpoolRefused, match="full"):
        small.add(entry("three", "cat@example.com"))
    assert small.add(entry("four", "bob@example.com")).id == "two"  # known, so nothing to keep
    small.remove(small.first(1))
    assert small.add(entry("six", "cat@example.com")).id == "six"


def test_there_is_room_until_a_usual_sign_up_would_not_fit(make: Callable[..., Spool]) -> None:
    assert make(limit=2048).has_room()
    assert not make(limit=2047).has_room()
    make().add(entry("one"))
    used = make().figures().bytes
    assert not make(limit=2047 + used).has_room()
    assert make(limit=2048 + used).has_room()


def test_a_spool_that_is_off_makes_no_file_and_has_no_room(
    make: Callable[..., Spool], folder: Path
) -> None:
    off = make(limit=0)
    with pytest.raises(SpoolRefused, match="off"):
        off.add(entry("one"))
    assert not off.has_room()
    assert not folder.exists()


def test_bytes_are_those_of_the_file(make: Callable[..., Spool]) -> None:
    text = "\u4e2d" * 1000  # three bytes each, and six when escaped
    contact = Contact(fields={"email_address": "ada@example.com"}, other={"name": text})
    spool = make(limit=4000)
    spool.add(entry("one", contact=contact))
    assert 3000 < spool.figures().bytes < 4000
    with pytest.raises(SpoolRefused, match="full"):
        spool.add(entry("two", "bob@example.com", contact=contact))


def test_what_is_there_when_it_is_turned_off_can_be_handed_over(make: Callable[..., Spool]) -> None:
    make().add(entry("one"))
    off = make(limit=0)
    assert ids(off) == ["one"]
    off.remove(off.first(1))
    assert off.figures().count == 0


# --- the disk


def test_a_disk_that_cannot_be_written_refuses_and_is_no_obstacle_later(
    spool: Spool, folder: Path
) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(SpoolRefused, match="disk"):
        spool.add(entry("one"))
    assert not spool.has_room()
    assert not spool.in_use()
    folder.unlink()
    assert spool.add(entry("one")).id == "one"


def test_a_full_disk_keeps_nothing_and_what_was_kept_stays(
    spool: Spool, folder: Path, make: Callable[..., Spool]
) -> None:
    spool.add(entry("one"))
    # No disk of this size can be had here: SQLite refuses in the same way at its own limit.
    with spool._file.connected() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SpoolRefused, match="SQLITE_FULL"):
        spool.add(entry("two", "bob@example.com", form="x" * 20_000))
    assert ids(make()) == ["one"]
    assert spool.add(entry("three", "cat@example.com")).id == "three"


@pytest.mark.parametrize("damage", ["no database", "all but the first page"])
def test_a_damaged_file_is_set_aside_whole_told_of_and_followed_by_a_new_one(
    spool: Spool,
    folder: Path,
    make: Callable[..., Spool],
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    for number in range(50):
        spool.add(entry(str(number), f"{number}@example.com"))
    with spool._file.connected() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    path = folder / FILE_NAME
    kept = path.read_bytes()
    start = 0 if damage == "no database" else 4096
    broken = kept[:start] + b"damaged!" * ((len(kept) - start) // 8)
    path.write_bytes(broken)
    (path.with_name("beside it")).write_text("what belongs to it")

    fresh = make()
    assert not fresh.in_use()  # looked at for every visitor, so noticed before any is refused
    assert fresh.add(entry("new")).id == "new"

    [aside] = damaged_ones(folder)
    assert (aside / FILE_NAME).read_bytes() == broken
    assert (aside / "beside it").exists()
    assert [record.levelname for record in caplog.records].count("CRITICAL") == 1
    assert str(aside) in str([vars(record) for record in caplog.records])
    # The first process has the old file open still, and moves over.
    assert spool.add(entry("newer", "bob@example.com")).id == "newer"
    assert ids(make()) == ["new", "newer"]


def test_of_two_that_see_the_damage_only_one_sets_it_aside(
    folder: Path, make: Callable[..., Spool], clock: Clock
) -> None:
    folder.mkdir()
    (folder / FILE_NAME).write_text("something else, and long enough to be looked at " * 20)
    one, other = SpoolFile(folder, now=clock.now), SpoolFile(folder, now=clock.now)
    with pytest.raises(SpoolRefused, match="NOTADB"), one.connected():
        pass
    other._inode = one._inode  # it saw the same file
    make().add(entry("two"))
    clock.pass_by(seconds=1)
    other.move_aside()
    assert ids(make()) == ["two"]
    assert len(damaged_ones(folder)) == 1


def test_while_another_process_sets_it_aside_nothing_is_moved(spool: Spool, folder: Path) -> None:
    folder.mkdir()
    (folder / FILE_NAME).write_text("something else, and long enough to be looked at " * 20)
    with locked(folder.parent):
        assert not spool.in_use()
    assert damaged_ones(folder) == []


def test_a_file_that_was_taken_away_is_made_anew(spool: Spool, folder: Path) -> None:
    spool.add(entry("one"))
    for path in folder.iterdir():
        path.unlink()
    spool.add(entry("two", "bob@example.com"))
    assert peek(folder, NOON) is not None
    assert ids(spool) == ["two"]


def test_another_process_that_writes_for_long_is_not_waited_for_for_ever(
    spool: Spool, folder: Path, clock: Clock
) -> None:
    spool.add(entry("one"))
    other = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SpoolRefused, match="SQLITE_BUSY"):
        spool.add(entry("two", "bob@example.com"))
    other.close()
    assert spool.add(entry("two", "bob@example.com")).id == "two"


def test_only_its_owner_can_read_it(spool: Spool, folder: Path) -> None:
    spool.add(entry("one"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert FILE_NAME in modes
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_has_been_handed_over_is_no_longer_on_the_disk(spool: Spool, folder: Path) -> None:
    for number in range(50):
        spool.add(entry(str(number), f"ada-{number}@example.com"))
    assert any(b"ada-7@example.com" in path.read_bytes() for path in folder.iterdir())
    spool.remove(spool.first(100))
    assert not any(b"@example.com" in path.read_bytes() for path in folder.iterdir())


def test_nothing_personal_shows_in_what_may_be_logged(spool: Spool) -> None:
    kept = entry("one", "ada@example.com", key="ada's key")
    spool.add(kept)
    assert "ada" not in repr(kept) + repr(spool.first(1))


# --- many at once, and killed


def test_many_at_once_are_each_kept_once(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.signup.spool_file.LOCK_SECONDS", 60)  # a busy disk may well be slow

    def add(number: int) -> str:
        return spool.add(entry(str(number), f"{number % 40}@example.com")).id

    with ThreadPoolExecutor(16) as visitors:
        answers = list(visitors.map(add, range(80)))
    assert sorted(set(answers)) == sorted(ids(spool))
    assert len(set(answers)) == 40


def _add_until_killed(folder: Path, name: str, answers: "multiprocessing.Queue[str]") -> None:
    spool = Spool(folder, limit=MANY, now=lambda: NOON)
    for number in range(10_000):
        spool.add(entry(f"{name}-{number}", f"{name}-{number}@example.com"))
        answers.put(f"{name}-{number}")


def test_processes_killed_while_they_add_leave_all_that_they_answered(
    folder: Path, make: Callable[..., Spool]
) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    processes = [
        context.Process(target=_add_until_killed, args=(folder, name, answers)) for name in "abc"
    ]
    for process in processes:
        process.start()
    answered = {answers.get(timeout=30) for _ in range(60)}
    for process in processes:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(timeout=10)
    assert answered <= set(ids(make(), 100_000))
    assert make().figures().count == len(ids(make(), 100_000))


# --- looking from outside


def test_looking_from_outside_shows_the_same_and_makes_nothing(
    spool: Spool, folder: Path, tmp_path: Path, clock: Clock
) -> None:
    assert peek(folder, NOON) is None
    assert not folder.exists()
    spool.add(entry("one"))
    clock.pass_by(seconds=5)
    assert peek(folder, clock.now()) == (spool.identity(), spool.figures())


def test_looking_at_what_is_no_spool_shows_nothing(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE_NAME).write_text("something else")
    assert peek(folder, NOON) is None


def test_a_spool_keeps_its_identity(spool: Spool, make: Callable[..., Spool]) -> None:
    assert spool.identity() == make().identity()
