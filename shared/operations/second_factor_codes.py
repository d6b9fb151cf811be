"""What is known of a second factor, and which codes it takes: plain rules, without Redis."""

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError

from shared.domain.errors import WrongCode
from shared.infrastructure.stored_records import json_object

RECOVERY_CODES = 10
# On each side, in steps: clocks differ, and people type slowly.
WINDOW = 1
# Digits, as phones show no letters where a code is typed. 20 of them have 66 bits.
_GROUPS, _GROUP = 5, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What is known of one. `recovery` has the digests of the recovery codes that are left."""

    secret: str = field(repr=False)
    spent_step: int
    recovery: tuple[str, ...] = field(repr=False)
    since: str

    @classmethod
    def from_json(cls, stored: str) -> "SecondFactor":
        found = json_object(stored)
        return cls(**{**found, "recovery": tuple(found["recovery"])})

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def spend(self, code: str, now: datetime, *, spent_step: int = 0) -> "SecondFactor":
        """Return what is left after the code was used; raises `WrongCode` for one that is wrong
        or spent. `spent_step` may be newer than what was stored."""
        if not is_one_time(code):
            return self._without_recovery_code(digest(code))
        step = step_of(self.secret, code, now)
        if step is None or step <= max(self.spent_step, spent_step):
            raise WrongCode
        return replace(self, spent_step=step)

    def _without_recovery_code(self, used: str) -> "SecondFactor":
        if used not in self.recovery:
            raise WrongCode
        return replace(self, recovery=tuple(each for each in self.recovery if each != used))


def is_one_time(code: str) -> bool:
    """Whether it looks like the code of an app, rather than a recovery code."""
    return re.fullmatch("[0-9]{6}", code) is not None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, if it counts now."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=WINDOW)
    except OTPVerificationError:
        return None


def ungrouped(code: str) -> str:
    """Return the code as we know it: apps and pages show it in groups."""
    return re.sub(r"[\s-]", "", code)


def new_recovery_codes() -> list[str]:
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def _group() -> str:
    return f"{secrets.randbelow(10**_GROUP):0{_GROUP}}"


def digests(codes: Sequence[str]) -> tuple[str, ...]:
    """Return what is stored of the codes."""
    return tuple(digest(ungrouped(code)) for code in codes)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
