"""Health: ``/healthz`` says whether to restart web, ``/readyz`` whether to send it visitors."""

import os

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from shared.doctor.deploy import visit
from shared.doctor.instance_header import HEADER, instance_digest
from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.timestamps import utc_now
from web.services import services

bp = Blueprint("status", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """Say that the process lives. Nothing is checked.

    The doctor learns how web sees its request, and to which installation web belongs. To others,
    two installations look alike.
    """
    settings = services().settings
    if not visit.is_doctor(request.headers.get(visit.HEADER), settings.secret_keys, utc_now()):
        return {"ok": True}
    told = {"ok": True, "seen": _seen().to_dict()}
    return told, 200, {HEADER: instance_digest(settings.instance)}


def _seen() -> visit.Seen:
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    return visit.Seen(
        visitor=request.remote_addr or "",
        forwarded_for=tuple(each.strip() for each in forwarded if each.strip()),
        host=request.headers.get("Host", ""),
        as_root=os.geteuid() == 0,
    )


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
