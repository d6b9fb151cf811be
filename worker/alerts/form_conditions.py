"""Alerts about forms: those that refuse the sign-ups that come."""

from collections.abc import Iterator

from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.form import Form
from shared.domain.refusal_history import FOR_ALERTS, TooManyRefused, too_many_refused
from worker.alerts.phrases import paragraphs
from worker.alerts.snapshot import Snapshot


def refusing_forms(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Forms that have refused everything for a while, or far more than they usually do."""
    for view in snapshot.forms:
        if found := too_many_refused(view.form, view.history, FOR_ALERTS):
            yield _condition(view.form, found)


def _condition(form: Form, found: TooManyRefused) -> AlertCondition:
    what = "every sign-up" if found.since else "unusually many sign-ups"
    return AlertCondition(
        key=f"refusals:{form.name}",
        account=form.account,
        severity=Severity.PROBLEM if found.since else Severity.WARNING,
        title=f"{form.name}: the form refuses {what}",
        body=paragraphs(
            f"{form.name}: {found.sentence}",
            "These sign-ups are not stored, and their visitors saw an error. What the form has"
            " accepted is delivered as usual.",
            f"What to do: {found.to_do}",
            f"The last refusals are shown by: relay forms show {form.name}",
        ),
        over=f"{form.name}: the form no longer refuses {what}",
        since=found.since,
    )
