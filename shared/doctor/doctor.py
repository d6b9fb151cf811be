"""The doctor: what `relay doctor` and the console ask, and how it is put together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.constant_contact.pacing import Pacer
from shared.doctor import redis_checks
from shared.doctor.accounts import Accounts
from shared.doctor.installation import Installation
from shared.doctor.looking import Look, look_together
from shared.domain.check import Check, Verdict, unknown
from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.ledger.sealed_values import SealedPlaces
from shared.ledger.token_store import TokenLedger
from shared.operations.assembly import make_account_tools, make_applications, make_vault, utc_now
from shared.operations.secret_rotation import Rotation

# A person waits. Deliveries can afford more for one request.
_REQUEST_WITHIN = timedelta(seconds=8)
# A slow Redis is told of; one that takes longer counts as away.
_REDIS_WITHIN_SECONDS = 3.0

_NOT_LOOKED_AT = unknown("accounts", "Accounts", "They are stored in Redis, which does not answer.")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Safe to use from several threads at once, and any number of times."""

    installation: Installation
    accounts: Accounts

    def examine(
        self, names: Sequence[str] = (), *, refresh: bool = False, within: timedelta
    ) -> list[Check]:
        """Return every check, Redis first; of accounts those in `names`, or all.

        With `refresh`, each account's token is refreshed, to see that it can be done. What is not
        seen `within` is told as unknown; Redis alone may take a few seconds more. Raises `Refused`
        for a name that no account has.
        """
        redis = self.installation.redis()
        if redis.verdict != Verdict.PROBLEM:
            try:
                at_accounts = self._at_accounts(names, refresh)
                looks = [*self.installation.in_redis(), *self.installation.elsewhere()]
                return [redis, *look_together([*looks, *at_accounts], within)]
            except LedgerUnavailable as error:  # it went away just now
                redis = redis_checks.silent(str(error))
        return [redis, *look_together(self.installation.elsewhere(), within), _NOT_LOOKED_AT]

    def _at_accounts(self, names: Sequence[str], refresh: bool) -> list[Look]:
        known = [account.name for account in self.accounts.registry.accounts()]
        for name in names:
            if name not in known:
                there_is = ", ".join(known) or "none yet"
                raise Refused(f"There is no account {name!r}; there is: {there_is}.")
        return [
            look
            for name in known
            if not names or name in names
            for look in self.accounts.looks(name, refresh=refresh)
        ]


def summary(checks: Sequence[Check]) -> str:
    """Return a sentence or two that say how it stands in all."""
    problems, unknown = (
        sum(check.verdict == verdict for check in checks)
        for verdict in (Verdict.PROBLEM, Verdict.UNKNOWN)
    )
    found = {0: "No problem", 1: "1 problem"}.get(problems, f"{problems} problems")
    unseen = f" {unknown} could not be looked at." if unknown else ""
    return f"{found} in {len(checks)} checks.{unseen}"


def make_doctor(settings: Settings) -> Doctor:
    """Return a doctor with connections of its own, none of which waits for long."""
    client, broker = (
        connect(url, socket_timeout=_REDIS_WITHIN_SECONDS, socket_connect_timeout=2)
        for url in (settings.redis_url, settings.broker_url)
    )
    patience = min(settings.send_deadline, _REQUEST_WITHIN)
    impatient = replace(settings, send_deadline=patience)
    tools = make_account_tools(impatient, client, notify_workers=lambda account: None)
    registry = Registry(client)
    return Doctor(
        Installation(
            settings=settings,
            client=client,
            broker=broker,
            ledger=Ledger(client),
            registry=registry,
            connecting=tools.connecting,
            rotation=Rotation(
                registry, TokenLedger(client), SealedPlaces(client), settings.secret_keys
            ),
            take_slot=Pacer(client, settings, settings.client_id).grant,
            now=utc_now,
        ),
        Accounts(
            client=client,
            registry=registry,
            vault=make_vault(settings, client),
            applications=make_applications(settings, client),
            summaries=tools.summaries,
            reads=tools.reads,
            connecting=tools.connecting,
            now=utc_now,
        ),
    )
