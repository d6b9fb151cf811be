"""`relay failed retry`, the jobs that send many dead letters again, and other jobs."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from typing import Any

import click

from relay.commands.failed.edited import edit_document, edit_text, typed_change
from relay.commands.selection_options import selection_options
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from relay.terminal.output import by_name, duration, for_people
from relay.terminal.progress import ProgressLine
from shared.domain.durations import in_words, minute
from shared.domain.failure_group import are_retried
from shared.domain.field_change import FieldChange
from shared.domain.job import JobAction, TimeToSend
from shared.domain.phrases import counted
from shared.domain.requests_today import left_in_words
from shared.domain.signup import DeathReason, Signup
from shared.domain.state_words import reason_words
from shared.infrastructure.timestamps import utc_now
from shared.operations.bulk_choices import SAMPLED, in_jobs
from shared.operations.field_edits import EditPreview
from shared.operations.form_targets import FormTarget, staying
from shared.operations.job_documents import job_document
from shared.operations.job_progress import Job
from shared.operations.retries import RetryPlan
from shared.operations.selection import Selection

LOOK_EVERY = timedelta(seconds=1)


@click.command()
@yes_option
@click.option(
    "--form-lists",
    is_flag=True,
    help="Retry them to the lists that their forms have now, instead of their own. Always a job.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="FIELD",
    help="Leave this field out of each, such as birthday. May be repeated. Always a job.",
)
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Set this field of each to one value. May be repeated. Always a job.",
)
@selection_options("failed sign-ups", DeathReason)
def retry(
    runtime: CommandRuntime,
    selection: Selection,
    *,
    yes: bool,
    form_lists: bool,
    without: tuple[str, ...],
    values: tuple[str, ...],
) -> None:
    """Retry failed sign-ups: send them again.

    Fresh sign-ups go first. Each gets all its attempts again. A hundred or more
    become a job, which sends them at a slower pace.

    With --without and --set, only those are sent that this changes. What would break a rule stays
    as it is.
    """
    if form_lists and (without or values):
        raise click.UsageError("Use --form-lists alone, without --without and --set.")
    if without or values:
        _retry_edited(runtime, selection, typed_change(without, values), yes=yes)
        return
    plan = runtime.operations.retries.plan(selection)
    if form_lists:
        _retry_form_lists(runtime, selection, plan, yes=yes)
        return
    if not plan.is_large:
        done = runtime.operations.retries.retry_at_once(plan.signups)
        runtime.output.json({"retried": done, "replay": None, "count": len(done)})
        due = Counter(signup.account for signup in plan.signups if signup.id in done)
        told = runtime.operations.sending.of_many(due, "retried")
        runtime.output.say(f"{' '.join(told)} Watch them with: relay status")
        return
    if runtime.interactive:
        confirm(_question(runtime, selection, plan), yes=yes)
    _start_job(runtime, plan)


def _retry_form_lists(
    runtime: CommandRuntime, selection: Selection, plan: RetryPlan, *, yes: bool
) -> None:
    targets = _targets(runtime, selection, plan)
    told = "\n".join(map(_target_text, targets))
    if runtime.interactive:
        confirm(
            f"{told}\n{_question(runtime, selection, plan, staying=staying(targets).total())}",
            yes=yes,
        )
    else:
        runtime.output.say(told)
    _start_job(runtime, plan, JobAction.RETRY_FORM_LISTS, targets=targets)


def _retry_edited(
    runtime: CommandRuntime, selection: Selection, change: FieldChange, *, yes: bool
) -> None:
    operations = runtime.operations
    plan = operations.retries.plan(selection)
    signups: Iterable[Signup] = plan.signups
    if plan.choice:  # they are many, and were not read for the plan
        signups = islice(operations.dead_letters.chosen(selection), SAMPLED)
    preview = operations.edits.preview(signups, change)
    told = edit_text(preview)
    if runtime.interactive:
        left_out = 0 if plan.choice else preview.staying.total()
        confirm(f"{told}\n{_question(runtime, selection, plan, staying=left_out)}", yes=yes)
    else:
        runtime.output.say(told)
    _start_job(runtime, plan, JobAction.RETRY_EDITED, edit=preview)


def _targets(
    runtime: CommandRuntime, selection: Selection, plan: RetryPlan
) -> Sequence[FormTarget]:
    operations = runtime.operations
    if plan.choice is None:
        return operations.targets.of_signups(plan.signups)
    groups = operations.lists.groups(
        account=selection.account, form=selection.form, reason=selection.reason
    )
    return operations.targets.of_groups(groups)


def _target_text(target: FormTarget) -> str:
    of = f"of the form {target.form}" if target.form else "of several forms"
    number = counted(target.count, "failed sign-up")
    if target.stays:
        return f"{number} {of}: stays as it is. The form is gone, or has no list."
    lists = ", ".join(target.lists) or "the lists that each form has"
    return f"{number} {of}: to {lists}. {target.warning}".rstrip()


def _documents(targets: Sequence[FormTarget]) -> dict[str, Any]:
    """Return what scripts read of the lists that sign-ups go to, if they go to those of forms."""
    if not targets:
        return {}
    return {"left_out": staying(targets).total(), "forms": [asdict(target) for target in targets]}


def _retried_already(
    runtime: CommandRuntime, selection: Selection, plan: RetryPlan
) -> Counter[str]:
    """Return by account how many of the chosen ones are in a job already, which keeps them."""
    operations = runtime.operations
    if plan.choice is None:
        waiting = operations.chooser.jobs_of(plan.signups)
        return Counter(each.account for each in plan.signups if each.id in waiting)
    if selection.since is not None:  # causes do not know when each failed
        return Counter()
    groups = operations.lists.groups(
        account=selection.account, form=selection.form, reason=selection.reason
    )
    return in_jobs(groups)[0]


def _question(
    runtime: CommandRuntime, selection: Selection, plan: RetryPlan, *, staying: int = 0
) -> str:
    retried = _retried_already(runtime, selection, plan)
    left, takes = runtime.operations.retries.cost(plan.accounts - retried)
    count = max(0, plan.count - retried.total() - staying)
    kept = f"{are_retried(retried.total())} already, and left to it.\n" if +retried else ""
    held = "".join(
        f"{each}\n" for each in runtime.operations.sending.before(plan.accounts, "retry")
    )
    reasons = {reason_words(reason): count for reason, count in plan.reasons.items()}
    return (
        f"{counted(plan.count, 'failed sign-up')}: {by_name(plan.accounts)};"
        f" {by_name(reasons)}.\n"
        f"{kept}"
        f"They use {count:,} requests. Left today: {left_in_words(left)}\n"
        f"{_duration(takes)}\n"
        f"{held}Retry them?"
    )


def _duration(takes: TimeToSend) -> str:
    sending = f"takes about {in_words(takes.sending)}"
    if takes.begins_at is None:
        return f"The job {sending}."
    return f"The job waits until {minute(takes.begins_at)}. After that it {sending}."


def _start_job(
    runtime: CommandRuntime,
    plan: RetryPlan,
    action: JobAction = JobAction.RETRY,
    *,
    targets: Sequence[FormTarget] = (),
    edit: EditPreview | None = None,
) -> None:
    change = edit.change if edit else None
    started = runtime.operations.retries.start_job(plan, action, change)
    runtime.output.json(
        {
            "retried": [],
            "replay": started.id if started else None,
            "count": started.total if started else 0,
            "accounts": plan.accounts,
            "reasons": plan.reasons,
            "quota_left": plan.quota_left,
            "takes_seconds": round(plan.takes.total(utc_now()).total_seconds()),
            **_documents(targets),
            **(edit_document(edit) if edit else {}),
        }
    )
    if started is None:
        without = ", or have no list to go to" if targets else ""
        without = ", or stay as they are" if edit else without
        runtime.output.say(f"All of them are in a job already{without}. See: relay failed replays")
        return
    runtime.output.say(f"The job {started.id} retries {started.total:,} failed sign-ups.")
    if runtime.interactive:
        _follow(runtime, started.id)
    else:
        runtime.output.say("Watch it with: relay failed replays")


def _follow(runtime: CommandRuntime, id: str) -> None:
    """Show the job's progress until it has ended or the operator presses Ctrl-C."""
    line = ProgressLine(sys.stderr, runtime.clock)
    try:
        while (job := runtime.operations.retries.retry_job(id)).ended_at is None:
            line.show(_progress(job), job.left(utc_now()))
            runtime.sleep(LOOK_EVERY.total_seconds())
        line.clear()
        runtime.output.say(f"Ended: {_progress(job)}")
    except KeyboardInterrupt:
        line.clear()
        runtime.output.say(
            "The job continues without this command."
            "\nWatch it:   relay failed replays"
            f"\nCancel it:  relay failed cancel {id}"
        )


