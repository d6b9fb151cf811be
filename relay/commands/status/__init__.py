"""`relay status`: the numbers of sign-ups in each state, holds, tokens, and live processes."""

import click

from relay.commands.status.document import document, spools_document
from relay.commands.status.report import read_report, spools_here, tokens
from relay.commands.status.text import say_report, warn_of_spools
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.errors import LedgerUnavailable


@click.command()
@pass_runtime
def status(runtime: CommandRuntime) -> None:
    """Show all sign-ups by state, holds, tokens, quota and workers."""
    try:
        runtime.check_redis()
        report = read_report(runtime)
    except LedgerUnavailable as error:
        _show_this_hosts_spool(runtime, error)
        raise
    summaries = runtime.summaries.all()
    if runtime.output.as_json:
        runtime.output.json(document(report, tokens(runtime, report), summaries))
    else:
        refusing = runtime.operations.status.refusing_forms()
        say_report(runtime.output, report, summaries, refusing)


def _show_this_hosts_spool(runtime: CommandRuntime, error: LedgerUnavailable) -> None:
    """Show what this host's disk has, while Redis does not answer."""
    spools = spools_here(runtime)
    unknown = dict.fromkeys(("accounts", "forms", "quota", "workers", "beat_age_seconds"))
    known = {**spools_document(spools), "redis_problem": str(error.problem)}
    runtime.output.json({**unknown, **known})
    warn_of_spools(runtime.output, spools)
