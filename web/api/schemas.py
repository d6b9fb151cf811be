"""What the schemas of several routes share."""

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields

from shared.domain.moments import typed_moment


class AnswerSchema(Schema):
    """A document of ours. Later versions may have more keys."""

    class Meta:
        unknown = INCLUDE


class Text(fields.String):
    """Text that is always there."""

    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(required=True, metadata=_about(about), **options)


class TextOrNull(Text):
    """Text, or null for what is not known."""

    def __init__(self, about: str = "") -> None:
        super().__init__(about, allow_none=True)


class Time(fields.String):
    """A time as our documents have it: ISO 8601 in UTC, with a Z."""

    def __init__(self, about: str = "", **options: Any) -> None:
        metadata = {"format": "date-time", **_about(about)}
        super().__init__(required=True, metadata=metadata, **options)


class TimeOrNull(Time):
    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(about, allow_none=True, **options)


class Count(fields.Integer):
    """A number of something, always there."""

    def __init__(self, about: str = "", **options: Any) -> None:
        super().__init__(required=True, strict=True, metadata=_about(about), **options)


class CountOrNull(Count):
    def __init__(self, about: str = "") -> None:
        super().__init__(about, allow_none=True)


class Seconds(fields.Float):
    def __init__(self) -> None:
        super().__init__(required=True, allow_none=True)


def _about(text: str) -> dict[str, str]:
    return {"description": text} if text else {}


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
    field = Text()
    code = Text("required, invalid, too_long or unknown")
    message = Text()


class ErrorSchema(AnswerSchema):
    error = Text("What happened, and what to do.")
    errors = fields.List(
        fields.Nested(FieldErrorSchema),
        required=True,
        metadata={"description": "One for each field that is wrong."},
    )
