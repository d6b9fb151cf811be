"""How to run this `relay` again: as a process of `relay up`, and by hand in another terminal."""

import os
import shlex
import sys
from pathlib import Path


def child_command(command: str) -> list[str]:
    """Return the arguments that start the process `relay COMMAND`.

    `-P` keeps the current folder off the module path: a website's folder may have a `web` or
    `shared` of its own.
    """
    return [sys.executable, "-P", "-m", "relay", command]


def typed_command(script: str, folder: Path) -> str:
    """Return what to type for `relay` in `folder`. `script` is `sys.argv[0]`.

    The other terminal may not have `relay` on its PATH, so this is a path.
    """
    path = os.path.abspath(script)  # noqa: PTH100 - Path.resolve would follow symbolic links
    if Path(path).name == "__main__.py":
        return f"{_shown(sys.executable, folder)} -m relay"
    return _shown(path, folder)


def _shown(path: str, folder: Path) -> str:
    """Return `path` for a shell, relative to `folder` when it is inside."""
    inside = Path(path).is_relative_to(folder)
    return shlex.quote(str(Path(path).relative_to(folder) if inside else path))
