"""Alerts about forms: those that refuse or quarantine what comes, and those to which far more comes
than usual."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain import arrival_history
from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.arrival_history import (
    ArrivalHistory,
    is_spike,
    quarantined_in_words,
    quarantines_all,
    quarantines_much,
    usual_busiest_hour,
)
from shared.domain.form import Form
from shared.domain.refusal_history import FOR_ALERTS, TooManyRefused, too_many_refused
from worker.alerts.phrases import paragraphs
from worker.alerts.snapshot import FormSnapshot, Snapshot


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


def spiking_forms(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Forms with far more sign-ups in the last hour than in any hour of the weeks before."""
    for view in snapshot.forms:
        if is_spike(view.arrivals):
            yield _spike(view, snapshot.public_url)


def _spike(view: FormSnapshot, public_url: str) -> AlertCondition:
    name, found = view.form.name, view.arrivals
    return AlertCondition(
        key=f"spike:{name}",
        account=view.form.account,
        severity=Severity.WARNING,
        title=f"{name}: far more sign-ups than usual",
        body=paragraphs(
            f"{name} accepted {found.passed:,} sign-ups in the last hour. Its busiest hour of the"
            f" weeks before had {usual_busiest_hour(found) or 0:,}.{_also_screened(found)}",
            "No sign-up is lost, and none is held back because of this. They are delivered as"
            " usual.",
            "What to do: if a campaign of yours brings them, nothing. Otherwise look at the latest"
            f" ones at {public_url}/console/delivered?form={name}. If they are robots, pause the"
            f" deliveries with: relay hold {view.form.account} --reason TEXT. Then lower the"
            f" form's spam threshold at {public_url}/console/forms/{name}",
        ),
        over=f"{name}: sign-ups come at a usual rate again",
    )


def _also_screened(found: ArrivalHistory) -> str:
    return f" Beside these, {found.screened:,} went to quarantine." if found.screened else ""


def quarantining_forms(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Forms of which most sign-ups go to quarantine: robots come, or the filter is wrong."""
    thresholds = arrival_history.FOR_ALERTS
    for view in snapshot.forms:
        since = quarantines_all(view.arrivals, thresholds)
        if since or quarantines_much(view.arrivals, thresholds):
            yield _quarantining(view, since, snapshot.public_url)


def _quarantining(view: FormSnapshot, since: datetime | None, public_url: str) -> AlertCondition:
    name = view.form.name
    return AlertCondition(
        key=f"quarantine:{name}",
        account=view.form.account,
        severity=Severity.WARNING,
        title=f"{name}: most of its sign-ups go to quarantine",
        body=paragraphs(
            f"{name}: {quarantined_in_words(view.arrivals, since)} Either robots have found the"
            " form, or the filter takes people for robots.",
            "No sign-up is lost. These are kept, and not sent until somebody decides. Their"
            " visitors saw a success.",
            f"What to do: look at them at {public_url}/console/quarantine?form={name} or with:"
            f" relay quarantine list --form {name}. If they are people, deliver them anyway, and"
            f" raise the form's spam threshold at {public_url}/console/forms/{name}. If they are"
            " robots, discard them.",
        ),
        over=f"{name}: most sign-ups are no longer quarantined",
        since=since,
    )
