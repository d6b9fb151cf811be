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

Redis makes each function anew whenever a script runs, and a function costs up to a microsecond. So
a script gets only those functions that it uses. `-- LATE load_record join_line` names shared ones
that most runs do not need: they, and what only they use, are made when the script first calls
`late()`, and are nil before.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import redis
from redis.exceptions import NoScriptError

from shared.ledger import keys, limits
from shared.ledger.format import version_guard
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.time_units import in_microseconds, in_milliseconds, to_milliseconds

_FOLDER = files("shared.ledger") / "scripts"
_HEAD = re.compile(r"^-- (KEY|ARG|LIMIT|NEEDS|INCLUDE|LATE) (.*)$", re.MULTILINE)
_KEY = re.compile(r"(?P<name>\w+)(?P<optional>\??)  \S.*")
_ARG = re.compile(r"(?P<name>\w+)  (?P<kind>\w+)(?P<optional>\??)  \S.*")
_LIMIT = re.compile(r"(?P<name>\w+)  (?P<kind>\w+)")
# Until a line begins that neither belongs to it nor is empty.
_STATEMENT = re.compile(
    r"^(?!--)\S.*(?:\n|\Z)(?:(?:[ })\]].*|end\b.*|else.*|until.*)?(?:\n|\Z))*", re.MULTILINE
)
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


