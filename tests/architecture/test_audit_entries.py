"""Nothing changes without an entry in the audit trail, and docs/audit.md explains every action."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from relay.cli import relay
from shared.domain.audit import Action
from tests.architecture.project import ROOT, read, settings_in
from tests.integration.cli import test_cli_audit as commands
from tests.web.api import test_api_access as api
from tests.web.console import test_console_audit as routes
from web.api import PREFIX
from web.api.errors import is_api
from web.app import create_app


def test_every_command_is_known_to_change_something_or_not() -> None:
    known = commands.STARTS | commands.READS | set(commands.CHANGES)
    assert set(paths_of(relay)) == known


def paths_of(group: click.Group, path: str = "") -> Iterator[str]:
    """Yield the path of each command that does something."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from paths_of(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def test_every_route_that_takes_a_post_is_known_to_change_something_or_not(tmp_path: Path) -> None:
    rules = list(create_app(settings_in(tmp_path)).url_map.iter_rules())
    posts = {rule.rule for rule in rules if "POST" in (rule.methods or ())}
    of_the_api = {rule for rule in posts if is_api(rule)}
    assert posts - of_the_api == set(routes.CHANGES_NOTHING) | set(routes.CHANGES)
    changing = {
        rule.rule for rule in rules if {"POST", "PATCH", "PUT", "DELETE"} & (rule.methods or set())
    }
    known = {route.partition(" ")[2] for route in api.CHANGES | api.CHANGES_NOTHING}
    assert {rule for rule in changing if is_api(rule)} == {f"{PREFIX}{rule}" for rule in known}


def test_every_action_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| (`.+?) \| [a-z]", read("docs/audit.md"), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall("`(.+?)`", row)) == sorted(Action)


def test_operations_add_entries_and_neither_commands_nor_views() -> None:
    named = {
        name: [
            path
            for path in (ROOT / name).rglob("*.py")
            if re.search(r"\bAction\.[A-Z]", path.read_text(encoding="utf-8"))
        ]
        for name in ("relay", "web", "worker", "shared")
    }
    assert not named["relay"] + named["web"] + named["worker"]
    used = {
        action
        for path in named["shared"]
        for action in re.findall(r"\bAction\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    assert used == {action.name for action in Action}
