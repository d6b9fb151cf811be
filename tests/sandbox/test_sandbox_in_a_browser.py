"""The sandbox and strangers' pages: they cannot reach it, and its own load nothing of theirs."""

import pytest

from sandbox import SandboxConfig
from sandbox.__main__ import main
from sandbox.own_hosts import is_ours
from tests.support.sandbox_app import Sandbox

PATHS = [
    *("/", "/sandbox/contacts", "/sandbox/control", "/sandbox/stats", "/v3/account/summary"),
    *("/oauth2/default/v1/authorize", "/activate", "/sandbox/static/sandbox.css", "/nothing"),
]


@pytest.mark.parametrize(
    ("names", "ours", "others"),
    [
        (
            ["127.0.0.1"],
            ["127.0.0.1:8090", "localhost", "LOCALHOST.:1", "[::1]:8090", "cc.localhost"],
            ["evil.example", "", "localhost.evil.example", "192.0.2.7", "127.0.0.1@evil", "::1"],
        ),
        (["::", "sandbox"], ["192.0.2.7:8090", "[2001:db8::1]", "sandbox:8090"], ["evil"]),
        (["0:0::0"], ["192.0.2.7"], ["sandbox"]),
        (["192.0.2.7"], ["192.0.2.7:80"], ["192.0.2.8", "evil.example"]),
    ],
)
def test_which_names_are_its_own(names: list[str], ours: list[str], others: list[str]) -> None:
    assert [host for host in ours if not is_ours(host, names)] == []
    assert [host for host in others if is_ours(host, names)] == []


@pytest.mark.parametrize("path", PATHS)
def test_a_page_that_has_its_name_lead_here_reads_nothing(path: str) -> None:
    client = Sandbox().client
    for method in ("GET", "POST"):
        refused = client.open(path, method=method, headers={"Host": "evil.example:8090"})
        assert refused.status_code == 421
        assert "--host" in refused.text
    with client.get(path, headers={"Host": "127.0.0.1:8090"}) as answer:
        assert answer.status_code != 421


def test_a_name_that_was_asked_for_is_its_own() -> None:
    client = Sandbox(config=SandboxConfig(hosts=("sandbox",))).client
    assert client.get("/", headers={"Host": "sandbox:8090"}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_its_pages_load_nothing_of_others_and_nobody_frames_them(path: str) -> None:
    with Sandbox().client.get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("bind", "warns"),
    [("0.0.0.0:8090", True), ("[::]:8090", True), ("127.0.0.1:8090", False), ("[::1]:80", False)],
)
def test_it_warns_when_others_can_reach_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bind: str, warns: bool
) -> None:
    served: list[SandboxConfig] = []
    monkeypatch.setattr("sandbox.__main__.serve", lambda config, *_: served.append(config))
    assert main(["--bind", bind, "--host", "sandbox"]) == 0
    assert ("WARNING" in capsys.readouterr().err) == warns
    assert served[0].hosts == (bind.rpartition(":")[0].strip("[]"), "sandbox")
