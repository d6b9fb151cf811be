"""The console's page of the doctor: what it shows, and that it holds nobody up."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
import redis
from flask import Flask

from shared.domain.check import Check, CheckResult, CheckSubject
from shared.infrastructure.settings import Settings
from shared.operations.operators import Role
from tests.support.console_browser import SignedIn
from tests.support.web_services import change_services
from web.app import create_app
from web.console.check_pages import page_for

CHECKS = [
    CheckSubject("redis", "Redis answers").ok("It takes 0.2 ms."),
    CheckSubject("workers", "Workers are alive").problem(
        "None is.", "Start one with: relay worker"
    ),
    CheckSubject("holds", "Holds", "acme").ok("None stands."),
    CheckSubject("lists", "Its contact lists", "acme").unknown("HTTP 503 <b>."),
]

FOR_THE_PUBLIC = CheckSubject("https", "Visitors are protected by https").problem("No.", "Get it.")


class Doctor:
    """Sees `CHECKS`, once it is let to; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.looking = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def examine(
        self,
        names: Sequence[str] = (),
        *,
        refresh: bool = False,
        deploy: bool = False,
        within: timedelta,
    ) -> list[Check]:
        assert not refresh and within < timedelta(seconds=10)
        if deploy:
            return [*CHECKS, FOR_THE_PUBLIC]
        self.asked.append(tuple(names))
        self.looking.set()
        self.may_end.wait(30)
        return CHECKS


@pytest.fixture
def app(settings: Settings, redis_client: "redis.Redis") -> Flask:
    return create_app(settings)


@pytest.fixture
def doctor(app: Flask) -> Doctor:
    doctor = Doctor()
    change_services(app, doctor=doctor)
    return doctor


@pytest.fixture
def browser(app: Flask) -> SignedIn:
    return SignedIn(app, Role.VIEWER)


def test_every_check_is_shown_with_what_to_do(browser: SignedIn, doctor: Doctor) -> None:
    response = browser.get("/console/doctor")
    assert response.status_code == 200
    for check in CHECKS:
        assert check.title in response.text
    assert "Start one with: relay worker" in response.text
    assert "HTTP 503 &lt;b&gt;." in response.text
    assert "1 problem in 4 checks. 1 could not be checked." in response.text
    assert doctor.asked == [()]


@pytest.mark.parametrize(
    ("fix", "account", "role", "page"),
    [
        ("run: relay connect acme", "acme", Role.VIEWER, ("The account acme", "/accounts/acme")),
        ("run: relay connect NAME", None, Role.VIEWER, ("Accounts", "/accounts")),
        ("see: relay failed list", "acme", Role.VIEWER, ("Failed", "/failed?account=acme")),
        ("run: relay quarantine list", None, Role.VIEWER, ("Quarantine", "/quarantine")),
        ("run: relay operator add NAME", None, Role.OPERATOR, None),
        ("run: relay operator add NAME", None, Role.ADMIN, ("Operators", "/operators")),
        ("Ask again: relay doctor", "acme", Role.VIEWER, ("Doctor", "/doctor?account=acme")),
        ("run: relay worker", None, Role.ADMIN, None),
        ("signup-relay failed in Redis", None, Role.ADMIN, None),
        (None, "acme", Role.ADMIN, None),
    ],
)
def test_advice_by_a_command_leads_to_the_page_that_does_the_same(
    app: Flask, fix: str | None, account: str | None, role: Role, page: tuple[str, str] | None
) -> None:
    check = Check(
        name="c", title="C", verdict=CheckResult.PROBLEM, found="it", fix=fix, account=account
    )
    with app.test_request_context("/console/"):
        found = page_for(check, role)
    assert found == (page and (page[0], f"/console{page[1]}"))
    if page and page[0] == "Doctor":
        with app.test_request_context("/console/doctor"):
            assert page_for(check, role) is None  # the reader is on it


def test_what_running_in_public_needs_is_checked_by_a_link(
    browser: SignedIn, doctor: Doctor
) -> None:
    usual = browser.get("/console/doctor").text
    assert FOR_THE_PUBLIC.title not in usual
    link = 'href="/console/doctor?deploy=1"'
    assert link in usual
    page = browser.get("/console/doctor?deploy=1").text
    assert FOR_THE_PUBLIC.title in page and "2 problems in 5 checks." in page
    assert page.count(link) == 1  # "Check again" alone


def test_findings_are_shown_and_passes_are_folded(browser: SignedIn, doctor: Doctor) -> None:
    findings, _, passes = browser.get("/console/doctor").text.partition("<details")
    assert findings.index("Workers are alive") < findings.index("Its contact lists")
    assert "Redis answers" not in findings
    assert "2 checks passed" in passes
    assert "Redis answers" in passes


def test_one_account_can_be_looked_at_alone(browser: SignedIn, doctor: Doctor) -> None:
    assert "/console/doctor?account=acme" in browser.get("/console/doctor").text
    again = browser.get("/console/doctor?account=acme")
    assert doctor.asked == [(), ("acme",)]
    assert 'href="/console/doctor?account=acme"' in again.text


def test_a_second_look_at_the_same_time_is_asked_to_come_back(
    app: Flask, browser: SignedIn, doctor: Doctor
) -> None:
    doctor.may_end.clear()
    first = threading.Thread(target=browser.get, args=("/console/doctor",))
    first.start()
    try:
        assert doctor.looking.wait(10)
        second = SignedIn(app, Role.VIEWER, "another").get("/console/doctor")
    finally:
        doctor.may_end.set()
        first.join(10)
    assert second.status_code == 503
    assert "Somebody else" in second.text
    assert len(doctor.asked) == 1
    assert browser.get("/console/doctor").status_code == 200


def test_the_page_is_made_with_a_real_doctor(browser: SignedIn) -> None:
    """Nothing listens at the API's address, and no worker lives."""
    page = browser.get("/console/doctor").text
    assert "Redis answers" in page and "No worker is alive, so nothing is delivered." in page


def test_an_account_that_is_not_there_is_told(browser: SignedIn) -> None:
    response = browser.get("/console/doctor?account=nobody")
    assert response.status_code == 400
    assert "There is no account" in response.text


def test_a_signed_out_visitor_sees_nothing_of_it(app: Flask, doctor: Doctor) -> None:
    response = app.test_client().get("/console/doctor")
    assert response.status_code == 302
    assert doctor.asked == []
