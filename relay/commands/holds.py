"""`relay hold` and `relay release`: an operator's pause of an account."""

import click

from relay.runtime import CommandRuntime, pass_runtime


@click.command()
@click.argument("account", metavar="NAME")
@click.option("--reason", "note", required=True, help="The reason, which is shown with the hold.")
@pass_runtime
def hold(runtime: CommandRuntime, account: str, note: str) -> None:
    """Pause an account: sign-ups are still accepted, and wait."""
    runtime.operations.holds.hold(account, note, by=runtime.by)
    runtime.output.json({"account": account, "hold": "paused", "note": note})
    runtime.output.say(f"{account} is paused. Resume it with: relay release {account}")


@click.command()
@click.argument("account", metavar="NAME")
@pass_runtime
def release(runtime: CommandRuntime, account: str) -> None:
    """End an account's pause, and probe its other holds now."""
    holds = runtime.operations.holds.release(account, by=runtime.by)
    runtime.output.json({"account": account, "holds": holds})
    if not holds:
        runtime.output.say(f"{account} was not on hold.")
    for reason in holds:
        done = "lifted" if reason == "paused" else "probed now; it ends when its cause is gone"
        runtime.output.say(f"{reason}: {done}")
