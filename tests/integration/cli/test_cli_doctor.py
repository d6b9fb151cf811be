"""`relay doctor` for people: problems first, advice with a mark of its own, passes in one line."""

from tests.support.command_line import CommandLine
from tests.support.webhook import Webhook


def test_passes_are_one_line_unless_asked_for(connected: CommandLine) -> None:
    checks = connected("doctor", "--json").json["checks"]
    passed = sum(check["verdict"] == "ok" and not check["fix"] for check in checks)

    lines = connected("doctor").out.splitlines()

    marks = [line[0] for line in lines if line[:1] in ("✗", "?", "!", "✓")]
    assert marks == sorted(marks, key="✗?!✓".index)
    assert marks.count("✗") == sum(check["verdict"] == "problem" for check in checks)
    assert f"✓ {passed} checks passed. See each with: relay doctor --all" in lines
    assert any(line.startswith("! Alerts: Alerts are off") for line in lines)

    for option in ("--all", "-v"):
        shown = connected("doctor", option)
        assert shown.status == 1
        assert shown.out.count("✓") == passed
        assert "✓ acme: The connection: Connected to Acme Bakery." in shown.out


# In the order in which somebody works through them.
FOR_THE_PUBLIC = [
    *("sandbox", "https", "secret_strength", "visitor_limit", "sandbox_accounts"),
    *("redis_password", "redis_tls", "redis_memory_limit", "form_websites", "operators"),
    "second_factor",
    *("alerts", "backups", "heartbeat", "security_contact", "root_user", "file_modes", "disk"),
]


def test_deploy_adds_what_running_in_public_needs(connected: CommandLine) -> None:
    connected.set(RELAY_PUBLIC_URL="http://127.0.0.1:1")
    usual = {check["name"] for check in connected("doctor", "--json").json["checks"]}
    assert usual & set(FOR_THE_PUBLIC) == {"alerts", "second_factor"}

    ran = connected("doctor", "--deploy", "--json")
    checks = {check["name"]: check for check in ran.json["checks"] if not check["account"]}
    assert usual <= {check["name"] for check in ran.json["checks"]}
    assert [name for name in checks if name in FOR_THE_PUBLIC] == FOR_THE_PUBLIC
    assert ran.status == 1 and ran.json["ok"] is False
    must = {name for name in FOR_THE_PUBLIC if checks[name]["severity"] == "problem"}
    assert must >= {"sandbox", "sandbox_accounts", "https", "secret_strength", "alerts", "backups"}
    assert all(checks[name]["fix"] for name in must)
    assert checks["hsts"]["severity"] == "unknown"
    assert checks["heartbeat"]["severity"] == "advice"

    shown = connected("doctor", "--deploy").out
    for name in must:
        assert f"✗ {checks[name]['title']}: " in shown


def test_a_backup_and_a_test_of_the_alerts_are_known_to_the_doctor(
    connected: CommandLine,
) -> None:
    with Webhook() as webhook:
        connected.set(RELAY_ALERTS=webhook.address)
        for command in (("alerts", "test"), ("backup-made",)):
            assert connected(*command).status == 0
    checks = connected("doctor", "--deploy", "--json").json["checks"]
    found = {check["name"]: check["severity"] for check in checks}
    assert (found["alerts"], found["backups"]) == ("ok", "ok")