@dataclass(frozen=True)
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

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the names of the keys, then those of the arguments."""
        return tuple(each.name for each in (*self.keys, *self.args))

    @cached_property
    def _written(self) -> tuple[tuple[int, Callable[[Any], Any], str | None], ...]:
        """Return each key and argument that is not passed as it is: its place, what writes it, and
        what stands for None if that is allowed."""
        return tuple(
            (place, each.kind.write, each.absent if each.optional else None)
            for place, each in enumerate((*self.keys, *self.args))
            if each.optional or each.kind.write is not _as_it_is
        )

    def in_order(self, values: dict[str, Any]) -> list[Any]:
        """Return the keys, then the arguments, as Redis gets them. Raises `ScriptError`."""
        try:
            found = [values[name] for name in self.names]
        except KeyError as error:
            raise ScriptError(f"{self.name}: {error.args[0]} is missing") from None
        if len(values) != len(found):
            unknown = values.keys() - set(self.names)
            raise ScriptError(f"{self.name} takes no {', '.join(sorted(unknown))}")
        for place, write, absent in self._written:
            value = found[place]
            found[place] = absent if value is None and absent is not None else write(value)
        for key in found[: len(self.keys)]:
            if not key.startswith(keys.PREFIX):
                raise ScriptError(f"{self.name} got a key that does not begin with {keys.PREFIX}")
        return found


_Each = TypeVar("_Each")

# One step that concerns so many accounts keeps the server busy for a millisecond or two.
ACCOUNTS_AT_ONCE = 200


def batches(each: Iterable[_Each], at_once: int | None = None) -> Iterator[list[_Each]]:
    """Yield them as batches for one step each, as many at once as accounts unless told."""
    rest = iter(each)
    while some := list(islice(rest, at_once or ACCOUNTS_AT_ONCE)):
        yield some


# A command's words, as they are sent.
CommandWords = tuple[str | int | float, ...]


class ScriptCall(NamedTuple):
    """A call of a script by its digest. A server that answers NOSCRIPT has yet to learn `source`,
    by SCRIPT LOAD; then the same command is sent again."""

    command: CommandWords
    source: str


class Scripts:
    """Runs the scripts on one client: each by its digest, and it is sent where that is unknown."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client: Any = client
        self._prepared: dict[str, tuple[Script, str, str]] = {}

    def run(self, name: str, /, **values: Any) -> Any:
        """Run the script and return its answer. `values` are its keys and arguments. Raises
        `LedgerUnavailable`."""
        return self.execute(self.call(name, **values))

    def run_for(self, account: str, name: str, /, **values: Any) -> Any:
        """Run a script whose key `account` is the prefix of the account's keys."""
        return self.run(name, account=keys.account(account), **values)

    def run_for_each(self, accounts: Iterable[str], name: str, /, **values: Any) -> Iterator[Any]:
        """Run a script for each account, many in one round trip. Yield the answers in order."""
        return self.run_with_each(name, ({**values, "account": each} for each in accounts))

    def run_with_each(self, name: str, /, each: Iterable[dict[str, Any]]) -> Iterator[Any]:
        """Run a script with each of these keys and arguments, of which `account` is a name. Do so
        many in one round trip, and yield the answers in order."""
        calls = [self.call(name, **{**of, "account": keys.account(of["account"])}) for of in each]
        for some in batches(calls):
            yield from self.execute_all(some)

    def run_for_all(self, accounts: Iterable[str], name: str, /, **values: Any) -> Iterator[Any]:
        """Run a script whose argument `accounts` lists prefixes of their keys, for some at a time.
        Yield each answer."""
        for some in batches([keys.account(account) for account in accounts]):
            yield self.run(name, accounts=some, **values)

    def call(self, name: str, /, **values: Any) -> ScriptCall:
        """Return the call of the script with these keys and arguments, for `execute`."""
        script, source, digest = self._prepared.get(name) or self._prepare(name)
        in_order = script.in_order(values)
        return ScriptCall(("EVALSHA", digest, len(script.keys), *in_order), source)

    def execute(self, call: ScriptCall) -> Any:
        """Return the answer of the script. Raises `LedgerUnavailable`."""
        with redis_errors_translated():
            try:
                return self._client.execute_command(*call.command)
            except NoScriptError:
                self._client.script_load(call.source)
                return self._client.execute_command(*call.command)

    def execute_all(self, calls: Sequence[ScriptCall], *then: CommandWords) -> list[Any]:
        """Return the answers of all calls and of the commands after them, which one connection
        sends at once. Raises `LedgerUnavailable`.

        When the server does not know a script, all are sent again: every step is safe to repeat.
        """
        commands = [*(call.command for call in calls), *then]
        with redis_errors_translated():
            answers = self._answers(commands)
            if any(isinstance(answer, NoScriptError) for answer in answers):
                for source in {call.source for call in calls}:
                    self._client.script_load(source)
                answers = self._answers(commands)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    def _answers(self, commands: list[CommandWords]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
        return answers

    def _prepare(self, name: str) -> tuple[Script, str, str]:
        """Note the script with its source and digest, and return them."""
        script = load(name)
        source = version_guard() + _NUMBERS + script.source()
        digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._prepared[name] = script, source, digest
        return self._prepared[name]


# A stored value that should be a number and is none must not stop a script: it counts as 0.
_NUMBERS = """\
local as_number = tonumber
local function tonumber(value)
  return as_number(value) or value and 0 or nil
end
"""


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

    def statements(self) -> list[str]:
        """Return its statements at the top level, without comments of their own."""
        return _STATEMENT.findall(self.text)

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
        text="".join(_needed(pieces)),
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


def _needed(pieces: list[Piece]) -> list[str]:
    """Return the statements of all pieces, but for those of shared ones that name what nothing
    uses. What only the script's late names use is in a function `late`."""
    *shared, own = pieces
    late_names = own.words("LATE")
    statements = [each for piece in shared for each in piece.statements()]
    early = _used(statements, _all_words(own.statements()) - set(late_names))
    rest = [each for each in statements if each not in early]
    late = _used(rest, set(late_names))
    return [*early, *_late(late, late_names), *own.statements()]


def _used(statements: list[str], used: set[str]) -> list[str]:
    """Return those of the statements, in order, that do not name anything or name what is used by
    the others or in `used`."""
    found: list[str] = []
    for statement in reversed(statements):
        named = _names(statement)
        if not named or used.intersection(named):
            found.append(statement)
            used = used | _all_words([statement])
    return found[::-1]


def _late(statements: list[str], names: list[str]) -> Iterator[str]:
    """Yield the function that makes these statements, and the locals that it sets, by `names`."""
    if not names:
        return
    if missing := set(names).difference(*map(_names, statements)):
        raise ScriptError(f"LATE names {', '.join(sorted(missing))}, which no piece gives late")
    yield f"local {', '.join(names)}\nlocal function late()\nif {names[0]} then return end\n"
    for statement in statements:
        is_set = set(names).intersection(_names(statement))
        yield statement.removeprefix("local ") if is_set else statement
    yield "end\n"


def _names(statement: str) -> list[str]:
    """Return what the statement names for those after it."""
    named = _NAMED.match(statement)
    return named[1].split(", ") if named else []


def _all_words(statements: Iterable[str]) -> set[str]:
    return set().union(*map(_words, statements))


def _words(statement: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub('"[^"]*"', "", statement)))


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
