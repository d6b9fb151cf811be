"""`relay doctor`: checks the installation and its accounts, and says how to fix problems."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from relay.commands.status.text import warn_of_spools
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.account_text import say_checks
from shared.doctor.doctor import make_doctor, redis_is_away, summary
from shared.domain.check import Check, CheckKind, CheckResult, most_urgent_first
from shared.domain.phrases import counted
from web.signup.spool_file import spools_here

# Requests have deadlines of their own. Other steps, such as a look-up of a host name, have none.
_WITHIN = timedelta(seconds=30)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--refresh", is_flag=True, help="Refresh each token, to check that this works.")
@click.option("--deploy", is_flag=True, help="Check, too, all that running in public needs.")
@click.option(
    "--within",
    type=click.FloatRange(min=1),
    default=_WITHIN.total_seconds(),
    show_default=True,
    metavar="SECONDS",
    help="How long the checks may take. Many accounts take longer.",
)
@click.option("--all", "-v", "all_checks", is_flag=True, help="Show the checks that passed, too.")
@pass_runtime
def doctor(
    runtime: CommandRuntime,
    names: tuple[str, ...],
    refresh: bool,
    deploy: bool,
    within: float,
    all_checks: bool,
) -> None:
    """Check the installation and its accounts.

    NAME is an account; without one, all accounts are checked. The exit status is 1 if there is a
    problem, and 0 otherwise.
    """
    checks = make_doctor(runtime.settings).examine(
        names, refresh=refresh, deploy=deploy, within=timedelta(seconds=within)
    )
    problems = sum(check.verdict == CheckResult.PROBLEM for check in checks)
    runtime.output.json({"ok": not problems, "checks": [_document(check) for check in checks]})
    _print(runtime, checks, all_checks=all_checks)
    if redis_is_away(checks):
        warn_of_spools(runtime.output, spools_here(runtime.settings.spool_folder))
    if problems:
        sys.exit(1)


def _document(check: Check) -> dict[str, Any]:
    return check.to_dict() | {"severity": check.kind}


def _print(runtime: CommandRuntime, checks: Sequence[Check], *, all_checks: bool) -> None:
    """Print what was found, the most urgent first, and the number of passes, or each of them."""
    found = most_urgent_first(checks)
    passed = sum(check.kind == CheckKind.OK for check in checks)
    shown = found if all_checks else [check for check in found if check.kind != CheckKind.OK]
    say_checks(runtime.output, shown, named=True)
    if passed and not all_checks:
        count = counted(passed, "check")
        runtime.output.say(f"✓ {count} passed. See each with: relay doctor --all")
    runtime.output.say(f"\n{summary(checks)}")
