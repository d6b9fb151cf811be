"""`relay status`: the numbers of sign-ups in each state, holds, tokens, and live processes."""

from functools import partial

import click

from relay.commands.status.text import say_report, warn_of_spools
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.errors import LedgerUnavailable
from shared.operations.status.document import spools_document
from shared.operations.status.report import StatusReader, make_status_reader
from web.signup.spool_file import look_here, spools_here


@click.command()
@pass_runtime
def status(runtime: CommandRuntime) -> None:
    """Show all sign-ups by state, holds, tokens, quota and workers."""
    try:
        runtime.check_redis()
        _show(runtime, _reader(runtime))
    except LedgerUnavailable as error:
        _show_this_hosts_spool(runtime, error)
        raise


def _reader(runtime: CommandRuntime) -> StatusReader:
    here = partial(look_here, runtime.settings.spool_folder)
    return make_status_reader(runtime.settings, runtime.client, runtime.operations, here)


def _show(runtime: CommandRuntime, reader: StatusReader) -> None:
    if runtime.output.as_json:
        runtime.output.json(reader.document())
    else:
        report, refusing = reader.report(), runtime.operations.status.refusing_forms()
        say_report(runtime.output, report, runtime.summaries.all(), refusing)


def _show_this_hosts_spool(runtime: CommandRuntime, error: LedgerUnavailable) -> None:
    """Show what this host's disk has, while Redis does not answer."""
    spools = spools_here(runtime.settings.spool_folder)
    unknown = dict.fromkeys(
        ("balance", "accounts", "forms", "quota", "workers", "beat_age_seconds")
    )
    known = {**spools_document(spools), "redis_problem": str(error.problem)}
    runtime.output.json({**unknown, **known})
    warn_of_spools(runtime.output, spools)
