"""The filters by which routes choose sign-ups: in an address, or as JSON."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate

from shared.domain.signup import QUARANTINE_FILTERS, DeathReason, State
from shared.operations.signup_lists import DUE, SignupFilter
from web.api.schemas import Moment

MOST_OF_A_PAGE = 1000
_DUE = "due"
_DIGITS = re.compile(r"[0-9]{1,9}")


class _WholeNumber(fields.Integer):
    """A number of JSON. Text that looks like one is none."""

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("This is no whole number.")
        return value


class FilterSchema(Schema):
    """Filters. Each that is left out matches everything."""

    state = fields.String(validate=validate.OneOf([*State, _DUE]))
    account = fields.String()
    form = fields.String()
    reason = fields.String(validate=validate.OneOf([*DeathReason, *QUARANTINE_FILTERS]))
    since = Moment(metadata={"description": "By received_at. In UTC unless it says otherwise."})


class PageSchema(FilterSchema):
    """Filters, and which of the pages."""

    cursor = fields.String(metadata={"description": "`next` of the page before."})
    limit = _WholeNumber(load_default=100, validate=validate.Range(1, MOST_OF_A_PAGE))


class QuerySchema(PageSchema):
    """The same in an address, where all is text."""

    @pre_load
    def read_limit(self, sent: dict[str, str], **_: Any) -> dict[str, Any]:
        limit = sent.get("limit", "")
        return sent | {"limit": int(limit)} if _DIGITS.fullmatch(limit) else sent


class SearchSchema(PageSchema):
    """The same as JSON. An e-mail address is posted alone, so that no log has it."""

    email = fields.String()


class ReplayFilterSchema(FilterSchema):
    """Filters of what is sent again: dead letters alone."""

    state = fields.String(validate=validate.OneOf([State.DEAD]))
    reason = fields.String(validate=validate.OneOf(list(DeathReason)))
    email = fields.String()
    form_lists = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=False,
        metadata={"description": "Send them to the lists that their forms have now."},
    )
    without = fields.List(
        fields.String(),
        metadata={"description": "Fields that are left out of each, such as birthday_month."},
    )
    set = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Fields that are set to one value in each, by their names."},
    )


def signup_filter(sent: dict[str, Any]) -> SignupFilter:
    """Return the filter that was sent."""
    state = sent.get("state")
    states = DUE if state == _DUE else frozenset({State(state)} if state else ())
    names = ("account", "form", "reason", "email", "since")
    return SignupFilter(states=states, **{name: sent.get(name) for name in names})
