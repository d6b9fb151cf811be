"""The audit trail's words: who does something, what was done, and an entry about it."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Via(StrEnum):
    """How somebody does something."""

    CONSOLE = "console"
    CLI = "cli"
    API = "api"


class Action(StrEnum):
    """What was done. docs/audit.md says it in words. A replay is a job that retries."""

    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    REPLAY = "replay"
    CANCEL_REPLAY = "cancel_replay"
    DISCARD = "discard"
    UNDO_DISCARD = "undo_discard"
    CANCEL_JOB = "cancel_job"
    EXPORT = "export"
    EDIT = "edit"
    DELIVER = "deliver"
    ERASE = "erase"
    CONNECT = "connect"
    REPLACE_ACCOUNT = "replace_account"
    DISCONNECT = "disconnect"
    TAKE_OVER = "take_over"
    MOVE_TOKENS = "move_tokens"
    REMOVE_ACCOUNT = "remove_account"
    MAKE_LINK = "make_link"
    WITHDRAW_LINK = "withdraw_link"
    TEST_SIGNUP = "test_signup"
    REMOVE_TEST_CONTACT = "remove_test_contact"
    ADD_FORM = "add_form"
    REPLACE_FORM = "replace_form"
    ENABLE_FORM = "enable_form"
    DISABLE_FORM = "disable_form"
    REMOVE_FORM = "remove_form"
    ADD_OPERATOR = "add_operator"
    SET_PASSWORD = "set_password"  # noqa: S105 - no password
    SET_ROLE = "set_role"
    REMOVE_OPERATOR = "remove_operator"
    MAKE_KEY = "make_key"
    REVOKE_KEY = "revoke_key"
    END_SESSIONS = "end_sessions"
    SWITCH_ON_SECOND_FACTOR = "switch_on_second_factor"
    SWITCH_OFF_SECOND_FACTOR = "switch_off_second_factor"
    RESET_SECOND_FACTOR = "reset_second_factor"
    NEW_RECOVERY_CODES = "new_recovery_codes"
    TEST_ALERTS = "test_alerts"
    ROTATE_SECRETS = "rotate_secrets"
    BACKUP = "backup"
    SIGN_IN = "sign_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_OUT = "sign_out"
    SIGN_OUT_ELSEWHERE = "sign_out_elsewhere"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `name` is None while nobody is signed in. `address` is the network
    address in the console, and of requests to the API."""

    name: str | None
    via: Via
    address: str | None = None

    @property
    def shown(self) -> str | None:
        """The name. The users of some systems are named like `ada@corp.example`: of these, the part
        before the `@`."""
        return self.name and self.name.partition("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry. `target` is what was changed; `detail` has no personal data of visitors."""

    at: datetime
    actor: str | None
    via: str
    action: str
    account: str | None
    target: str | None
    address: str | None
    detail: dict[str, Any] = field(default_factory=dict)


_ACTOR: ContextVar[Actor] = ContextVar("actor")


def current_actor() -> Actor:
    """Return who does what this thread is doing."""
    return _ACTOR.get(Actor("signup-relay", Via.CLI))


def who_acts() -> dict[str, str]:
    """Return who does this, as the history of a sign-up has it."""
    actor = current_actor()
    return {"by": actor.shown or "somebody", "via": actor.via}


def set_actor(actor: Actor) -> None:
    """Say who does all that follows in this thread. Each request begins with this."""
    _ACTOR.set(actor)


@contextlib.contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Say who does what is inside."""
    before = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(before)
