"""What is wrong with a page for people who cannot see it as its author does."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with the page, as axe-core says it, and how much too wide it is."""
    report = Axe().run(page, options=RULES).response["violations"]
    wrong = [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in report]
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*wrong, f"{over} px too wide"] if over > 0 else wrong
