"""Loads the Lua scripts and runs them, with their keys and arguments by name.

A script is a file in `scripts/<subject>/`. Comments at its head declare its keys, arguments,
limits and shared pieces, each in one line of these forms:

    -- KEY account  prefix of the account's keys
    -- ARG lease  milliseconds  how long the claim lasts
    -- LIMIT MOST_LOST  number
    -- INCLUDE clock account

A `?` after the name of a key or the kind of an argument lets it be None, which is nil in Lua. A
key that is None is `relay:none` for Redis. No key is ever empty: a Redis user may have the right to
use keys of certain patterns alone, and none of them matches an empty key.

The limits are those of limits.py. The shared pieces are the files in `scripts/lib/`; each is
included once. `-- NEEDS account` in a piece names a key or an argument that the script must have,
or a name that a piece before it gives.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import redis

from shared.ledger import keys, limits
from shared.ledger.format import version_guard
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.time_units import in_microseconds, in_milliseconds, to_milliseconds

_FOLDER = files("shared.ledger") / "scripts"
_HEAD = re.compile(r"^-- (KEY|ARG|LIMIT|NEEDS|INCLUDE) (.*)$", re.MULTILINE)
_KEY = re.compile(r"(?P<name>\w+)(?P<optional>\??)  \S.*")
_ARG = re.compile(r"(?P<name>\w+)  (?P<kind>\w+)(?P<optional>\??)  \S.*")
_LIMIT = re.compile(r"(?P<name>\w+)  (?P<kind>\w+)")
_NAMED = re.compile(r"^local (?:function )?(\w+(?:, \w+)*)", re.MULTILINE)


class ScriptError(Exception):
    """The head of a script is wrong, or a call does not fit it."""


@dataclass(frozen=True, slots=True)
class ArgumentKind:
    """A kind of argument: how Python writes it, and how Lua reads that."""

    write: Callable[[Any], Any]
    read: str


def _as_it_is(value: Any) -> Any:
    return value


KINDS = {
    "text": ArgumentKind(_as_it_is, "{}"),
    "number": ArgumentKind(_as_it_is, "tonumber({})"),
    "flag": ArgumentKind(int, '{} == "1"'),
    "json": ArgumentKind(json.dumps, "cjson.decode({})"),
    "milliseconds": ArgumentKind(in_milliseconds, "tonumber({})"),
    "microseconds": ArgumentKind(in_microseconds, "tonumber({})"),
    "time": ArgumentKind(to_milliseconds, "tonumber({})"),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A key or an argument of a script. `absent` stands for None, if that is allowed."""

    name: str
    kind: ArgumentKind
    optional: bool
    absent: str

    def write(self, value: Any) -> Any:
        return self.absent if self.optional and value is None else self.kind.write(value)

    def local(self, place: str) -> str:
        """Return the line of Lua that names the value in this place."""
        value = self.kind.read.format(place)
        if self.optional:
            value = f'{place} ~= "{self.absent}" and {value} or nil'
        return f"local {self.name} = {value}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A constant of limits.py. It is looked up late, as tests shorten some."""

    name: str
    kind: ArgumentKind

    def local(self) -> str:
        return f"local {self.name} = {self.kind.write(getattr(limits, self.name))}"


