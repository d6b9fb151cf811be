"""What the schemas of several routes share."""

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields

from shared.domain.moments import typed_moment


class AnswerSchema(Schema):
    """A document of ours. Later versions may have more keys."""

    class Meta:
        unknown = INCLUDE


class _Always(fields.Field[Any]):
    """A field that is always there. `about` describes it in the OpenAPI document."""

    def __init__(self, about: str = "", **options: Any) -> None:
        described = options.pop("metadata", {}) | ({"description": about} if about else {})
        super().__init__(required=True, metadata=described, **options)


class _OrNull(_Always):
    """One that is null if it is not known."""

    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(about, allow_none=True, **options)


class TextField(_Always, fields.String):
    pass


class TextOrNull(_OrNull, TextField):
    pass


class TextList(_Always, fields.List[str]):
    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(about, cls_or_instance=fields.String(), **options)


class TextByName(_Always, fields.Dict):
    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(about, keys=fields.String(), values=fields.String(), **options)


class Time(_Always, fields.String):
    """A time as our documents have it: ISO 8601 in UTC, with a Z."""

    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(about, metadata={"format": "date-time"}, **options)


class TimeOrNull(_OrNull, Time):
    pass


class Count(_Always, fields.Integer):
    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(about, strict=True, **options)


class CountOrNull(_OrNull, Count):
    pass


class Seconds(_OrNull, fields.Float):
    pass


class Flag(_Always, fields.Boolean):
    pass


class Moment(fields.AwareDateTime):
    """A date or time that is sent, in UTC unless it says otherwise."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        try:
            return typed_moment(value)
        except (TypeError, ValueError) as error:
            raise ValidationError(
                "This is no time such as 2026-03-01 or 2026-03-01T12:00:00Z."
            ) from error


class FieldErrorSchema(AnswerSchema):
    field = TextField()
    code = TextField("required, invalid, too_long or unknown")
    message = TextField()


class ErrorSchema(AnswerSchema):
    error = TextField("What happened, and what to do.")
    errors = fields.List(
        fields.Nested(FieldErrorSchema),
        required=True,
        metadata={"description": "One for each field that is wrong."},
    )
