"""Whether a process knows, without a look at the content, that no process left a sign-up on the
disk. A wrong yes lets somebody's second sign-up overtake the first."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import builders
from web.signup.checked_signup import CheckedSignup
from web.signup.spool import Spool
from web.signup.spool_file import FILE_NAME

LATER = timedelta(minutes=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def ours(folder: Path) -> Spool:
    """The spool as this process has it, a minute after every change of the file."""
    return Spool(folder, limit=1_000_000, now=lambda: datetime.now(UTC) + LATER)


@pytest.fixture
def theirs(folder: Path) -> Spool:
    """The same spool in another process."""
    return Spool(folder, limit=1_000_000, now=lambda: datetime.now(UTC))


def add(spool: Spool, email: str = "ada@example.com") -> None:
    submission = builders.submission(email)
    spool.add(CheckedSignup(submission=submission, compared_email=email, idempotency_key=None))


def drain(spool: Spool) -> None:
    spool.remove(spool.first(100))


def age(folder: Path) -> None:
    """Let the files be older than any change that follows."""
    for path in folder.glob("*"):
        os.utime(path, (1e9, 1e9))


def test_without_a_file_it_is_empty_until_another_process_makes_one(
    ours: Spool, theirs: Spool
) -> None:
    assert ours.surely_empty()
    add(theirs)
    assert not ours.surely_empty()
    assert ours.in_use()
    assert not ours.surely_empty()


def test_once_drained_it_is_empty_again_after_one_look(ours: Spool, theirs: Spool) -> None:
    add(theirs)
    assert ours.in_use()
    drain(theirs)
    assert not ours.surely_empty()
    assert not ours.in_use()
    assert ours.surely_empty()


def test_a_look_in_the_same_tick_as_a_change_proves_nothing(folder: Path, theirs: Spool) -> None:
    add(theirs)
    drain(theirs)
    changed = max(path.stat().st_mtime for path in folder.iterdir() if "shm" not in path.name)
    clock = datetime.fromtimestamp(changed, UTC) + timedelta(seconds=0.09)
    ours = Spool(folder, limit=1_000_000, now=lambda: clock)
    assert not ours.in_use()
    assert not ours.surely_empty()


def overwrite_the_log(folder: Path, theirs: Spool) -> None:
    """Have the next change begin the write-ahead log again, which then keeps its size."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        for _ in range(20):  # longer than what one sign-up adds
            connection.execute("UPDATE spool SET written = written + 1")
        assert connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0


def remove_the_file(folder: Path, theirs: Spool) -> None:
    for path in folder.iterdir():
        path.unlink()


def move_aside(folder: Path, theirs: Spool) -> None:
    theirs._file.move_aside()


def nothing(folder: Path, theirs: Spool) -> None:
    """The next change is added to the log."""


@pytest.mark.parametrize("before", [nothing, overwrite_the_log, remove_the_file, move_aside])
def test_every_change_by_another_process_is_seen(
    ours: Spool, theirs: Spool, folder: Path, before: Callable[[Path, Spool], None]
) -> None:
    add(theirs)
    drain(theirs)
    theirs.has_room()  # so that the log has a size
    before(folder, theirs)
    age(folder)
    assert not ours.in_use()
    assert ours.surely_empty()
    sizes = ours._file.stamps().sizes
    add(theirs)
    assert (ours._file.stamps().sizes == sizes) == (before is overwrite_the_log)
    assert not ours.surely_empty()
    assert ours.in_use()


def test_a_look_that_could_not_read_the_file_proves_nothing(
    ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another thread writes to a slow disk."""
    monkeypatch.setattr("web.signup.spool_file.LOCK_SECONDS", 0.01)
    add(theirs)
    taken, enough = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with ours._file.connected():
            taken.set()
            enough.wait(timeout=30)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    taken.wait(timeout=30)
    assert not ours.in_use()
    enough.set()
    writer.join(timeout=30)
    assert not ours.surely_empty()
