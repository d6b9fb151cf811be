"""`relay accounts test`: send a sign-up to the operator's address, and read it back."""

from datetime import timedelta

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.progress import Waiting
from shared.accounts import advice
from shared.accounts.test_signups import TestSignup
from shared.domain.errors import Refused
from shared.domain.phrases import sentence
from shared.domain.signup import State
from shared.domain.state_words import state_words

_LOOK_EVERY = timedelta(milliseconds=500)
# Each look at the API is one of the day's requests.
_READ_EVERY = timedelta(seconds=2)


@click.command()
@click.argument("name")
@click.option("--email", required=True, metavar="ADDRESS", help="An address of your own.")
@click.option("--list", "wanted_list", required=True, metavar="LIST", help="Its name or id.")
@click.option("--remove", is_flag=True, help="Delete the contact again, if the test made it.")
@click.option(
    "--wait",
    type=click.IntRange(1, 3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to follow it.",
)
@pass_runtime
def test(
    runtime: CommandRuntime, name: str, email: str, wanted_list: str, remove: bool, wait: int
) -> None:
    """Send a test sign-up to a list of NAME, and read it back."""
    started = runtime.accounts.test_signups.start(name, email, wanted_list, by=runtime.by)
    with runtime.waiting(timedelta(seconds=wait)) as waiting:
        ended = _followed(runtime, started, waiting)
    failure = _failure(runtime, ended, wait)
    if remove and failure is None:
        ended, failure = _removed(runtime, ended)
    runtime.output.json(ended.to_dict())
    _print(runtime, ended)
    if failure is not None:
        raise failure


def _followed(runtime: CommandRuntime, signup: TestSignup, waiting: Waiting) -> TestSignup:
    """Return the test when it has ended, or its state when the time to wait has."""
    while not (signup.is_over or waiting.is_over):
        delivered = signup.state == State.DELIVERED
        step = "Sent; reading it back" if delivered else state_words(signup.state).capitalize()
        pause = _READ_EVERY if delivered else _LOOK_EVERY
        waiting.pause(pause, f"{step}: {_cause(runtime, signup)}")
        signup = runtime.accounts.test_signups.follow(signup.account, signup.id)
    return signup


def _removed(runtime: CommandRuntime, signup: TestSignup) -> tuple[TestSignup, Refused | None]:
    try:
        return runtime.accounts.test_signups.remove(signup.account, signup.id), None
    except Refused as refusal:
        return signup, refusal


def _failure(runtime: CommandRuntime, signup: TestSignup, waited: int) -> Refused | None:
    """Return the error for a test that was not delivered and read back; None if it was."""
    if signup.is_over and signup.state == State.DELIVERED:
        return None
    if signup.is_over:
        cause = sentence(signup.cause or state_words(signup.state))
        return Refused(
            f"The test was not delivered: {cause} See details: relay failed show {signup.id}"
        )
    if signup.state == State.DELIVERED:
        cause = _cause(runtime, signup)
        return Refused(f"The test was delivered, but not read back within {waited} s: {cause}")
    return Refused(
        f"The test still waits after {waited} s: {_cause(runtime, signup)}\n"
        f"It is not lost, and is delivered later. See it with: relay failed show {signup.id}"
    )


def _cause(runtime: CommandRuntime, signup: TestSignup) -> str:
    """Return why a test still waits, and what to do about it."""
    if signup.trouble:
        return signup.trouble
    if holds := runtime.ledger.figures(signup.account).holds:
        ends = advice.on_hold(holds[0], signup.account)
        return f"{signup.account} is on hold ({holds[0].reason}). {ends}"
    if not runtime.operations.status.pulse().workers:
        return "no worker is alive. Start one with: relay worker"
    return sentence(signup.cause) if signup.cause else "it waits for its turn."


def _print(runtime: CommandRuntime, signup: TestSignup) -> None:
    runtime.output.table(
        ["test sign-up", signup.id],
        [
            ["state", state_words(signup.state)],
            ["attempts", signup.attempts],
            ["contact was", signup.action],
            ["lists", ", ".join(signup.lists) if signup.lists is not None else None],
            ["permission", signup.permission],
            ["removed again", "yes" if signup.removed else "no"],
        ],
    )
    if signup.meaning:
        runtime.output.say(signup.meaning)
