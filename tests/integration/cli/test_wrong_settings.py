"""Wrong settings end every command and every process at once: status 2, by name, all together."""

import pytest

from relay.cli import COMMANDS, main

WRONG = {
    "REDIS_URL": "redis://:hidden#secret@cache.example:6379/0",
    "RELAY_BROKER_URL": "redis://cache.example:port/1",
    "CTCT_CLIENT_ID": "an-api-key",
    "CTCT_CLIENT_SECRET": "the-client-secret",
    "CTCT_API_URL": "https://relay:hidden@api.example/v3",
    "CTCT_AUTH_URL": "https://[::1/oauth2",
    "RELAY_SECRET_KEY": "a long enough secret",
    "RELAY_PUBLIC_URL": "https://signup.example.com/?a=hidden",
    "RELAY_ALERTS": "json://relay:hid/den@alerts.example:0/",
    "RELAY_HEARTBEAT_URL": "https://ping.example:99999/hidden",
    "RELAY_SANDBOX_BIND": "nowhere",
}
RIGHT = {"CTCT_CLIENT_ID", "CTCT_CLIENT_SECRET", "RELAY_SECRET_KEY"}
WITH = {
    "accounts": ["list"], "alerts": ["list"], "connect": ["acme", "--url"],
    "consent": ["ada@example.com"], "disconnect": ["acme", "--yes"],
    "erase": ["ada@example.com", "--yes"], "failed": ["list"],
    "find": ["ada@example.com"], "forms": ["list"],
    "hold": ["acme", "--reason", "a pause"], "lists": ["acme"],
    "operator": ["add", "ada", "--role", "admin"], "quarantine": ["list"], "release": ["acme"],
    "snippet": ["news"],
}  # fmt: skip


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"sandbox"}))
def test_a_command_with_wrong_settings(
    command: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("folder"))
    for name, value in WRONG.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([command, *WITH.get(command, [])])
    said = capsys.readouterr()
    assert ended.value.code == 2
    named = {line.split()[0] for line in said.err.splitlines() if line.startswith("  ")}
    assert named == WRONG.keys() - RIGHT
    assert "hid" not in said.err + said.out and "example:" not in said.err
    assert "Traceback" not in said.err
