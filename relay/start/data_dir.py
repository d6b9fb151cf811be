"""RELAY_DATA_DIR: where commands find the settings of a running `relay up`, and its secret key."""

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from shared.domain.errors import Refused

_SECRET_KEY = "secret_key"  # noqa: S105 - a file's name
_RUNNING = "up.json"


def keep_files_private() -> None:
    """Let nobody but their owner read the files that this process and its children make.

    A folder that exists may be open to others, and stays as it is: it may hold other things.
    """
    os.umask(0o077)


def open_private(path: Path, mode: str) -> IO[str]:
    """Open a file of text. If it is new, only its owner can read it."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return open(path, mode, encoding="utf-8", opener=opener)


def path_in(environ: Mapping[str, str]) -> Path:
    """Return the data directory that `environ` names."""
    return Path(environ.get("RELAY_DATA_DIR") or ".relay")


def completed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ`, completed with the settings of a `relay up` that runs in its folder."""
    folder = path_in(environ)
    found = {**_secret_key_in(folder), **(running(folder) or {})}
    unset = {name: value for name, value in found.items() if not is_set(environ, name)}
    return {**environ, **unset}


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Whether the setting is given, as a value or as a file."""
    plain = name.removesuffix("_FILE")
    return bool(environ.get(plain) or environ.get(f"{plain}_FILE"))


def make_secret_key(folder: Path) -> str:
    """Return the secret key in `folder`. Make it the first time."""
    with contextlib.suppress(FileExistsError), _private(folder / _SECRET_KEY, "x") as file:
        file.write(secrets.token_urlsafe(32))
    return (folder / _SECRET_KEY).read_text(encoding="utf-8").strip()


@contextlib.contextmanager
def announced(folder: Path, chosen: Mapping[str, str]) -> Iterator[None]:
    """Show the settings `chosen` to other commands in `folder` while the block runs.

    A lock on the file shows that the process runs. The lock ends with the process, also after a
    crash. Raises `Refused` if another process has the lock.
    """
    with _private(folder / _RUNNING, "a+") as file:
        if not _lock_soon(file):
            raise Refused("`relay up` runs in this folder already. Stop it, or use another folder.")
        file.truncate(0)
        json.dump(dict(chosen), file, indent=2)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # not removed: another process may have it open, to lock it next


def running(folder: Path) -> dict[str, str] | None:
    """Return the settings of the `relay up` that runs in `folder`; None if none runs."""
    try:
        with (folder / _RUNNING).open(encoding="utf-8") as file:
            if _lock(file, fcntl.LOCK_SH):
                return None  # it was killed, and left the file
            found: dict[str, str] = json.load(file)
    except (OSError, ValueError):
        return None
    return found


def _lock_soon(file: IO[str]) -> bool:
    """Lock the file until the process ends. Commands that read it lock it for a moment only."""
    for _ in range(20):
        if _lock(file, fcntl.LOCK_EX):
            return True
        time.sleep(0.02)
    return False


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _secret_key_in(folder: Path) -> dict[str, str]:
    try:
        return {"RELAY_SECRET_KEY": (folder / _SECRET_KEY).read_text(encoding="utf-8").strip()}
    except OSError:
        return {}


def _private(path: Path, mode: str) -> IO[str]:
    """Open a file that has secrets. Make its folder, too."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_private(path, mode)
