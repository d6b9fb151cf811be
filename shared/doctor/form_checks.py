"""The checks of an account's forms: whether they take the sign-ups that come."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from shared.domain.arrival_history import (
    FOR_REPORTS,
    ArrivalHistory,
    quarantined_in_words,
    quarantines_all,
    quarantines_much,
)
from shared.domain.check import Check, CheckSubject
from shared.domain.form import Form
from shared.domain.refusal import NO_FAULT_OF_THE_FORM, RefusalCode
from shared.domain.refusal_history import RefusalHistory, worth_reporting
from shared.domain.refusal_texts import cause_of, to_do_about
from shared.ledger.stores.form_counts import FormCounts

FORMS = CheckSubject("forms", "Its forms take sign-ups")

# So many of the last refusals with one of these codes are worth a word, although they do not mean
# that the form is broken.
_WORTH_A_WORD = 5
_TODAY = timedelta(days=1)


def check_forms(counts: FormCounts, account: str, forms: Sequence[Form]) -> list[Check]:
    histories, arrivals = counts.histories(forms), counts.arrivals(forms)
    return forms_take_signups(forms, histories, arrivals, account=account)


def forms_take_signups(
    forms: Sequence[Form],
    histories: Sequence[RefusalHistory],
    arrivals: Sequence[ArrivalHistory],
    *,
    account: str,
) -> list[Check]:
    """Return a check of each form that refuses or quarantines sign-ups; one for all if none
    does."""
    found = [
        check
        for form, history, came in zip(forms, histories, arrivals, strict=True)
        for check in (*_refusals(form, history, account), *_quarantining(form, came, account))
    ]
    if found:
        return found
    names = ", ".join(form.name for form in forms)
    return [FORMS.of(account).ok(f"They do: {names}." if names else "No form sends to it.")]


def _quarantining(form: Form, history: ArrivalHistory, account: str) -> Iterator[Check]:
    since = quarantines_all(history, FOR_REPORTS)
    if since or quarantines_much(history, FOR_REPORTS):
        yield FORMS.of(account).advice(
            f"{form.name}: {quarantined_in_words(history, since)}",
            f"Look whether these are people: relay quarantine list --form {form.name}. If they are,"
            " deliver them anyway, and raise the form's spam threshold.",
        )


def _refusals(form: Form, history: RefusalHistory, account: str) -> Iterator[Check]:
    subject = FORMS.of(account)
    if found := worth_reporting(form, history):
        yield subject.problem(f"{form.name}: {found.sentence}", _as_sentence(found.to_do))
    today = [kept.refusal.code for kept in history.last if history.at - kept.at <= _TODAY]
    for code in NO_FAULT_OF_THE_FORM:
        if today.count(code) >= _WORTH_A_WORD and (form.enabled or code == RefusalCode.DISABLED):
            cause = cause_of(code, form, history.last)
            yield subject.advice(
                f"{form.name}: {today.count(code)} of the last {len(today)} refusals: {cause}.",
                _as_sentence(to_do_about(code, form, history.last)),
            )


def _as_sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
