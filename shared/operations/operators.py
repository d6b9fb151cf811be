"""Operators: who may sign in to the console, and in which role.

Each is a record in Redis with a scrypt hash of the password. Its *epoch* rises with every
change of password or role, which ends older sessions. It starts at a random number, so that a
new operator with an old name has none of the old sessions.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import redis
from werkzeug.security import check_password_hash, generate_password_hash

from shared.domain.account import check_name
from shared.domain.audit import Action, Actor, Via, acting_as
from shared.domain.errors import LedgerUnavailable, Refused, UnreadableRecord, WrongPassword
from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.addresses import client_network
from shared.infrastructure.stored_records import RecordKind, json_object, read_named
from shared.ledger.stores import documents
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.sign_in_tries import Whose
from shared.operations.counted_tries import CountedTries, tries_of_codes

log = logging.getLogger(__name__)

SHORTEST_PASSWORD = 12
FIRST = "admin"


class Role(StrEnum):
    """What an operator may do; each may do what those before it may."""

    VIEWER = "viewer"  #: look
    OPERATOR = "operator"  #: change what concerns sign-ups, forms and connections
    ADMIN = "admin"  #: disconnect, take over, decide who may sign in

    def may(self, needed: "Role") -> bool:
        """Whether this role includes the role `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Someone who may sign in. Sessions of another `epoch` have ended. `made_up`: we made up the
    password and printed it, so somebody else may have read it."""

    name: str
    role: Role
    password_hash: str = field(repr=False)
    epoch: int
    made_up: bool = False

    @classmethod
    def from_json(cls, stored: str) -> "Operator":
        found = json_object(stored)
        return cls(**{**found, "role": Role(found["role"])})

    def to_json(self) -> str:
        stored = asdict(self)
        if not self.made_up:  # an older version knows no such field
            del stored["made_up"]
        return json.dumps(stored)


@dataclass(frozen=True, slots=True)
class NewPassword:
    """An operator and their new password, which is shown once."""

    operator: Operator
    password: str = field(repr=False)


class Operators:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        new_password: Callable[[], str] = lambda: secrets.token_urlsafe(15),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stored = documents.operators(client)
        self._factors = documents.second_factors(client)
        self._keys = documents.operator_keys(client)
        self._seen = documents.last_seen(client)
        self._trail = AuditTrail(client)
        self._tries = CountedTries(client, clock=clock)
        self._new_password = new_password

    # --- looking

    def all(self) -> list[Operator]:
        """Return all operators, sorted by name."""
        return list(_read(self._stored.all()).values())

    def find(self, name: str) -> Operator | None:
        """Return the operator; None also if the record cannot be read, so that nobody gets in."""
        stored = self._stored.find(name)
        return read_operator(name, stored) if stored else None

    def named(self, name: str) -> Operator:
        """Return the operator; raises `Refused` with the names that there are."""
        stored = self._stored.all()
        return _named(name, list(_read(stored).values()), stored)

    def with_second_factor(self) -> set[str]:
        """Return the names of those who have one."""
        return self._factors.names()

    def without_second_factor(self) -> list[Operator]:
        """Return those who sign in with a password alone."""
        having = self.with_second_factor()
        return [operator for operator in self.all() if operator.name not in having]

    # --- signing in

    def authenticate(
        self, name: str, password: str, *, address: str, device: str | None = None
    ) -> Operator | None:
        """Return the operator; None for a wrong name or password, which take as long.

        `address` is the address of the visitor, `device` the id of a browser in which the operator
        has signed in before. That one's tries are counted alone, so that no stranger keeps its
        owner out. Raises `TooManyTries`.
        """
        return self._with_password(name, password, _whose_tries(name, address, device), address)

    def sign_in(self, name: str, *, address: str, **how: Any) -> None:
        """Note that the operator signs in. `how` is for the audit trail alone."""
        self._trail.add(Action.SIGN_IN, who=Actor(name, Via.CONSOLE, address), **how)
        log.info("signed in", extra={"address": address, "operator": name})

    def sign_out(self, name: str, *, address: str) -> None:
        """Note that the operator signs out."""
        self._trail.add(Action.SIGN_OUT, who=Actor(name, Via.CONSOLE, address))
        log.info("signed out", extra={"address": address, "operator": name})

    def check_own_password(self, name: str, password: str, *, address: str, session: str) -> None:
        """Ask an operator who is signed in for their password once more.

        Tries are counted for the `session`. Raises `WrongPassword` and `TooManyTries`.
        """
        if self._with_password(name, password, (("session", session), None), address) is None:
            raise WrongPassword

    def change_own_password(
        self, name: str, current: str, new: str, *, address: str, session: str
    ) -> Operator:
        """Give the operator the password that they chose, which ends their sessions. Raises as
        `check_own_password` does."""
        _check_length(new)  # before anything is hashed
        self.check_own_password(name, current, address=address, session=session)
        return self.set_password(name, new).operator

    def _with_password(
        self, name: str, password: str, tries: tuple[Whose, Whose | None], address: str
    ) -> Operator | None:
        self._tries.allow(*tries, operator=lambda: self._if_known(name), address=address)
        operator = self.find(name)
        right = check_password_hash(operator.password_hash if operator else _NOBODY, password)
        if operator is None or not right:
            known = operator.name if operator else None
            self._tries.note_refused(known, address, "wrong_password")
            return None
        self._tries.forget(*filter(None, tries))
        return operator

    def _if_known(self, name: str) -> str | None:
        try:
            return name if self._stored.find(name) else None
        except LedgerUnavailable:
            return None

    # --- making and changing

    def make_first(self) -> NewPassword | None:
        """Make the first operator, an admin; None when there is one, also when another process
        makes it at this moment."""
        if self._stored.exist():  # anybody can have this asked, and a hash takes long
            return None
        made = self._made(FIRST, Role.ADMIN, None)
        new = {FIRST: made.operator.to_json()}
        is_first = self._stored.change(lambda others: {} if others else new)
        if not is_first:
            return None
        with acting_as(Actor("relay web", Via.CLI)):  # also if a visitor's request starts it
            self._trail.add(Action.ADD_OPERATOR, target=FIRST, role=Role.ADMIN)
        return made

    def add(self, name: str, role: Role, password: str | None = None) -> NewPassword:
        """Add an operator, with a random password unless one is given."""
        check_name(name, "an operator's")
        made = self._made(name, role, password)
        if not self._stored.find(name):  # an older version may have removed one of this name
            self._keys.remove(name)
        if not self._stored.add(name, made.operator.to_json()):
            raise Refused(
                f"There is already an operator {name}. For a new password, run:"
                f" relay operator password {name}"
            )
        self._trail.add(Action.ADD_OPERATOR, target=name, role=role)
        return made

    def set_password(self, name: str, password: str | None = None) -> NewPassword:
        """Give the operator a new password. This ends their sessions, and the wait after tries with
        their name or of their codes."""
        made_up = not password
        password, hashed = self._hashed(password)
        changed = self._change(
            name, lambda old: replace(old, password_hash=hashed, made_up=made_up)
        )
        self._tries.forget(("name", name), *tries_of_codes(name))
        self._trail.add(Action.SET_PASSWORD, target=name)
        return NewPassword(changed, password)

    def set_role(self, name: str, role: Role) -> Operator:
        """Give the operator another role, which ends their sessions."""
        changed = self._change(name, lambda old: replace(old, role=role))
        self._trail.add(Action.SET_ROLE, target=name, role=role)
        return changed

    def end_sessions(self, name: str) -> None:
        """End all sessions of the operator."""
        self.begin_epoch(name)
        self._trail.add(Action.END_SESSIONS, target=name)

    def begin_epoch(self, name: str) -> Operator:
        """End all sessions of the operator, as a part of a change that has its own entry in the
        audit trail."""
        return self._change(name, lambda old: old)

    def check_removal(self, name: str) -> None:
        """Raise `Refused` if the operator cannot be removed."""
        _check_removal(name, self._stored.all())

    def remove(self, name: str) -> None:
        """Remove the operator, which ends their sessions and their key for the API. It may be one
        that cannot be read."""

        def decide(stored: dict[str, str]) -> documents.Changes:
            _check_removal(name, stored)
            return {name: None}

        self._stored.change(decide)
        self._factors.remove(name)
        self._keys.remove(name)
        self._seen.remove(name)
        self._trail.add(Action.REMOVE_OPERATOR, target=name)

    def _made(self, name: str, role: Role, password: str | None) -> NewPassword:
        made_up = not password
        password, hashed = self._hashed(password)
        made = Operator(
            name=name,
            role=role,
            password_hash=hashed,
            epoch=secrets.randbits(32),
            made_up=made_up,
        )
        return NewPassword(made, password)

    def _hashed(self, password: str | None) -> tuple[str, str]:
        """Return the password, random unless it is given, and its hash."""
        password = password or self._new_password()
        _check_length(password)
        return password, generate_password_hash(password, _METHOD)

    def _change(self, name: str, change: Callable[[Operator], Operator]) -> Operator:
        """Change the operator in one step; the last admin stays one. Returns what is stored now."""

        def decide(stored: dict[str, str]) -> tuple[documents.Changes, Operator]:
            before = list(_read(stored).values())
            old = _named(name, before, stored)
            new = change(old)
            _check_an_admin_stays([*(each for each in before if each != old), new])
            changed = replace(new, epoch=old.epoch + 1)
            return {name: changed.to_json()}, changed

        return self._stored.change_and_tell(decide)


def must_have_second_factor(role: Role, demanded: WhoMustHaveOne) -> bool:
    """Whether operators of this role must have one, where it is `demanded` so."""
    return demanded == WhoMustHaveOne.ALL or (
        demanded == WhoMustHaveOne.ADMIN and role == Role.ADMIN
    )


def read_operator(name: str, stored: str) -> Operator | None:
    """Return the operator; None if the record cannot be read."""
    return _read({name: stored}).get(name)


def _read(stored: Mapping[str, str]) -> dict[str, Operator]:
    """Return those that can be read."""
    return read_named(RecordKind.OPERATOR, stored, Operator.from_json)


def _named(name: str, operators: Sequence[Operator], stored: Mapping[str, str]) -> Operator:
    for operator in operators:
        if operator.name == name:
            return operator
    if name in stored:
        raise UnreadableRecord(f"{RecordKind.OPERATOR} {name}")
    names = ", ".join(operator.name for operator in operators)
    raise Refused(f"There is no operator {name}; there is: {names}.")


def _check_removal(name: str, stored: Mapping[str, str]) -> None:
    others = _read(stored)
    if name not in stored:
        _named(name, list(others.values()), stored)
    others.pop(name, None)
    _check_an_admin_stays(list(others.values()))


def _check_an_admin_stays(operators: Sequence[Operator | None]) -> None:
    if not any(operator and operator.role == Role.ADMIN for operator in operators):
        raise Refused("This is the last admin. Add another one first.")


def _check_length(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(f"A password has at least {SHORTEST_PASSWORD} characters.")


def _whose_tries(name: str, address: str, device: str | None) -> tuple[Whose, Whose | None]:
    if device:
        return ("device", device), None
    return ("address", client_network(address)), ("name", name)


# The default of werkzeug. It is named, so that `_NOBODY` takes as long to check.
_METHOD = "scrypt:32768:8:1"
# Compared with when there is no such operator, so that the time does not reveal that.
_NOBODY = f"{_METHOD}$nobody${'0' * 128}"
