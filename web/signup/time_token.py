"""The time token: a signed note of when a page made its form.

It is a hidden input of the forms that we draw. Robots post faster than people type, or without a
look at the page. A token tells only how old the page is, so anybody may read it, and it is no
secret. Web needs no memory for it: every process with the same RELAY_SECRET_KEY can check it.

It takes 2 us to check, and every sign-up from such a page needs that. itsdangerous takes 6 us, and
HMAC with SHA-256 one more than BLAKE2 with a key.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping

from shared.domain.reading.posted_fields import SHOWN_AT, instruction
from shared.infrastructure.sealing import derived_key

# In seconds: a day. An older page, such as one in a cache or in a tab of last week, tells nothing.
LIVES = 24 * 60 * 60
# Digits of each in hexadecimal. Until the year 2527, eleven are enough for milliseconds.
_TIME, _SIGNATURE = 11, 32


class TimeTokens:
    """Signs with the first of the installation's keys, and knows the older ones. `clock` tells the
    time in seconds since 1970."""

    def __init__(self, secret_keys: tuple[str, ...], *, clock: Callable[[], float]) -> None:
        self._keys = [derived_key(key, "time token").encode() for key in secret_keys]
        self._clock = clock

    def make(self, form_name: str) -> str:
        """Return a token that says that the form was made now."""
        made = f"{int(self._clock() * 1000):0{_TIME}x}"
        return made + _signature(self._keys[0], made, form_name)

    def age(self, form_name: str, token: str) -> float | None:
        """Return how old the form is, in seconds; None if that is unknown.

        So it is for a token of another form, one that nobody here signed, and one that is too old
        or, by a clock that goes wrong, from the future.
        """
        if len(token) != _TIME + _SIGNATURE or not token.isascii():
            return None
        made, signature = token[:_TIME], token[_TIME:]
        for key in self._keys:
            if hmac.compare_digest(signature, _signature(key, made, form_name)):
                age = self._clock() - int(made, 16) / 1000
                return age if 0 <= age <= LIVES else None
        return None

    def age_of(self, form_name: str, posted: Mapping[str, list[str]]) -> float | None:
        """Return how old the page is that posted, in seconds; None if that is unknown."""
        token = posted.get(SHOWN_AT)
        return self.age(form_name, token[0]) if token else None

    def kept(self, form_name: str, posted: Mapping[str, list[str]]) -> str:
        """Return the posted token if it is good, else a new one.

        A page that asks for a correction keeps it: its visitor has seen the form for a while.
        """
        good = (
            token
            for token in instruction(posted, SHOWN_AT)
            if self.age(form_name, token) is not None
        )
        return next(good, None) or self.make(form_name)


def _signature(key: bytes, made: str, form_name: str) -> str:
    signed = f"{made} {form_name}".encode()
    return hashlib.blake2b(signed, key=key, digest_size=_SIGNATURE // 2).hexdigest()
