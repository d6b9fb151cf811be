"""The errors of the API: `{"error", "errors"}` for every status, also where no route is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Response, jsonify, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from shared.domain.errors import (
    InvalidSignup,
    LedgerUnavailable,
    NoSuchAccount,
    NoSuchJob,
    NoSuchSignup,
    Refused,
    WrongFilter,
)
from web.api import PREFIX, bp

# When to ask again while Redis is away.
_REDIS_RETRY = timedelta(seconds=5)
_MESSAGES = {
    404: "There is nothing at this address.",
    405: "This address does not support this method.",
    413: "The body is too large. At most 16 KiB are read.",
    500: "Something went wrong on our side. The log of web says where.",
}
_NOT_THERE: dict[type[Exception], str] = {
    NoSuchSignup: "There is no sign-up of this id. It may have been cleared or erased.",
    NoSuchAccount: "There is no account of this name.",
    NoSuchJob: "There is no job of this id. Ended ones are kept for 30 days.",
}
# What marshmallow says of a field that the schema does not have, and of one that it needs.
_UNKNOWN = "Unknown field."
_MISSING = "Missing data for required field."


def is_api(path: str) -> bool:
    """Whether `path`, as routes have it, is one of the API's, known or not."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def problem(
    status: int,
    error: str,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error. `errors` has one entry for each field that is wrong."""
    response = jsonify({"error": error, "errors": list(errors)})
    response.status_code = status
    response.headers.update(headers or {})
    return response


def please_wait(status: int, error: str, wait: timedelta) -> Response:
    seconds = max(1, math.ceil(wait.total_seconds()))
    return problem(status, error, headers={"Retry-After": str(seconds)})


def http_error(error: HTTPException) -> Response:
    """Return the API's answer to an error that Flask or a view raised."""
    status = error.code or 500
    message = _MESSAGES.get(status) or error.description or "This request cannot be answered."
    headers = error.get_response().headers
    kept = {name: headers[name] for name in ("Allow", "WWW-Authenticate") if name in headers}
    return problem(status, message, headers=kept)


def unexpected() -> Response:
    return problem(500, _MESSAGES[500])


bp.register_error_handler(HTTPException, http_error)


@bp.errorhandler(ValidationError)
def wrong_fields(error: ValidationError) -> Response:
    """Name each field of the query or body that is wrong."""
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    return _unprocessable(list(_field_errors(messages)))


@bp.errorhandler(InvalidSignup)
def invalid_signup(error: InvalidSignup) -> Response:
    return _unprocessable([_entry(each.field, each.code, each.message) for each in error.errors])


@bp.errorhandler(WrongFilter)
def wrong_filter(error: WrongFilter) -> Response:
    return _unprocessable([_entry(error.name, "invalid", str(error))])


def not_there(error: Exception) -> Response:
    return problem(404, _NOT_THERE[type(error)])


for _kind in _NOT_THERE:
    bp.register_error_handler(_kind, not_there)


@bp.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """Its state does not allow it."""
    return problem(409, str(error))


@bp.errorhandler(LedgerUnavailable)
def unavailable(error: LedgerUnavailable) -> Response:
    return please_wait(503, str(error.problem), _REDIS_RETRY)


def _unprocessable(errors: list[dict[str, str]]) -> Response:
    return problem(422, " ".join(f"{each['field']}: {each['message']}" for each in errors), errors)


def _field_errors(messages: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for field, those in messages.items():
        text = " ".join(map(str, those)) if isinstance(those, list) else str(those)
        yield _entry(str(field), *_code_and_text(str(field), text))


def _code_and_text(field: str, text: str) -> tuple[str, str]:
    if text == _UNKNOWN:
        return "unknown", _about_unknown(field)
    if text == _MISSING:
        return "required", "This is required."
    return "invalid", text


def _about_unknown(field: str) -> str:
    if field == "email" and request.method == "GET":
        return "E-mail addresses stay out of addresses: POST it to signups/search."
    return "There is no such field here."


def _entry(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": message}
