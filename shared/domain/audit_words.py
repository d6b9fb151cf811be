"""The audit trail in plain words: what an entry says, and what its words are the names of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Any

from shared.domain.audit import Action, AuditEntry
from shared.domain.phrases import counted
from shared.domain.short_ids import short_id

_MOST_SHOWN = 3


class AuditSubject(StrEnum):
    """What a name or an id is of, so that a page can lead there."""

    ACCOUNT = "account"
    FORM = "form"
    JOB = "job"
    OPERATOR = "operator"
    SIGNUP = "signup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A part of a sentence. `id` is the name or id of its `subject`, if it has one."""

    text: str
    subject: AuditSubject | None = None
    id: str = ""


# What the actor did. A test asks for every action. `{signups}` is the one that is the target, or
# how many they were, such as those of a job.
_DID = {
    Action.HOLD: "put {account} on hold",
    Action.RELEASE: "released {account}",
    Action.RETRY: "retried {signups} of {account}",
    Action.REPLAY: "began a {job} that retries {count} of {account}",
    Action.CANCEL_REPLAY: "cancelled a {job} of {account}",
    Action.DISCARD: "discarded {signups} of {account}",
    Action.UNDO_DISCARD: "undid the discarding of {signups} of {account}",
    Action.CANCEL_JOB: "stopped a {job} of {account}",
    Action.EXPORT: "exported failed sign-ups",
    Action.EDIT: "corrected {signups} of {account}",
    Action.DELIVER: "delivered {signups} of {account} from quarantine",
    Action.ERASE: "erased a person, with {count}",
    Action.CONNECT: "connected {account}",
    Action.REPLACE_ACCOUNT: "gave the name {account} to another account",
    Action.DISCONNECT: "disconnected {account}",
    Action.TAKE_OVER: "made this installation refresh the tokens of {account}",
    Action.MOVE_TOKENS: "had the tokens of {account} sent to another address",
    Action.REMOVE_ACCOUNT: "removed the account {account}",
    Action.MAKE_LINK: "made a link with which a client connects {account}",
    Action.WITHDRAW_LINK: "withdrew a client's link for {account}",
    Action.TEST_SIGNUP: "sent {signups} to {account} as a test",
    Action.REMOVE_TEST_CONTACT: "removed the contact of the test {signups} from {account}",
    Action.ADD_FORM: "made the form {form} of {account}",
    Action.REPLACE_FORM: "changed the form {form} of {account}",
    Action.ENABLE_FORM: "enabled the form {form} of {account}",
    Action.DISABLE_FORM: "disabled the form {form} of {account}",
    Action.REMOVE_FORM: "removed the form {form} of {account}",
    Action.ADD_OPERATOR: "added {operator} with the role {role}",
    Action.SET_PASSWORD: "gave {operator} a new password",
    Action.SET_ROLE: "gave {operator} the role {role}",
    Action.REMOVE_OPERATOR: "removed the operator {operator}",
    Action.END_SESSIONS: "ended all sessions of {operator}",
    Action.MAKE_KEY: "gave {operator} a key for scripts",
    Action.REVOKE_KEY: "ended the key of {operator}",
    Action.SWITCH_ON_SECOND_FACTOR: "switched on a second factor",
    Action.SWITCH_OFF_SECOND_FACTOR: "switched off the second factor",
    Action.RESET_SECOND_FACTOR: "reset the second factor of {operator}",
    Action.NEW_RECOVERY_CODES: "made new recovery codes",
    Action.TEST_ALERTS: "sent a test alert",
    Action.ROTATE_SECRETS: "encrypted all secrets with the first key",
    Action.BACKUP: "noted a backup",
    Action.SIGN_IN: "signed in",
    Action.SIGN_IN_REFUSED: "was refused at signing in",
    Action.SIGN_OUT: "signed out",
    Action.SIGN_OUT_ELSEWHERE: "signed out everywhere else",
}
# The same where the target says more about it.
_DID_TO = {Action.SIGN_IN_REFUSED: "was refused at signing in as {operator}"}
_DID_TO_ONESELF = {
    Action.SET_PASSWORD: "chose a new password",
    Action.MAKE_KEY: "made a key for scripts",
    Action.REVOKE_KEY: "ended their own key",
}


def sentence(entry: AuditEntry) -> list[Words]:
    """Return what the entry says, such as "olga retried 212 sign-ups of acme". Never fails: another
    version may have written the entry."""
    words = [Words(text=entry.actor or "Somebody"), Words(text=" ")]
    for text, name, *_ in Formatter().parse(_template(entry)):
        words.append(Words(text=text))
        if name:
            words.append(_FIELDS[name](entry))
    return words


def details(entry: AuditEntry) -> dict[str, str]:
    """Return what else the entry tells, by name. It does not repeat the sentence."""
    told = {*_fields_of(entry), "ids"} | ({"count"} if "signups" in _fields_of(entry) else set())
    return {
        name.replace("_", " "): as_text(value)
        for name, value in entry.detail.items()
        if name not in told
    }


def signups_of(entry: AuditEntry) -> list[Words]:
    """Return the sign-ups that the entry names, if they were several."""
    ids = entry.detail.get("ids")
    if not isinstance(ids, list) or entry.target:
        return []
    return [_signup(id) for id in ids if isinstance(id, str)]


def as_text(value: Any) -> str:
    """Return a part of the detail as text for people, who see the first of many ids."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value[:_MOST_SHOWN])) + ("…" * (len(value) > _MOST_SHOWN))
        case dict():
            return ", ".join(f"{name} {as_text(each)}" for name, each in value.items())
    return str(value)


def _template(entry: AuditEntry) -> str:
    try:
        action = Action(entry.action)
    except ValueError:
        return "did something that this version does not know: {action}"
    if entry.target and entry.target == entry.actor and action in _DID_TO_ONESELF:
        return _DID_TO_ONESELF[action]
    return _DID_TO.get(action, _DID[action]) if entry.target else _DID[action]


def _fields_of(entry: AuditEntry) -> set[str]:
    return {name for _, name, *_ in Formatter().parse(_template(entry)) if name}


def _signups(entry: AuditEntry) -> Words:
    if not entry.target:
        return _count(entry)
    is_of_job = "count" in entry.detail and "ids" not in entry.detail
    if is_of_job:
        return Words(text=_count(entry).text, subject=AuditSubject.JOB, id=entry.target)
    return _signup(entry.target, "sign-up ")


def _signup(id: str, called: str = "") -> Words:
    return Words(text=f"{called}{short_id(id)}", subject=AuditSubject.SIGNUP, id=id)


def _count(entry: AuditEntry) -> Words:
    count = entry.detail.get("count")
    return Words(text=counted(count, "sign-up") if isinstance(count, int) else "some sign-ups")


def _target(subject: AuditSubject, text: str | None = None) -> Callable[[AuditEntry], Words]:
    def words(entry: AuditEntry) -> Words:
        id = entry.target or ""
        return Words(text=text or id or f"an unknown {subject}", subject=subject, id=id)

    return words


def _account(entry: AuditEntry) -> Words:
    name = entry.account
    return Words(text=name or "an unknown account", subject=AuditSubject.ACCOUNT, id=name or "")


_FIELDS: dict[str, Callable[[AuditEntry], Words]] = {
    "account": _account,
    "action": lambda entry: Words(text=entry.action),
    "count": _count,
    "form": _target(AuditSubject.FORM),
    "job": _target(AuditSubject.JOB, "job"),
    "operator": _target(AuditSubject.OPERATOR),
    "role": lambda entry: Words(text=as_text(entry.detail.get("role", "unknown"))),
    "signups": _signups,
}
