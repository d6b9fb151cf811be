"""A sign-up as the API answers it, and what is sent to correct one."""

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, pre_load, validate

from shared.domain.fields import FIELDS
from shared.domain.signup import DeathReason, QuarantineReason, State
from web.api.schemas import (
    AnswerSchema,
    Count,
    Flag,
    TextByName,
    TextField,
    TextList,
    TextOrNull,
    Time,
    TimeOrNull,
)


class SummarySchema(AnswerSchema):
    id = TextField()
    account = TextField()
    form = TextField()
    email = TextField("For viewers, most of it is left out.")
    state = TextField(validate=validate.OneOf(list(State)))
    received_at = Time()
    settled_at = TimeOrNull()
    attempts = Count()
    reason = TextOrNull(f"Such as {', '.join([*DeathReason, *QuarantineReason])}.")
    reasons = TextList("Why it was quarantined, the heaviest reason first.")
    score = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The weight of these reasons; null if it never was quarantined."},
    )
    error_key = TextOrNull()
    message = TextOrNull("What Constant Contact said.")


class PageOfSignupsSchema(AnswerSchema):
    signups = fields.List(fields.Nested(SummarySchema), required=True)
    next = TextOrNull("The `cursor` of the next page; null if this is the last one.")


class ConsentSchema(AnswerSchema):
    text = TextField("What the visitor read.")
    version = TextField()
    box = Flag(allow_none=True)
    posted = TextOrNull("What the page posted for the box. Null for viewers.")
    stated = Flag("Whether the page said that it showed this very text.")
    language = TextOrNull("The language of the page, if it said so.")
    address = TextOrNull("The visitor's network address. Null for viewers.")
    page = TextOrNull("The page with the form. Null for viewers.")
    referrer = TextOrNull("The page from which the visitor came to it. Null for viewers.")
    at = Time()


class EventSchema(AnswerSchema):
    """An attempt, or something else that happened, which has a name in `event`. Each kind may have
    more keys."""

    at = Time()
    counted = Flag("Whether as an attempt.")
    event = fields.String()
    seconds = fields.Float(allow_none=True)
    status = fields.Integer(allow_none=True, metadata={"description": "HTTP status."})
    error_key = fields.String(allow_none=True)
    message = fields.String(allow_none=True)
    tracking_id = fields.String(allow_none=True)
    by = fields.String()
    via = fields.String()
    note = fields.String()
    was = fields.String(
        metadata={"description": "Why it was a dead letter, before it was retried or discarded."}
    )
    died_at = fields.String(metadata={"format": "date-time"})


class SignupSchema(SummarySchema):
    """For viewers, what a visitor typed is left out."""

    fields_ = TextByName("Sent to Constant Contact.", data_key="fields")
    custom_fields = TextByName()
    other_fields = fields.Dict(keys=fields.String(), required=True)
    seen = TextByName("What caused reasons of its quarantine, by the reason.")
    fields_cut = Count("How many fields were too many or too large to be kept.")
    typed = TextByName()
    lists = TextList()
    contact_id = TextOrNull()
    claims_lost = Count()
    consent = fields.Nested(ConsentSchema, required=True)
    short_id = TextField("For reading aloud. Every route takes it, too.")
    request_id = TextField("The `X-Request-Id` of the form's answer, as logs have it.")
    why = TextField("Why it stands as it does.")
    to_do = TextOrNull()
    next = TextOrNull("What happens next by itself.")
    next_at = TimeOrNull()
    history = fields.List(fields.Nested(EventSchema), required=True)


def _correction(label: str) -> fields.String:
    return fields.String(allow_none=True, metadata={"description": label})


_FIELDS: Any = Schema.from_dict({each.name: _correction(str(each.label)) for each in FIELDS})


class CorrectionsSchema(_FIELDS):  # type: ignore[misc]
    """The corrected fields by name, custom ones among them. Null or "" removes a field."""

    class Meta:
        unknown = INCLUDE

    @pre_load
    def check_texts(self, sent: dict[str, Any], **_: Any) -> dict[str, Any]:
        wrong = [name for name, value in sent.items() if not isinstance(value, str | None)]
        if wrong:
            raise ValidationError({name: ["Send text, or null."] for name in wrong})
        return sent
