"""What cannot be taken back is asked first: every command, and every way to answer."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import redis

from relay.cli import relay
from shared.ledger.ledger import Ledger
from tests.support.builders import accept, bury
from tests.support.command_line import CommandLine, settings_for
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer

# Of these, section 9 of the design asks for a question.
DESTRUCTIVE = {"discard", "disconnect", "erase", "remove"}


@dataclass(frozen=True)
class Place:
    """What a command is tried on."""

    run: CommandLine
    ledger: Ledger
    sandbox: SandboxServer
    person: Callable[[str], str]

    def bury(self, count: int) -> None:
        for number in range(count):
            bury(self.ledger, f"{number}@example.com")

    def quarantine(self) -> None:
        for name in "ab":
            accept(self.ledger, f"{name}@example.com", quarantine="honeypot")

    def quarantine_ada(self) -> None:
        email = "ada@example.com"
        accept(self.ledger, email, person=self.person(email), quarantine="honeypot")

    def connect_another(self) -> None:
        tokens = json.dumps(self.sandbox.connect(organization="Blue Door Books"))
        assert self.run("connect", "blue", "--tokens", "-", stdin=tokens).status == 0

    def add_operator(self) -> None:
        for name, role in (("ada", "admin"), ("max", "viewer")):
            assert self.run("operator", "add", name, "--role", role).status == 0

    def everything(self) -> Any:
        """Return what the commands could change."""
        run = self.run
        return (
            [each["name"] for each in run("forms", "list", "--json").json],
            [(each["name"], each["standing"]) for each in run("accounts", "--json").json],
            run("operator", "list", "--json").json,
            len(run("failed", "list", "--json").json),
            len(run("quarantine", "list", "--json").json),
            run("failed", "replays", "--json").json,
        )


CASES = [
    pytest.param(
        "forms remove news",
        lambda place: None,
        "Remove the form news of acme?",
        id="forms remove",
    ),
    pytest.param(
        "accounts remove blue",
        Place.connect_another,
        "Remove blue (Blue Door Books)?",
        id="accounts remove",
    ),
    pytest.param(
        "operator remove max",
        Place.add_operator,
        "Remove the viewer max?",
        id="operator remove",
    ),
    pytest.param(
        "disconnect acme", lambda place: None, "Disconnect acme (Acme Bakery)?", id="disconnect"
    ),
    pytest.param(
        "failed discard --all",
        lambda place: place.bury(2),
        "Discard 2 failed sign-ups (2 acme; 2 rejected)?",
        id="failed discard",
    ),
    pytest.param(
        "quarantine discard --all",
        Place.quarantine,
        "Discard 2 quarantined sign-ups (2 acme; 2 hidden field filled in)?",
        id="quarantine discard",
    ),
    pytest.param(
        "erase ada@example.com",
        Place.quarantine_ada,
        "Erase this person: 1 sign-up, with the evidence of consent?",
        id="erase",
    ),
]


@pytest.fixture
def place(
    connected: CommandLine,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    person: Callable[[str], str],
) -> Place:
    connected.sleep = lambda seconds: None
    return Place(connected, Ledger(redis_client), sandbox, person)


@pytest.mark.parametrize(("command", "prepare", "question"), CASES)
def test_a_question_says_what_is_lost_and_only_a_yes_loses_it(
    place: Place, command: str, prepare: Callable[[Place], None], question: str
) -> None:
    prepare(place)
    before = place.everything()

    for as_json in ((), ("--json",)):
        unanswered = place.run(*command.split(), *as_json)
        assert (unanswered.status, unanswered.out) == (2, "")
        assert question in unanswered.err
        assert "--yes" in unanswered.err
        assert place.everything() == before

    declined = place.run(*command.split(), stdin="n\n", at_terminal=True)
    assert (declined.status, "Nothing was changed." in declined.err) == (1, True)
    assert place.everything() == before

    assert place.run(*command.split(), stdin="y\n").status == 0
    assert place.everything() != before


@pytest.mark.parametrize(("command", "prepare", "question"), CASES)
def test_yes_in_advance_asks_nothing(
    place: Place, command: str, prepare: Callable[[Place], None], question: str
) -> None:
    prepare(place)
    before = place.everything()
    done = place.run(*command.split(), "--yes", "--json")
    assert (done.status, question in done.err) == (0, False)
    assert json.loads(done.out)
    assert place.everything() != before


def test_a_retry_of_many_asks_at_a_terminal_alone(place: Place) -> None:
    place.bury(100)
    before = place.everything()
    declined = place.run("failed", "retry", "--all", stdin="n\n", at_terminal=True)
    assert (declined.status, "100 failed sign-ups: 100 acme" in declined.err) == (1, True)
    assert place.everything() == before
    assert place.run("failed", "retry", "--all").status == 0
    assert place.everything() != before


@pytest.mark.parametrize("at_terminal", [False, True])
def test_an_end_of_input_is_no_answer(place: Place, at_terminal: bool) -> None:
    unanswered = place.run("forms", "remove", "news", at_terminal=at_terminal)
    assert (unanswered.status, "nothing was changed" in unanswered.err) == (2, True)


def test_a_closed_standard_input_is_no_answer(
    place: Place, valkey: ValkeyServer, sandbox: SandboxServer, tmp_path: Path
) -> None:
    command = shlex.join([sys.executable, "-m", "relay", "forms", "remove", "news"])
    ended = subprocess.run(
        ["sh", "-c", f"{command} <&-"],
        env=settings_for(valkey, sandbox, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, "nothing was changed" in ended.stderr) == (2, True), ended.stderr
    assert place.run("forms", "show", "news").status == 0


def test_nothing_is_asked_where_nothing_is_chosen(place: Place) -> None:
    nothing = place.run("failed", "discard", "--all", "--json")
    assert (nothing.status, nothing.json) == (0, {"discarded": []})


def commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    """Return every command by the words that one types for it."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inside = f"{path} {name}".strip()
        found |= (
            commands(command, inside) if isinstance(command, click.Group) else {inside: command}
        )
    return found


def test_every_destructive_command_is_tried_here() -> None:
    destructive = {name for name in commands(relay) if name.split()[-1] in DESTRUCTIVE}
    tried = {" ".join(str(case.values[0]).split()[:2]) for case in CASES}
    of_one_word = {"disconnect acme", "erase ada@example.com"}
    assert {name for name in destructive if " " in name} == tried - of_one_word
    assert destructive - tried == {"disconnect", "erase"}
