"""All checks of `relay doctor --deploy`, in the order in which somebody works through them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from shared.doctor.check_runner import CheckTask, task
from shared.doctor.deploy import (
    form_checks,
    host_checks,
    operator_checks,
    redis_access_checks,
    settings_checks,
)
from shared.doctor.deploy.public_address import PublicAddress
from shared.doctor.deploy.public_address_checks import HTTPS
from shared.doctor.operator_checks import SECOND_FACTOR
from shared.domain.audit import Action
from shared.domain.check import Check
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.alert_services import make_services
from shared.infrastructure.redis_urls import connect_briefly
from shared.infrastructure.settings import Settings
from shared.ledger.redis_server.server_inspection import inspect_server
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import TokenLedger
from shared.operations.operators import Operators

if TYPE_CHECKING:
    import redis


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """`client` is of the ledger."""

    settings: Settings
    client: "redis.Redis"
    now: Callable[[], datetime]

    def tasks(self, *, redis_answers: bool) -> list[CheckTask]:
        """Return the checks; without those that read from Redis if it does not answer."""
        first, last = self._of_what_is_set(), self._of_the_host()
        return [*first, *(self._in_redis() if redis_answers else ()), *last]

    def _of_what_is_set(self) -> Iterator[CheckTask]:
        settings = self.settings
        origin = TokenOrigin(api_url=settings.api_url, auth_url=settings.auth_url)
        yield task(settings_checks.SANDBOX, settings_checks.sandbox, origin)
        yield task(HTTPS, self._public_address().run)
        yield task(
            settings_checks.SECRET_STRENGTH,
            settings_checks.secret_strength,
            settings.secret_keys,
        )
        yield task(
            settings_checks.VISITOR_LIMIT, settings_checks.visitor_limit, settings.visitor_limit
        )

    def _in_redis(self) -> Iterator[CheckTask]:
        inspect = partial(inspect_server, self.client)
        yield task(settings_checks.SANDBOX_ACCOUNTS, self._sandbox_accounts)
        urls = {"REDIS_URL": self.settings.redis_url, "RELAY_BROKER_URL": self.settings.broker_url}
        yield task(redis_access_checks.PASSWORD, redis_access_checks.access, urls, connect_briefly)
        yield task(redis_access_checks.MEMORY_LIMIT, redis_access_checks.memory_limit, inspect)
        yield task(form_checks.FORM_WEBSITES, self._form_websites)
        yield task(operator_checks.OPERATORS, self._operators)
        yield task(SECOND_FACTOR, self._second_factor)
        yield task(settings_checks.ALERTS, self._alerts)
        yield task(settings_checks.BACKUPS, self._backups)

    def _of_the_host(self) -> Iterator[CheckTask]:
        settings = self.settings
        yield task(settings_checks.HEARTBEAT, settings_checks.heartbeat, settings.heartbeat_url)
        yield task(
            settings_checks.SECURITY_CONTACT,
            settings_checks.security_contact,
            settings.security_contact,
        )
        yield task(host_checks.ROOT_USER, self._root_user)
        yield task(
            host_checks.FILE_MODES, host_checks.file_modes, settings.data_dir, settings.files
        )
        yield task(host_checks.DISK, host_checks.disk, settings.data_dir, settings.spool_bytes)

    def _public_address(self) -> PublicAddress:
        return PublicAddress(settings=self.settings, now=self.now)

    def _root_user(self) -> Check:
        return host_checks.root_user(self._public_address().seen_directly())

    def _sandbox_accounts(self) -> Check:
        names = Registry(self.client).account_names()
        tokens = TokenLedger(self.client).read_all(names)
        return settings_checks.sandbox_accounts(
            {name: each.origin for name, each in zip(names, tokens, strict=True) if each}
        )

    def _form_websites(self) -> Check:
        return form_checks.form_websites(Registry(self.client).forms())

    def _operators(self) -> Check:
        return operator_checks.operators(Operators(self.client).all())

    def _second_factor(self) -> Check:
        without = Operators(self.client).without_second_factor()
        return operator_checks.second_factor(self.settings.require_second_factor, without)

    def _alerts(self) -> Check:
        names = [service.name for service in make_services(self.settings.alerts)]
        tested = AuditTrail(self.client).last(Action.TEST_ALERTS)
        return settings_checks.alerts(names, tested, self.now())

    def _backups(self) -> Check:
        last = AuditTrail(self.client).last(Action.BACKUP)
        return settings_checks.backups(last, self.now())
