"""Known devices: browsers in which an operator has signed in before.

A signed cookie names these operators, with a random id and the epoch for each. Strangers who try
passwords with an operator's name slow down other strangers, and not such a browser: it has tries of
its own. With a new epoch, such as after a new password or a second factor that was switched on, no
browser is known any more: somebody else may have signed in before.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from shared.infrastructure.sealing import derived_key
from shared.infrastructure.settings import Settings
from shared.operations.operators import Operator
from web.cookies import Cookie
from web.services import services

_COOKIE = Cookie("relay_device", "/console")
LIFE = timedelta(days=180)
# Of one browser; the last who signed in are kept.
MOST_OPERATORS = 5


def find(name: str) -> str | None:
    """Return the id of this browser if the operator has signed in here, with the epoch of now."""
    if name not in _known():  # a stranger's browser asks Redis for nothing
        return None
    operator = services().operators.find(name)
    id = _id_for(operator) if operator else None
    return f"{name} {id}" if id else None


def remember(response: Response, operator: Operator) -> None:
    """Have this browser be known from now on, for `LIFE` after each sign-in."""
    known = _known()
    id = _id_for(operator) or secrets.token_urlsafe(12)
    known.pop(operator.name, None)
    newest = [*known.items(), (operator.name, f"{operator.epoch} {id}")][-MOST_OPERATORS:]
    _COOKIE.set(response, str(_serializer(services().settings).dumps(dict(newest))), LIFE)


def _id_for(operator: Operator) -> str | None:
    epoch, _, id = _known().get(operator.name, "").partition(" ")
    return id if id and epoch == str(operator.epoch) else None


def read(cookies: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return epoch and id of a browser with these cookies, by operator."""
    cookie = cookies.get(_COOKIE.name(settings), "")
    try:
        found = _serializer(settings).loads(cookie, max_age=int(LIFE.total_seconds()))
    except BadSignature:  # or none, or one that is too old
        return {}
    return dict(found)


def _known() -> dict[str, str]:
    return read(request.cookies, services().settings)


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    keys = [derived_key(key, "known device") for key in settings.secret_keys]
    return URLSafeTimedSerializer(keys[::-1])  # which signs with the last
