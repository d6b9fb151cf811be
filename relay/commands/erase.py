"""`relay erase`: erases all that is stored of one person."""

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from shared.domain.phrases import counted
from shared.ledger.redis_server.rewriting import forget_slow_calls, rewrite_append_only_file

_STAYS = (
    "The contact at Constant Contact stays: delete it there, too. Other web hosts drop what their"
    " disks still have of the person when they hand it over. A keyed digest of the address is kept"
    " for a year, so that they know."
)
_REWRITING = (
    "Redis is rewriting its append-only file now. Until that is done, older lines of the file"
    " still have the data. So do backups."
)
_NOT_REWRITING = (
    "Older lines of Redis' append-only file still have the data until its next rewrite. Redis was"
    " asked for one and answered: {why}. Ask again with: redis-cli BGREWRITEAOF. Backups have the"
    " data, too."
)
_NOT_FORGETTING = (
    "Redis' log of slow calls may still quote the data. Redis was asked to empty it and answered:"
    " {why}. Ask again with: redis-cli SLOWLOG RESET."
)


@click.command()
@click.argument("email")
@yes_option
@pass_runtime
def erase(runtime: CommandRuntime, email: str, *, yes: bool) -> None:
    """Erase all that is stored of the person with this e-mail address.

    Sign-ups in every state and of every account, their attempts, the evidence of consent, and what
    waits on this host's disk. What was due, dead or quarantined is never sent, and is counted as
    discarded.
    """
    operation = runtime.personal_data
    confirm(question(len(operation.consent(email))), yes=yes)
    erased = operation.erase(email)
    why_not = rewrite_append_only_file(runtime.client)
    why_still = forget_slow_calls(runtime.client)
    runtime.output.json({"erased": erased})
    runtime.output.say(f"{counted(erased, 'sign-up')} erased.\n\n{_STAYS}")
    runtime.output.say(_NOT_REWRITING.format(why=why_not) if why_not else _REWRITING)
    if why_still:
        runtime.output.say(_NOT_FORGETTING.format(why=why_still))


def question(count: int) -> str:
    return (
        f"Erase this person: {counted(count, 'sign-up')}, with the evidence of consent? This cannot"
        " be undone."
    )
