"""Access to the API: with an operator's key alone. Neither cookies nor other websites get in.

Nobody can guess a key. So wrong ones are limited for the sake of load alone, after each key was
looked up: a right one always gets in, whatever else comes from its address.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from flask import g, request
from werkzeug.exceptions import Forbidden, MethodNotAllowed
from werkzeug.wrappers import Response

from shared.domain.audit import Actor, Via, set_actor
from shared.domain.window_counts import WindowCounts
from shared.infrastructure.addresses import client_network
from shared.operations.operators import Operator
from web.api import bp
from web.api.errors import please_wait, problem
from web.services import services

log = logging.getLogger(__name__)

# Of one address, in one process. A script with an ended key is told so, and logged, so often.
MOST_WRONG, WRONG_WITHIN = 20, timedelta(minutes=1)


def make_wrong_keys(clock: Callable[[], float]) -> WindowCounts:
    return WindowCounts(MOST_WRONG, WRONG_WITHIN, clock=clock)


@bp.before_request
def check_request() -> Response | None:
    """Require a key, and know from then on who acts."""
    if request.method == "OPTIONS":  # Flask would answer it, and browsers ask before they post
        raise MethodNotAllowed(_methods())
    key = _sent_key()
    if key is None:
        return _unauthorized("Send your key in the header Authorization: Bearer KEY.")
    operator = services().deadlines.start().ask(partial(services().operator_keys.find, key))
    if operator is None:
        return _refuse_wrong_key()
    g.caller = operator
    set_actor(Actor(operator.name, Via.API, request.remote_addr))
    _check_second_factor(operator)
    return None


def caller() -> Operator:
    """Return the operator whose key was sent."""
    found: Operator = g.caller
    return found


def _methods() -> list[str]:
    rule = request.url_rule
    return sorted((rule.methods or set()) - {"OPTIONS"}) if rule else []


def _sent_key() -> str | None:
    sent = request.authorization
    return sent.token if sent and sent.type == "bearer" else None


def _refuse_wrong_key() -> Response:
    address = request.remote_addr or ""
    wait = services().wrong_keys.count(client_network(address))
    if wait is not None:
        return please_wait(429, "Too many wrong keys came from your address.", wait)
    log.warning("key refused", extra={"address": address})
    return _unauthorized("This key is wrong, or has ended.")


def _unauthorized(sentence: str) -> Response:
    return problem(401, sentence, headers={"WWW-Authenticate": 'Bearer realm="signup-relay"'})


def _check_second_factor(operator: Operator) -> None:
    """Keep out who must have a second factor and has none: else a stolen password would do, as the
    profile makes keys."""
    factors = services().second_factors
    if not factors.must_have(operator.role):
        return
    if services().deadlines.start().ask(lambda: not factors.has(operator.name)):
        raise Forbidden(
            "Your role needs a second factor, and you have none. Set it up in the console first."
        )
