"""`relay doctor` for people: problems first, advice with a mark of its own, passes in one line."""

from tests.support.command_line import CommandLine


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
