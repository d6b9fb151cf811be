"""Health: ``/healthz`` for "restart it", ``/readyz`` for "send it no visitors"."""

from collections.abc import Callable

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from shared.doctor.identity import HEADER, mark_of
from shared.domain.errors import LedgerUnavailable, Refused
from shared.settings import Settings
from web.budget import Budget

bp = Blueprint("status", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """Say that the process lives, and of which installation it is; nothing else is asked."""
    settings: Settings = current_app.extensions["settings"]
    return {"ok": True}, 200, {HEADER: mark_of(settings.instance)}


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
