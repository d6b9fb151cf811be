"""Which lists are gone at Constant Contact, as far as its lists and failures tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from shared.accounts.list_cache import Lists
from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form, ListRef
from shared.operations.form_targets import FormTargets


@dataclass(frozen=True, slots=True)
class GoneLists:
    """`failed` is how many sign-ups failed for a list that the form still has. `one_of` are lists
    of which one is gone, if nobody knows which."""

    ids: frozenset[str] = frozenset()
    one_of: tuple[ListRef, ...] = ()
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFailures:
    """The causes for which a form's sign-ups failed that are about lists: of those that the form
    still has, and of those for which it has others by now. What jobs send again is left out."""

    of_kept: Sequence[FailureGroup]
    of_replaced: Sequence[FailureGroup]

    @property
    def replaced(self) -> int:
        """How many sign-ups failed for a list that the form has no more."""
        return sum(each.undecided for each in self.of_replaced)


def read_list_failures(targets: FormTargets, form: Form) -> ListFailures:
    """Read one record of each cause. Raises `LedgerUnavailable`."""
    every = targets.lists.groups(account=form.account, form=form.name)
    groups = [each for each in every if each.undecided]
    found = targets.of_causes(groups)
    named = [
        (each, target.has_others)
        for each in groups
        if (target := found.get((each.account, each.id)))
    ]
    return ListFailures(
        of_kept=[each for each, is_replaced in named if is_replaced is False],
        of_replaced=[each for each, is_replaced in named if is_replaced],
    )


def gone_lists(
    form: Form,
    there: Lists | None,
    failures: Sequence[FailureGroup],
    refused: Collection[str] = (),
) -> GoneLists:
    """Return which lists of the form are gone: those that `there` has not, or that were `refused`
    since; else what `failures` tell that came after it was read. They are for lists that the form
    still has."""
    known = {each.id for each in there.lists}.difference(refused) if there else set()
    missing = [each for each in form.lists if there and each.id not in known]
    later = [each for each in failures if there is None or each.last_at > there.read_at]
    suspects = form.lists if later and not missing else ()
    if len(suspects) == 1:
        missing, suspects = [*suspects], ()
    failed = sum(each.undecided for each in (failures if missing else later))
    return GoneLists(frozenset(each.id for each in missing), suspects, failed)
