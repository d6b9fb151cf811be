"""Every error answer of the API and of the token server, in its documented shape.

Validation answers with an array of ``{"error_key", "error_message"}``. The gateway (token,
privilege, limits) answers with one such object.
"""

from flask import Response, json
from werkzeug.http import HTTP_STATUS_CODES

from sandbox.calls.limits import Refusal

VALIDATION = "contacts.api.validation.error"
NOT_FOUND = "contacts.api.not_found"
CONFLICT = "contacts.api.conflict"

_GATEWAY = {
    401: ("unauthorized", "Unauthorized"),
    403: ("access_denied", "Request forbidden due to insufficient user privileges."),
    429: ("throttled", "Too Many Requests"),
}
_REFUSALS = {"throttled": "Too Many Requests", "quota_exceeded": "Limit Exceeded"}


class ApiError(Exception):
    """The API refuses a call; the error carries the answer."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body

    def response(self) -> Response:
        answer = json_response(self.body, self.status)
        if self.status == 401:
            answer.headers["x-amzn-ErrorType"] = "UnauthorizedException"
            answer.headers["WWW-Authenticate"] = "Bearer realm=api.cc.email"
        return answer


class OAuthError(Exception):
    """The token server refuses a call; the error carries the answer, in the OAuth style."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "error_description": description}

    def response(self) -> Response:
        return json_response(self.body, self.status)


def json_response(body: object, status: int = 200) -> Response:
    """Return ``body`` as JSON without blanks, as the gateway writes it."""
    return Response(
        json.dumps(body, separators=(",", ":")), status=status, content_type="application/json"
    )


def entry(key: str, message: str) -> dict[str, str]:
    return {"error_key": key, "error_message": message}


def invalid(*messages: str) -> ApiError:
    """400: the request does not fit the schema."""
    return ApiError(400, [entry(VALIDATION, message) for message in messages])


def not_found(message: str = "The requested resource was not found.") -> ApiError:
    return ApiError(404, [entry(NOT_FOUND, message)])


def conflict() -> ApiError:
    """409: two requests for one contact at the same time."""
    return ApiError(
        409,
        [entry(CONFLICT, "Simultaneous requests are attempting to modify the same contact.")],
    )


def asked_already() -> ApiError:
    """409: a second confirmation mail. Nobody knows the API's own words for it."""
    return ApiError(409, [entry(CONFLICT, "A resubscribe email has already been sent.")])


def gateway(status: int) -> ApiError:
    """401 or 403, as the gateway gives them."""
    return ApiError(status, entry(*_GATEWAY[status]))


def refused(refusal: Refusal) -> ApiError:
    """429. No header says when to retry; only the key tells a second from a day."""
    return ApiError(429, entry(refusal, _REFUSALS[refusal]))


def body_for(status: int) -> object:
    """Return the body that usually comes with an error ``status``."""
    if status in _GATEWAY:
        return entry(*_GATEWAY[status])
    phrase = HTTP_STATUS_CODES.get(status, "Error")
    return [entry(f"contacts.api.{phrase.lower().replace(' ', '_')}", phrase)]
