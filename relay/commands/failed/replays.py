"""`relay failed retry`, the replays that send many dead letters again, and other jobs."""

import sys
from datetime import timedelta
from typing import Any

import click

from relay.commands.selection_options import selection_options
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from relay.terminal.output import by_name, duration, for_people
from relay.terminal.progress import ProgressLine
from shared.domain.durations import in_words
from shared.domain.phrases import counted
from shared.domain.replay import JobAction
from shared.domain.signup import DeathReason
from shared.infrastructure.timestamps import utc_now
from shared.operations.job_documents import job_document
from shared.operations.replay_jobs import Job
from shared.operations.retries import RetryPlan
from shared.operations.selection import Selection

LOOK_EVERY = timedelta(seconds=1)


@click.command()
@yes_option
@selection_options("dead letters", DeathReason)
def retry(runtime: CommandRuntime, selection: Selection, *, yes: bool) -> None:
    """Send dead letters again.

    Fresh sign-ups go first. Each dead letter gets all its attempts again. A hundred or more
    become a replay: a job that sends them at a slower pace.
    """
    plan = runtime.operations.retries.plan(selection)
    if not plan.is_large:
        done = runtime.operations.retries.retry_at_once(plan.signups)
        runtime.output.json({"retried": done, "replay": None, "count": len(done)})
        runtime.output.say(
            f"{counted(len(done), 'dead letter')} due again. Watch them with: relay status"
        )
        return
    if runtime.interactive:
        confirm(_question(plan), yes=yes)
    _replay(runtime, plan)


def _question(plan: RetryPlan) -> str:
    count = plan.count
    return (
        f"{count:,} dead letters: {by_name(plan.accounts)}; {by_name(plan.reasons)}.\n"
        f"They use {count:,} requests. Left today: {plan.quota_left:,}. A fifth of these is kept"
        " for fresh sign-ups.\n"
        f"The replay takes about {in_words(plan.takes)}.\n"
        "Send them again?"
    )


def _replay(runtime: CommandRuntime, plan: RetryPlan) -> None:
    replay = runtime.operations.retries.start_replay(plan)
    runtime.output.json(
        {
            "retried": [],
            "replay": replay.id if replay else None,
            "count": replay.total if replay else 0,
            "accounts": plan.accounts,
            "reasons": plan.reasons,
            "quota_left": plan.quota_left,
            "takes_seconds": round(plan.takes.total_seconds()),
        }
    )
    if replay is None:
        runtime.output.say("All of them are in a replay already. See: relay failed replays")
        return
    runtime.output.say(f"The replay {replay.id} sends {replay.total:,} dead letters again.")
    if runtime.interactive:
        _follow(runtime, replay.id)
    else:
        runtime.output.say("Watch it with: relay failed replays")


def _follow(runtime: CommandRuntime, id: str) -> None:
    """Show the replay's progress until it has ended or the operator presses Ctrl-C."""
    line = ProgressLine(sys.stderr, runtime.clock)
    try:
        while (replay := runtime.operations.retries.replay(id)).ended_at is None:
            line.show(_progress(replay), replay.left(utc_now()))
            runtime.sleep(LOOK_EVERY.total_seconds())
        line.clear()
        runtime.output.say(f"Ended: {_progress(replay)}")
    except KeyboardInterrupt:
        line.clear()
        runtime.output.say(
            "The replay continues without this command."
            "\nWatch it:   relay failed replays"
            f"\nCancel it:  relay failed cancel {id}"
        )


def _progress(replay: Job) -> str:
    changed = {JobAction.DISCARD: "discarded", JobAction.UNDO: "as before"}.get(replay.action)
    counts = {
        **({changed: replay.changed} if changed else {}),
        "delivered": replay.delivered,
        "dead again": replay.dead,
        "skipped": replay.skipped,
        "cancelled": replay.cancelled,
        "being sent": replay.under_way,
        "that cannot be sent as they are": replay.refused,
    }
    parts = [f"{replay.done:,} of {replay.total:,} done"]
    parts += [f"{count:,} {name}" for name, count in counts.items() if count]
    if replay.obstacle:
        parts.append(f"waiting: {replay.obstacle.in_words}")
    return ", ".join(parts)


@click.command("replays")
@pass_runtime
def list_replays(runtime: CommandRuntime) -> None:
    """List replays, the latest first. Ended ones are kept for 30 days."""
    found = runtime.operations.retries.replays()
    runtime.output.json([job_document(replay, utc_now()) for replay in found])
    if not found:
        runtime.output.say("No replays.")
        return
    runtime.output.table(
        ["id", "account", "by", "started", "state", "progress", "time left"],
        [_row(replay) for replay in found],
    )


def _row(replay: Job) -> list[Any]:
    return [
        replay.id,
        ", ".join(replay.accounts),
        replay.by,
        for_people(replay.started_at),
        replay.state,
        _progress(replay),
        duration(replay.left(utc_now())),
    ]


@click.command("jobs")
@pass_runtime
def list_jobs(runtime: CommandRuntime) -> None:
    """List jobs, the latest first: replays, and what the console does with many sign-ups.

    Ended ones are kept for 30 days.
    """
    found = runtime.operations.jobs.all()
    runtime.output.json([job_document(job, utc_now()) | {"refused": job.refused} for job in found])
    if not found:
        runtime.output.say("No jobs.")
        return
    runtime.output.table(
        ["id", "action", "account", "by", "started", "state", "progress"],
        [[job.id, job.action, *_row(job)[1:-1]] for job in found],
    )


@click.command()
@click.argument("id")
@pass_runtime
def cancel(runtime: CommandRuntime, id: str) -> None:
    """Cancel a replay, or stop another job.

    Sign-ups that wait in a replay stay dead letters, or in quarantine; those due are sent. What a
    job has discarded stays discarded: see relay failed undo.
    """
    kept = runtime.operations.jobs.cancel(id)
    job = runtime.operations.jobs.one(id)
    runtime.output.json(job_document(job, utc_now()))
    if job.action != JobAction.RETRY:
        runtime.output.say(f"Stopped: {_progress(job)}.")
        return
    runtime.output.say(f"Cancelled. Dead letters kept: {kept:,}.")
    if job.under_way:
        runtime.output.say(f"Due already, and still sent: {job.under_way:,}.")
