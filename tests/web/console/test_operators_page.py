"""The operators' pages: admins decide who may sign in, and prove that it is them."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Operators, Role
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.phone import Phone
from tests.support.web_services import services_of

PAGE = "/console/operators"


@pytest.fixture
def operators(app: Flask) -> Operators:
    return services_of(app).operators


@pytest.fixture
def admin(app: Flask) -> SignedIn:
    return SignedIn(app)


@pytest.fixture
def olga(app: Flask) -> SignedIn:
    return SignedIn(app, Role.OPERATOR, "olga")


def password_on(page: str) -> str:
    [password] = re.findall(r'id="new-password" value="([^"]+)"', page)
    return str(password)


def signs_in(operators: Operators, name: str, password: str) -> bool:
    return operators.authenticate(name, password, address="192.0.2.1") is not None


def rows(page: str) -> list[str]:
    """Return the rows of the page's first table, as text."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    texts = (re.sub(r"<[^>]+>", " ", row) for row in body.split("<tr>")[1:])
    return [" ".join(text.split()) for text in texts]


# --- looking


def test_the_list_says_who_may_sign_in_and_who_was_there(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    operators.add("max", Role.VIEWER)
    services_of(olga.app).operator_keys.issue("olga")
    olga.switch_on_second_factor(Phone())
    found_admin, found_max, found_olga = rows(admin.get(PAGE).text)
    assert re.match(r"admin you admin off \d{4}-\d\d-\d\d \d\d:\d\d UTC", found_admin)
    assert found_max == "max viewer off not yet 0 none"
    assert found_olga.startswith("olga operator ✓ on")
    assert found_olga.endswith(" 1 never used")


def test_a_page_of_an_operator_lists_their_sessions(admin: SignedIn, olga: SignedIn) -> None:
    page = admin.get(f"{PAGE}/olga").text
    assert len(rows(page)) == 1
    assert "127.0.0.1" in rows(page)[0]
    assert "Give a new password" in page
    assert "Reset the second factor" not in page, "there is none"
    olga.switch_on_second_factor(Phone())
    assert "Reset the second factor" in admin.get(f"{PAGE}/olga").text


def test_no_page_shows_a_hash_or_a_password(admin: SignedIn, olga: SignedIn) -> None:
    for path in (PAGE, f"{PAGE}/olga", f"{PAGE}/olga/password"):
        assert "scrypt" not in admin.get(path).text
        assert PASSWORD not in admin.get(path).text


def test_an_operator_that_there_is_not_has_no_page(admin: SignedIn) -> None:
    for path in ("nobody", "nobody/role", "nobody/remove"):
        answer = admin.get(f"{PAGE}/{path}")
        assert answer.status_code == 400
        assert "There is no operator nobody" in answer.text
    assert admin.get(f"{PAGE}/admin/fly").status_code == 404


# --- changing


def test_a_new_operator_gets_a_password_that_is_shown_once(
    admin: SignedIn, operators: Operators
) -> None:
    answer = admin.post(PAGE, name=" max ", role="viewer", password=PASSWORD)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    password = password_on(answer.text)
    assert signs_in(operators, "max", password)
    assert operators.named("max").made_up
    assert password not in admin.get(PAGE).text + admin.get(f"{PAGE}/max").text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "olga", "role": "viewer"}, "There is already an operator olga"),
        ({"name": "a b", "role": "viewer"}, "cannot be an operator&#39;s name"),
        ({"name": "<b>x</b>", "role": "viewer"}, "cannot be an operator&#39;s name"),
        ({"name": "max", "role": "boss"}, "Choose a role"),
        ({"name": "max"}, "Choose a role"),
    ],
)
def test_what_cannot_be_added_is_said(
    admin: SignedIn,
    olga: SignedIn,
    operators: Operators,
    fields: dict[str, str],
    sentence: str,
) -> None:
    answer = admin.post(PAGE, password=PASSWORD, **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "<b>x" not in answer.text
    assert [each.name for each in operators.all()] == ["admin", "olga"]


def test_another_role_signs_the_operator_out(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    assert "1 session ends" in admin.get(f"{PAGE}/olga/role").text
    answer = admin.post(f"{PAGE}/olga/role", role="admin", password=PASSWORD)
    assert answer.status_code == 303
    assert operators.named("olga").role == Role.ADMIN
    assert olga.get("/console/").status_code == 302
    assert "olga has the role admin now" in admin.get(PAGE).text


def test_a_new_password_ends_the_old_one_and_the_sessions(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    answer = admin.post(f"{PAGE}/olga/password", password=PASSWORD)
    assert signs_in(operators, "olga", password_on(answer.text))
    assert not signs_in(operators, "olga", PASSWORD)
    assert olga.get("/console/").status_code == 302


def test_a_reset_second_factor_is_gone(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    olga.switch_on_second_factor(Phone())
    admin.post(f"{PAGE}/olga/second-factor", password=PASSWORD)
    assert operators.with_second_factor() == set()
    assert olga.get("/console/").status_code == 302
    admin.post(f"{PAGE}/olga/second-factor", password=PASSWORD)
    assert "olga has no second factor" in admin.get(PAGE).text


def test_sessions_end_without_a_password(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    assert "End 1 session" in admin.get(f"{PAGE}/olga/sessions").text
    assert admin.post(f"{PAGE}/olga/sessions").status_code == 303
    assert olga.get("/console/").status_code == 302
    assert admin.get("/console/").status_code == 200


def test_a_key_is_ended_and_never_shown(
    app: Flask, admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    keys = services_of(app).operator_keys
    key = keys.issue("olga")
    page = admin.get(f"{PAGE}/olga").text
    assert "never used" in page
    assert key not in page
    known = keys.of("olga")
    assert known
    assert known.digest not in page
    assert admin.get(f"{PAGE}/olga/key").status_code == 200
    assert admin.post(f"{PAGE}/olga/key").status_code == 303
    assert keys.find(key) is None
    admin.post(f"{PAGE}/olga/key")
    assert "olga has no key" in admin.get(PAGE).text


def test_who_is_removed_is_signed_out(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    page = admin.get(f"{PAGE}/olga/remove").text
    assert "olga cannot sign in any more. 1 session ends." in page
    assert admin.post(f"{PAGE}/olga/remove", password=PASSWORD).status_code == 303
    assert operators.find("olga") is None
    assert olga.get("/console/").status_code == 302


def test_the_last_admin_stays(admin: SignedIn, olga: SignedIn, operators: Operators) -> None:
    page = admin.get(f"{PAGE}/admin/remove").text
    assert "This is the last admin" in page
    assert f"{PAGE}/admin/remove" not in page, "there is no button"
    for change, fields in (("remove", {}), ("role", {"role": "viewer"})):
        answer = admin.post(f"{PAGE}/admin/{change}", password=PASSWORD, **fields)
        assert answer.status_code == 422
        assert "This is the last admin" in answer.text
    assert operators.named("admin").role == Role.ADMIN
    assert admin.get("/console/").status_code == 200


# --- in a browser that was left open

CHANGES = [
    ("", {"name": "max", "role": "admin"}),
    ("/olga/role", {"role": "admin"}),
    ("/olga/password", {}),
    ("/olga/second-factor", {}),
    ("/olga/remove", {}),
]


@pytest.mark.parametrize(("path", "fields"), CHANGES)
def test_nothing_lasting_is_changed_without_the_own_password(
    admin: SignedIn,
    olga: SignedIn,
    operators: Operators,
    path: str,
    fields: dict[str, str],
) -> None:
    olga.switch_on_second_factor(Phone())
    before = operators.all()
    for wrong in ({}, {"password": ""}, {"password": "not the password"}):
        answer = admin.post(f"{PAGE}{path}", **fields, **wrong)
        assert answer.status_code == 422
        assert "This is not your current password." in answer.text
    assert operators.all() == before
    assert operators.with_second_factor() == {"olga"}


def test_guessing_the_password_of_an_open_browser_ends(
    admin: SignedIn, olga: SignedIn, operators: Operators
) -> None:
    for _ in range(MOST_TRIES):
        admin.post(f"{PAGE}/olga/password", password="wrong")
    answer = admin.post(f"{PAGE}/olga/password", password=PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert signs_in(operators, "olga", PASSWORD)


@pytest.mark.parametrize("change", ["password", "second-factor"])
def test_ones_own_password_and_second_factor_are_on_the_profile(
    admin: SignedIn, operators: Operators, change: str
) -> None:
    admin.switch_on_second_factor(Phone())
    assert "your profile" in admin.get(f"{PAGE}/admin/{change}").text
    answer = admin.post(f"{PAGE}/admin/{change}", password=PASSWORD)
    assert answer.status_code == 422
    assert operators.with_second_factor() == {"admin"}
    assert signs_in(operators, "admin", PASSWORD)
    assert f"{PAGE}/admin/{change}" not in admin.get(f"{PAGE}/admin").text


@pytest.mark.parametrize(
    "leave", [lambda o: o.set_role("admin", Role.VIEWER), lambda o: o.remove("admin")]
)
def test_who_is_no_admin_any_more_changes_nothing(
    app: Flask, admin: SignedIn, operators: Operators, leave: Callable[[Operators], object]
) -> None:
    SignedIn(app, Role.ADMIN, "root")
    token = admin.token
    leave(operators)
    sent = {"name": "max", "role": "admin", "password": PASSWORD, "csrf_token": token}
    assert admin.client.post(PAGE, data=sent).status_code == 403
    assert operators.find("max") is None
