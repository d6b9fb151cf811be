"""How long records are kept."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long records are kept after they were settled, by their state. None is for ever.

    `consent`: how long the evidence of consent is kept after it was given. `addresses`: how long
    visitors' network addresses are kept as they are.
    """

    delivered: timedelta | None
    discarded: timedelta | None
    quarantined: timedelta | None
    dead: timedelta | None
    consent: timedelta | None
    addresses: timedelta | None
