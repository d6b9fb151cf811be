"""Loads the Lua scripts: one file per step, and the pieces they share, named with a `_`.

A line ``--@include _a _b`` in a script is replaced by the files ``_a.lua`` and ``_b.lua``.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any

import redis

from shared.ledger.format import fence

_INCLUDE = re.compile(r"^--@include (.+)$", re.MULTILINE)
_FOLDER = files("shared.ledger") / "scripts"


@cache
def source(name: str) -> str:
    """Return the text of the script `name`, with its includes put in."""
    text = (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda line: "\n".join(source(part) for part in line[1].split()), text)


class Scripts:
    """Runs the scripts on one client; each is sent once and called by its digest after that."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._registered: dict[str, Any] = {}

    def run(
        self,
        name: str,
        keys: list[str],
        *args: str | int | float,
        client: "redis.client.Pipeline | None" = None,
    ) -> Any:
        """Run the script and return its answer; redis-py's errors pass through.

        With a pipeline as `client` it becomes one of the pipeline's calls.
        """
        script = self._registered.get(name)
        if script is None:
            script = self._registered[name] = self._client.register_script(fence() + source(name))
        return script(keys=keys, args=list(args), client=client)
