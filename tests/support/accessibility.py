"""What is wrong with a page for people who cannot see it as its author does."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# All that these rules ask about the colours of a page.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with the page, as axe-core says it, and how much too wide it is."""
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*_violations(page, RULES), *([f"{over} px too wide"] if over > 0 else [])]


def faults_in_both_themes(page: Page) -> list[str]:
    """Return what is wrong with the page in light, and with its colours, all that differs, in
    dark."""
    page.emulate_media(color_scheme="light")
    in_light = faults_of(page)
    page.emulate_media(color_scheme="dark")
    return [*in_light, *(f"in dark, {each}" for each in _violations(page, OF_COLOURS))]


def _violations(page: Page, rules: list[str]) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {"runOnly": rules, "resultTypes": ["violations"]}
    report = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in report]
