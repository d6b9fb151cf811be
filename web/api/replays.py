"""``/api/v1/replays…``: sending many dead letters again, as a job that workers do bit by bit."""

from collections import Counter
from typing import Any

from marshmallow import fields, validate

from shared.domain.errors import Refused, WrongFilter
from shared.domain.field_change import FieldChange
from shared.domain.job import JobAction, JobState, Obstacle
from shared.domain.quota_forecast import next_midnight
from shared.domain.short_ids import full_id
from shared.domain.signup import State
from shared.infrastructure.timestamps import timestamp, utc_now
from shared.operations.bulk_choices import BulkChoice
from shared.operations.job_documents import job_document
from shared.operations.job_progress import Job
from shared.operations.operators import Role
from web.api import bp
from web.api.endpoint import endpoint
from web.api.filters import ReplayFilterSchema, signup_filter
from web.api.schemas import AnswerSchema, Count, TextField, TextList, TextOrNull, Time, TimeOrNull
from web.services import services


class DaysQuotaSchema(AnswerSchema):
    left = Count("How many deliveries the API keys of its accounts may still make today.")
    resets_at = Time()


class ReplaySchema(AnswerSchema):
    id = TextField()
    state = TextField(validate=validate.OneOf(list(JobState)))
    total = Count("While it collects its dead letters, with those that it has yet to look at.")
    done = Count("Delivered, dead again, skipped or cancelled.")
    delivered = Count()
    dead = Count("Dead again.")
    skipped = Count("Changed by somebody before their turn came.")
    cancelled = Count()
    refused = Count(
        "Left as they were: their form has no list, or the edit changes nothing or breaks a rule."
        " They are not in `total`."
    )
    due = Count("Being sent, or waiting for the end of a hold.")
    waiting = Count()
    quota = fields.Nested(DaysQuotaSchema, required=True)
    action = TextField()
    note = TextOrNull()
    edit = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "The fields that it leaves out, and those that it sets."},
    )
    account = TextOrNull("If it concerns one alone.")
    accounts = TextList()
    by = TextField("The operator who began it.")
    chosen = fields.Dict(keys=fields.String(), required=True)
    started_at = Time()
    ended_at = TimeOrNull()
    why = TextOrNull(f"Why no more of it becomes due now, such as {', '.join(Obstacle)}.")
    ends_about = TimeOrNull("When it will end if nothing else is sent.", data_key="eta")


_NOTHING = {
    JobAction.RETRY: "No dead letter matches, or all wait in another replay. Nothing was started.",
    JobAction.RETRY_EDITED: "No dead letter matches and is changed by this, or all wait in another"
    " replay. Nothing was started.",
    JobAction.RETRY_FORM_LISTS: "No dead letter matches, all wait in another replay, or their forms"
    " have no lists. Nothing was started.",
}


@bp.post("/replays")
@endpoint(Role.OPERATOR, body=ReplayFilterSchema(), answer=ReplaySchema(), refusals=(409,))
def start_replay(body: dict[str, Any]) -> dict[str, Any]:
    """Send all dead letters again that match now, however many, at half the rate."""
    chosen = signup_filter(body | {"state": State.DEAD})
    action, change = _wanted(body)
    started = services().operations.bulk.retry_as_job(BulkChoice(filter=chosen), action, change)
    if started is None:
        raise Refused(_NOTHING[action])
    return _document(started)


@bp.get("/replays/<id>")
@endpoint(Role.VIEWER, answer=ReplaySchema(), refusals=(404,))
def show_replay(id: str) -> dict[str, Any]:
    """Return how far a replay is. Ended ones are kept for 30 days."""
    return _document(_replay(id))


@bp.post("/replays/<id>/cancel")
@endpoint(Role.OPERATOR, answer=ReplaySchema(), refusals=(404,))
def cancel_replay(id: str) -> dict[str, Any]:
    """Leave dead those that wait in the replay. What is due is still sent."""
    services().operations.jobs.cancel(_replay(id).id)
    return _document(_replay(id))


def _wanted(body: dict[str, Any]) -> tuple[JobAction, FieldChange | None]:
    """Return what is done with them, and what is changed of them. Raises `WrongFilter`."""
    without, values = body.get("without", []), body.get("set", {})
    if not without and not values:
        return JobAction.RETRY_FORM_LISTS if body["form_lists"] else JobAction.RETRY, None
    if body["form_lists"]:
        raise WrongFilter("form_lists", "Send it alone, without fields to leave out or to set.")
    try:
        return JobAction.RETRY_EDITED, FieldChange.chosen(without, values.items())
    except Refused as error:
        raise WrongFilter("set" if values else "without", str(error)) from error


def _replay(id: str) -> Job:
    return services().operations.retries.retry_job(full_id(id))


def _document(job: Job) -> dict[str, Any]:
    now = utc_now()
    left, _ = services().operations.retries.cost(Counter(dict.fromkeys(job.accounts, 0)))
    quota = {"left": left, "resets_at": timestamp(next_midnight(now))}
    return job_document(job, now) | {"quota": quota}
