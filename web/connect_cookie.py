"""The cookie of the browser that begins a login at Constant Contact: only this browser may end it.

Each login has a cookie of its own, so that logins in two tabs do not disturb each other. The
command `relay connect NAME --url` sets none: it cannot know in which browser its address is opened.
"""

import secrets

from flask import make_response
from flask.typing import ResponseReturnValue

from shared.accounts.browser_flow import Started
from shared.accounts.connect_store import STATE_LIFE, result_id
from web.cookies import Cookie


def new_key() -> str:
    return secrets.token_urlsafe(24)


def with_key(answer: ResponseReturnValue, key: str, started: Started) -> ResponseReturnValue:
    """Return the answer with the cookie in which `key_for` finds the key again."""
    response = make_response(answer)
    _cookie(started.state).set(response, key, STATE_LIFE)
    return response


def key_for(state: str) -> str:
    """Return this browser's key for the login with this state; empty if it began none."""
    return _cookie(state).value()


def _cookie(state: str) -> Cookie:
    return Cookie(f"relay_connect_{result_id(state)[:16]}", "/connect")
