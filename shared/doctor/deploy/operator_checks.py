"""The checks of who may sign in to the console."""

from collections.abc import Sequence

from shared.domain.check import Check, Subject
from shared.operations.operators import FIRST, Operator, Role

OPERATORS = Subject("operators", "Each operator has a name of their own")


def operators(everybody: Sequence[Operator]) -> Check:
    admins = [each.name for each in everybody if each.role == Role.ADMIN]
    if FIRST in admins:
        return OPERATORS.advice(
            f"An admin is called {FIRST}: the first name that strangers try, and one that says"
            " nothing in the audit trail.",
            "Add each person (relay operator add NAME --role admin). Then run:"
            f" relay operator remove {FIRST}",
        )
    if not admins:
        return OPERATORS.advice(
            "No admin is left.", "Add one with: relay operator add NAME --role admin"
        )
    return OPERATORS.ok(f"{len(everybody)} may sign in, {len(admins)} of them as admin.")
