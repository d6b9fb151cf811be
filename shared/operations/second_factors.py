"""Second factors: codes of an authenticator app (RFC 6238), and recovery codes.

An operator who has one signs in with the password, and then with a code. Redis has it sealed, as
a whole. Each code is used once. A one-time code belongs to a time step of 30 seconds; with it, all
steps before are spent. A recovery code is removed. ADR 23 has the reasons.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import pyotp
import redis

from shared.domain.audit import Action
from shared.domain.errors import LedgerUnavailable, Refused, WrongCode, WrongPresentCode
from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.stored_records import RecordKind, read_or_refuse
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores import documents, stored_texts
from shared.ledger.stores.audit_trail import WRONG_CODE, AuditTrail
from shared.ledger.stores.sign_in_tries import Whose
from shared.operations.counted_tries import CountedTries, tries_of_codes
from shared.operations.operators import Operator, Operators, Role, must_have_second_factor
from shared.operations.second_factor_codes import (
    SecondFactor,
    digest,
    digests,
    is_one_time,
    new_recovery_codes,
    step_of,
    ungrouped,
)

# In a day, of one known browser, and in all others together. Nobody types so many.
MOST_CODES_A_DAY = 100
_ADVICE = (
    " Somebody may have your password. On the server, `relay operator password NAME` gives you a"
    " new one, and ends the wait."
)
# How long a secret waits for the code that confirms it.
SETUP_LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """The operator, whose sessions have ended, and the recovery codes, which are shown once."""

    operator: Operator
    recovery_codes: list[str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked for a code, and where: `session` is the id of the session in the console, and
    `device` that of a browser in which the operator has signed in before."""

    name: str
    address: str
    session: str = ""
    device: str | None = None


