"""How `relay up` starts its processes."""

import sys


def child_command(command: str) -> list[str]:
    """Return the arguments that start the process `relay COMMAND`.

    `-P` keeps the current folder off the module path: a website's folder may have a `web` or
    `shared` of its own.
    """
    return [sys.executable, "-P", "-m", "relay", command]
