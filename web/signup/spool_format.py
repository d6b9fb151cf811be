"""The format of the spool's file: SQLite's `user_version`, which the first format left at 0."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from shared.domain.errors import SpoolRefused
from shared.domain.format import check_known, newer_than_known

# How a file gets from format 1 to 2, from 2 to 3, and so on: tables and rows. A file holds 64 MiB
# at most, so all of it changes in one transaction. New files are made in the newest format.
Upgrade = Callable[[sqlite3.Connection], object]
UPGRADES: tuple[Upgrade, ...] = ()


def check(connection: sqlite3.Connection, folder: Path) -> None:
    """Raise `Refused` if a newer version made the spool in `folder`."""
    check_known(_name(folder), _format(connection), 1 + len(UPGRADES))


def upgrade(
    connection: sqlite3.Connection, folder: Path, upgrades: tuple[Upgrade, ...] = UPGRADES
) -> None:
    """Give the file the newest format, once, whichever process is first.

    Raises `SpoolRefused` if a newer version made it.
    """
    newest = 1 + len(upgrades)
    if _format(connection) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")  # another process may have been first
    found = _format(connection)
    if found > newest:
        raise SpoolRefused(newer_than_known(_name(folder), found, newest))
    if found < newest:
        for each in upgrades[found - 1 :] if _has_tables(connection) else ():
            each(connection)
        connection.execute(f"PRAGMA user_version = {newest}")
    connection.execute("COMMIT")


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) or 1


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None


def _name(folder: Path) -> str:
    return f"The spool in {folder}"
