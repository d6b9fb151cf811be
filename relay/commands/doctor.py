"""`relay doctor`: every check of the installation and its accounts, each with what to do."""

import contextlib
import sys
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.account_text import say_checks
from shared.doctor.doctor import make_doctor, summary
from shared.domain.check import Check, Verdict
from shared.domain.errors import LedgerUnavailable
from shared.ledger.format import open_ledger

# A request ends sooner; this is for what nothing bounds, such as looking up a host.
_WITHIN = timedelta(seconds=30)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--refresh", is_flag=True, help="Refresh each token, to see that it can be done.")
@click.option(
    "--within",
    type=click.FloatRange(min=1),
    default=_WITHIN.total_seconds(),
    show_default=True,
    metavar="SECONDS",
    help="How long to look; many accounts take longer.",
)
@pass_runtime
def doctor(runtime: CommandRuntime, names: tuple[str, ...], refresh: bool, within: float) -> None:
    """Look whether all is well with the installation and with the accounts NAME, or all.

    Exit status 1 when there is a problem, 0 otherwise.
    """
    with contextlib.suppress(LedgerUnavailable):  # which the doctor tells by itself
        open_ledger(runtime.client, may_upgrade=False)
    checks = make_doctor(runtime.settings).examine(
        names, refresh=refresh, within=timedelta(seconds=within)
    )
    problems = sum(check.verdict == Verdict.PROBLEM for check in checks)
    runtime.output.json({"ok": not problems, "checks": [check.to_dict() for check in checks]})
    _print(runtime, checks)
    if problems:
        sys.exit(1)


def _print(runtime: CommandRuntime, checks: Sequence[Check]) -> None:
    for account, its_checks in groupby(checks, key=lambda check: check.account):
        runtime.output.say(account or "The installation")
        say_checks(runtime.output, its_checks)
        runtime.output.say("")
    runtime.output.say(summary(checks))
