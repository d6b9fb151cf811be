"""Signing in to the console in a real browser, beside whatever else the machine does."""

import time

from playwright.sync_api import Page


def sign_in(page: Page, url: str, password: str, name: str = "ada") -> None:
    """Open the page of the console at `url`, and sign in.

    On a busy machine, Redis may seem to be away for a moment. The page says so, and to try again.
    """
    deadline = time.monotonic() + 60
    away = page.get_by_role("heading", name="Redis is away")
    while True:
        page.goto(url)
        if page.get_by_label("Password").count():
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(password)
            with page.expect_navigation():
                page.get_by_role("button", name="Sign in").click()
        if not away.count():
            return
        assert time.monotonic() < deadline, "Redis stays away"
