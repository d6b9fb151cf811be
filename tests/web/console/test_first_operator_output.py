"""Where the first operator's password goes: not among logs that programs read."""

from collections.abc import Callable

import pytest
import redis

from shared.infrastructure.settings import Settings
from tests.support.web_services import services_of
from web.app import create_app
from web.console.sign_in import announce_first


@pytest.mark.parametrize(("log_format", "stream"), [("text", "err"), ("json", "out")])
def test_the_first_password_is_not_among_json(
    settings_with: Callable[..., Settings],
    redis_client: "redis.Redis",
    capsys: pytest.CaptureFixture[str],
    log_format: str,
    stream: str,
) -> None:
    settings = settings_with(log_format=log_format)
    announce_first(services_of(create_app(settings)).operators, settings)
    printed = capsys.readouterr()._asdict()
    assert "password  " in printed.pop(stream)
    assert list(printed.values()) == [""]
