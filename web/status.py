"""Health: ``/healthz`` for "restart it", ``/readyz`` for "send it no visitors"."""

from collections.abc import Callable

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from shared.domain.errors import LedgerUnavailable, Refused
from web.budget import Budget

bp = Blueprint("status", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """Say that the process lives; nothing else is asked."""
    return {"ok": True}


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Say whether a sign-up could be stored now; 503 with the reason if not."""
    budget: Budget = current_app.extensions["budget"]
    # Reads and writes as a sign-up does, so a full server or a replica shows too.
    probe: Callable[[], object] = current_app.extensions["probe"]
    try:
        budget.allowance().ask(probe)
    except (LedgerUnavailable, Refused) as error:
        return {"ok": False, "why": str(error)}, 503
    return {"ok": True}
