"""Overviews as plain values: all is well but for what a test is about."""

from datetime import timedelta
from typing import Any

from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.domain.counts import Counts
from shared.domain.requests_today import RequestsToday
from shared.domain.totals import Totals
from shared.ledger.spools import SpoolFigures, SpoolReport
from shared.ledger.stores.statistics import Glance
from shared.operations.balance import balance_of
from shared.operations.overview.facts import AccountView, Overview, QuotaUse
from shared.operations.system_status import Pulse
from tests.support.builders import NOON, account

ALIVE = Pulse({"relay-1@here": timedelta(seconds=1)}, {"beat-1@here": timedelta(seconds=1)})
NO_QUOTA_USED = QuotaUse(today=RequestsToday(made=0), limit=10_000, forecast=None)


def glance(name: str = "acme", *, due: int = 0, **fields: Any) -> Glance:
    defaults: dict[str, Any] = {
        "account": name,
        "api_key": "relay:{key}:",
        "totals": Totals(accepted=due, due=due),
        "oldest_due": None,
        "dead": {},
        "in_jobs": 0,
        "quarantined": 0,
        "holds": frozenset(),
        "tokens_in_trouble": False,
        "today": Counts(),
    }
    return Glance(**{**defaults, **fields})


def view(name: str = "acme", *, organization: str = "Acme", **fields: Any) -> AccountView:
    """Return an account; fields of its summary and of its glance are told apart by their names."""
    of_summary: dict[str, Any] = {
        key: fields.pop(key)
        for key in ("status", "holds", "end", "owner", "origin", "replacement", "disconnected_at")
        if key in fields
    }
    ended = of_summary.pop("disconnected_at", None)
    last_delivery, causes = fields.pop("last_delivery", None), fields.pop("causes", ())
    made: dict[str, Any] = {"status": ConnectionStatus.CONNECTED, "holds": (), "own_key": False}
    summary = AccountSummary(
        account=account(name, organization=organization, disconnected_at=ended),
        **{**made, **of_summary},
    )
    return AccountView(
        summary=summary,
        glance=glance(name, **fields),
        forms=(),
        last_delivery=last_delivery,
        causes=causes,
    )


def overview(*views: AccountView, **fields: Any) -> Overview:
    glances = [each.glance for each in views]
    defaults: dict[str, Any] = {
        "at": NOON,
        "accounts": views,
        "hour": (),
        "known_accounts": len(views),
        "others_in_trouble": 0,
        "others_waiting": 0,
        "balance": balance_of({each.account: each.totals for each in glances}, 0),
        "today": sum((each.today for each in glances), Counts()),
        "due": sum(each.due for each in glances),
        "dead": sum(sum(each.dead.values()) for each in glances),
        "quarantined": sum(each.quarantined for each in glances),
        "quota": NO_QUOTA_USED,
        "refusing": (),
        "refused_websites": (),
        "spools": (),
        "pulse": ALIVE,
        "alerts": 1,
        "writes_refused": None,
        "memory": None,
    }
    return Overview(**{**defaults, **fields})


def spool(*, seen: timedelta = timedelta(seconds=2), refused: int = 0) -> SpoolReport:
    figures = SpoolFigures(count=3, bytes=900, oldest=timedelta(minutes=1), refused=refused)
    return SpoolReport("1", "web-1", figures, seen)
