"""`relay erase`: erases all that is stored of one person."""

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from shared.domain.phrases import counted
from shared.operations.people import STAYS


@click.command()
@click.argument("email")
@yes_option
@pass_runtime
def erase(runtime: CommandRuntime, email: str, *, yes: bool) -> None:
    """Erase all that is stored of the person with this e-mail address.

    Sign-ups in every state and of every account, their attempts, the evidence of consent, and what
    waits on this host's disk. What waited, failed or was quarantined is never sent, and is counted
    as discarded.
    """
    operation = runtime.personal_data
    confirm(question(len(operation.consent(email))), yes=yes)
    erased = operation.erase(email)
    stays = operation.forget_traces()
    runtime.output.json({"erased": erased})
    runtime.output.say(f"{counted(erased, 'sign-up')} erased.\n\n{STAYS}")
    for sentence in stays:
        runtime.output.say(sentence)


def question(count: int) -> str:
    return (
        f"Erase this person: {counted(count, 'sign-up')}, with the evidence of consent? This cannot"
        " be undone."
    )
