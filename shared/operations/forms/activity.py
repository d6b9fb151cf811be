"""What came to forms: their counts, their last sign-ups and refusals, and the fields that they do
not send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.form import Form
from shared.domain.paging import PageNumber, numbered
from shared.domain.refusal_history import RefusalHistory, TooManyRefused, worth_reporting
from shared.domain.refusal_texts import RefusedWebsite, refused_websites
from shared.ledger.stores.form_counts import FormCounts, FormFigures
from shared.operations.system_status import SystemStatus

PER_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FormActivity:
    """`not_sent` has the fields that arrived and are not sent, and how often. `last_accepted_at` is
    None if none was accepted, or only by an older version."""

    form: Form
    figures: FormFigures
    last_accepted_at: datetime | None
    history: RefusalHistory
    not_sent: Mapping[str, int]

    @property
    def too_many(self) -> TooManyRefused | None:
        """How the form refuses too many sign-ups, if it does."""
        return worth_reporting(self.form, self.history)

    @property
    def refused_websites(self) -> list[RefusedWebsite]:
        """The websites among the last refusals that the form still refuses."""
        return refused_websites(self.form, self.history.last)


def read_activity(counts: FormCounts, accounts: Sequence[str], form: Form) -> FormActivity:
    """Return what came to the form; `accounts` are all accounts. Raises `LedgerUnavailable`."""
    (figures,) = counts.figures([form], accounts)
    (history,) = counts.histories([form])
    return FormActivity(
        form=form,
        figures=figures,
        last_accepted_at=counts.last_accepted([form.name]).get(form.name),
        history=history,
        not_sent=counts.unsent_fields(form.name),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRow:
    """A form in the list of forms."""

    figures: FormFigures
    last_accepted_at: datetime | None
    too_many: TooManyRefused | None

    @property
    def form(self) -> Form:
        return self.figures.form


@dataclass(frozen=True, slots=True)
class FormsPage:
    """A page of the forms. `total` is how many forms there are, whether they fit or not."""

    rows: Sequence[FormRow]
    at: PageNumber
    total: int


def form_page(
    status: SystemStatus, words: str, number: int, *, per_page: int = PER_PAGE
) -> FormsPage:
    """Return a page of the forms with `words` in their name or title, or of the account `words`:
    first those that refuse too much. Raises `LedgerUnavailable`."""
    every = status.registry.form_names()
    too_many = {form.name: found for form, found in status.refusing_forms()}
    names = _found(status, words) if words else every
    in_order = sorted(names, key=lambda name: (name not in too_many, name.casefold()))
    at = numbered(len(in_order), number, per_page)
    shown = status.registry.forms_named(in_order[at.first : at.end])
    figures = status.form_counts.figures(shown, status.registry.account_names())
    last = status.form_counts.last_accepted([form.name for form in shown])
    rows = [
        FormRow(
            figures=each,
            last_accepted_at=last.get(each.form.name),
            too_many=too_many.get(each.form.name),
        )
        for each in figures
    ]
    return FormsPage(rows, at, len(every))


def _found(status: SystemStatus, words: str) -> list[str]:
    wanted = words.strip().casefold()
    return [
        form.name
        for form in status.registry.forms()
        if wanted in form.name.casefold()
        or wanted in form.title.casefold()
        or wanted == form.account.casefold()
    ]