@dataclass(frozen=True, slots=True)
class Script:
    """A script with all that it includes, and its keys and arguments in their order."""

    name: str
    keys: tuple[Parameter, ...]
    args: tuple[Parameter, ...]
    limits: tuple[Limit, ...]
    text: str

    def source(self) -> str:
        """Return the text for Redis."""
        return "\n".join(
            (
                *(key.local(f"KEYS[{place}]") for place, key in enumerate(self.keys, 1)),
                *(arg.local(f"ARGV[{place}]") for place, arg in enumerate(self.args, 1)),
                *(limit.local() for limit in self.limits),
                self.text,
            )
        )

    def in_order(self, values: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Return keys and arguments as Redis gets them. Raises `ScriptError`."""
        try:
            found = [each.write(values[each.name]) for each in self.keys]
            args = [each.write(values[each.name]) for each in self.args]
        except KeyError as error:
            raise ScriptError(f"{self.name}: {error.args[0]} is missing") from None
        if len(values) != len(found) + len(args):
            unknown = values.keys() - {each.name for each in (*self.keys, *self.args)}
            raise ScriptError(f"{self.name} takes no {', '.join(sorted(unknown))}")
        if not all(key.startswith(keys.PREFIX) for key in found):
            raise ScriptError(f"{self.name} got a key that does not begin with {keys.PREFIX}")
        return found, args


class Scripts:
    """Runs the scripts on one client; each is sent once and called by its digest after that."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._registered: dict[str, Any] = {}

    def run(
        self, name: str, /, *, pipeline: "redis.client.Pipeline | None" = None, **values: Any
    ) -> Any:
        """Run the script and return its answer. Raises `LedgerUnavailable`.

        `values` are its keys and arguments. With a `pipeline` it becomes one of its calls.
        """
        script = load(name)
        in_order, args = script.in_order(values)
        if name not in self._registered:
            self._registered[name] = self._client.register_script(version_guard() + script.source())
        with redis_errors_translated():
            return self._registered[name](keys=in_order, args=args, client=pipeline)

    def run_for(self, account: str, name: str, /, **values: Any) -> Any:
        """Run a script whose key `account` is the prefix of the account's keys."""
        return self.run(name, account=keys.account(account), **values)


@dataclass(frozen=True, slots=True)
class Piece:
    """One file, and what its head declares."""

    name: str
    text: str

    def declared(self, word: str) -> list[str]:
        return [rest for found, rest in _HEAD.findall(self.text) if found == word]

    def words(self, word: str) -> list[str]:
        return " ".join(self.declared(word)).split()

    def read(self, word: str, form: re.Pattern[str]) -> Iterator[dict[str, str]]:
        for rest in self.declared(word):
            found = form.fullmatch(rest)
            if found is None or found.groupdict().get("kind", "text") not in KINDS:
                raise ScriptError(f"{self.name} declares {word} {rest!r}")
            yield found.groupdict()

    def names(self) -> set[str]:
        """Return the names that it gives at its top level, for itself and all that follows."""
        return set(" ".join(_NAMED.findall(self.text)).replace(",", "").split())


@cache
def load(name: str, folder: Traversable = _FOLDER) -> Script:
    """Return the script `name`, such as "signups/claim". Raises `ScriptError`."""
    pieces = list(_with_included(name, folder, {}).values())
    script = Script(
        name,
        keys=tuple(_parameter(found) for found in pieces[-1].read("KEY", _KEY)),
        args=tuple(_parameter(found) for found in pieces[-1].read("ARG", _ARG)),
        limits=tuple(_limits(pieces)),
        text="\n".join(piece.text for piece in pieces),
    )
    _check_names(script, pieces)
    return script


def _with_included(name: str, folder: Traversable, found: dict[str, Piece]) -> dict[str, Piece]:
    """Add the file and all that it includes, each after what it includes itself."""
    piece = Piece(name, (folder / f"{name}.lua").read_text(encoding="utf-8"))
    for part in piece.words("INCLUDE"):
        if f"lib/{part}" not in found:
            _with_included(f"lib/{part}", folder, found)
    found[name] = piece
    return found


def _parameter(found: dict[str, str]) -> Parameter:
    absent = "" if "kind" in found else keys.NO_KEY
    return Parameter(
        found["name"], KINDS[found.get("kind", "text")], bool(found["optional"]), absent
    )


def _limits(pieces: list[Piece]) -> Iterator[Limit]:
    declared = {found["name"]: found for piece in pieces for found in piece.read("LIMIT", _LIMIT)}
    for found in declared.values():
        yield Limit(found["name"], KINDS[found["kind"]])


def _check_names(script: Script, pieces: list[Piece]) -> None:
    known = {each.name for each in (*script.keys, *script.args)}
    known |= {each.name for each in script.limits}
    for piece in pieces:
        if missing := set(piece.words("NEEDS")) - known:
            raise ScriptError(f"{script.name}: {piece.name} needs {', '.join(sorted(missing))}")
        if again := piece.names() & known:
            raise ScriptError(f"{script.name}: {piece.name} names {', '.join(sorted(again))} again")
        known |= piece.names()
