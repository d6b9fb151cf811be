"""What a request gets that matches no route, or fails in a way that nobody expected."""

import logging

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from web.api import errors
from web.api.errors import is_api
from web.console import pages
from web.console.pages import is_console
from web.signup.problem_answers import answer, told_of
from web.signup.problems import UNEXPECTED, http_problem

log = logging.getLogger(__name__)


def http_error(error: HTTPException) -> ResponseReturnValue:
    if is_api(request.path):
        return errors.http_error(error)
    if is_console(request.path):
        return pages.error_outside(error)
    response = answer(http_problem(error))
    if allow := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def unexpected_error(error: Exception) -> ResponseReturnValue:
    log.error("unexpected error", extra=told_of(error))
    if is_api(request.path):
        return errors.unexpected()
    if is_console(request.path):
        return pages.unexpected()
    return answer(UNEXPECTED)
