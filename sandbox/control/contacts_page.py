"""The page of contacts that arrived, and its two buttons."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from sandbox.api.contacts import Contact, iso
from sandbox.sandbox_state import State, current_state

# This makes a page of some hundred kilobytes. GET /sandbox/contacts lists all contacts.
SHOWN = 200

bp = Blueprint("pages", __name__)


@bp.get("/")
def show() -> ResponseReturnValue:
    """Show the newest contacts of each account, and the day's figures."""
    state = current_state()
    with state.lock:
        return render_template(
            "contacts.html",
            accounts=[
                (account, _newest(state, account.id), len(state.contacts.of(account.id)))
                for account in state.accounts.values()
            ],
            figures=_figures(state),
            client_ids=[each.client_id for each in state.applications],
            faults=state.faults.as_json(),
            iso=iso,
        )


@bp.post("/sandbox/contacts/<contact_id>/<any(unsubscribe, delete):action>")
def change(contact_id: str, action: str) -> ResponseReturnValue:
    """Do what a contact or the account's owner would do in Constant Contact."""
    state = current_state()
    with state.lock:
        contact = state.contacts.get(contact_id)
        now = state.now()
        if contact is not None and action == "unsubscribe":
            state.contacts.unsubscribe(contact, now=now)
        elif contact is not None:
            state.contacts.delete(contact, now=now)
    return redirect(url_for("pages.show"), 303)


def _newest(state: State, account_id: str) -> list[Contact]:
    found = state.contacts.of(account_id)
    return sorted(found, key=lambda each: each.updated_at, reverse=True)[:SHOWN]


def _figures(state: State) -> list[tuple[str, str]]:
    stats = state.stats
    refusals = stats.total.refusals
    throttled = refusals["throttled"] + refusals["quota_exceeded"]
    limits = [figure for each in state.applications for figure in _limits(state, each.client_id)]
    return [
        *limits,
        ("Refused with 429", f"{throttled:,}"),
        ("Sign-ups accepted", f"{sum(map(len, stats.deliveries.values())):,}"),
        ("Tokens refreshed", f"{stats.total.refreshes:,}"),
    ]


def _limits(state: State, client_id: str) -> list[tuple[str, str]]:
    """Return an application's use of its limits; name its key if there are several."""
    rules, (_, own) = state.rules, state.stats.counts(client_id)
    used = state.limits[client_id].day.used(state.now())
    which = f", {client_id}" if len(list(state.applications)) > 1 else ""
    return [
        (f"Requests today{which}", f"{used:,} of {rules.requests_per_day:,}"),
        (f"Busiest second{which}", f"{own.max_in_a_second} of {rules.requests_per_second}"),
    ]
