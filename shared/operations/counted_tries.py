"""Tries of passwords and codes: so many are allowed, and each refused one is noted.

docs/audit.md has the lines in the log, and a filter for fail2ban that reads them.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

import redis

from shared.domain.audit import Actor, Via
from shared.domain.errors import TooManyTries
from shared.ledger.stores.audit_trail import TOO_MANY_CODES, AuditTrail
from shared.ledger.stores.sign_in_tries import SignInTries, Whose

log = logging.getLogger(__name__)

# From one address or known browser; a name only slows down then. Guessing a password needs millions
# of tries.
MOST_TRIES = 10
TRIES_WITHIN = timedelta(minutes=15)


def tries_of_codes(operator: str) -> tuple[Whose, Whose]:
    """Return whose tries with an operator's codes count: of the last minutes, and of the day."""
    return ("code", operator), ("code of a day", operator)


class CountedTries:
    """The tries that one process lets through or refuses. `clock` is monotonic, in seconds;
    `advice` is for who had too many."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        most: int = MOST_TRIES,
        within: timedelta = TRIES_WITHIN,
        advice: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._advice = advice
        self._tries = SignInTries(client, most=most, window=within, clock=clock)
        self._trail = AuditTrail(client)

    def allow(
        self,
        source: Whose,
        name: Whose | None = None,
        *,
        operator: Callable[[], str | None],
        address: str,
        shared: bool = False,
    ) -> None:
        """Count a try of the source, and with the name; raises `TooManyTries` if one must wait.

        `operator` tells whose name was typed, if an operator has it. `shared`: the source is the
        codes of an operator, from wherever. Who waits because of others is no intruder: that line
        matches no filter which bans addresses. But somebody has the operator's password.
        """
        wait = self._tries.count(source, name)
        if wait is None:
            return
        if shared:
            self._note_too_many_codes(operator(), address)
        elif wait.of_source:
            self.note_refused(operator(), address, "too_many_tries")
        else:
            log.info("sign-in delayed", extra={"address": address})
        raise TooManyTries(wait.span, self._advice)

    def _note_too_many_codes(self, operator: str | None, address: str) -> None:
        log.warning("sign-in delayed", extra={"address": address, "operator": operator})
        self._trail.add_refused_sign_in(Actor(None, Via.CONSOLE, address), operator, TOO_MANY_CODES)

    def note_refused(self, operator: str | None, address: str, cause: str) -> None:
        """Note a refused try. A name that no operator has may be a password, so it is left out."""
        named = {"operator": operator} if operator else {}
        log.warning("sign-in refused", extra={"address": address, "cause": cause, **named})
        self._trail.add_refused_sign_in(Actor(None, Via.CONSOLE, address), operator, cause)

    def forget(self, *whose: Whose) -> None:
        """Forget the tries, as one was right. Never fails."""
        self._tries.forget(*whose)
