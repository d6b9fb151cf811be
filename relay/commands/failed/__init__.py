"""`relay failed`: dead letters, and the jobs that send many of them again."""

import click

from relay.lazy_group import LazyGroup

COMMANDS = {
    "cancel": "relay.commands.failed.jobs:cancel",
    "discard": "relay.commands.failed.dead_letters:discard",
    "edit": "relay.commands.failed.dead_letters:edit",
    "export": "relay.commands.failed.dead_letters:export",
    "jobs": "relay.commands.failed.jobs:list_jobs",
    "list": "relay.commands.failed.dead_letters:list_dead_letters",
    "replays": "relay.commands.failed.jobs:list_replays",
    "retry": "relay.commands.failed.jobs:retry",
    "show": "relay.commands.failed.dead_letters:show",
    "undo": "relay.commands.failed.dead_letters:undo",
}


@click.group(cls=LazyGroup, places=COMMANDS)
def failed() -> None:
    """Show, correct, retry and discard failed sign-ups. They are kept until then."""
