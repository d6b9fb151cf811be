"""signup-relay as users start it, with the measured form and every check and limit on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import form_posts
from tests.support.stack import Stack

WEB_PROCESSES = 2
PEERS_DATABASE = 2


@contextmanager
def relay_stack(folder: Path, *, rate: int, **settings: str) -> Iterator[Stack]:
    """Start Valkey and the sandbox, connect an account, and make the form.

    One load generator stands for many visitors. As behind one trusted proxy, each request names
    its own visitor, so the visitors' limit stays on.
    """
    with Stack(
        folder,
        rate=rate,
        RELAY_WEB_PROCESSES=str(WEB_PROCESSES),
        RELAY_VISITOR_LIMIT="30/minute",
        RELAY_TRUSTED_PROXIES="1",
        **settings,
    ) as stack:
        stack.connect()
        stack.add_form("news", "acme", *form_posts.OPTIONS)
        _tell_peers(stack)
        yield stack


def _tell_peers(stack: Stack) -> None:
    """Give the peers what they need: a database as broker, a token, and the list."""
    (newsletter,) = [each for each in stack.json("lists", "acme") if each["name"] == "Newsletter"]
    stack.set(
        PEER_BROKER=stack.valkey.url(PEERS_DATABASE),
        PEER_TOKEN=stack.sandbox.connect()["access_token"],
        PEER_LIST=newsletter["id"],
    )


def start_module(stack: Stack, command: str) -> "subprocess.Popen[bytes]":
    """Start a peer's command, `python -m` left out, in a process group of its own."""
    module, *arguments = command.split()
    return stack.start(*arguments, module=module)
