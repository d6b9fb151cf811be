"""`relay quarantine`: what a form caught is listed, delivered and discarded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.domain.job import LARGE
from shared.domain.printable import printable
from shared.domain.signup import Contact
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support.builders import accept, claimed, suspicion
from tests.support.command_line import CommandLine, settings_for
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer
from web.app import create_app


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


class Site:
    """A website whose forms post to web."""

    def __init__(self, valkey: ValkeyServer, sandbox: SandboxServer, folder: Path) -> None:
        app = create_app(Settings.from_env(settings_for(valkey, sandbox, folder)))
        self._client = app.test_client()

    def post(self, form: str = "news", **fields: str | list[str]) -> None:
        answer = self._client.post(f"/f/{form}", data={"email": "ada@example.com"} | fields)
        assert answer.status_code == 303, answer.text

    def catch(self, form: str = "news", **fields: str | list[str]) -> None:
        self.post(form, _gotcha="filled in by a password manager", **fields)


@pytest.fixture
def site(
    connected: CommandLine, valkey: ValkeyServer, sandbox: SandboxServer, tmp_path: Path
) -> Site:
    connected(
        *("forms", "add", "club", "--account", "acme", "--consent-box", "required"),
        *("--list", "Newsletter", "--list", "Birthday club", "--field", "favourite_cake"),
    )
    return Site(valkey, sandbox, tmp_path)


def caught(run: CommandLine, *options: str) -> list[dict[str, Any]]:
    return list(run("quarantine", "list", *options, "--json").json)


# --- looking


def test_the_list_has_what_scripts_read(connected: CommandLine, site: Site) -> None:
    assert connected("quarantine", "list").out == "No quarantined sign-ups.\n"
    site.catch()
    [found] = caught(connected)
    assert found.pop("received_at").endswith("Z")
    id = found.pop("id")
    assert found == {
        "account": "acme",
        "form": "news",
        "email": "ada@example.com",
        "reasons": ["honeypot"],
        "score": 100,
    }
    assert id in connected("quarantine", "list").out
    status = connected("status").out
    assert "Quarantined: 1. See them with: relay quarantine list" in status


@pytest.mark.parametrize(
    ("options", "emails"),
    [
        ([], "abc"),
        (["--all"], "abc"),
        (["--form", "club"], "b"),
        (["--form", "news"], "ac"),
        (["--reason", "honeypot"], "abc"),
        (["--email", "A@example.com"], "a"),
        (["--account", "acme"], "abc"),
        (["--since", "2001-01-01"], "abc"),
        (["--since", "2999-01-01"], ""),
    ],
)
def test_any_filter_selects(
    connected: CommandLine,
    ledger: Ledger,
    person: Callable[[str], str],
    options: list[str],
    emails: str,
) -> None:
    for name, form in (("a", "news"), ("b", "club"), ("c", "news")):
        email = f"{name}@example.com"
        accept(ledger, email, person=person(email), form=form, quarantine="honeypot")
    accept(ledger, "a@example.com", person=person("a@example.com"))
    found = sorted(each["email"] for each in caught(connected, *options))
    assert found == [f"{name}@example.com" for name in emails]


def test_a_spike_quarantines_nothing_and_the_list_says_so(
    connected: CommandLine, ledger: Ledger
) -> None:
    accept(ledger, quarantine="honeypot")
    ended = connected("quarantine", "list", "--reason", "spike", "--json")
    assert (ended.status, ended.json) == (0, [])
    assert "A spike is an alert about a form" in ended.err
    assert connected("quarantine", "discard", "--reason", "spike", "--yes").status == 0
    assert len(connected("quarantine", "list", "--json").json) == 1


@pytest.mark.parametrize("reason", ["honeypot", "repeated_address"])
def test_any_of_its_reasons_selects_a_signup(
    connected: CommandLine, ledger: Ledger, reason: str
) -> None:
    several = suspicion("honeypot", "repeated_address", score=112, honeypot="hi there")
    both = accept(ledger, "both@example.com", quarantine=several).id
    alone = accept(ledger, "alone@example.com", quarantine=reason).id
    other = ({"honeypot", "repeated_address"} - {reason}).pop()
    accept(ledger, "other@example.com", quarantine=other)
    found = {each["id"]: each for each in caught(connected, "--reason", reason)}
    assert set(found) == {alone, both}
    assert found[both]["reasons"] == ["honeypot", "repeated_address"]
    assert found[both]["score"] == 112
    shown = connected("failed", "show", both).out
    assert "hidden field filled in, address signed up too often" in shown
    assert "hidden field filled in: hi there" in shown


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["for people", "JSON"])
def test_nothing_that_a_stranger_posted_controls_the_terminal(
    connected: CommandLine, site: Site, options: list[str]
) -> None:
    hostile = "\x1b]0;x\x07\x9b2J\x7f\u202e\u2066\u2028\x85y"
    email = "ada@example.com"
    site.catch(first_name=hostile, consent=hostile, _page=hostile, **{hostile: hostile})
    [found] = caught(connected)
    for command in (
        ("failed", "show", found["id"]),
        ("quarantine", "list"),
        ("find", email),
        ("consent", email),
        ("forms", "show", "news"),
        ("status",),
    ):
        printed = connected(*command, *options).out
        assert printed and printable(printed) == printed, command
    assert connected("failed", "show", found["id"], "--json").json["typed"]["first_name"] == hostile


def test_an_id_selects_it_alone(connected: CommandLine, ledger: Ledger) -> None:
    ids = [accept(ledger, f"{name}@example.com", quarantine="honeypot").id for name in "ab"]
    assert [each["id"] for each in caught(connected, ids[0])] == [ids[0]]
    clean = accept(ledger, "clean@example.com").id
    assert caught(connected, clean) == []
    assert connected("quarantine", "list", "--reason", "nonsense").status == 2


# --- delivering


def test_what_is_delivered_is_what_a_clean_signup_would_have_had(
    connected: CommandLine, site: Site, ledger: Ledger
) -> None:
    fields: dict[str, str | list[str]] = {
        "first_name": "Ada",
        "favourite_cake": "Apple",
        "hobby": "chess",
        "_lists": ["Birthday club"],
        "consent": "yes",
    }
    site.catch("club", **fields)
    site.post("club", **fields)
    clean = claimed(ledger)
    [found] = caught(connected)
    assert connected("quarantine", "deliver", found["id"], "--json").json == {
        "due": [found["id"]],
        "refused": [],
    }
    first, second = (ledger.find(id, ["acme"]) for id in (clean.id, found["id"]))
    assert first is not None and second is not None
    assert (first.contact, first.lists) == (second.contact, second.lists)
    assert first.consent == second.consent
    assert second.consent.box is True
    assert caught(connected) == []
    assert connected("quarantine", "deliver", found["id"]).status == 1


def test_many_are_delivered_by_a_job(connected: CommandLine, site: Site, ledger: Ledger) -> None:
    site.catch("news")  # the form has a form's consent and lists
    for number in range(LARGE - 1):
        accept(ledger, f"{number}@example.com", quarantine="honeypot")
    started = connected("quarantine", "deliver", "--all", "--json")
    assert (started.status, started.json["due"], started.json["refused"]) == (0, [], [])
    (job,) = connected("failed", "jobs", "--json").json
    assert (job["id"], job["action"], job["total"]) == (started.json["job"], "deliver", LARGE)


@pytest.mark.parametrize(
    ("form", "fields", "says"),
    [
        pytest.param("news", {"email": ""}, "enter your e-mail address", id="no address"),
        pytest.param("news", {"email": "spam"}, "such as name@example.com", id="wrong address"),
        pytest.param("news", {"first_name": "x" * 51}, "at most 50", id="too long"),
        pytest.param("club", {"consent": "yes", "favourite_cake": "x" * 256}, "255", id="custom"),
        pytest.param("club", {"consent": "yes", "_lists": "No list"}, "no list", id="no such list"),
        pytest.param("club", {}, "did not tick the consent box", id="no consent"),
    ],
)
def test_what_a_clean_signup_could_not_be_stays_in_quarantine(
    connected: CommandLine, site: Site, form: str, fields: dict[str, str], says: str
) -> None:
    site.catch(form, **fields)
    [found] = caught(connected)
    ended = connected("quarantine", "deliver", "--all")
    assert ended.status == 1
    assert says in ended.out
    assert f"{found['id']} stays in quarantine" in ended.out
    assert "relay quarantine discard ID" in ended.out
    assert "can be sent now" not in ended.out
    assert [each["id"] for each in caught(connected)] == [found["id"]]
    (account,) = connected("status", "--json").json["accounts"]
    assert (account["quarantined"], account["due"]) == (1, 0)


def test_a_wrong_one_holds_up_no_other(connected: CommandLine, site: Site) -> None:
    site.catch()
    site.catch(email="spam")
    ended = connected("quarantine", "deliver", "--all", "--json")
    assert (ended.status, len(ended.json["due"]), len(ended.json["refused"])) == (1, 1, 1)


def test_a_corrected_one_is_delivered(connected: CommandLine, site: Site, ledger: Ledger) -> None:
    site.catch(email="ada@", first_name="Ada")
    [found] = caught(connected)
    edited = connected("failed", "edit", found["id"], "--set", "email=ada@example.com")
    assert f"relay quarantine deliver {found['id']}" in edited.out
    assert connected("quarantine", "deliver", found["id"]).status == 0
    mine = claimed(ledger)
    assert mine.contact.fields == {"email_address": "ada@example.com", "first_name": "Ada"}


def test_one_that_an_earlier_version_kept_unread_is_not_sent(
    connected: CommandLine, ledger: Ledger
) -> None:
    posted: dict[str, str | list[str]] = {"email": ["a@example.com"], "_gotcha": ["x"]}
    contact = Contact(fields={"email_address": "a@example.com"}, other=posted)
    accept(ledger, "a@example.com", contact=contact, quarantine="honeypot")
    ended = connected("quarantine", "deliver", "--all")
    assert (ended.status, "earlier version" in ended.out) == (1, True)


def test_without_its_form_nobody_knows_whether_the_box_was_required(
    connected: CommandLine, site: Site, redis_client: "redis.Redis"
) -> None:
    site.catch("club")
    Registry(redis_client).remove_form("club")
    assert connected("quarantine", "deliver", "--all").status == 1


# --- discarding


def test_discarding_settles_it(connected: CommandLine, ledger: Ledger) -> None:
    id = accept(ledger, quarantine="honeypot").id
    assert connected("quarantine", "discard", id, "--yes", "--json").json == {"discarded": [id]}
    assert connected("failed", "show", id, "--json").json["state"] == "discarded"


@pytest.mark.parametrize("command", ["deliver", "discard"])
def test_changes_want_to_know_which_and_take_quarantined_ones_only(
    connected: CommandLine, ledger: Ledger, command: str
) -> None:
    ended = connected("quarantine", command)
    assert (ended.status, "--all" in ended.err) == (2, True)
    id = accept(ledger).id
    ended = connected("quarantine", command, id)
    assert (ended.status, "is waiting, not quarantined" in ended.err) == (1, True)
    assert json.loads(connected("failed", "show", id, "--json").out)["state"] == "queued"
