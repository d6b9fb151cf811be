"""Which operators must have a second factor."""

from enum import StrEnum


class WhoMustHaveOne(StrEnum):
    """The values of RELAY_REQUIRE_SECOND_FACTOR."""

    NONE = "none"
    ADMIN = "admin"
    ALL = "all"