def _progress(job: Job) -> str:
    changed = {JobAction.DISCARD: "discarded", JobAction.UNDO: "as before"}.get(job.action)
    counts = {
        **({changed: job.changed} if changed else {}),
        "delivered": job.delivered,
        "failed again": job.dead,
        "skipped": job.skipped,
        "cancelled": job.cancelled,
        "being sent": job.sending,
        "that wait for the end of the hold": job.held,
        "left as they were" if job.change else "that cannot be sent and stay": job.refused,
    }
    parts = [f"{job.done:,} of {job.total:,} done"]
    parts += [f"{count:,} {name}" for name, count in counts.items() if count]
    if job.waits_for:
        parts.append(f"waiting: {job.waits_for.in_words}")
    return ", ".join(parts)


_COLUMNS = ("account", "by", "started", "state", "progress")


@click.command("replays")
@pass_runtime
def list_replays(runtime: CommandRuntime) -> None:
    """List the jobs that retry, the latest first. Ended ones are kept for 30 days."""
    found, now = runtime.operations.retries.retry_jobs(), utc_now()
    rows = [[job.id, *_row(job), duration(job.left(now))] for job in found]
    _print_jobs(runtime, found, ["id", *_COLUMNS, "time left"], rows)


@click.command("jobs")
@pass_runtime
def list_jobs(runtime: CommandRuntime) -> None:
    """List all jobs, the latest first. Ended ones are kept for 30 days."""
    found = runtime.operations.jobs.all()
    rows = [[job.id, job.action, *_row(job)] for job in found]
    _print_jobs(runtime, found, ["id", "action", *_COLUMNS], rows)


def _row(job: Job) -> list[Any]:
    accounts = ", ".join(job.accounts)
    return [accounts, job.by, for_people(job.started_at), job.state, _progress(job)]


def _print_jobs(
    runtime: CommandRuntime, found: Sequence[Job], columns: list[str], rows: list[list[Any]]
) -> None:
    runtime.output.json([job_document(job, utc_now()) for job in found])
    if found:
        runtime.output.table(columns, rows)
    else:
        runtime.output.say("No jobs.")


@click.command()
@click.argument("id")
@pass_runtime
def cancel(runtime: CommandRuntime, id: str) -> None:
    """Cancel a job.

    Sign-ups that wait in it stay failed, or quarantined; those that had their turn are sent.
    What a job has discarded stays discarded: see relay failed undo.
    """
    kept = runtime.operations.jobs.cancel(id)
    job = runtime.operations.jobs.one(id)
    runtime.output.json(job_document(job, utc_now()))
    if not job.action.retries:
        runtime.output.say(f"Stopped: {_progress(job)}.")
        return
    runtime.output.say(f"Cancelled. Not sent, and kept: {kept:,}.")
    if job.under_way:
        runtime.output.say(f"Those that had their turn, and are still sent: {job.under_way:,}.")
