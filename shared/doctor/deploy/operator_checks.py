"""The checks of who may sign in to the console."""

from collections.abc import Sequence
from dataclasses import replace

from shared.doctor import operator_checks
from shared.domain.check import Check, CheckKind, CheckResult, CheckSubject
from shared.domain.second_factor import WhoMustHaveOne
from shared.operations.operators import FIRST, Operator, Role

OPERATORS = CheckSubject("operators", "Each operator has a name of their own")


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


def second_factor(demanded: WhoMustHaveOne, without: Sequence[Operator]) -> Check:
    """Check as every installation's doctor does, and ask for more."""
    usual = operator_checks.second_factor(demanded, without)
    if usual.kind == CheckKind.ADVICE:
        return replace(usual, verdict=CheckResult.PROBLEM)
    admins = [each.name for each in without if each.role == Role.ADMIN]
    if not admins:
        return usual
    return operator_checks.SECOND_FACTOR.advice(
        f"A password alone opens the console to these admins: {', '.join(admins)}.",
        "Set RELAY_REQUIRE_SECOND_FACTOR=admin for web. They set one up when they sign in next.",
    )
