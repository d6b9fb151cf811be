"""Checks: how each is shown, and in which order."""

from shared.domain.check import CheckKind, CheckSubject, most_urgent_first

SUBJECT = CheckSubject("beat", "Beat is alive")
FINE = SUBJECT.ok("It is.")
ADVICE = SUBJECT.advice("It is slow.", "Move it.")
UNSEEN = SUBJECT.unknown("HTTP 503.", "Look again.")
BROKEN = SUBJECT.problem("It is not.", "Start it.")


def test_advice_is_no_pass() -> None:
    assert [check.kind for check in (FINE, ADVICE, UNSEEN, BROKEN)] == [
        CheckKind.OK,
        CheckKind.ADVICE,
        CheckKind.UNKNOWN,
        CheckKind.PROBLEM,
    ]


def test_problems_come_first_and_passes_last() -> None:
    second = SUBJECT.of("acme").problem("It is not.", "Start it.")
    checks = [FINE, ADVICE, BROKEN, UNSEEN, second]
    assert most_urgent_first(checks) == [BROKEN, second, UNSEEN, ADVICE, FINE]
