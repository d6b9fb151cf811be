"""The overview: every account's figures, what is wrong with it, and who is alive."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
import redis
from flask import Flask

from shared.domain.account import HoldReason
from shared.domain.short_ids import short_id
from shared.domain.signup import DeathReason
from shared.infrastructure.sealing import Sealer
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.processes import SentSignup
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from shared.operations.overview.shown import EXPLAINED_ACCOUNTS
from shared.operations.overview.verdict import Gravity, Place, Reason, Verdict
from shared.operations.selection import Selection
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.refusals import kept_tally, refusal, refused_tally
from tests.support.web_services import services_of
from web.console.overview import ask_again_after
from worker.upkeep.roll_up import make_roll_up


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    """A ledger with the account `acme`, whose tokens nobody has."""
    Registry(redis_client).save_account(builders.account(organization="Acme Bakery"))
    return Ledger(redis_client)


@pytest.fixture
def overview(app: Flask) -> Callable[[], str]:
    """Return the text of the page, without what is only for machines."""
    browser = SignedIn(app)

    def text() -> str:
        page = browser.get("/console/")
        assert page.status_code == 200
        return " ".join(unescape(page.text).split())

    return text


def test_without_accounts_it_leads_to_connecting_one(overview: Callable[[], str]) -> None:
    assert "No account is connected yet" in overview()
    assert 'href="/console/connect"' in overview()


def test_a_viewer_is_not_led_where_they_may_not_go(app: Flask) -> None:
    assert "/console/connect" not in SignedIn(app, Role.VIEWER).get("/console/").text


def tile(page: str, label: str) -> str:
    """Return what the tile of this label has, in the card of the first account."""
    found = re.search(f"<dt>{label}</dt>(.*?)</div>", page.partition("<h2>Accounts</h2>")[2])
    assert found
    return found[1]


def hold_its_age_at_zero(client: "redis.Redis") -> None:
    """Let what waits look as if it came this moment, however slow the machine is."""
    for name in ("unsettled", "due:fresh"):
        key = keys.account("acme") + name
        for id in client.zrange(key, 0, -1):
            client.zincrby(key, 3_600_000, str(id))


def test_every_figure_is_shown_and_equals_the_status(
    ledger: Ledger, redis_client: "redis.Redis", overview: Callable[[], str]
) -> None:
    for number in range(3):
        builders.accept(ledger, f"{number}@example.com")
    builders.accept(ledger, "robot@example.com", quarantine="honeypot")
    builders.bury_claim(ledger, builders.claimed(ledger))
    hold_its_age_at_zero(redis_client)
    page = overview()
    assert "Acme Bakery" in page
    assert "Every one of 4 accepted sign-ups is accounted for. None is lost." in page
    sums = "0 delivered + 2 waiting + 1 failed + 1 quarantined + 0 discarded"
    assert f"In all: 4 accepted = {sums}." in page
    figures = ledger.figures("acme")
    for label, count in (("Waiting", 2), ("Failed", 1), ("Quarantined", 1), ("Delivered today", 0)):
        assert f"{count}" in tile(page, label)
    assert (figures.due, figures.dead, figures.quarantined) == (2, 1, 1)
    assert "oldest: 0 s" in tile(page, "Waiting")
    assert "of 4 accepted" in tile(page, "Delivered today")
    assert "@example.com" not in page


def test_the_verdict_says_what_is_wrong_and_leads_there(
    ledger: Ledger, overview: Callable[[], str]
) -> None:
    alive(ledger)
    ledger.hold("acme", HoldReason.OUTAGE, by="worker")
    builders.accept(ledger)
    page = overview()
    verdict = page.split('<h2 id="verdict">')[1]
    assert verdict.startswith("1 needs you. 1 ends by itself.</h2>")
    assert '<span class="pill ok">' not in verdict.split("</section>")[0]
    assert "Acme Bakery is on hold since" in verdict
    assert '<a href="/console/accounts/acme">Open the account</a>' in verdict
    assert "Alerts are off." in verdict
    assert '<a href="/console/doctor">Ask the doctor</a>' in verdict


LINKS = {
    Place.ACCOUNT: ("/console/accounts/x", "Open the account"),
    Place.ACCOUNTS: ("/console/accounts", "See all accounts"),
    Place.FORM: ("/console/forms/x", "Open the form"),
    Place.FAILED: ("/console/failed?account=x", "See why"),
    Place.WAITING: ("/console/waiting?account=x", "See what waits"),
    Place.QUARANTINE: ("/console/quarantine?account=x", "Review them"),
    Place.DOCTOR: ("/console/doctor?account=x", "Ask the doctor"),
}


@pytest.mark.parametrize(
    ("gravity", "kind", "mark"),
    [
        (Gravity.ACT, "problem", "problem"),
        (Gravity.WAIT, "waiting", "waiting"),
        (Gravity.LOOK, "waiting", "waiting"),
        (Gravity.KNOW, "ok", "off"),
    ],
)
def test_each_reason_has_its_mark_and_leads_to_its_page(
    overview: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    gravity: Gravity,
    kind: str,
    mark: str,
) -> None:
    every = [Reason(gravity=gravity, sentence="So.", place=place, name="x") for place in LINKS]
    found = Verdict("All is so.", (*every, *every[:2]))
    monkeypatch.setattr("web.console.overview.verdict", lambda _: found)
    page = overview().partition('<section class="verdict ')[2].partition("</section>")[0]
    assert page.startswith(f'{kind}"')
    assert re.findall(r'<li><span class="pill (\w+)">', page) == [mark] * 9
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a></li>', page)
    assert links[: len(every)] == list(LINKS.values())
    assert "<summary>1 more</summary>" in page


def test_dead_letters_lead_to_their_list_by_reason(
    ledger: Ledger, overview: Callable[[], str]
) -> None:
    builders.bury(ledger, reason=DeathReason.GAVE_UP)
    page = overview()
    assert "Acme Bakery: 1 sign-up of the form news failed: each of its attempts failed for" in page
    see = re.search(r'href="(/console/failed\?account=acme&group=\w+)">See why', page)
    assert see
    assert "given up" in tile(page, "Failed")


def test_causes_are_read_of_the_accounts_alone_in_which_most_failed(
    redis_client: "redis.Redis", ledger: Ledger, overview: Callable[[], str]
) -> None:
    names = [f"a{number}" for number in range(EXPLAINED_ACCOUNTS + 2)]
    for count, name in enumerate(names, start=1):
        Registry(redis_client).save_account(builders.account(name, organization=name))
        for number in range(count):
            builders.accept(ledger, f"{number}@example.com", account=name)
            builders.bury_claim(ledger, builders.claimed(ledger, account=name), message="HTTP 400")
    page = overview()
    explained = [
        name for name in names if re.search(rf"{name}: \d sign-ups? of the form \w+ failed: ", page)
    ]
    assert explained == names[-EXPLAINED_ACCOUNTS:]
    assert f"{names[0]}: 1 sign-up failed. " in page


def test_how_many_are_being_retried_stands_apart(
    app: Flask, ledger: Ledger, overview: Callable[[], str]
) -> None:
    builders.bury(ledger)
    retries = services_of(app).operations.retries
    assert retries.start_job(retries.plan(Selection(all=True)))
    assert re.search(r"rejected</a> 1\s+\(1 being retried\)", overview())


def alive(ledger: Ledger) -> None:
    ledger.processes.worker_alive("relay-1@here")
    ledger.processes.beat_alive("beat@here")


@pytest.mark.parametrize(
    ("reason", "advice", "urgent"),
    [
        (HoldReason.FORBIDDEN, "press Reconnect.", True),
        (HoldReason.PAUSED, "To end the pause, press Release.", False),
        (HoldReason.OUTAGE, "resume by themselves", True),
    ],
)
def test_a_hold_says_why_and_what_to_do(
    ledger: Ledger, overview: Callable[[], str], reason: HoldReason, advice: str, urgent: bool
) -> None:
    ledger.hold("acme", reason, by="ada", note="a <reason> of its own")
    page = overview()
    (notice,) = (part for part in page.split('<div class="notice ') if "On hold: " in part)
    assert f"On hold: {reason}." in notice
    assert "Reason: a <reason> of its own" in notice
    assert advice in notice
    assert notice.startswith("problem") == urgent
    is_offered = 'action="/console/accounts/acme/release"' in page
    assert is_offered == (reason == HoldReason.PAUSED)


def test_reconnect_leads_to_the_login(ledger: Ledger, overview: Callable[[], str]) -> None:
    ledger.hold("acme", HoldReason.RECONNECT, by="token")
    page = overview()
    form = page.split('action="/console/connect/acme/log-in"')[1].split("</form>")[0]
    assert ">Reconnect<" in form


def test_nothing_is_foretold_of_requests_that_are_used_up(
    ledger: Ledger, overview: Callable[[], str]
) -> None:
    builders.accept(ledger)
    assert "At this pace" in overview()
    ledger.hold_quota("acme", jitter=0)
    page = overview()
    assert "At this pace" not in page
    assert "Requests left today: none until" in page
    assert "Requests today" not in page


def test_viewers_see_the_hold_and_no_buttons(ledger: Ledger, app: Flask) -> None:
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="until Monday")
    page = SignedIn(app, Role.VIEWER).get("/console/").text
    assert "ask an operator to release it." in page
    main = page.split("<main")[1]
    assert "<button" not in main
    assert "<form" not in main


def test_refusals_of_its_forms_are_told(
    redis_client: "redis.Redis", ledger: Ledger, overview: Callable[[], str]
) -> None:
    FormCounts(redis_client).add("web", 1, [refused_tally(required=2, origin=1)])
    page = overview()
    refused = tile(page, "Refused today")
    assert '<a href="/console/forms?name=acme">3</a>' in refused
    assert "news 3 in all" in re.sub("<[^>]*>", "", refused)
    balance = page.split('id="balance"')[1].split("</section>")[0]
    assert "3 requests were refused today; they are stored nowhere." in balance
    assert 'href="/console/forms/news#refused">See the last ones of news</a>' in balance
    assert 'href="/console/forms"' in balance


def test_a_refused_website_is_named_and_can_be_allowed_from_there(
    app: Flask, redis_client: "redis.Redis", ledger: Ledger, overview: Callable[[], str]
) -> None:
    Registry(redis_client).save_form(builders.form(origins=("https://www.example.com",)))
    last = [refusal(origin="https://old.example")] * 2 + [refusal("invalid")]
    FormCounts(redis_client).add("web", 1, [kept_tally(*last)])
    old = "https://old.example"
    told = f"Of the last refusals of news, 2 were sign-ups from {old}, which may not post to it."
    allow = f'<a href="/console/forms/news/allow?website={old}">Allow this website</a>'
    page = overview()
    assert told in page and allow in page
    viewer = " ".join(SignedIn(app, Role.VIEWER).get("/console/").text.split())
    assert told in viewer and allow not in viewer
    SignedIn(app, Role.OPERATOR).post("/console/forms/news/allow", website=old)
    assert told not in overview()


def test_an_account_that_is_reached_by_a_key_of_its_own_tells_its_quota(
    redis_client: "redis.Redis", ledger: Ledger, overview: Callable[[], str]
) -> None:
    assert overview().count("Requests today: 0 of 10,000") == 1
    Registry(redis_client).save_account(builders.account(client_id="its-own"))
    ledger.pace.grant("its-own", requests_per_second=9, requests_per_day=9)
    page = overview()
    assert "Requests today of its own API key: 1 of 10,000" in page
    assert "Requests today of the API key in the settings: 0 of 10,000" in page


def test_of_many_accounts_a_few_are_shown_those_in_trouble_first(
    redis_client: "redis.Redis", ledger: Ledger, overview: Callable[[], str]
) -> None:
    for number in range(30):
        Registry(redis_client).save_account(builders.account(f"shop-{number}"))
        connect(redis_client, f"shop-{number}")
    for name in ("shop-17", "shop-18"):
        builders.accept(ledger, account=name)
    ledger.hold("shop-23", HoldReason.OUTAGE, by="worker")
    other = builders.form("other", account="shop-9", origins=("https://www.example.com",))
    Registry(redis_client).save_form(other)
    tally = replace(kept_tally(refusal()), form="other", account="shop-9")
    FormCounts(redis_client).add("web", 1, [tally])
    page = overview()
    shown = re.findall('<article class="card account" id="account-([^"]+)">', page)
    assert len(shown) == 12
    assert set(shown[:2]) == {"acme", "shop-23"}
    assert {"shop-17", "shop-18"} <= set(shown)
    assert "shop-9" not in shown and "https://www.example.org" not in page
    assert '<a href="/console/accounts">All 31 accounts</a>' in page


def connect(client: "redis.Redis", name: str) -> None:
    """Give the account tokens that look well at a glance."""
    client.hset(f"{keys.account(name)}tokens", "access", "sealed")


@pytest.mark.parametrize(("took", "seconds"), [(0.004, 5), (0.25, 5), (0.26, 6), (1.4, 28)])
def test_a_page_that_costs_much_is_asked_for_less_often(took: float, seconds: int) -> None:
    assert ask_again_after(took) == seconds


def test_what_is_asked_for_again_is_the_part_that_changes(ledger: Ledger, app: Flask) -> None:
    browser = SignedIn(app)
    page = browser.get("/console/").text
    part = browser.get("/console/live").text
    assert part.strip().startswith('<div id="live"')
    assert "<html" not in part
    again = re.search(r'data-live="(\d+)" hx-get="/console/live"', page)
    assert again and 5 <= int(again[1]) < 600
    assert "Acme Bakery" in part
    builders.accept(ledger)
    assert ">1<" in tile(browser.get("/console/live").text, "Waiting")


@pytest.mark.parametrize(
    ("span", "slots", "unit"),
    [("hour", 60, "a minute"), ("two-days", 192, "in 15 minutes"), ("ninety-days", 90, "a day")],
)
def test_charts_have_their_figures_and_a_table_behind_each(
    redis_client: "redis.Redis", ledger: Ledger, app: Flask, span: str, slots: int, unit: str
) -> None:
    Registry(redis_client).save_account(builders.account("other"))
    redis_client.delete(keys.ROLL_UP)  # the ledger is older than this minute
    minute = int(redis_client.time()[0]) // 60 - 1
    counted = {"accepted": 4, "delivered": 5, "dead": 2, "refused": 3, "calls": 4, "call_ms": 2000}
    for account, counts in (("acme", counted), ("other", {"accepted": 3})):
        for name, by in counts.items():
            redis_client.hincrby(f"{keys.account(account)}stats:{minute}", name, by)
    make_roll_up(redis_client).look()
    browser = SignedIn(app)
    page = browser.get(f"/console/?span={span}").text
    charts = re.findall("<figure.*?</figure>", page, re.DOTALL)
    labels = [re.sub("<[^>]*>", " ", each).split() for each in charts]
    assert [" ".join(each[:2]) for each in labels][:4] == [
        *("Accepted 7", "Delivered 5", "Failed 2", "Refused 3")
    ]
    assert "API latency 0.50 s" in " ".join(labels[5])
    assert f"at most 7 {unit}" in charts[0]
    assert re.search(r"all (at|on) \d", " ".join(labels[0]))
    assert all(f'viewBox="0 0 {slots} 40"' in each for each in charts)
    assert all("<table>" in each and "<caption" in each for each in charts)
    assert '<path d="M' in charts[0] and "All accounts together" in page
    assert "style=" not in page
    assert f'hx-get="/console/charts?span={span}"' in page
    assert spans_in(page) == {
        ("An hour", "/console/?span=hour", span == "hour"),
        ("Two days", "/console/?span=two-days", span == "two-days"),
        ("90 days", "/console/?span=ninety-days", span == "ninety-days"),
    }
    of_acme = browser.get(f"/console/accounts/acme/charts?span={span}").text
    assert of_acme in browser.get(f"/console/accounts/acme?span={span}").text
    assert ("Two days", "/console/accounts/acme?span=two-days", span == "two-days") in spans_in(
        of_acme
    )
    own = re.findall("<figure.*?</figure>", of_acme, re.DOTALL)
    assert "at most 4" in own[0] and "The account over time" in of_acme
    assert own[1:] == [each for each in charts[1:] if "Backlog" not in each]


def spans_in(page: str) -> set[tuple[str, str, bool]]:
    """Return the times that charts offer: the words, the address, and whether it is shown now."""
    links = re.findall(r'href="(/console/[^"#]*)#charts" (aria-current="true")?>([^<]+)</a>', page)
    return {(words, address, bool(current)) for address, current, words in links}


def test_an_unknown_time_shows_an_hour(ledger: Ledger, app: Flask) -> None:
    assert "a minute" in SignedIn(app).get("/console/charts?span=<script>").text


def test_what_others_typed_is_shown_as_text(
    redis_client: "redis.Redis", ledger: Ledger, app: Flask
) -> None:
    Registry(redis_client).save_account(builders.account(organization="<script>alert(1)</script>"))
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="<img src=x>")
    page = SignedIn(app).get("/console/").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_account_without_tokens_is_said_to_be_so(
    ledger: Ledger, overview: Callable[[], str]
) -> None:
    assert "Not connected." in overview()
    assert "Acme Bakery cannot be used" in overview()


def test_dead_workers_are_the_first_thing_said(ledger: Ledger, overview: Callable[[], str]) -> None:
    assert "No worker is alive, so nothing is delivered" in overview()
    assert "Last beat: never" in overview()
    ledger.processes.worker_alive("relay-1@here")
    ledger.processes.beat_alive("beat@here")
    assert "No worker is alive" not in overview()
    page = overview()
    assert "Workers alive: 1." in page
    assert 'id="processes" > <summary><h2>Processes</h2> <span class="soft">1 worker alive' in page
    assert re.search(r"Last beat: \d+ s ago\.", overview())


def test_a_secret_key_that_opens_nothing_is_told(
    redis_client: "redis.Redis", overview: Callable[[], str]
) -> None:
    said = "RELAY_SECRET_KEY cannot open the secrets that are stored in Redis."
    assert said not in overview()
    redis_client.set(keys.FINGERPRINT_KEY, Sealer(("another secret",)).seal("key"))
    assert said in overview()


def test_workers_are_shown_with_what_they_send(ledger: Ledger, overview: Callable[[], str]) -> None:
    id = builders.accept(ledger).id
    sent = [SentSignup("acme", id, timedelta(seconds=75))]
    ledger.processes.worker_alive("relay-1@here", sent)
    ledger.processes.worker_alive("relay-2@here")
    page = overview()
    assert (
        f'acme <a href="/console/signups/{short_id(id)}">{short_id(id)}</a> for 1 min 15 s' in page
    )
    assert re.search("<strong>relay-2@here</strong>.*?nothing in flight", page)


def test_requests_of_the_day_are_counted(overview: Callable[[], str]) -> None:
    assert "Requests today: 0 of 10,000" in overview()


@pytest.mark.parametrize("garbage", ["{?", "5", "[1]", '{"name": 5}'])
def test_an_account_that_cannot_be_read_is_named_beside_the_others(
    ledger: Ledger, redis_client: "redis.Redis", overview: Callable[[], str], garbage: str
) -> None:
    assert "left out" not in overview()
    redis_client.hset(keys.ACCOUNTS, "broken", garbage)
    page = overview()
    assert "Acme Bakery" in page
    assert "1 stored record cannot be read and is left out: account broken." in page
