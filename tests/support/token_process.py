"""A process that refreshes the tokens of `acme`, for tests that freeze and kill it.

It uses the vault exactly as a worker does. Between looking at the tokens and asking for newer
ones it can wait for others to have looked, too, so that all race for the same refresh.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.constant_contact.factory import make_vault
from shared.domain.errors import RelayError
from shared.infrastructure.logs import configure
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings

READY = "test:ready"  # string: how many processes have looked
START = "test:start"  # list: an item for each that may go on
LONGEST = 60  # seconds; no process outlives its test for longer


class TokenProcess:
    """The process, seen from the test; its settings are in `environ`, its log in `folder`."""

    def __init__(self, environ: Mapping[str, str], folder: Path, *options: str) -> None:
        self._log = folder / f"token-process-{os.urandom(4).hex()}.log"
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "tests.support.token_process", *options],
                cwd=Path(__file__).parents[2],
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    @property
    def log(self) -> str:
        """All that the process logged so far."""
        return self._log.read_text(encoding="utf-8")

    def freeze(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process at once; safe to repeat."""
        self._child.kill()
        self._child.communicate(timeout=10)

    def result(self) -> dict[str, Any]:
        """Wait for the end; return ``{"version"}``, or ``{"error", "message"}``."""
        printed, _ = self._child.communicate(timeout=LONGEST)
        assert printed, self.log
        return dict(json.loads(printed))


def main(*options: str) -> None:
    configure("worker", "text")
    settings = Settings.from_env(os.environ)
    vault = make_vault(settings, connect(settings.redis_url, socket_timeout=5))
    refused = vault.stored_token("acme").version
    if "--together" in options:
        _wait_for_others(settings.redis_url)
    try:
        result: dict[str, Any] = {"version": vault.renew("acme", refused).version}
    except RelayError as error:
        result = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.write(json.dumps(result))


def _wait_for_others(url: str) -> None:
    with connect(url, socket_timeout=2 * LONGEST) as client:
        client.incr(READY)
        assert client.blpop([START], timeout=LONGEST)


if __name__ == "__main__":
    main(*sys.argv[1:])
