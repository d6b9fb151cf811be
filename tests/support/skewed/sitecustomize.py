"""Sets the clock of a Python process off by SKEW_SECONDS, for tests that put this folder on
PYTHONPATH. Python itself imports a module of this name before any other."""

import datetime
import os
import time
from typing import Self

_SKEW = float(os.environ.get("SKEW_SECONDS", "0"))
_real_time = time.time


class _SkewedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(datetime.UTC).replace(tzinfo=None)


def _skewed_time() -> float:
    return _real_time() + _SKEW


if _SKEW:
    time.time = _skewed_time
    datetime.datetime = _SkewedDatetime  # type: ignore[misc]
