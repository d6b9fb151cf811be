"""``/console/audit``: what operators did. Operators and admins read it: it has their colleagues'
network addresses, and what they wrote."""

import json
from typing import Any

from flask import Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.domain import audit_words
from shared.domain.audit import Action
from shared.domain.csv_documents import BYTE_ORDER_MARK, csv_document
from shared.domain.errors import Refused
from shared.infrastructure.timestamps import utc_now
from shared.operations.audit_search import AuditPage, RefusedSignIns, as_document, read_filter
from shared.operations.operators import Role
from web.console import bp
from web.console.guard import needs
from web.services import services

_FILTERS = ("actor", "action", "account", "target", "since", "until", "refused")
_COLUMNS = ("at", "actor", "via", "action", "account", "target", "address", "detail")
_REFUSED = (
    ("", "left out"),
    (RefusedSignIns.SHOWN, "shown"),
    (RefusedSignIns.ONLY, "refused sign-ins alone"),
)


@bp.get("/audit")
@needs(Role.OPERATOR)
def audit() -> ResponseReturnValue:
    """Show the entries that match the filters, newest first."""
    try:
        page = services().operations.audit.page(read_filter(_given()), request.args.get("cursor"))
    except Refused as error:
        return _page(problem=str(error)), 422
    return _page(page)


@bp.get("/audit/export")
@needs(Role.OPERATOR)
def export_audit() -> ResponseReturnValue:
    """Return all entries that match the filters as a file."""
    kind = request.args.get("format", "")
    if kind not in ("json", "csv"):
        abort(404)
    try:
        found = services().operations.audit.export(read_filter(_given()))
    except Refused as error:
        return _page(problem=str(error)), 422
    documents = [as_document(entry) for entry in found]
    if kind == "json":
        return _file(json.dumps(documents, indent=2), "application/json", kind)
    rows = [[_cell(document[name]) for name in _COLUMNS] for document in documents]
    text = BYTE_ORDER_MARK + csv_document(_COLUMNS, rows)
    return _file(text, "text/csv; charset=utf-8", kind)


def _file(text: str, mimetype: str, kind: str) -> Response:
    name = f"audit-{utc_now():%Y-%m-%d}.{kind}"
    disposition = f'attachment; filename="{name}"'
    return Response(text, content_type=mimetype, headers={"Content-Disposition": disposition})


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict) else value


def _given() -> dict[str, str]:
    """Return the filters that were chosen."""
    return {name: request.args[name] for name in _FILTERS if request.args.get(name)}


def _page(page: AuditPage | None = None, problem: str | None = None) -> str:
    given = _given()
    return render_template(
        "console/audit.html",
        page=page,
        problem=problem,
        given=given,
        words=audit_words,
        actions=[(str(action), action.replace("_", " ")) for action in Action],
        refused_sign_ins=_REFUSED,
        next_url=_url_of(page.next, given) if page and page.next else None,
    )


def _url_of(cursor: str, given: dict[str, Any]) -> str:
    return url_for("console.audit", **given, cursor=cursor)
