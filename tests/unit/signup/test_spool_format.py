"""Which files a spool opens, and how an older one gets the next format."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.errors import Refused, SpoolRefused
from tests.support.builders import NOON
from tests.support.dumps.loader import FORMAT_1, restore_folder
from web.signup import spool_format
from web.signup.spool import Spool
from web.signup.spool_file import FILE_NAME, peek


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a spool of format 1."""
    restore_folder(FORMAT_1, tmp_path, lambda text: text)
    return tmp_path / "spool"


@pytest.fixture
def open_file(folder: Path) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)

    return connect


def number(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def rename(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE spooled RENAME COLUMN trouble TO problem")


def test_a_file_without_a_number_has_the_first_format(folder: Path) -> None:
    spool = Spool(folder, limit=1_000_000, now=lambda: NOON + timedelta(days=10_000))
    assert spool.figures().count == 6
    assert spool.figures().refused == 2
    assert {row.account for row in spool.first(10)} == {"acme", "estate"}


def test_a_file_is_upgraded_once_by_two_at_once(
    folder: Path, open_file: Callable[[], sqlite3.Connection]
) -> None:
    both = threading.Barrier(2)

    def upgrade() -> None:
        connection = open_file()
        both.wait(timeout=5)
        spool_format.upgrade(connection, folder, (rename,))  # fails when it is done twice
        upgraded.append(number(connection))
        connection.close()

    upgraded: list[int] = []
    others = [threading.Thread(target=upgrade) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert upgraded == [2, 2]


def test_an_upgrade_that_is_interrupted_has_changed_nothing(
    folder: Path, open_file: Callable[[], sqlite3.Connection]
) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        rename(connection)
        raise KeyError

    connection = open_file()
    with pytest.raises(KeyError):
        spool_format.upgrade(connection, folder, (broken,))
    connection.close()
    again = open_file()
    assert number(again) == 0
    spool_format.upgrade(again, folder, (rename,))
    assert again.execute("SELECT count(problem) FROM spooled").fetchone() == (2,)
    again.close()


def test_a_new_file_is_made_in_the_newest_format(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "new", isolation_level=None)
    spool_format.upgrade(connection, tmp_path, (rename,))
    assert number(connection) == 2
    connection.close()


def test_a_newer_file_is_refused_and_left_as_it_is(
    folder: Path, open_file: Callable[[], sqlite3.Connection]
) -> None:
    connection = open_file()
    connection.execute("PRAGMA user_version = 2")
    before = [*connection.iterdump()]
    spool = Spool(folder, limit=1_000_000, now=lambda: NOON)
    refusal = rf"The spool in {folder} has format 2; .* knows formats up to 1\."
    with pytest.raises(SpoolRefused, match=refusal):
        spool.first(10)
    with pytest.raises(Refused, match=refusal):
        peek(folder, NOON)
    assert [*connection.iterdump()] == before
    connection.close()
