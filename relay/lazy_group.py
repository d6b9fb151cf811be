"""A click group that imports a command only when that command runs."""

import ast
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import click


class LazyGroup(click.Group):
    """`places` names the function of each command, as "module:function"."""

    def __init__(self, *args: Any, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._places:
            return None
        module, _, function = self._places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands as click does, and import none of them for it."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        commands = [click.Command(name, help=_docstring(self._places[name])) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(command.name or "", command.get_short_help_str(width)) for command in commands]
            )


def _docstring(place: str) -> str | None:
    """Return the docstring of the function at `place`, read from its file."""
    module, _, function = place.partition(":")
    file: str = cast(Any, find_spec(module)).origin
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    (found,) = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    return ast.get_docstring(found)
