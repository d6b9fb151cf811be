"""What failed of the sign-ups of forms, by the counts of their causes. One record is read of each
form of which a list is gone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form
from shared.domain.signup_advice import is_about_lists
from shared.operations.form_targets import FormTarget, FormTargets


@dataclass(frozen=True, slots=True)
class FormFailures:
    """`count` leaves out those of causes that nobody keeps by form. `in_jobs` of these are being
    retried by jobs. `list_gone` is the largest cause of the others that is a list which Constant
    Contact does not know; `target` says whether the form has another list by now."""

    count: int = 0
    list_gone: FailureGroup | None = None
    in_jobs: int = 0
    target: FormTarget | None = None

    @property
    def is_mended(self) -> bool:
        """Whether the form has another list by now, so that only retrying is left."""
        return bool(self.target and self.target.has_others)

    @property
    def trouble(self) -> str | None:
        """What is wrong with the form, in a few words; None if it may well be the sign-ups."""
        gone = self.list_gone
        return f"A list is gone: {gone.undecided:,} failed" if gone and not self.is_mended else None

    @property
    def left(self) -> str | None:
        """What is left to do after the form got another list; None if that is nothing."""
        gone = self.list_gone
        return f"{gone.undecided:,} to retry" if gone and self.is_mended else None

    @property
    def in_words(self) -> str:
        """How many failed, how many of these are in jobs, and what is wrong with the form."""
        told = [f"{self.in_jobs:,} being retried"] if self.in_jobs else []
        told += ["a list is gone"] if self.trouble else []
        told += [self.left] if self.left else []
        return f"{self.count:,} ({', '.join(told)})" if told else f"{self.count:,}"


def read_failures(targets: FormTargets, forms: Sequence[Form]) -> dict[str, FormFailures]:
    """Return by name what failed of each form in its account. Raises `LedgerUnavailable`."""
    accounts = sorted({form.account for form in forms})
    found = failures_by_form(forms, targets.lists.index.groups(accounts))
    known = targets.of_causes([each.list_gone for each in found.values() if each.list_gone])
    return {
        name: replace(each, target=known.get((each.list_gone.account, each.list_gone.id)))
        if each.list_gone
        else each
        for name, each in found.items()
    }


def failures_by_form(
    forms: Iterable[Form], groups: Iterable[FailureGroup]
) -> dict[str, FormFailures]:
    found: dict[tuple[str, str | None], list[FailureGroup]] = {}
    for group in groups:
        found.setdefault((group.account, group.form), []).append(group)
    return {form.name: failures_of(found.get((form.account, form.name), ())) for form in forms}


def failures_of(groups: Iterable[FailureGroup]) -> FormFailures:
    """Return what failed of one form, of which these are all causes."""
    causes = list(groups)
    gone = [each for each in causes if each.undecided and is_about_lists(each)]
    return FormFailures(
        count=sum(each.count for each in causes),
        list_gone=max(gone, key=lambda each: each.undecided, default=None),
        in_jobs=sum(each.in_jobs for each in causes),
    )
