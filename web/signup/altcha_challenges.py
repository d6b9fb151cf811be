"""ALTCHA: a proof of work that browsers do for forms that ask for one. Nobody has to solve a
puzzle. Each sign-up costs its sender a third of a second of a computer's time.

Web stores no challenges. Each is signed with a key that is derived from RELAY_SECRET_KEY and the
form's name, so it counts for one form only, and every web process can check it. The ledger lets
each solution count once: `signups/accept`.

To make a challenge takes 0.2 ms of CPU, to check a solution 1.5 ms. A forged one is found out by
its signature, before any work is done for it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from altcha import Payload, create_challenge, verify_solution

from shared.domain.reading.posted_fields import SOLUTION
from shared.infrastructure.sealing import derived_key
from shared.ledger.limits import SOLUTION_LIFE

# On average, a browser derives 256 keys of so many iterations. Two cores take 0.3 s for them.
_ALGORITHM, _ITERATIONS, _KEY_BEGINS = "PBKDF2/SHA-256", 5_000, "00"
_LONGEST = 2_000  # characters; a solution has 550


class AltchaChallenges:
    """Signs with the first of the installation's keys, and knows the older ones. `clock` tells the
    time in seconds since 1970."""

    def __init__(self, secret_keys: tuple[str, ...], *, clock: Callable[[], float]) -> None:
        self._secret_keys = secret_keys
        self._clock = clock

    def make(self, form_name: str) -> dict[str, Any]:
        """Return a new challenge, as ALTCHA's widget reads it."""
        challenge = create_challenge(
            _ALGORITHM,
            _ITERATIONS,
            key_prefix=_KEY_BEGINS,
            expires_at=int(self._clock() + SOLUTION_LIFE.total_seconds()),
            hmac_secret=_key(self._secret_keys[0], form_name),
        )
        return challenge.to_dict()

    def solved(self, form_name: str, posted: Mapping[str, list[str]]) -> str | None:
        """Return what names the challenge that was solved; None without a right solution.

        There may be many solutions of one challenge. They have the same name.
        """
        solution = next(filter(None, posted.get(SOLUTION, ())), "")
        if not solution or len(solution) > _LONGEST:
            return None
        keys = (_key(secret, form_name) for secret in self._secret_keys)
        if not any(verify_solution(solution, key).verified for key in keys):
            return None
        return Payload.from_base64(solution).challenge.signature


def _key(secret: str, form_name: str) -> str:
    return derived_key(secret, f"altcha challenge for {form_name}")
