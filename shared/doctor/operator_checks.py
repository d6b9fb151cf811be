"""The check of who may sign in to the console, and with what."""

from collections.abc import Sequence

from shared.domain.check import Check, CheckSubject
from shared.domain.second_factor import WhoMustHaveOne
from shared.operations.operators import Operator, must_have_second_factor

SECOND_FACTOR = CheckSubject("second_factor", "Second factors of operators")


def second_factor(demanded: WhoMustHaveOne, without: Sequence[Operator]) -> Check:
    """Check that everybody has one of whom it is `demanded`; `without` are all who have none."""
    missing = [each.name for each in without if must_have_second_factor(each.role, demanded)]
    if missing:
        return SECOND_FACTOR.advice(
            f"RELAY_REQUIRE_SECOND_FACTOR={demanded}, and some have none: {', '.join(missing)}. Who"
            " has one of their passwords can sign in, and set up a second factor of their own.",
            "Have them sign in and set it up, and remove who needs no access:"
            " relay operator remove NAME",
        )
    if demanded == WhoMustHaveOne.NONE:
        return SECOND_FACTOR.ok(f"Nobody must have one. Without one: {len(without)}.")
    return SECOND_FACTOR.ok("Everybody who must have one has it.")
