"""The commands that we print, as a person must type them: `relay` may not be on their PATH."""

import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

_NAMES = (
    "accounts|alerts|audit|backup-made|beat|connect|consent|disconnect|doctor|erase|failed|find|forms"
    "|hold|lists|operator|quarantine|release|rotate-secrets|sandbox|snippet|status|up|web|worker"
)
_COMMAND = re.compile(rf"(?<![\w./-])relay(?= (?:{_NAMES})\b)")


@cache
def relay_here() -> str:
    """Return what to type for `relay` in the shell that started this process."""
    return typed_here(sys.argv[0], Path.cwd(), os.environ.get("PATH", ""))


def as_typed(text: str, relay: str | None = None) -> str:
    """Return `text` with each command such as `relay status` as it is typed here."""
    typed = relay or relay_here()
    return _COMMAND.sub(lambda _: typed, text)


def typed_here(script: str, folder: Path, search_path: str) -> str:
    """Return what to type for `relay` in `folder`, in a shell with the PATH `search_path`.

    `script` is `sys.argv[0]`. It is a path, unless the shell finds the same script by its name.
    """
    found = shutil.which("relay", path=search_path)
    words = _words(script)
    if words is None or (found and os.path.realpath(found) == os.path.realpath(words[0])):
        return "relay"
    return _shown(words, folder)


def typed_elsewhere(script: str, folder: Path, data_dir: str = "") -> str:
    """Return what to type for `relay` in another terminal, from any folder.

    That terminal may have another PATH. `relay` finds our settings and data from `folder`, and by
    RELAY_DATA_DIR if we were given that.
    """
    relay = _shown(_words(script) or ["relay"], folder)
    setting = f"RELAY_DATA_DIR={shlex.quote(data_dir)} " if data_dir else ""
    return f"cd {shlex.quote(str(folder))} && {setting}{relay}"


def _words(script: str) -> list[str] | None:
    """Return the words that run our script; None if another program runs our code."""
    path = Path(os.path.abspath(script))  # noqa: PTH100 - Path.resolve follows symbolic links
    if path.name == "relay":
        return [str(path)]
    if path.name != "__main__.py" or path.parent.name != "relay":
        return None
    beside = Path(sys.executable).with_name("relay")
    return [str(beside)] if beside.exists() else [sys.executable, "-P", "-m", "relay"]


def _shown(words: list[str], folder: Path) -> str:
    """Return `words` for a shell, with a path relative to `folder` when it is inside."""
    program = Path(words[0])
    if program.is_relative_to(folder):
        inside = program.relative_to(folder)
        words = [str(inside) if inside.parent.name else f"./{inside}", *words[1:]]
    return shlex.join(words)
