"""``/api/v1/accounts/<name>/…``: pausing an account's deliveries, and ending that."""

from typing import Any

from marshmallow import Schema, fields, validate

from shared.operations.operator_holds import LONGEST_NOTE
from shared.operations.operators import Role
from shared.operations.status.document import holds_document
from web.api import bp
from web.api.endpoint import endpoint
from web.api.guard import caller
from web.api.schemas import AnswerSchema, TextField
from web.api.status import HoldSchema
from web.services import services


class PauseSchema(Schema):
    reason = TextField(
        "Why, in your words. The audit trail has them too, so name no visitor.",
        validate=[validate.Length(min=1, max=LONGEST_NOTE), validate.Regexp(r"(?s).*\S")],
    )


class HeldAccountSchema(AnswerSchema):
    name = TextField()
    hold = fields.Nested(HoldSchema, required=True, allow_none=True)
    holds = fields.List(fields.Nested(HoldSchema), required=True)


@bp.post("/accounts/<name>/hold")
@endpoint(Role.OPERATOR, body=PauseSchema(), answer=HeldAccountSchema(), refusals=(404,))
def hold(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Pause the account: its sign-ups are accepted and wait."""
    services().operations.holds.hold(name, body["reason"], by=caller().name)
    return _held(name)


@bp.post("/accounts/<name>/release")
@endpoint(Role.OPERATOR, answer=HeldAccountSchema(), refusals=(404,))
def release(name: str) -> dict[str, Any]:
    """End the pause, and look now whether other holds can end."""
    services().operations.holds.release(name, by=caller().name)
    return _held(name)


def _held(name: str) -> dict[str, Any]:
    return {"name": name, **holds_document(services().ledger.figures(name).holds)}
