"""Ids of sign-ups: random UUIDs (version 4 of RFC 9562)."""

from collections.abc import Callable

_BYTES = 16
_AT_ONCE = 256


class SignupIds:
    """Makes ids of `random_bytes`, which returns so many bytes that nobody can guess.

    Each question to the system lets another thread run, which costs more than the bytes. So it is
    asked for those of many ids at once.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._unused: list[str] = []

    def new(self) -> str:
        """Return an id that no other has. Threads may call it at the same time."""
        while True:
            try:
                return self._unused.pop()
            except IndexError:
                self._unused.extend(self._more())

    def _more(self) -> list[str]:
        fresh = self._random_bytes(_BYTES * _AT_ONCE)
        return [_uuid(fresh[start : start + _BYTES]) for start in range(0, len(fresh), _BYTES)]


def _uuid(raw: bytes) -> str:
    digits = raw.hex()
    variant = f"{raw[8] & 0x3F | 0x80:02x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[18:20]}-{digits[20:]}"
