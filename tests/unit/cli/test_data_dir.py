"""The data directory: what it keeps, who may read it, and how commands find a running `up`."""

import json
import stat
from pathlib import Path

import pytest

from relay.start.data_dir import announced, completed, make_secret_key, running
from shared.domain.errors import Refused


def environ(folder: Path, **settings: str) -> dict[str, str]:
    return {"RELAY_DATA_DIR": str(folder), **settings}


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    key = make_secret_key(tmp_path / "new")
    assert make_secret_key(tmp_path / "new") == key
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert completed(environ(tmp_path / "new"))["RELAY_SECRET_KEY"] == key


def test_commands_take_what_is_unset_from_a_running_up(tmp_path: Path) -> None:
    with announced(tmp_path, {"REDIS_URL": "redis://theirs", "CTCT_CLIENT_SECRET": "theirs"}):
        assert running(tmp_path) is not None
        found = completed(environ(tmp_path, REDIS_URL="redis://mine", CTCT_CLIENT_SECRET_FILE="f"))
        assert found["REDIS_URL"] == "redis://mine"
        assert "CTCT_CLIENT_SECRET" not in found
        assert completed(environ(tmp_path))["REDIS_URL"] == "redis://theirs"
        assert stat.S_IMODE((tmp_path / "up.json").stat().st_mode) == 0o600
    assert running(tmp_path) is None
    assert "REDIS_URL" not in completed(environ(tmp_path))


def test_what_a_killed_up_left_behind_is_not_believed(tmp_path: Path) -> None:
    left = json.dumps({"REDIS_URL": "redis://gone"})
    (tmp_path / "up.json").write_text(left, encoding="utf-8")
    assert running(tmp_path) is None
    assert "REDIS_URL" not in completed(environ(tmp_path))


def test_only_one_up_at_a_time(tmp_path: Path) -> None:
    with announced(tmp_path, {}), pytest.raises(Refused), announced(tmp_path, {}):
        pass
