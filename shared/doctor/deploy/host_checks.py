"""The checks of the host: the user that web has, its files, and the room on its disk."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from shared.doctor.deploy.visit import Seen
from shared.domain.check import Check, CheckSubject
from shared.domain.phrases import first_of

ROOT_USER = CheckSubject("root_user", "Web does not run as root")
FILE_MODES = CheckSubject("file_modes", "No other user of the host reads secrets")
DISK = CheckSubject("disk", "The disk has room for what Redis cannot take")

# The file of the spool takes up to twice the bytes of its sign-ups.
_SPOOL_FILE = 2
_MIB = 1024 * 1024
# Docker mounts secrets there, and shows them to nobody but the container's one user.
_MOUNTED_SECRETS = Path("/run/secrets")
_READ_BY_OTHERS, _ENTERED_BY_OTHERS = 0o004, 0o001


def root_user(seen: Seen | None) -> Check:
    if seen is None:
        return ROOT_USER.unknown(
            "Web does not tell which user it has.", "Start web, and run the doctor on its host."
        )
    if seen.as_root:
        return ROOT_USER.problem(
            "Web runs as root, so a mistake in it opens the whole host.",
            "Run it as a user of its own. docs/deploying.md says how.",
        )
    return ROOT_USER.ok("It has a user without rights of its own.")


def file_modes(data_dir: Path, setting_files: Iterable[Path]) -> Check:
    """Check which of our files every user of this host can read."""
    ours = [path for path in setting_files if not path.is_relative_to(_MOUNTED_SECRETS)]
    readable = [path for path in (*_files_in(data_dir), *ours) if _others_can_read(path)]
    if not readable:
        return FILE_MODES.ok("They are for their owner or group alone.")
    return FILE_MODES.problem(
        f"Every user of this host can read {first_of([str(path) for path in readable], 3)}.",
        f"Run: chmod -R o-rwx {' '.join(sorted({_folder(path, data_dir) for path in readable}))}",
    )


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of RELAY_DATA_DIR, but nothing of a folder that this user cannot read."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)


def _folder(path: Path, data_dir: Path) -> str:
    return str(data_dir if path.is_relative_to(data_dir) else path)


def _others_can_read(path: Path) -> bool:
    whole = path.absolute()
    try:
        return bool(whole.stat().st_mode & _READ_BY_OTHERS) and all(
            folder.stat().st_mode & _ENTERED_BY_OTHERS for folder in whole.parents
        )
    except OSError:
        return False


def disk(data_dir: Path, spool_bytes: int) -> Check:
    """Check the room for the spool, on the disk of `data_dir`."""
    there = next(
        each for each in (data_dir.absolute(), *data_dir.absolute().parents) if each.exists()
    )
    free, needed = shutil.disk_usage(there).free, _SPOOL_FILE * spool_bytes
    found = f"{free // _MIB:,} MiB are free at {there}; web's spool may take {needed // _MIB:,}."
    if free >= needed:
        return DISK.ok(found)
    return DISK.problem(
        f"{found} When it is full, visitors see an error while Redis is away.",
        "Free some room, or lower RELAY_SPOOL_BYTES.",
    )
