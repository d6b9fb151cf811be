"""``/console/``: how everything is in one sentence, its reasons, and the accounts. It stays new."""

import math
import time
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from shared.domain.errors import LedgerUnavailable, Refused
from shared.operations.operators import Role
from shared.operations.overview.verdict import Gravity, Place, Reason, verdict
from web.console import bp
from web.console.accounts import is_paused
from web.console.charts import drawn
from web.console.connection_advice import advice_for, holds_of
from web.console.guard import needs
from web.services import services
from web.signup.spool_file import spools_here

# The others are folded.
MOST_REASONS = 8
MOST_WORKERS = 20
ASK_AGAIN_AFTER = 5  # seconds

# The colour of each reason, and of the verdict. Green says that all is well: no reason does.
_MARKS = {
    Gravity.ACT: "problem",
    Gravity.WAIT: "waiting",
    Gravity.LOOK: "waiting",
    Gravity.KNOW: "off",
}
_KINDS = _MARKS | {Gravity.KNOW: "ok"}
# The page, and what its address calls the account or form.
_PAGES = {
    Place.ACCOUNT: ("console.account", "name"),
    Place.ACCOUNTS: ("console.accounts", None),
    Place.FORM: ("console.form", "form"),
    Place.FAILED: ("console.failed", "account"),
    Place.WAITING: ("console.waiting", "account"),
    Place.QUARANTINE: ("console.quarantine", "account"),
    Place.DOCTOR: ("console.doctor", "account"),
}
# What the link to each says.
_LINKS = {
    Place.ACCOUNT: "Open the account",
    Place.ACCOUNTS: "See all accounts",
    Place.FORM: "Open the form",
    Place.FAILED: "See why",
    Place.WAITING: "See what waits",
    Place.QUARANTINE: "Review them",
    Place.DOCTOR: "Ask the doctor",
}


@bp.get("/")
@needs(Role.VIEWER)
def overview() -> ResponseReturnValue:
    """Show how everything is, with charts of `?span=`."""
    shown = _shown()
    charts = drawn(hour=shown["facts"].hour)
    return render_template("console/overview.html", **shown, **charts)


@bp.get("/live")
@needs(Role.VIEWER)
def live() -> ResponseReturnValue:
    """Return the part of the overview that the page asks for again and again."""
    return render_template("console/overview/live.html", **_shown())


@bp.get("/charts")
@needs(Role.VIEWER)
def charts() -> ResponseReturnValue:
    """Return the charts, which the page asks for again now and then."""
    return render_template("console/overview/charts.html", **drawn())


def _shown() -> dict[str, Any]:
    found, began = services(), time.perf_counter()
    here = spools_here(found.settings.spool_folder)
    facts = found.operations.overview.read(writes_refused=_why_writes_fail(), here=here)
    judged = verdict(facts)
    return {
        "facts": facts,
        "verdict": judged,
        "kind": _KINDS[judged.gravity],
        "marks": _MARKS,
        "links": _LINKS,
        "again_after": ask_again_after(time.perf_counter() - began),
        "most_reasons": MOST_REASONS,
        "most_workers": MOST_WORKERS,
        "where": where,
        "is_paused": is_paused,
        "advice": {view.summary.account.name: advice_for(view.summary) for view in facts.accounts},
        "holds": {view.summary.account.name: holds_of(view.summary) for view in facts.accounts},
        "alert_services": [service.name for service in found.alert_services],
    }


def ask_again_after(took: float) -> int:
    """Return after how many seconds the page asks again, if an answer `took` so many: less often
    with thousands of accounts, so that an open page takes a twentieth of a core at most."""
    return max(ASK_AGAIN_AFTER, math.ceil(20 * took))


def where(reason: Reason) -> str:
    """Return the address of the page on which it is mended."""
    endpoint, named = _PAGES[reason.place]
    values: dict[str, Any] = {named: reason.name} if named else {}
    return url_for(endpoint, **values, group=reason.group)


def _why_writes_fail() -> str | None:
    """Return why Redis would take no sign-up now, though it answers, such as a full memory."""
    found = services()
    try:
        found.deadlines.start().ask(found.check_ledger)
    except LedgerUnavailable as error:
        return str(error.problem)
    except Refused as error:
        return str(error)
    return None
