"""Known devices: browsers in which an operator has signed in before.

A signed cookie names these operators, with a random id for each. Strangers who try passwords with
an operator's name slow down other strangers, and not such a browser: it has tries of its own.
"""

import secrets
from datetime import timedelta

from flask import Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from shared.infrastructure.sealing import derived_key
from web.cookies import Cookie
from web.services import services

_COOKIE = Cookie("relay_device", "/console")
LIFE = timedelta(days=180)
# Of one browser; the last who signed in are kept.
MOST_OPERATORS = 5


def find(operator: str) -> str | None:
    """Return the id of this browser if the operator has signed in here before."""
    id = _known().get(operator)
    return f"{operator} {id}" if id else None


def remember(response: Response, operator: str) -> None:
    """Have this browser be known from now on, for `LIFE` after each sign-in."""
    known = _known()
    id = known.pop(operator, None) or secrets.token_urlsafe(12)
    newest = [*known.items(), (operator, id)][-MOST_OPERATORS:]
    _COOKIE.set(response, str(_serializer().dumps(dict(newest))), LIFE)


def _known() -> dict[str, str]:
    try:
        found = _serializer().loads(_COOKIE.value(), max_age=int(LIFE.total_seconds()))
    except BadSignature:  # or none, or one that is too old
        return {}
    return dict(found)


def _serializer() -> URLSafeTimedSerializer:
    keys = [derived_key(key, "known device") for key in services().settings.secret_keys]
    return URLSafeTimedSerializer(keys[::-1])  # which signs with the last