class SecondFactors:
    """Raises `Refused` for what cannot be done, `WrongCode`, `WrongPassword`, `TooManyTries`, and
    `LedgerUnavailable`. `now` gives the time of this host, which must be right to some seconds."""

    def __init__(
        self,
        client: "redis.Redis",
        sealer: Sealer,
        operators: Operators,
        *,
        demanded: WhoMustHaveOne,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._sealer = sealer
        self._operators = operators
        self._demanded = demanded
        self._now = now
        self._stored = documents.second_factors(client)
        self._tries = CountedTries(client)
        self._days_tries = CountedTries(
            client, most=MOST_CODES_A_DAY, within=timedelta(days=1), advice=_ADVICE
        )
        self._trail = AuditTrail(client)
        # By operator, the step that this process spent while Redis took no writes.
        self._spent_here: dict[str, int] = {}
        self._lock = threading.Lock()

    # --- looking

    def has(self, name: str) -> bool:
        return self._stored.find(name) is not None

    def find(self, name: str) -> SecondFactor | None:
        sealed = self._stored.find(name)
        return self._opened(name, sealed) if sealed else None

    def must_have(self, role: Role) -> bool:
        """Whether operators of this role must have one."""
        return must_have_second_factor(role, self._demanded)

    # --- signing in

    def check(self, code: str, asked: Asked) -> int | None:
        """Use the code. Returns how many recovery codes are left if it was one, else None.

        Tries are counted for the person, as only who has the password comes this far; those of a
        known browser are counted alone, so that a thief of the password keeps its owner out of
        none. A right code forgets those of the last minutes, and none of the day's. While Redis
        takes no writes, this process remembers which codes were used.
        """
        whose, of_day = _whose_tries(asked)
        for tries, each in ((self._tries, whose), (self._days_tries, of_day)):
            tries.allow(
                each, operator=lambda: asked.name, address=asked.address, shared=not asked.device
            )
        typed = ungrouped(code)
        try:
            left = self._spend(asked.name, typed)
        except WrongCode:
            self._tries.note_refused(asked.name, asked.address, WRONG_CODE)
            raise
        self._tries.forget(whose)
        return None if is_one_time(typed) else len(left.recovery)

    def _spend(self, name: str, code: str) -> SecondFactor:
        def decide(stored: dict[str, str]) -> tuple[documents.Changes, SecondFactor]:
            factor = self._opened(name, stored[name]) if name in stored else None
            left = self._without(code, name, factor)
            return {name: self._sealed(left)}, left

        try:
            return self._stored.change_and_tell(decide)
        except LedgerUnavailable:
            return self._spend_here(name, code)

    def _spend_here(self, name: str, code: str) -> SecondFactor:
        """Use the code while Redis takes no writes. A recovery code would work again later."""
        factor = self.find(name)
        if not is_one_time(code):
            raise Refused(
                "Redis takes no writes at the moment, so no recovery code can be used up. Type the"
                " code that your app shows."
            )
        with self._lock:
            left = self._without(code, name, factor)
            self._spent_here[name] = left.spent_step
        return left

    def _without(self, code: str, name: str, factor: SecondFactor | None) -> SecondFactor:
        if factor is None:
            raise WrongCode
        return factor.spend(code, self._now(), spent_step=self._spent_here.get(name, 0))

    # --- an operator's own

    def propose(self, asked: Asked) -> str:
        """Return the secret that this session sets up, a new one if there is none yet."""
        setup = self._setup(asked)
        if sealed := setup.read():
            with suppress(Refused):  # sealed with a key that is gone
                return self._sealer.open(sealed)
        secret = pyotp.random_base32()
        setup.write(self._sealer.seal(secret), SETUP_LIFE)
        return secret

    def switch_on(self, code: str, password: str, present: str, asked: Asked) -> SwitchedOn:
        """Store the secret that this session sets up, once `code` shows that an app has it.

        This ends all sessions of the operator. Who has a second factor already replaces it, and
        gives a code of it as `present`.
        """
        secret = self.propose(asked)
        step = step_of(secret, ungrouped(code), self._now())
        if step is None:
            raise WrongCode
        self._check_password(password, asked)
        replaces = self.has(asked.name)
        if replaces:
            self._check_present(present, asked)
        codes = new_recovery_codes()
        made = SecondFactor(
            secret=secret,
            spent_step=step,
            recovery=digests(codes),
            since=self._now().isoformat(),
        )
        operator = self._operators.begin_epoch(asked.name)
        self._save(asked.name, made, replaces=replaces)
        self._setup(asked).remove()
        self._trail.add(Action.SWITCH_ON_SECOND_FACTOR, target=asked.name, replaces=replaces)
        return SwitchedOn(operator, codes)

    def _save(self, name: str, made: SecondFactor, *, replaces: bool) -> None:
        if replaces:
            self._stored.save(name, self._sealed(made))
        elif not self._stored.add(name, self._sealed(made)):
            raise Refused("Another browser has switched on your second factor just now.")

    def _check_present(self, code: str, asked: Asked) -> None:
        try:
            self.check(code, asked)
        except WrongCode as error:
            raise WrongPresentCode from error

    def switch_off(self, code: str, password: str, asked: Asked) -> None:
        """Remove the operator's second factor; refused while they must have one."""
        if self.must_have(self._operators.named(asked.name).role):
            raise Refused("RELAY_REQUIRE_SECOND_FACTOR demands that you have a second factor.")
        self._check_password(password, asked)
        self.check(code, asked)
        self._stored.remove(asked.name)
        self._trail.add(Action.SWITCH_OFF_SECOND_FACTOR, target=asked.name)

    def confirm(self, code: str, password: str, asked: Asked) -> None:
        """Ask an operator who is signed in for the password once more, and for a code if they have
        a second factor."""
        self._check_password(password, asked)
        if self.has(asked.name):
            self.check(code, asked)

    def renew_recovery_codes(self, code: str, password: str, asked: Asked) -> list[str]:
        """Return new recovery codes, which are shown once. Those from before end."""
        self._check_password(password, asked)
        self.check(code, asked)
        codes = new_recovery_codes()

        def decide(stored: dict[str, str]) -> documents.Changes:
            if asked.name not in stored:
                raise Refused("Your second factor is switched off. Reload this page.")
            renewed = replace(self._opened(asked.name, stored[asked.name]), recovery=digests(codes))
            return {asked.name: self._sealed(renewed)}

        self._stored.change(decide)
        self._trail.add(Action.NEW_RECOVERY_CODES, target=asked.name)
        return codes

    def _check_password(self, password: str, asked: Asked) -> None:
        self._operators.check_own_password(
            asked.name, password, address=asked.address, session=asked.session
        )

    # --- of somebody who lost it

    def reset(self, name: str) -> bool:
        """Remove the operator's second factor, and end all their sessions; False if they have
        none. Raises `Refused` if there is no such operator."""
        self._operators.named(name)
        if not self.has(name):
            return False
        self._operators.begin_epoch(name)
        self._stored.remove(name)
        self._tries.forget(*tries_of_codes(name))
        self._trail.add(Action.RESET_SECOND_FACTOR, target=name)
        return True

    # --- what is stored

    def _setup(self, asked: Asked) -> stored_texts.StoredText:
        return stored_texts.second_factor_setup(self._client, digest(asked.session))

    def _opened(self, name: str, sealed: str) -> SecondFactor:
        read = partial(SecondFactor.from_json, self._sealer.open(sealed))
        return read_or_refuse(RecordKind.SECOND_FACTOR, name, read)

    def _sealed(self, factor: SecondFactor) -> str:
        return self._sealer.seal(factor.to_json())


def make_second_factors(
    settings: Settings, client: "redis.Redis", operators: Operators
) -> SecondFactors:
    return SecondFactors(
        client,
        Sealer(settings.secret_keys),
        operators,
        demanded=settings.require_second_factor,
        now=utc_now,
    )


def _whose_tries(asked: Asked) -> tuple[Whose, Whose]:
    """Return whose tries of the last minutes count, and of the day."""
    if asked.device:
        return ("known browser's code", asked.device), ("known browser's day", asked.device)
    return tries_of_codes(asked.name)
