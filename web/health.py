"""Health: ``/healthz`` says whether to restart web, ``/readyz`` whether to send it visitors."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from shared.doctor.instance_header import HEADER, instance_digest
from shared.domain.errors import LedgerUnavailable, Refused
from web.services import services

bp = Blueprint("status", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """Say that the process lives, and to which installation it belongs. Nothing is checked."""
    return {"ok": True}, 200, {HEADER: instance_digest(services().settings.instance)}


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Say whether a sign-up could be stored now, in Redis or on the disk; 503 with the reason if
    not."""
    found = services()
    try:
        found.deadlines.start().ask(found.check_ledger)
    except LedgerUnavailable as error:
        return {"ok": True, "spooling": True} if found.can_spool() else _not_ready(error)
    except Refused as error:
        return _not_ready(error)
    return {"ok": True}


def _not_ready(error: LedgerUnavailable | Refused) -> ResponseReturnValue:
    return {"ok": False, "why": str(error)}, 503
