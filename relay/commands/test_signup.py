"""`relay accounts test`: send a sign-up to one's own address, and see what becomes of it."""

from datetime import timedelta

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.progress import Waiting
from shared.accounts import advice
from shared.accounts.test_signups import TestSignup
from shared.domain.errors import Refused
from shared.domain.signup import State

_LOOK_EVERY = timedelta(milliseconds=500)
# Each look at the API is one of the day's requests.
_READ_EVERY = timedelta(seconds=2)


@click.command("test")
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
def trial(
    runtime: CommandRuntime, name: str, email: str, wanted_list: str, remove: bool, wait: int
) -> None:
    """Send a test sign-up to a list of NAME, and read it back."""
    started = runtime.accounts.trials.start(name, email, wanted_list, by=runtime.by)
    with Waiting(timedelta(seconds=wait)) as waiting:
        ended = _followed(runtime, started, waiting)
    refusal = _refusal(runtime, ended, wait)
    if remove and refusal is None:
        ended, refusal = _removed(runtime, ended)
    runtime.output.json(ended.to_dict())
    _print(runtime, ended)
    if refusal is not None:
        raise refusal


def _followed(runtime: CommandRuntime, trial: TestSignup, waiting: Waiting) -> TestSignup:
    """Return the test once it is over, or what is known of it when the time is."""
    while not (trial.is_over or waiting.is_over):
        delivered = trial.state == State.DELIVERED
        step = "Sent; reading it back" if delivered else trial.state.capitalize()
        waiting.pause(
            _READ_EVERY if delivered else _LOOK_EVERY, f"{step}: {_cause(runtime, trial)}"
        )
        trial = runtime.accounts.trials.follow(trial.account, trial.id)
    return trial


def _removed(runtime: CommandRuntime, trial: TestSignup) -> tuple[TestSignup, Refused | None]:
    try:
        return runtime.accounts.trials.remove(trial.account, trial.id), None
    except Refused as refusal:
        return trial, refusal


def _refusal(runtime: CommandRuntime, trial: TestSignup, waited: int) -> Refused | None:
    """Return what is to be said of a test that did not come to its good end."""
    if trial.is_over and trial.state == State.DELIVERED:
        return None
    if trial.is_over:
        cause = trial.cause or trial.state
        return Refused(f"It was not delivered: {cause}. Look: relay failed show {trial.id}")
    if trial.state == State.DELIVERED:
        return Refused(
            f"It was delivered, but not read back in {waited} s: {_cause(runtime, trial)}"
        )
    return Refused(
        f"After {waited} s it still waits: {_cause(runtime, trial)}\n"
        "Nothing is lost, it is delivered once that is over. Look then:"
        f" relay failed show {trial.id}"
    )


def _cause(runtime: CommandRuntime, trial: TestSignup) -> str:
    """Return what a test waits for, and what to do about it."""
    if trial.trouble:
        return trial.trouble
    if holds := runtime.ledger.figures(trial.account).holds:
        ends = advice.on_hold(holds[0].reason, trial.account)
        return f"{trial.account} is on hold, {holds[0].reason}: {ends}."
    if not runtime.operations.pulse().workers:
        return "no worker is alive. Start one with: relay worker"
    return f"{trial.cause}." if trial.cause else "a worker takes it in its turn."


def _print(runtime: CommandRuntime, trial: TestSignup) -> None:
    runtime.output.table(
        ["test sign-up", trial.id],
        [
            ["state", trial.state],
            ["attempts", trial.attempts],
            ["contact was", trial.action],
            ["lists", ", ".join(trial.lists) if trial.lists is not None else None],
            ["permission", trial.permission],
            ["removed again", "yes" if trial.removed else "no"],
        ],
    )
    if trial.meaning:
        runtime.output.say(trial.meaning)
