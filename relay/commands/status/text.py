"""`relay status` for people: a table of the accounts, their problems, and what they share."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from relay.terminal.output import Output, duration, for_people
from shared.accounts import advice
from shared.accounts.account_state import account_state
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.domain.form import Form
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.phrases import counted
from shared.domain.refusal_history import TooManyRefused
from shared.domain.retention import KeptRecords, beginning
from shared.domain.state_words import count_words
from shared.domain.totals import COUNTS
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.values import Figures
from shared.operations.balance import Balance
from shared.operations.status.document import StatusReport


def say_report(
    output: Output,
    report: StatusReport,
    summaries: Iterable[AccountSummary],
    refusing: Iterable[tuple[Form, TooManyRefused]],
) -> None:
    """Print the whole report; `refusing` are the forms that refuse too many sign-ups."""
    if report.redis_problem:
        output.say(f"{report.redis_problem}\n")
    if report.accounts:
        _say_balance(output, report.balance)
    by_name = {each.account.name: each for each in summaries}
    _say_accounts(output, report, by_name)
    _say_forms(output, report.forms, refusing)
    several = any(each.own_key for each in by_name.values())
    whose = " of the API key in the settings" if several else ""
    output.say(f"\n{report.requests_today.sentence(report.requests_per_day, whose)}")
    if report.rests_until:
        resumes = for_people(report.rests_until)
        output.say(f"Rate limited by Constant Contact. Deliveries resume at {resumes}.")
    for spool in report.spools:
        _say_spool(output, spool)
    _say_processes(output, report)
    _say_memory(output, report.memory)
    _say_records(output, report.records, report.at)
    kept = {each.name: each.count for each in report.records}  # the figures have cleared ones, too
    if dead := kept["dead"]:
        in_jobs = f", {report.in_jobs:,} of them in a job" if report.in_jobs else ""
        output.say(f"Failed: {dead:,}{in_jobs}. See them with: relay failed list")
    if caught := kept["quarantined"]:
        output.say(f"Quarantined: {caught:,}. See them with: relay quarantine list")


def _say_balance(output: Output, balance: Balance) -> None:
    """Print whether anything is lost, over all accounts together."""
    output.say(balance.sentence)
    if balance.totals.accepted:
        parts = (f"{count:,} {name}" for name, count in balance.parts)
        output.say(f"{balance.totals.accepted:,} accepted = {' + '.join(parts)}")
    for more in filter(None, (balance.to_do, balance.spooled_in_words)):
        output.say(more)
    output.say("")


def _say_accounts(
    output: Output, report: StatusReport, summaries: dict[str, AccountSummary]
) -> None:
    if not report.accounts:
        output.say("No account is connected yet. Begin with: relay connect NAME")
        return
    in_order = [each.account.name for each in advice.in_trouble_first(summaries.values())]
    places = {name: place for place, name in enumerate(in_order)}
    by_trouble = sorted(report.accounts.items(), key=lambda item: places.get(item[0], len(places)))
    output.table(
        ["account", *map(count_words, COUNTS), "oldest waits for", "state", "token valid until"],
        [_row(name, figures, summaries.get(name)) for name, figures in by_trouble],
    )
    for name, figures in by_trouble:
        for problem in advice.for_account(name, figures.holds, summaries.get(name)):
            output.say(f"\n{problem.sentence}")


def _say_forms(
    output: Output,
    forms: Iterable[FormFigures],
    refusing: Iterable[tuple[Form, TooManyRefused]],
) -> None:
    """Print the forms that have refused sign-ups, or have some in quarantine."""
    worth_showing = [each for each in forms if each.refused or each.quarantined]
    if worth_showing:
        output.say("")
        output.table(
            ["form", "account", "accepted", "quarantined", "refused", "causes", "not shown"],
            [_form_row(figures) for figures in worth_showing],
        )
    for form, found in refusing:
        output.say(f"\n{form.name}: {found.sentence}\nWhat to do: {found.to_do}")


def _form_row(figures: FormFigures) -> list[Any]:
    refused = figures.refused_signups
    causes = ", ".join(f"{count:,} {code}" for code, count in refused.items())
    return [
        figures.form.name,
        figures.form.account,
        figures.accepted,
        figures.quarantined,
        sum(refused.values()),
        causes or None,
        figures.not_shown,
    ]


def _row(name: str, figures: Figures, summary: AccountSummary | None) -> list[Any]:
    return [
        name,
        *(getattr(figures, count) for count in COUNTS),
        duration(figures.oldest_due),
        _state(summary) if summary else None,
        _token(summary) if summary else None,
    ]


def _state(summary: AccountSummary) -> str:
    return f"{account_state(summary).words}{', sandbox' if summary.is_sandbox else ''}"


def _token(summary: AccountSummary) -> str | None:
    """Return until when the token works; None without one that is used."""
    unused = summary.status == ConnectionStatus.ELSEWHERE
    return None if unused else for_people(summary.expires_at)


def _say_spool(output: Output, spool: SpoolReport) -> None:
    figures = spool.figures
    output.say(
        f"On the disk of {spool.host}: {counted(figures.count, 'sign-up')}, not counted"
        f" above yet. The oldest has waited {duration(figures.oldest)}"
        f" (reported {duration(spool.seen)} ago)."
    )
    if figures.refused:
        output.say(
            f"{figures.refused:,} of them could not be handed over. Web retries every minute;"
            " its log has the cause."
        )


def _say_processes(output: Output, report: StatusReport) -> None:
    workers, beat_age = report.pulse.workers, duration(report.pulse.beat_age)
    beat = f"{beat_age} ago" if beat_age else "never"
    output.say(f"Workers alive: {workers}. Last beat: {beat}.")
    if not workers:
        output.say("No worker is alive, so sign-ups wait. Start one with: relay worker")


def _say_memory(output: Output, memory: MemoryForecast | None) -> None:
    if memory:
        output.say(f"Redis' memory: {memory.found}")
        if memory.warning:
            output.say(f"{memory.warning} What to do: {memory.to_do}")


def _say_records(output: Output, records: Sequence[KeptRecords], now: datetime) -> None:
    """Print what is kept of each kind, and when the next is cleared."""
    kept = [each for each in records if each.count]
    if kept:
        output.say("")
        output.table(
            ["records", "kept", "kept for", "next cleared", "within a day"],
            [
                [
                    count_words(each.name),
                    each.count,
                    each.in_words,
                    for_people(each.next_at),
                    each.within_a_day or None,
                ]
                for each in kept
            ],
        )
        output.say(beginning(records, now) or "")


def warn_of_spools(output: Output, spools: Sequence[SpoolReport]) -> None:
    """Warn of sign-ups that wait on this host's disk while Redis does not answer."""
    for spool in spools:
        count = counted(spool.figures.count, "sign-up")
        output.warn(
            f"{count} on this host's disk. Nothing is lost: web hands over everything when Redis is"
            " back."
        )
