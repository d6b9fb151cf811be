"""How checks are printed for people, and what is said of an account that does not work."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from relay.terminal.account_text import say_checks
from relay.terminal.output import Output
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.accounts.advice import for_account, in_trouble_first
from shared.domain.account import Hold, HoldReason
from shared.domain.check import Check, CheckSubject
from tests.support.builders import NOON, account


def printed(capsys: pytest.CaptureFixture[str], *checks: Check) -> str:
    say_checks(Output(as_json=False), checks)
    return capsys.readouterr().out


def summary(status: ConnectionStatus) -> AccountSummary:
    return AccountSummary(
        account=account(), status=status, own_key=False, holds=(), owner="https://a.example.com"
    )


def hold(reason: HoldReason, note: str = "") -> Hold:
    return Hold(reason=reason, since=datetime(2026, 3, 1, tzinfo=UTC), note=note)


def test_a_check_is_a_tick_a_cross_with_a_fix_or_a_question_mark(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = (
        CheckSubject("a", "The lists").ok("5 found."),
        CheckSubject("b", "The clock").problem("It is 90 s behind.", "Set it by NTP."),
        CheckSubject("c", "The signature").unknown("The keys could not be read."),
    )
    assert printed(capsys, *checks).splitlines() == [
        "✓ The lists: 5 found.",
        "✗ The clock: It is 90 s behind.",
        "  → Set it by NTP.",
        "? The signature: The keys could not be read.",
    ]


def test_what_others_typed_does_not_speak_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rings = CheckSubject("a", "Whose").problem("Acme\a", "Ask Acme\a.")
    assert printed(capsys, rings) == "✗ Whose: Acme?\n  → Ask Acme?.\n"


def test_an_account_that_works_has_nothing_said_of_it() -> None:
    assert list(for_account("acme", [], summary(ConnectionStatus.CONNECTED))) == []


@pytest.mark.parametrize(
    "status", [each for each in ConnectionStatus if each != ConnectionStatus.CONNECTED]
)
def test_every_other_standing_has_a_sentence(status: ConnectionStatus) -> None:
    (advice,) = for_account("acme", [], summary(status))
    assert advice.sentence.startswith("acme ")
    assert "{" not in advice.sentence
    assert advice.urgent == (status != ConnectionStatus.FAILING)


def test_another_installation_is_named() -> None:
    (advice,) = for_account("acme", [], summary(ConnectionStatus.FOREIGN))
    assert "https://a.example.com" in advice.sentence
    assert "relay accounts take-over acme" in advice.sentence


@pytest.mark.parametrize("reason", HoldReason)
def test_every_hold_says_what_ends_it(reason: HoldReason) -> None:
    (advice,) = for_account("acme", [hold(reason, "why")], summary(ConnectionStatus.CONNECTED))
    assert advice.sentence.startswith(f"acme is on hold ({reason}: why). ")


@pytest.mark.parametrize(
    ("by", "others"), [("answer", True), ("count", False)], ids=["the API", "our own count"]
)
def test_a_quota_that_others_used_up_is_told(by: str, others: bool) -> None:
    quota = Hold(reason=HoldReason.QUOTA, since=NOON, by=by)
    (advice,) = for_account("acme", [quota], summary(ConnectionStatus.CONNECTED))
    assert ("another program uses the same API key" in advice.sentence) == others
    assert not advice.urgent


def test_accounts_in_trouble_come_first() -> None:
    well = summary(ConnectionStatus.CONNECTED)
    paused = replace(well, holds=(hold(HoldReason.PAUSED),))
    urgent = summary(ConnectionStatus.REVOKED)
    assert in_trouble_first([well, paused, urgent, well]) == [urgent, paused, well, well]


def test_accounts_that_need_a_person_come_before_those_that_wait_for_constant_contact() -> None:
    outage = replace(summary(ConnectionStatus.CONNECTED), holds=(hold(HoldReason.OUTAGE),))
    urgent = summary(ConnectionStatus.REVOKED)
    assert in_trouble_first([outage, urgent]) == [urgent, outage]


def test_a_reconnect_hold_is_not_told_of_beside_its_cause() -> None:
    holds = [hold(HoldReason.RECONNECT), hold(HoldReason.PAUSED)]
    revoked, paused = for_account("acme", holds, summary(ConnectionStatus.REVOKED))
    assert "refresh token" in revoked.sentence
    assert "paused" in paused.sentence
