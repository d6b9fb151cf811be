"""docs/settings.md names every setting with its default, and none that does not exist."""

import re
from collections import UserDict

from shared.domain.errors import SettingsError
from shared.infrastructure.settings import Settings
from tests.architecture.project import read

NAME = re.compile(r"\b(?:REDIS_URL|(?:RELAY|CTCT)_[A-Z_]+)\b")
DOCUMENT = read("docs/settings.md")


class Asked(UserDict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.append(key)
        return default


def known_settings() -> set[str]:
    """Return the names that `Settings.from_env` asks for."""
    environ = Asked()
    try:
        Settings.from_env(environ)
    except SettingsError:
        return {name for name in environ.names if not name.endswith("_FILE")}
    raise AssertionError("nothing is required any more")


def read_by_relay_up() -> set[str]:
    """Return the names that only `relay up` reads, as it starts what they are about."""
    return set(re.findall(r'environ\.get\("(RELAY_\w+)"\)', read("relay/start/plan.py")))


def table() -> dict[str, str]:
    """Return the document's settings with their default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", DOCUMENT, re.MULTILINE)
    return dict(rows)


def test_each_setting_is_in_a_table_once_and_each_in_a_table_exists() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT, re.MULTILINE)
    assert sorted(rows) == sorted(known_settings() | read_by_relay_up())


def test_no_other_name_is_mentioned() -> None:
    mentioned = {name.removesuffix("_FILE") for name in NAME.findall(DOCUMENT)}
    assert mentioned <= known_settings() | read_by_relay_up()


def test_the_defaults_are_those_of_the_code() -> None:
    code = read("shared/infrastructure/settings.py")
    defaults = dict(re.findall(r'_get\(\s*"(\w+)",\s*"([^"]*)"', code))
    constants = dict(re.findall(r'^(\w+_URL) = "(.*)"$', code, re.MULTILINE))
    defaults |= {f"CTCT_{name}": value for name, value in constants.items()}
    documented = table()
    for name, default in defaults.items():
        assert documented[name] == (f"`{default}`" if default else "none"), name
