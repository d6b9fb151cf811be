"""What scripts declare is checked when they are loaded, and what they get when they are called."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.ledger import limits
from shared.ledger.script_library import Script, ScriptError, load


class Folder:
    """A folder of scripts; `write` gives one its text and loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def part(self, name: str, text: str) -> None:
        (self.path / "lib").mkdir(exist_ok=True)
        (self.path / "lib" / f"{name}.lua").write_text(text, encoding="utf-8")

    def script(self, text: str) -> Script:
        (self.path / "step.lua").write_text(text, encoding="utf-8")
        return load("step", self.path)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


HEAD = """-- KEY account  prefix of the account's keys
-- KEY visitor?  key of the visitor
-- ARG id  text  of the sign-up
-- ARG lease  milliseconds  how long it lasts
-- ARG cause  text?  why
"""


def test_keys_and_arguments_are_passed_in_the_order_of_the_head(folder: Folder) -> None:
    script = folder.script(HEAD)

    in_order = script.in_order(
        {
            "cause": "c",
            "lease": timedelta(seconds=2),
            "id": "i",
            "visitor": "relay:v",
            "account": "relay:a",
        }
    )

    assert in_order == ["relay:a", "relay:v", "i", 2000, "c"]


def test_what_is_optional_may_be_none_and_is_nil_in_lua(folder: Folder) -> None:
    script = folder.script(HEAD)

    values = {"account": "relay:a", "visitor": None, "id": "i", "lease": timedelta(), "cause": None}

    assert script.in_order(values) == ["relay:a", "relay:none", "i", 0, ""]
    assert 'local visitor = KEYS[2] ~= "relay:none" and KEYS[2] or nil' in script.source()
    assert 'local cause = ARGV[3] ~= "" and ARGV[3] or nil' in script.source().splitlines()


@pytest.mark.parametrize(
    ("kind", "value", "passed", "read"),
    [
        ("text", "acme", "acme", "ARGV[1]"),
        ("number", 0.5, 0.5, "tonumber(ARGV[1])"),
        ("flag", True, 1, 'ARGV[1] == "1"'),
        ("json", ["a", 1], '["a", 1]', "cjson.decode(ARGV[1])"),
        ("milliseconds", timedelta(seconds=1), 1000, "tonumber(ARGV[1])"),
        ("microseconds", timedelta(seconds=1), 1_000_000, "tonumber(ARGV[1])"),
        ("time", datetime(1970, 1, 2, tzinfo=UTC), 86_400_000, "tonumber(ARGV[1])"),
    ],
)
def test_each_kind_is_written_and_read(
    folder: Folder, kind: str, value: Any, passed: Any, read: str
) -> None:
    script = folder.script(f"-- ARG it  {kind}  what it is\n")

    assert script.in_order({"it": value}) == [passed]
    assert script.source().splitlines()[0] == f"local it = {read}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(
            {"account": "relay:a", "visitor": "relay:v", "id": "i"},
            "lease is missing",
            id="missing",
        ),
        pytest.param(
            {
                "account": "relay:a",
                "visitor": "relay:v",
                "id": "i",
                "lease": timedelta(),
                "cause": "",
                "couse": "",
            },
            "step takes no couse",
            id="unknown",
        ),
    ],
)
def test_a_call_with_other_names_is_refused(
    folder: Folder, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScriptError, match=message):
        folder.script(HEAD).in_order(values)


@pytest.mark.parametrize("key", ["", "acme", "Relay:a", "deliver"])
def test_a_key_that_no_right_may_allow_is_refused(folder: Folder, key: str) -> None:
    script = folder.script("-- KEY account  prefix of the account's keys\n")
    with pytest.raises(ScriptError, match="a key that does not begin with relay:"):
        script.in_order({"account": key})


def test_a_limit_is_a_constant_in_its_unit(folder: Folder) -> None:
    script = folder.script("-- LIMIT MOST_LOST  number\n-- LIMIT LONGEST_GRANT  microseconds\n")

    assert script.source().splitlines()[:2] == [
        f"local MOST_LOST = {limits.MOST_LOST}",
        "local LONGEST_GRANT = 10000000",
    ]


