"""A bad day: three accounts, and everything that can go wrong at once without a loss.

Acme Bakery has deleted a list that a form still uses, and has used up the requests of its API key.
Blue Door Books has withdrawn its permission. The API is down for Demo Bakery. `play` leaves
`relay up` running like that, for pictures or for a rehearsal. Somebody has connected Blue Door
Books as `books` before.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import requests
from playwright.sync_api import Page

from tests.support import browser_sign_in
from tests.support.relay_up import RelayUp
from tests.support.stack import eventually

FIRST = (
    *("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances"),
    *("Ken", "Radia", "Tim", "Hedy", "Linus", "Lynn", "Mary"),
)
LAST = (
    *("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov"),
    *("Knuth", "Allen", "Perlman", "Lamarr", "Lamport"),
)
OWN_KEY = {"client_id": "acme-key", "client_secret": "acme-secret"}
ADA = "ada.lovelace@example.com"  # whose sign-up cannot arrive

SETTINGS = {
    "RELAY_VISITOR_LIMIT": "0",  # all these visitors have one address
    "CTCT_REQUESTS_PER_SECOND": "40",
}

_PASSWORD = re.compile(r"^ *password +(\S+)$", re.MULTILINE)


def sign_in(up: RelayUp, page: Page) -> None:
    """Sign in to the console with the password that `relay up` has printed."""
    eventually(lambda: bool(_PASSWORD.search(up.printed)), what="the password")
    [password] = _PASSWORD.findall(up.printed)
    browser_sign_in.sign_in(page, f"{up.url}/console/", password, "admin")
    page.get_by_role("button", name="Sign out").wait_for()


def connect_books(up: RelayUp, page: Page) -> None:
    """Connect Blue Door Books as an operator does; the page then shows the checks."""
    page.goto(f"{up.url}/console/connect?name=books")
    page.get_by_role("button", name="Check and continue").click()
    page.get_by_role("button", name="Continue to Constant Contact").click()
    page.get_by_label(re.compile("Blue Door Books")).first.check()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("heading", name="Blue Door Books is connected").wait_for()


def play(up: RelayUp) -> None:
    """Play the day. `up` runs, with `SETTINGS` in its environment."""
    _BadDay(up).play()


class _BadDay:
    def __init__(self, up: RelayUp) -> None:
        self._up = up
        self._sandbox = f"http://{up.environ['RELAY_SANDBOX_BIND']}"
        self._people = _people()

    def play(self) -> None:
        self._control(rates={"requests_per_second": 40})
        self._control(applications=[OWN_KEY])
        self._connect("acme", "Acme Bakery", own_key=True)
        self._add_form("news", "acme", "Newsletter", "--origin", "https://www.acme.example")
        self._add_form("birthday", "acme", "Birthday club")
        self._add_form("readers", "books", "Newsletter")
        self._morning()
        self._delete_list()
        self._come_to_rest()
        self._use_up_quota()
        self._withdraw_permission()
        self._outage()

    def _morning(self) -> None:
        for form, count in (("demo", 40), ("news", 30), ("birthday", 8), ("readers", 16)):
            self._sign_up(form, count)
        self._sign_up("news", 3, _gotcha="https://pills.example")
        self._sign_up("demo", 1, _gotcha="buy now")
        for wrong in ("no address", "ada@", "grace@@example.com"):
            self._post("news", email=wrong)
        for _ in range(4):
            self._post("news", origin="https://old.acme.example", email="tim@example.com")

    def _delete_list(self) -> None:
        self._come_to_rest()
        self._control(organization="Acme Bakery", delete_list="Birthday club")
        self._post("birthday", email=ADA, first_name="Ada", last_name="Lovelace")
        self._sign_up("birthday", 11)
        self._control(refuse_email=["hedy@bounces.example", "ken@bounces.example"])
        self._post("news", email="hedy@bounces.example", first_name="Hedy")
        self._post("news", email="ken@bounces.example", first_name="Ken")

    def _use_up_quota(self) -> None:
        self._control(application="acme-key", used_today=10_000)
        self._sign_up("news", 5)
        eventually(lambda: self._is_on_hold("acme", "quota"), what="the spent quota")

    def _withdraw_permission(self) -> None:
        self._control(organization="Blue Door Books", revoke="all")
        self._sign_up("readers", 9)
        eventually(lambda: self._is_on_hold("books", "reconnect"), what="the end of the permission")

    def _outage(self) -> None:
        self._control(path="/v3/contacts/sign_up_form", status=503)
        self._sign_up("demo", 6)
        eventually(lambda: self._is_on_hold("sandbox", "outage"), what="the outage")

    # --- what they do it with

    def _come_to_rest(self) -> None:
        """Wait until nothing is due."""
        eventually(lambda: not any(each["due"] for each in self._accounts()), what="the deliveries")

    def _is_on_hold(self, name: str, reason: str) -> bool:
        """Whether the account is on hold for this reason."""
        holds = [each["hold"] for each in self._accounts() if each["name"] == name]
        return any(hold and hold["reason"] == reason for hold in holds)

    def _accounts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._up.relay("status", "--json"))["accounts"]
        return found

    def _sign_up(self, form: str, count: int, **fields: str) -> None:
        for first, last in islice(self._people, count):
            email = f"{first}.{last}@example.com".lower()
            self._post(form, email=email, first_name=first, last_name=last, **fields)

    def _post(self, form: str, *, origin: str | None = None, **fields: str) -> None:
        headers = {"Accept": "application/json", **({"Origin": origin} if origin else {})}
        answer = requests.post(f"{self._up.url}/f/{form}", data=fields, headers=headers, timeout=10)
        assert answer.status_code in (202, 403, 422), answer.text

    def _control(self, **change: Any) -> None:
        url = f"{self._sandbox}/sandbox/control"
        requests.post(url, json=change, timeout=10).raise_for_status()

    def _connect(self, name: str, organization: str, *, own_key: bool = False) -> None:
        asked = {"organization": organization, **({"application": "acme-key"} if own_key else {})}
        tokens = requests.post(f"{self._sandbox}/sandbox/connect", json=asked, timeout=10).text
        options: list[str] = []
        if own_key:
            secret = self._up.folder / "secret"
            secret.write_text(OWN_KEY["client_secret"], encoding="utf-8")
            options = ["--api-key", OWN_KEY["client_id"], "--secret-file", str(secret)]
        self._up.relay("connect", name, "--tokens", "-", *options, typed=tokens)

    def _add_form(self, name: str, account: str, wanted: str, *options: str) -> None:
        title = f"{name.capitalize()} by e-mail"
        options = ("--account", account, "--list", wanted, "--title", title, *options)
        self._up.relay("forms", "add", name, *options)


def _people() -> Iterator[tuple[str, str]]:
    """Return first and last names of people. Nobody comes twice, as that would be a duplicate."""
    return product(FIRST, LAST)
