"""The page that shows what arrived, and its two buttons."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shared.constant_contact.sandbox.contacts import Contact, iso
from shared.constant_contact.sandbox.state import State, current_state

# A page of some hundred kilobytes; the rest is counted, and GET /sandbox/contacts has it.
SHOWN = 200

bp = Blueprint("pages", __name__)


@bp.get("/")
def arrived() -> ResponseReturnValue:
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
            client_id=state.config.client_id,
            faults=state.faults.as_json(),
            iso=iso,
        )


@bp.post("/sandbox/contacts/<contact_id>/<any(unsubscribe, delete):action>")
def change(contact_id: str, action: str) -> ResponseReturnValue:
    """Do what a contact or the account's owner would do in Constant Contact."""
    state = current_state()
    with state.lock:
        contact = state.contacts.get(contact_id)
        now = state.clock.now()
        if contact is not None and action == "unsubscribe":
            state.contacts.unsubscribe(contact, now=now)
        elif contact is not None:
            state.contacts.delete(contact, now=now)
    return redirect(url_for("pages.arrived"), 303)


def _newest(state: State, account_id: str) -> list[Contact]:
    found = state.contacts.of(account_id)
    return sorted(found, key=lambda each: each.updated_at, reverse=True)[:SHOWN]


def _figures(state: State) -> list[tuple[str, str]]:
    rules, stats = state.settings, state.stats
    used = state.limits.day.used(state.clock.now())
    throttled = stats.refusals["throttled"] + stats.refusals["quota_exceeded"]
    return [
        ("Requests today", f"{used:,} of {rules.requests_per_day:,}"),
        ("Busiest second", f"{stats.max_in_a_second} of {rules.requests_per_second}"),
        ("Refused with 429", f"{throttled:,}"),
        ("Sign-ups taken", f"{sum(map(len, stats.deliveries.values())):,}"),
        ("Tokens refreshed", f"{stats.refreshes:,}"),
    ]
