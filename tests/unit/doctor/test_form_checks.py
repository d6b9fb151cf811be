"""What the doctor says of forms that refuse sign-ups."""

from datetime import timedelta
from typing import Any

from shared.doctor.form_checks import forms_take_signups
from shared.domain.check import Check, CheckResult
from shared.domain.refusal import KeptRefusal
from shared.domain.refusal_history import RefusalHistory, Streak
from tests.support import refusals
from tests.support.builders import NOON, form
from tests.support.refusals import HOUR, arrivals

DAY = timedelta(days=1)


def kept(code: str, ago: timedelta = HOUR) -> KeptRefusal:
    return refusals.kept(code, at=NOON - ago)


def history(*last: KeptRefusal, streak: Streak | None = None) -> RefusalHistory:
    return refusals.history(streak, last=last)


def examine(found: RefusalHistory, **of_form: Any) -> list[Check]:
    return forms_take_signups([form(**of_form)], [found], [arrivals()], account="acme")


def test_forms_that_refuse_nothing_are_one_tick() -> None:
    forms = [form("news"), form("shop")]
    histories = [history(), history(kept("origin"))]
    (check,) = forms_take_signups(forms, histories, [arrivals()] * 2, account="acme")
    assert (check.verdict, check.account) == (CheckResult.OK, "acme")
    assert check.found == "They do: news, shop."


def test_an_account_without_a_form_is_well() -> None:
    (check,) = forms_take_signups([], [], [], account="acme")
    assert (check.verdict, check.found) == (CheckResult.OK, "No form sends to it.")


def test_a_form_that_refuses_everything_is_a_problem() -> None:
    streak = refusals.streak(212, HOUR)
    (check,) = examine(history(kept("origin"), streak=streak), origins=("https://example.com",))
    assert (check.name, check.verdict) == ("forms", CheckResult.PROBLEM)
    assert check.found == (
        "news: 212 of 212 sign-ups refused since 2026-03-01 11:00 UTC: www.example.org is not among"
        " the websites that may post here."
    )
    assert check.fix and check.fix.startswith("If that is your website")
    assert "--origin https://www.example.org" in check.fix


def test_visitors_that_are_throttled_are_advice() -> None:
    last = [kept("rate_limited")] * 5 + [kept("rate_limited", DAY + HOUR)] + [kept("origin")]
    (check,) = examine(history(*last))
    assert check.verdict == CheckResult.OK
    assert check.found == (
        "news: 5 of the last 6 refusals: too many sign-ups, or requests that were refused, came"
        " from one network."
    )
    assert check.fix and "RELAY_TRUSTED_PROXIES" in check.fix


def test_four_throttled_visitors_are_not_worth_a_word() -> None:
    (check,) = examine(history(*[kept("rate_limited")] * 4))
    assert check.fix is None


def test_a_closed_form_that_is_still_used_is_advice() -> None:
    (check,) = examine(history(*[kept("disabled")] * 5), enabled=False)
    assert check.fix and "relay forms enable news" in check.fix
