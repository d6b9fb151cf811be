"""What a request gets that matches no route, or fails in a way that nobody expected."""

import logging
import traceback

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from web.api import errors
from web.api.errors import is_api
from web.signup.answer_kind import wants_json
from web.signup.flask_request import head_of

log = logging.getLogger(__name__)

_MESSAGES = {
    404: "There is no page at this address.",
    405: "This address does not support this kind of request.",
    413: "This request is too large.",
}


def http_error(error: HTTPException) -> ResponseReturnValue:
    if is_api(request.path):
        return errors.http_error(error)
    code = error.code or 500
    message = _MESSAGES.get(code) or error.description or "This request cannot be answered."
    response = make_response(_answer(code, message))
    if allow := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def unexpected_error(error: Exception) -> ResponseReturnValue:
    # An exception's message may quote what a visitor typed; its type and its place do not.
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames[-6:]))
    log.error("unexpected error", extra={"error": type(error).__name__, "place": place})
    if is_api(request.path):
        return errors.unexpected()
    return _answer(
        500,
        "Something went wrong on our side. Your sign-up may not be stored. Please send it again;"
        " sending twice does no harm.",
    )


def _answer(code: int, message: str) -> ResponseReturnValue:
    if wants_json(head_of(request)):
        return {"ok": False, "error": message, "errors": []}, code
    return render_template("problem.html", status=code, message=message), code
