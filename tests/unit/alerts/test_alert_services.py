"""Alert services: how RELAY_ALERTS is read, without a word of it in anything printed."""

import pytest

from shared.domain.errors import SettingsError
from shared.infrastructure.alert_services import make_services, read_addresses
from shared.infrastructure.settings import Settings
from tests.unit.infrastructure.test_settings import NEEDED

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
WEBHOOK = "json://127.0.0.1:9/secret-path"
MAIL = "mailto://user:secret-word@mail.example.com?to=ada@example.com,bob@example.com"


@pytest.mark.parametrize(
    ("raw", "addresses"),
    [
        pytest.param("none", (), id="nobody is told"),
        pytest.param(WEBHOOK, (WEBHOOK,), id="one"),
        pytest.param(f"{WEBHOOK} {SLACK}", (WEBHOOK, SLACK), id="blank between"),
        pytest.param(f"{WEBHOOK},{SLACK}", (WEBHOOK, SLACK), id="comma between"),
        pytest.param(f" {WEBHOOK} ,\n{SLACK},", (WEBHOOK, SLACK), id="blanks and commas"),
        pytest.param(f"{MAIL},{WEBHOOK}", (MAIL, WEBHOOK), id="a comma within an address"),
    ],
)
def test_addresses(raw: str, addresses: tuple[str, ...]) -> None:
    assert read_addresses(raw) == addresses


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        pytest.param("secret", 1, id="no address"),
        pytest.param("slak://secret", 1, id="unknown service"),
        pytest.param("slack://", 1, id="not all that the service needs"),
        pytest.param("https://example.com/secret", 1, id="a web page is no service"),
        pytest.param(f"{WEBHOOK} json://secret:port:port", 2, id="the second"),
        pytest.param(f"secret {WEBHOOK}", 1, id="a word before an address"),
        pytest.param(f"{WEBHOOK} secret", 1, id="a word behind an address"),
        pytest.param(",", 1, id="only a comma"),
    ],
)
def test_a_wrong_one_is_named_by_setting_and_place_and_never_quoted(raw: str, place: int) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(NEEDED | {"RELAY_ALERTS": raw})
    (problem,) = refused.value.problems
    assert problem.startswith("RELAY_ALERTS contains an address ")
    assert f"number {place} of" in problem
    assert "secret" not in problem


def test_addresses_are_in_no_repr() -> None:
    settings = Settings.from_env(NEEDED | {"RELAY_ALERTS": f"{WEBHOOK} {MAIL}"})
    services = make_services(settings.alerts)
    for shown in (repr(settings), repr(services), str(services[0]), repr(vars(services[0]))):
        assert "secret" not in shown
        assert "example.com" not in shown


def test_services_are_named_by_their_kind_and_told_apart() -> None:
    native = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    services = make_services((WEBHOOK, SLACK, native, MAIL))
    assert [service.name for service in services] == ["json", "slack", "slack 2", "mailto"]


# --- the heartbeat's address

PING = "https://ping.example.com/the-secret-uuid/"


@pytest.mark.parametrize(("raw", "address"), [("", None), ("none", None), (PING, PING)])
def test_the_heartbeats_address_is_taken_as_it_is_and_in_no_repr(
    raw: str, address: str | None
) -> None:
    settings = Settings.from_env(NEEDED | {"RELAY_HEARTBEAT_URL": raw})
    assert settings.heartbeat_url == address
    assert "secret-uuid" not in repr(settings)


@pytest.mark.parametrize(
    "raw", ["the-secret-uuid", "ftp://h/the-secret-uuid", "https:///the-secret-uuid", "https://[::"]
)
def test_a_wrong_one_is_refused_at_start_and_not_quoted(raw: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(NEEDED | {"RELAY_HEARTBEAT_URL": raw})
    (problem,) = refused.value.problems
    assert problem.startswith("RELAY_HEARTBEAT_URL must be an address")
    assert raw not in problem
