"""``/api/v1/status``: what `relay status --json` prints."""

from typing import Any

from marshmallow import fields

from shared.operations.operators import Role
from web.api import bp
from web.api.endpoint import endpoint
from web.api.schemas import (
    AnswerSchema,
    Count,
    CountOrNull,
    Flag,
    Seconds,
    TextField,
    TextList,
    TextOrNull,
    Time,
    TimeOrNull,
)
from web.services import services


class TotalsSchema(AnswerSchema):
    accepted = Count()
    due = Count()
    delivered = Count()
    dead = Count()
    discarded = Count()
    quarantined = Count()


class BalanceSchema(TotalsSchema):
    uneven = TextList("Names of the accounts whose counts do not add up.")


class HoldSchema(AnswerSchema):
    reason = TextField("reconnect, forbidden, quota, outage or paused")
    since = Time()
    until = TimeOrNull()
    probe_at = TimeOrNull()
    by = TextOrNull()
    note = TextOrNull()


class TokenSchema(AnswerSchema):
    expires_at = Time()
    refreshed_at = Time()
    scopes = TextList(allow_none=True)


class AccountSchema(TotalsSchema):
    name = TextField()
    organization = TextOrNull()
    oldest_due_seconds = Seconds()
    hold = fields.Nested(HoldSchema, required=True, allow_none=True)
    holds = fields.List(fields.Nested(HoldSchema), required=True)
    token = fields.Nested(TokenSchema, required=True, allow_none=True)
    connection = TextOrNull()
    works_until = TimeOrNull()
    sandbox = Flag(allow_none=True)


class FormSchema(AnswerSchema):
    name = TextField()
    account = TextField()
    accepted = Count()
    quarantined = Count()
    refused = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "By code."},
    )


class QuotaSchema(AnswerSchema):
    used = Count()
    limit = Count()
    resets_at = Time()
    rests_until = TimeOrNull()


class SpoolSchema(AnswerSchema):
    host = TextField()
    count = Count()
    bytes = Count()
    refused = Count()
    oldest_seconds = Seconds()
    seen_seconds = Seconds()


class MemorySchema(AnswerSchema):
    used = Count()
    limit = Count()
    limited = Flag()
    growth_per_day = CountOrNull()
    full_in_seconds = Seconds()


class KeptRecordsSchema(AnswerSchema):
    kept_seconds = Seconds()
    since = TimeOrNull()
    records = CountOrNull()
    next_at = TimeOrNull()
    within_a_day = Count()


class StatusSchema(AnswerSchema):
    balance = fields.Nested(
        BalanceSchema,
        required=True,
        metadata={"description": "All accounts together: accepted is the sum of the others."},
    )
    accounts = fields.List(fields.Nested(AccountSchema), required=True)
    forms = fields.List(fields.Nested(FormSchema), required=True)
    quota = fields.Nested(QuotaSchema, required=True)
    spooled = Count("On the disks of web hosts.")
    spools = fields.List(fields.Nested(SpoolSchema), required=True)
    workers = Count("That are alive.")
    beat_age_seconds = Seconds()
    redis_problem = TextOrNull("Why Redis takes no writes.")
    memory = fields.Nested(MemorySchema, required=True, allow_none=True)
    retention = fields.Dict(
        keys=fields.String(), values=fields.Nested(KeptRecordsSchema), required=True
    )


@bp.get("/status")
@endpoint(Role.VIEWER, answer=StatusSchema())
def status() -> dict[str, Any]:
    """Return all figures, as `relay status --json` does."""
    return services().status.document()
