"""``/metrics``: what the ledger says, for Prometheus. docs/monitoring.md describes each metric.

Nothing is counted in this process, so each web tells the same.
"""

import hmac
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared.domain.account import HoldReason
from shared.domain.call_times import CallTimes
from shared.domain.errors import LedgerUnavailable
from shared.domain.forwarding import is_forwarded
from shared.domain.refusal import RefusalCode
from shared.domain.web_addresses import is_loopback_host
from shared.operations.metrics import AccountMetrics, Metrics, MetricsReader
from web.own_hosts import name_in
from web.services import services

bp = Blueprint("metrics", __name__)

# Of ten thousand accounts, an answer takes seconds of this process. Nobody needs two at once.
_one_at_a_time = threading.Lock()


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Tell Prometheus, if it may know."""
    token = services().settings.metrics_token
    if token is None and not _is_direct():
        abort(404)
    if token is not None and not _has_token(token):
        return "This needs the token in RELAY_METRICS_TOKEN.\n", 401, _PLAIN | _WHICH
    try:
        found = _read(services().metrics)
    except LedgerUnavailable as error:
        return f"The metrics are in Redis, which cannot be read now: {error}.\n", 503, _PLAIN
    # Not as OpenMetrics, whatever is asked for: there, a gauge and a counter whose names differ by
    # `_total` alone must not stand side by side.
    text = generate_latest(LedgerCollector(found))
    return text, 200, {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}


def _read(reader: MetricsReader) -> Metrics:
    """Read them, if Redis answers in a visitor's time. After that, the client's own timeouts hold:
    all of it may take longer, and must not make it look as if Redis were away for visitors."""
    names = services().deadlines.start().ask(reader.account_names)
    with _one_at_a_time:
        return reader.read(names)


_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
_WHICH = {"WWW-Authenticate": 'Bearer realm="metrics"'}


def _is_direct() -> bool:
    """Whether a program on this machine asks, and no proxy for others. A browser there that a
    stranger's page leads here comes under another name."""
    return (
        is_loopback_host(request.remote_addr or "")
        and is_loopback_host(name_in(request.headers.get("Host", "")) or "")
        and not is_forwarded(request.headers.keys())
    )


def _has_token(token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(), token.encode()
    )


# --- what is told


class LedgerCollector(Collector):
    """Turns what was read into metrics. Every series is there from the start, so that rates and
    alerts work."""

    def __init__(self, found: Metrics) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        found = self._found
        yield from (family.of(found.accounts) for family in _OF_ACCOUNTS)
        yield _refused(found.refused)
        yield _delivery_seconds(found.call_times)
        yield GaugeMetricFamily("relay_signups_spooled", "On the disks of web hosts", found.spooled)
        yield GaugeMetricFamily("relay_workers", "Worker processes that are alive", found.workers)
        yield GaugeMetricFamily(
            "relay_quota_used", "API calls of this UTC day", found.requests_today
        )
        yield GaugeMetricFamily(
            "relay_quota_limit", "API calls that a UTC day allows", found.requests_per_day
        )


# The values of an account, each by what its labels beside `account` say.
Samples = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class _OfAccounts:
    """A family of metrics that each account has. `label` is the one beside `account`, if any."""

    make: type[CounterMetricFamily] | type[GaugeMetricFamily]
    name: str
    help: str
    values: Callable[[AccountMetrics], Samples]
    label: str | None = None

    def of(self, accounts: Iterable[AccountMetrics]) -> Metric:
        labels = ["account", self.label] if self.label else ["account"]
        family = self.make(self.name, self.help, labels=labels)
        for account in accounts:
            for more, value in self.values(account):
                family.add_metric([account.name, *more], value)
        return family


def _figure(name: str) -> Callable[[AccountMetrics], Samples]:
    return lambda account: [((), getattr(account.figures, name))]


def _by_reason(name: str) -> Callable[[AccountMetrics], Samples]:
    return lambda account: (((reason,), n) for reason, n in getattr(account.figures, name).items())


def _oldest_due(account: AccountMetrics) -> Samples:
    oldest = account.figures.oldest_due
    yield (), oldest.total_seconds() if oldest else 0.0


def _holds(account: AccountMetrics) -> Samples:
    active = {hold.reason for hold in account.figures.holds}
    return (((str(reason),), float(reason in active)) for reason in HoldReason)


def _token_expires(account: AccountMetrics) -> Samples:
    """Yield the second, as `relay status` has it. Without a token it is NaN, as no alert takes that
    for a moment."""
    expires_at = account.token_expires_at
    yield (), math.floor(expires_at.timestamp()) if expires_at else math.nan


_counter = partial(_OfAccounts, CounterMetricFamily)
_gauge = partial(_OfAccounts, GaugeMetricFamily)
_OF_ACCOUNTS = (
    _counter("relay_signups_accepted", "Sign-ups that were accepted", _figure("accepted")),
    _counter("relay_signups_delivered", "Sign-ups that Constant Contact has", _figure("delivered")),
    _counter(
        "relay_signups_discarded",
        "Sign-ups that were discarded or erased",
        _figure("ever_discarded"),
    ),
    _counter(
        "relay_signups_dead",
        "How often a sign-up became a dead letter",
        _by_reason("ever_dead"),
        "reason",
    ),
    _counter(
        "relay_signups_quarantined", "Sign-ups that were quarantined", _figure("ever_quarantined")
    ),
    _gauge("relay_signups_due", "Sign-ups that still have to be delivered", _figure("due")),
    _gauge("relay_signups_dead", "Dead letters now", _by_reason("dead_by_reason"), "reason"),
    _gauge("relay_signups_quarantined", "Sign-ups in quarantine now", _figure("quarantined")),
    _gauge(
        "relay_oldest_due_seconds",
        "How long the oldest sign-up that is due has waited; 0 if none is",
        _oldest_due,
    ),
    _gauge(
        "relay_hold", "1 while the account is on hold for this reason, else 0", _holds, "reason"
    ),
    _gauge(
        "relay_token_expires_timestamp_seconds",
        "Until when the access token works; NaN without a token",
        _token_expires,
    ),
)


def _refused(refused: Mapping[str, Mapping[str, int]]) -> Metric:
    help = "Requests that a form refused, by the code of the refusal"
    family = CounterMetricFamily("relay_submissions_refused", help, labels=["form", "code"])
    for form, counts in refused.items():
        for code in RefusalCode:
            family.add_metric([form, code], counts.get(code, 0))
    return family


def _delivery_seconds(times: CallTimes) -> Metric:
    buckets = [
        ("+Inf" if bound == math.inf else str(bound), float(count))
        for bound, count in times.cumulative
    ]
    help = "How long API calls took by which sign-ups were delivered"
    return HistogramMetricFamily(
        "relay_delivery_seconds", help, buckets=buckets, sum_value=times.seconds
    )
