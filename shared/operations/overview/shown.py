"""What the overview shows of much: which accounts, and of these which causes and forms. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.domain.account import HoldReason
from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form
from shared.domain.refusal import RefusalCode
from shared.domain.refusal_texts import Kept, RefusedWebsite, refused_websites
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.statistics import Glance

# As many as somebody scrolls through; the rest has a page of its own.
SHOWN_ACCOUNTS = 12
# Of so many it says why sign-ups failed: reading 100 causes of one takes 12 ms.
EXPLAINED_ACCOUNTS = 3
# So many causes of each.
MOST_CAUSES = 3
# Of so many forms it says which website they have refused.
EXPLAINED_FORMS = 10
_HARMLESS = {reason for reason in HoldReason if reason.is_harmless}
_BY_THEMSELVES = {reason for reason in HoldReason if reason.ends_by_itself}


def needs_a_look(glance: Glance) -> bool:
    """Whether one look at many accounts tells that this one is in trouble."""
    return bool(set(glance.holds) - _HARMLESS) or _asks_somebody(glance)


def needs_a_person(glance: Glance) -> bool:
    """Whether somebody can do something about that trouble."""
    return bool(set(glance.holds) - _HARMLESS - _BY_THEMSELVES) or _asks_somebody(glance)


def _asks_somebody(glance: Glance) -> bool:
    return glance.tokens_in_trouble or glance.undecided > 0


def choose(glances: Sequence[Glance]) -> tuple[list[Glance], list[Glance]]:
    """Return the accounts to show, and the others: those in trouble first, then the busiest."""
    in_order = sorted(glances, key=_place)
    return in_order[:SHOWN_ACCOUNTS], in_order[SHOWN_ACCOUNTS:]


def _place(glance: Glance) -> tuple[bool, bool, bool, int, str]:
    busy = glance.today.accepted + glance.due
    needs = (not needs_a_person(glance), not needs_a_look(glance), not glance.quarantined)
    return *needs, -busy, glance.account.casefold()


def most_failed(glances: Iterable[Glance]) -> list[str]:
    """Return the accounts of which the overview says why sign-ups failed."""
    failed = [each for each in glances if each.undecided]
    most_first = sorted(failed, key=lambda each: -each.undecided)
    return [each.account for each in most_first[:EXPLAINED_ACCOUNTS]]


def largest_causes(groups: Iterable[FailureGroup]) -> dict[str, list[FailureGroup]]:
    """Return by account the largest causes of what waits for a decision, the largest first."""
    largest: dict[str, list[FailureGroup]] = defaultdict(list)
    for group in sorted(groups, key=lambda each: -each.undecided):
        if group.undecided and len(largest[group.account]) < MOST_CAUSES:
            largest[group.account].append(group)
    return largest


def refusing_forms(figures: Iterable[FormFigures]) -> dict[str, list[FormFigures]]:
    """Return by account the forms that have refused sign-ups, the most first."""
    found: dict[str, list[FormFigures]] = defaultdict(list)
    for each in sorted(figures, key=lambda of: -sum(of.refused_signups.values())):
        if each.refused_signups:
            found[each.form.account].append(each)
    return found


def forms_to_explain(refusing: Mapping[str, Sequence[FormFigures]]) -> list[Form]:
    """Return the forms of which the overview may name a website that they have refused."""
    every = (each for of_account in refusing.values() for each in of_account)
    of_websites = [each.form for each in every if each.refused.get(RefusalCode.ORIGIN)]
    return of_websites[:EXPLAINED_FORMS]


def newest_website(form: Form, last: Kept) -> RefusedWebsite | None:
    """Return the newest website of which the form has refused sign-ups; None without one."""
    return next((each for each in refused_websites(form, last) if each.signups), None)