def test_a_part_is_included_once_and_after_what_it_includes(folder: Folder) -> None:
    folder.part("clock", "local now = 1\n")
    folder.part("holds", "-- NEEDS account\n-- INCLUDE clock\nlocal held = now\n")
    script = folder.script("-- KEY account  prefix\n-- INCLUDE clock holds\nreturn held\n")

    source = script.source()

    assert source.count("local now") == 1
    assert source.index("local account") < source.index("local now") < source.index("local held")


def test_of_a_part_only_what_is_used_is_sent(folder: Folder) -> None:
    folder.part(
        "holds",
        """-- Starts everything.
local function start(name)
  if name then
    return { name }
  end
end

local days, hours = 7, 24
local unused = redis.call("GET", "relay:a")
local function pause()
  return unused
end
local function resume(
  name
)
  return start(name)
end
redis.call("DEL", "relay:b")
""",
    )
    step = '-- INCLUDE holds\nlocal own = "pause"\nlocal function rare()\nend\nreturn resume(hours)'

    lines = folder.script(step).source().splitlines()

    assert [line for line in lines if not line.startswith((" ", "end", ")")) and line] == [
        "local function start(name)",
        "local days, hours = 7, 24",
        "local function resume(",
        'redis.call("DEL", "relay:b")',
        'local own = "pause"',
        "local function rare()",
        "return resume(hours)",
    ]
    assert lines[:5] == [
        "local function start(name)", "  if name then", "    return { name }", "  end", "end"
    ]  # fmt: skip


def test_what_most_runs_do_not_need_is_made_late(folder: Folder) -> None:
    folder.part(
        "holds",
        """local function sum(one, other)
  return one + other
end
local function double(one)
  return sum(one, one)
end
local function twice(one)
  return double(one)
end
local days = twice(4)
""",
    )
    script = folder.script(
        "-- INCLUDE holds\n-- LATE twice days\n"
        "if sum(1, 1) then\n  late()\nend\nreturn twice(days)\n"
    )

    assert script.source().splitlines() == [
        *("local function sum(one, other)", "  return one + other", "end"),
        *("local twice, days", "local function late()", "if twice then return end"),
        *("local function double(one)", "  return sum(one, one)", "end"),
        *("function twice(one)", "  return double(one)", "end"),
        *("days = twice(4)", "end"),
        *("if sum(1, 1) then", "  late()", "end", "return twice(days)"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("-- LATE held\nreturn held\n", "LATE names held, which no", id="nothing late"),
        pytest.param(
            "-- KEY account  prefix\n-- INCLUDE holds\n-- LATE held\nreturn used\n",
            "LATE names held, which no",
            id="late and needed at once",
        ),
        pytest.param("-- ARG lease  hours  how long\n", "declares ARG 'lease  hours", id="kind"),
        pytest.param("-- ARG lease milliseconds\n", "declares ARG", id="no explanation"),
        pytest.param("-- KEY account\n", "declares KEY 'account'", id="a key, no explanation"),
        pytest.param("-- LIMIT MOST_LOST  claims\n", "declares LIMIT", id="a limit's unit"),
        pytest.param("-- INCLUDE holds\n", "lib/holds needs account", id="need"),
        pytest.param(
            "-- KEY account  prefix\n-- ARG held  text  who\n-- INCLUDE holds\n",
            "lib/holds names held again",
            id="an argument with the name of something in a part",
        ),
        pytest.param(
            "-- ARG id  text  of the sign-up\nlocal id = 1\n",
            "step names id again",
            id="an argument that is hidden",
        ),
    ],
)
def test_a_head_that_makes_no_sense_is_refused(folder: Folder, text: str, message: str) -> None:
    folder.part("holds", "-- NEEDS account\nlocal held = account\nlocal used = held\n")
    with pytest.raises(ScriptError, match=message):
        folder.script(text)
