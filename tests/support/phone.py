"""A phone with an authenticator app, whose clock the second factors of a test go by, too.

phone = Phone()
factors = phone.factors(client)
codes = phone.switch_on(factors, "ada", PASSWORD)   # the recovery codes
factors.check(phone.code(), Asked(name="ada", address="192.0.2.1"))
"""

from datetime import UTC, datetime, timedelta

import pyotp
import redis
from flask import Flask

from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.sealing import Sealer
from shared.operations.operators import Operators
from shared.operations.second_factors import Asked, SecondFactors
from tests.support.web_services import services_of

SECRET_KEY = "a secret only for tests"  # as the tests' settings have it
STEP = timedelta(seconds=30)


class Phone:
    """`secret` is what the app was given last."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 27, 12, 0, 1, tzinfo=UTC)
        self.secret = ""

    def now(self) -> datetime:
        return self.at

    def code(self, steps: int = 1) -> str:
        """Wait for so many steps, and return what the app shows then."""
        self.at += steps * STEP
        return self.shows()

    def shows(self, steps_ago: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.at - steps_ago * STEP)

    def factors(
        self,
        client: "redis.Redis",
        secret_key: str = SECRET_KEY,
        demanded: WhoMustHaveOne = WhoMustHaveOne.NONE,
    ) -> SecondFactors:
        return SecondFactors(
            client,
            Sealer((secret_key,)),
            Operators(client),
            demanded=demanded,
            now=self.now,
        )

    def set_clock(self, app: Flask) -> None:
        """Let a web app's second factors go by this phone's clock."""
        services_of(app).second_factors._now = self.now

    def switch_on(self, factors: SecondFactors, name: str, password: str) -> list[str]:
        """Switch on the operator's second factor; return the recovery codes."""
        asked = Asked(name=name, address="192.0.2.1", session=f"a session of {name}")
        self.secret = factors.propose(asked)
        return factors.switch_on(self.code(), password, "", asked).recovery_codes
