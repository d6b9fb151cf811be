"""The navigation: each role's pages, and which of them is the present one."""

import re

import pytest
from flask import Flask

from shared.operations.operators import Role
from tests.support.console_browser import SignedIn

_LINK = re.compile(r'<li><a href="([^"]+)" (aria-current="page")?>')


def links(page: str) -> dict[str, bool]:
    """Every address of the navigation, and whether it is the present page's."""
    return {address: bool(current) for address, current in _LINK.findall(page)}


@pytest.mark.parametrize("role", list(Role))
def test_every_page_of_the_navigation_may_be_opened(app: Flask, role: Role) -> None:
    browser = SignedIn(app, role)
    found = links(browser.get("/console/").text)
    assert found
    for address in found:
        page = browser.get(address)
        assert page.status_code == 200, address
        assert [each for each, current in links(page.text).items() if current] == [address]


def test_a_page_below_another_belongs_to_it(app: Flask) -> None:
    browser = SignedIn(app)
    assert links(browser.get("/console/profile").text)["/console/"] is False
