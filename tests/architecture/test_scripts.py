"""Every Lua script says what it takes and returns, is called, and uses only what it declares."""

import functools
import re

from shared.domain.signup import DeathReason
from shared.ledger import limits
from shared.ledger.records import FIELDS
from shared.ledger.script_library import Piece, load
from tests.architecture.project import ROOT, read

FOLDER = ROOT / "shared" / "ledger" / "scripts"
PIECES = {
    name: Piece(name, path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.rglob("*.lua"))
    for name in [path.relative_to(FOLDER).with_suffix("").as_posix()]
}
STEPS = [name for name in PIECES if not name.startswith("lib/")]
PARTS = [name for name in PIECES if name.startswith("lib/")]
CALLERS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "shared" / "ledger").rglob("*.py"))
)
LUA = frozenset(
    re.findall(
        r"\w+",
        "and break do else elseif end false for function if in local nil not or repeat return then"
        " true until while redis cjson string table math tonumber type ipairs pairs pcall"
        " unpack as_number late",
    )
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_TOKEN = re.compile(rf"{_NAME.pattern}|==|~=|\.\.|\S")
_MADE_HERE = (
    r"\blocal (?!function)([\w, ]+)(?: =|$)",
    r"\blocal function (\w+)",
    r"\bfunction ?\w*\(([\w, ]*)\)",
    r"\bfor ([\w, ]+?) (?:in|=)",
)


@functools.cache
def code(name: str) -> str:
    """Return the code without its comments and texts."""
    lines = (re.sub(r'"[^"]*"', '""', line) for line in PIECES[name].text.splitlines())
    return "\n".join(line.partition("--")[0] for line in lines)


@functools.cache
def used(name: str) -> frozenset[str]:
    """Return every name that the code reads, but for fields."""
    tokens = _TOKEN.findall(code(name))
    found, braces = set(), 0
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        braces += {"{": 1, "}": -1}.get(token, 0)
        is_field = before == "." or (braces > 0 and after == "=")
        if _NAME.match(token) and not is_field:
            found.add(token)
    return frozenset(found - LUA)


def made_here(name: str) -> set[str]:
    found = (names for form in _MADE_HERE for names in re.findall(form, code(name), re.MULTILINE))
    return set(" ".join(found).replace(",", " ").split())


def declared(name: str) -> set[str]:
    """Return the names that the head declares itself."""
    piece = PIECES[name]
    own = (line.split()[0] for word in ("KEY", "ARG", "LIMIT") for line in piece.declared(word))
    return {each.rstrip("?") for each in own} | set(piece.words("NEEDS"))


def included(name: str) -> list[str]:
    return [f"lib/{part}" for part in PIECES[name].words("INCLUDE")]


def needed_by_included(name: str) -> set[str]:
    parts = included(name)
    needs = (set(PIECES[part].words("NEEDS")) | needed_by_included(part) for part in parts)
    return set().union(*needs)


def test_a_script_can_be_loaded_and_says_what_it_returns() -> None:
    for name in STEPS:
        assert load(name).names, name
        assert re.search(r"^-- Returns ", PIECES[name].text, re.MULTILINE), name


def all_included(name: str) -> set[str]:
    return {name}.union(*(all_included(part) for part in included(name)))


def test_all_that_a_script_uses_of_its_parts_is_sent() -> None:
    for name in STEPS:
        sent = Piece(name, load(name).text)
        given = set().union(*(PIECES[part].names() for part in all_included(name)))
        words = set(_NAME.findall(re.sub(r'"[^"]*"|--.*', "", sent.text)))
        assert given & words == sent.names() - {"late"}, name


def test_every_name_is_declared_made_or_included_by_the_file_that_uses_it() -> None:
    for name in PIECES:
        given = set().union(*(PIECES[part].names() for part in included(name)))
        assert not used(name) - made_here(name) - declared(name) - given, name


def test_all_that_is_declared_and_included_is_used() -> None:
    for name in PIECES:
        assert not declared(name) - used(name) - needed_by_included(name), name
        unused = [part for part in included(name) if not PIECES[part].names() & used(name)]
        assert not unused, name


def test_what_is_made_late_is_used_and_made() -> None:
    for name in STEPS:
        late = set(PIECES[name].words("LATE"))
        assert late <= used(name), name
        assert bool(late) == ("late()" in code(name)), name


def test_keys_and_arguments_have_names() -> None:
    assert not [name for name in PIECES if used(name) & {"KEYS", "ARGV"}]


def test_every_script_is_called_and_every_called_script_exists() -> None:
    assert set(re.findall(r'"([a-z]+/\w+)"', CALLERS)) == set(STEPS)


def test_every_script_that_the_ledger_calls_is_there() -> None:
    """.gitignore may match a folder, and then its scripts are missing in every other clone."""
    ledger = (ROOT / "shared" / "ledger").rglob("*.py")
    called = {
        name for path in ledger for name in re.findall(r'"([a-z]+/[a-z_]+)"', path.read_text())
    }
    assert called == set(STEPS)


def test_every_part_is_included_somewhere() -> None:
    assert set(PARTS) == {part for name in PIECES for part in included(name)}


def test_every_limit_is_read_and_has_one_unit() -> None:
    lines = {line for piece in PIECES.values() for line in piece.declared("LIMIT")}
    names = sorted(line.split()[0] for line in lines)
    assert names == sorted(name for name in vars(limits) if name.isupper())


def test_the_time_is_redis_own() -> None:
    assert not [name for name, piece in PIECES.items() if "os.time" in piece.text]
    assert [name for name, piece in PIECES.items() if '"TIME"' in piece.text] == ["lib/clock"]


def test_scripts_and_python_read_the_same_fields() -> None:
    listed = re.search(r"local FIELDS = \{(.*?)\n\}", PIECES["lib/first_line"].text, re.DOTALL)
    assert listed
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == FIELDS


def test_every_field_of_a_signup_is_documented_and_has_a_place() -> None:
    row = re.search(r"^\| `signup:<id>` \|.*$", read("docs/internals/ledger-keys.md"), re.MULTILINE)
    assert row
    fields = {
        field
        for piece in PIECES.values()
        for field in re.findall(r"\b(?:record|stored)\.(\w+)", piece.text)
    } - {"lines"}
    assert {"state", "claim", "content", "held_mark", "contact_id"} <= fields <= set(FIELDS)
    assert not {field for field in fields if not re.search(rf"\b{field}\b", row[0])}


def test_scripts_and_python_know_the_same_reasons_of_death() -> None:
    listed = re.search(r"local REASONS = \{(.*?)\}", PIECES["lib/dead_letters"].text)
    assert listed
    assert re.findall(r'"(\w+)"', listed[1]) == list(DeathReason)


def test_what_leaves_a_count_of_the_metrics_is_counted() -> None:
    """`uncount` does both. Only what is due may leave its count without."""
    leaving = re.compile(r'\bcount\("(?!due")\w+", -')
    assert not [name for name, piece in PIECES.items() if leaving.search(piece.text)]


def test_a_script_that_gives_an_account_something_to_do_notes_it() -> None:
    """Workers look at the noted accounts alone."""
    sent = {name: load(name).text for name in STEPS}
    giving = [
        name
        for name, text in sent.items()
        if 'count("due", 1)' in text or '"ZADD", WAITING_JOBS' in text
    ]
    assert {"signups/accept", "signups/requeue", "jobs/add"} <= set(giving)
    assert not [name for name in giving if "note_busy(account)" not in sent[name]]
