"""Plays the bad day in a folder of its own, and takes every picture of the documents."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.pictures import bad_day
from tests.support.relay_up import RelayUp

FOLDER = Path(__file__).parents[2] / "docs" / "images"
DESK = {"width": 1180, "height": 820}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Picture:
    """`part` is what it shows, as a CSS selector; the window without one."""

    name: str
    path: str
    screen: dict[str, int]
    part: str | None = None
    dark: bool = False


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, RelayUp(Path(folder)) as up:
        up.environ.update(bad_day.SETTINGS)
        up.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            _Camera(up, browser).take_all()
            browser.close()


class _Camera:
    def __init__(self, up: RelayUp, browser: Browser) -> None:
        self._up = up
        self._browser = browser
        self._sandbox = f"http://{up.environ['RELAY_SANDBOX_BIND']}"

    def take_all(self) -> None:
        self._connect_books()
        bad_day.play(self._up)
        for picture in self._pictures():
            page = self._signed_in(picture.screen, dark=picture.dark)
            page.goto(picture.path)
            page.wait_for_load_state("networkidle")
            self._take(page, picture.name, picture.part)
            page.context.close()

    def _pictures(self) -> list[Picture]:
        console = f"{self._up.url}/console"
        [ada] = json.loads(self._up.relay("failed", "list", "--email", bad_day.ADA, "--json"))
        return [
            Picture("hosted-form", f"{self._up.url}/f/demo", DESK, "main"),
            Picture("sandbox", f"{self._sandbox}/", DESK),
            Picture("console-overview", f"{console}/", DESK),
            Picture("console-overview-phone", f"{console}/", PHONE, dark=True),
            Picture("console-failed", f"{console}/failed", DESK),
            Picture("console-signup", f"{console}/signups/{ada['id']}", DESK),
            Picture("console-account", f"{console}/accounts/books", DESK),
            Picture("console-form", f"{console}/forms/news", DESK),
        ]

    def _connect_books(self) -> None:
        page = self._signed_in(DESK)
        bad_day.connect_books(self._up, page)
        self._take(page, "console-connected")
        page.context.close()

    def _signed_in(self, screen: dict[str, int], *, dark: bool = False) -> Page:
        page = self._browser.new_context(
            viewport={"width": screen["width"], "height": screen["height"]},
            color_scheme="dark" if dark else "light",
        ).new_page()
        bad_day.sign_in(self._up, page)
        return page

    def _take(self, page: Page, name: str, part: str | None = None) -> None:
        path = FOLDER / f"{name}.png"
        if part:
            page.locator(part).screenshot(path=path)
        else:
            page.screenshot(path=path)
        click.echo(path.name)


if __name__ == "__main__":
    main()
