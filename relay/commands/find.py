"""`relay find`: all sign-ups of one person."""

from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import for_people
from shared.domain.state_words import state_words
from shared.infrastructure.timestamps import timestamp
from shared.operations.people import FoundSignup


@click.command()
@click.argument("email")
@pass_runtime
def find(runtime: CommandRuntime, email: str) -> None:
    """List the sign-ups of the person with this e-mail address.

    Over all accounts, in every state, and those that wait on this host's disk.
    """
    found = runtime.personal_data.find(email)
    runtime.output.json([_document(each) for each in found])
    if not found:
        runtime.output.say(
            "No sign-ups of this address. What retention has cleared is not found any more, but"
            " its consent may be: relay consent EMAIL"
        )
        return
    runtime.output.table(
        ["id", "account", "form", "state", "received at"],
        [
            [
                each.id,
                each.account,
                each.form,
                state_words(each.state),
                for_people(each.received_at),
            ]
            for each in found
        ],
    )
    runtime.output.say(
        "\nShow details:          relay failed show ID"
        "\nEvidence of consent:   relay consent EMAIL"
        "\nErase all of it:       relay erase EMAIL"
    )


def _document(signup: FoundSignup) -> dict[str, Any]:
    return {
        "id": signup.id,
        "account": signup.account,
        "form": signup.form,
        "state": signup.state,
        "received_at": timestamp(signup.received_at),
    }
