"""Health: ``/healthz`` for "restart it", ``/readyz`` for "send it no visitors"."""

from collections.abc import Callable

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from shared.doctor.instance_header import HEADER, instance_digest
from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.settings import Settings
from web.signup.form_cache import FormCache
from web.signup.redis_deadline import RedisDeadline
from web.signup.spool import Spool

bp = Blueprint("status", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """Say that the process lives, and of which installation it is; nothing else is asked."""
    settings: Settings = current_app.extensions["settings"]
    return {"ok": True}, 200, {HEADER: instance_digest(settings.instance)}


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Say whether a sign-up could be stored now, on the disk if need be; 503 with the reason if
    not."""
    budget: RedisDeadline = current_app.extensions["budget"]
    # Reads and writes as a sign-up does, so a full server or a replica shows too.
    probe: Callable[[], object] = current_app.extensions["probe"]
    try:
        budget.allowance().ask(probe)
    except LedgerUnavailable as error:
        return {"ok": True, "spooling": True} if _can_spool() else _not_ready(error)
    except Refused as error:
        return _not_ready(error)
    return {"ok": True}


def _can_spool() -> bool:
    forms: FormCache = current_app.extensions["forms"]
    spool: Spool = current_app.extensions["spool"]
    return forms.knows_any() and spool.has_room()


def _not_ready(error: LedgerUnavailable | Refused) -> ResponseReturnValue:
    return {"ok": False, "why": str(error)}, 503
