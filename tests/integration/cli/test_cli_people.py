"""`relay find`, `relay erase`, `relay consent`: one person's data in every state and place."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Unpack

import pytest
import redis
from flask import Flask

from shared.domain.errors import LedgerUnavailable
from shared.domain.job import JobPace
from shared.domain.signup import DeathReason, Submission
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import AcceptDetails, Ledger
from shared.ledger.people import People
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.values import Accepted, Attempt, Claim
from shared.operations.signup_lists import SignupFilter
from tests.support.builders import attempt, bury_claim, claimed
from tests.support.command_line import CommandLine, settings_for
from tests.support.person import EMAIL, NAME, traces_in_files, traces_in_redis
from tests.support.redis_settings import configured
from tests.support.retention import retention
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import PASSWORD, ValkeyServer
from tests.support.web_services import change_services, services_of
from web.app import create_app

VISITOR = "198.51.100.77"
CONSENT = "Yes, Acme may write to me about bread."


class Person:
    """Signs up by web's forms, and has workers do with it what a test wants."""

    def __init__(self, app: Flask, ledger: Ledger) -> None:
        self.app = app
        self.ledger = ledger
        self._client = app.test_client()
        self._count = 0

    def post(self, form: str = "news", email: str = EMAIL, **fields: str) -> str:
        """Sign up with something else each time, and return the sign-up's id."""
        self._count += 1
        address = VISITOR if email == EMAIL else "192.0.2.1"
        sent = {"email": email, "first_name": NAME, "company_name": f"No. {self._count}"}
        answer = self._client.post(
            f"/f/{form}",
            data={**sent, "consent": "yes", **fields},
            headers={"Accept": "application/json"},
            environ_base={"REMOTE_ADDR": address},
        )
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["id"])

    def claimed(self, account: str = "acme") -> Claim:
        return claimed(self.ledger, account=account)

    def delivered(self) -> str:
        id = self.post()
        self.ledger.deliver(self.claimed(), attempt(), contact_id="c", action="created")
        return id

    def dead(self, sent: Attempt | None = None) -> str:
        id = self.post()
        bury_claim(self.ledger, self.claimed(), sent or attempt(400, message=f"{NAME} is no name"))
        return id

    def retrying(self) -> str:
        id = self.post()
        self.ledger.retry(
            self.claimed(),
            attempt(503),
            wait=timedelta(hours=1),
            error_key="",
            message="try later",
        )
        return id

    def everywhere(self) -> dict[str, str]:
        """Be in every state; return the states by id."""
        states = {self.delivered(): "delivered"}
        discarded = self.dead()
        self.ledger.discard("acme", discarded)
        states |= {discarded: "discarded", self.dead(): "dead"}
        states |= {self.post(_gotcha="x"): "quarantined", self.retrying(): "retrying"}
        return states | {self.post(): "queued", self.post("club"): "queued"}


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def person(
    connected: CommandLine,
    sandbox: SandboxServer,
    valkey: ValkeyServer,
    ledger: Ledger,
    tmp_path: Path,
) -> Person:
    """Accounts `acme` with a form that asks for consent, and `blue`."""
    connected(
        *("forms", "add", "news", "--account", "acme", "--list", "newsletter", "--replace"),
        *("--consent", CONSENT, "--consent-box", "required"),
    )
    tokens = json.dumps(sandbox.connect(organization="Blue Door Books"))
    connected("connect", "blue", "--tokens", "-", stdin=tokens)
    connected(
        *("forms", "add", "club", "--account", "blue", "--list", "Newsletter"),
        *("--consent", CONSENT),
    )
    settings = settings_for(valkey, sandbox, tmp_path) | {
        "RELAY_VISITOR_LIMIT": "0",
        "RELAY_PERSON_LIMIT": "0",
    }
    return Person(create_app(Settings.from_env(settings)), ledger)


@pytest.fixture
def others(person: Person) -> list[str]:
    """Sign-ups of somebody else, which nothing may touch."""
    return [
        person.post("club", email="bob@example.com", first_name="Bob"),
        person.post("club", email="bob@example.com", first_name="Bob", _gotcha="x"),
    ]


@pytest.fixture
def slow_log(redis_client: "redis.Redis") -> Iterator[None]:
    """Every call is slow enough for Redis' slow log."""
    with configured(redis_client, "slowlog-log-slower-than", 0):
        yield


def stated(run: CommandLine, email: str = EMAIL) -> dict[str, str]:
    return {each["id"]: each["state"] for each in run("find", email, "--json").json}


# --- find


def test_a_person_is_found_in_every_state_and_account(
    connected: CommandLine, person: Person, others: list[str]
) -> None:
    states = person.everywhere()
    found = connected("find", EMAIL.upper(), "--json").json
    assert {each["id"]: each["state"] for each in found} == states
    assert {each["account"] for each in found} == {"acme", "blue"}
    assert [each["received_at"] for each in found] == sorted(each["received_at"] for each in found)
    assert set(found[0]) == {"id", "account", "form", "state", "received_at"}
    out = connected("find", EMAIL).out
    assert all(id in out for id in states)
    assert not any(id in out for id in others)


def test_nobody_is_found(connected: CommandLine, person: Person, others: list[str]) -> None:
    assert connected("find", EMAIL, "--json").json == []
    assert "No sign-ups of this address" in connected("find", EMAIL).out


def test_one_that_looked_like_spam_is_found_under_what_was_typed(
    connected: CommandLine, person: Person
) -> None:
    id = person.post(email="Not An Address", _gotcha="x")
    assert stated(connected, "not an address") == {id: "quarantined"}


NOW = "ada.king@example.com"


def test_a_corrected_address_finds_it_and_so_does_the_one_that_was_typed(
    connected: CommandLine, person: Person
) -> None:
    id, other = person.dead(), person.dead()
    for address in ("wrong@example.com", NOW):
        connected("failed", "edit", id, "--set", f"email={address}")
    assert stated(connected, NOW) == {id: "dead"}
    assert stated(connected) == {id: "dead", other: "dead"}
    listed = connected("failed", "list", "--email", EMAIL.upper(), "--json").json
    assert {each["id"]: each["email"] for each in listed} == {id: NOW, other: EMAIL}
    assert [each["id"] for each in connected("consent", NOW, "--json").json] == [id]
    lists = services_of(person.app).operations.lists
    found = lists.page(SignupFilter(email=EMAIL)).signups
    assert {each.id for each in found} == {id, other}


def test_erasing_the_typed_address_reaches_what_was_corrected(
    connected: CommandLine, person: Person, redis_client: "redis.Redis"
) -> None:
    id, discarded = person.dead(), person.dead()
    for each in (id, discarded):
        connected("failed", "edit", each, "--set", f"email={NOW}")
    person.ledger.discard("acme", discarded)
    redis_client.hset(keys.RETENTION, "discarded", 1)  # switched on long ago
    RecordKeeping(redis_client, retention(discarded=timedelta(0))).clear("acme", "discarded")
    evidence = {each["id"] for each in connected("consent", EMAIL, "--json").json}
    assert evidence == {id, discarded}
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 2}
    assert (stated(connected, NOW), connected("consent", NOW, "--json").json) == ({}, [])
    assert redis_client.keys("*:typed:*") == []
    assert traces_in_redis(redis_client) == []


def test_the_typed_address_reaches_the_evidence_of_a_removed_account(
    connected: CommandLine, person: Person, redis_client: "redis.Redis"
) -> None:
    id = person.post("club")
    bury_claim(person.ledger, person.claimed("blue"), attempt(400))
    connected("failed", "edit", id, "--set", f"email={NOW}")
    person.ledger.discard("blue", id)
    connected("forms", "remove", "club", "--yes")
    assert connected("accounts", "remove", "blue", "--yes").status == 0
    assert [each["id"] for each in connected("consent", EMAIL, "--json").json] == [id]
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 1}
    assert connected("consent", NOW, "--json").json == []
    assert redis_client.keys("*:typed:*") == []


def test_retention_forgets_under_which_address_it_was_typed(
    connected: CommandLine, person: Person, redis_client: "redis.Redis"
) -> None:
    id = person.dead()
    connected("failed", "edit", id, "--set", f"email={NOW}")
    person.ledger.discard("acme", id)
    redis_client.hset(keys.RETENTION, mapping={"discarded": 1, "consent": 1})
    kept = retention(discarded=timedelta(0), consent=timedelta(0))
    assert redis_client.keys("*:typed:*") != []
    RecordKeeping(redis_client, kept).clear("acme", "discarded")
    assert redis_client.keys("*:typed:*") == []


# --- erase


def figures(ledger: Ledger, account: str = "acme") -> dict[str, int]:
    found = ledger.figures(account)
    names = ("accepted", "due", "delivered", "dead", "discarded", "quarantined")
    return {name: getattr(found, name) for name in names}


def test_nothing_of_a_person_is_left_and_all_is_still_counted(
    connected: CommandLine,
    person: Person,
    others: list[str],
    ledger: Ledger,
    redis_client: "redis.Redis",
    tmp_path: Path,
) -> None:
    states = person.everywhere()
    before = figures(ledger)
    assert traces_in_redis(redis_client)
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": len(states)}
    assert traces_in_redis(redis_client) == []
    assert traces_in_files(tmp_path) == []
    gone = Counter(states.values())
    after = figures(ledger)
    assert after["accepted"] == before["accepted"]
    assert after["delivered"] == before["delivered"]
    assert after["due"] == before["due"] - 2  # and one of the other account
    assert after["dead"] == before["dead"] - gone["dead"]
    assert after["quarantined"] == before["quarantined"] - gone["quarantined"]
    assert after["discarded"] == before["discarded"] + 4
    assert figures(ledger, "blue")["discarded"] == 1
    assert stated(connected, "bob@example.com").keys() == set(others)
    assert connected("consent", EMAIL, "--json").json == []


def test_what_is_erased_is_never_sent(
    connected: CommandLine, person: Person, ledger: Ledger
) -> None:
    person.everywhere()
    other = person.post(email="bob@example.com", first_name="Bob")
    connected("erase", EMAIL, "--yes")
    claim = person.claimed()
    assert claim.id == other
    ledger.deliver(claim, attempt(), contact_id="c", action="created")
    assert figures(ledger)["due"] == 0


def test_only_what_was_first_in_line_lets_the_next_one_go(
    connected: CommandLine, person: Person, ledger: Ledger
) -> None:
    """Of a line of three, one waits for its retry; erasing the one behind it changes nothing."""
    first = person.retrying()
    second, third = person.post(), person.post()
    people = People(ledger._client)
    assert people.erase("acme", second, "") == "erased"
    assert ledger.figures("acme").due == 2
    prefix = keys.account("acme")
    assert ledger._client.zrange(f"{prefix}due:retry", 0, -1) == [first]
    assert ledger._client.zcard(f"{prefix}due:fresh") == 0
    people.erase("acme", first, "")
    assert person.claimed().id == third


SETTLING: dict[str, Callable[[Ledger, Claim], object]] = {
    "deliver": lambda ledger, claim: ledger.deliver(
        claim, attempt(), contact_id="c", action="created"
    ),
    "retry": lambda ledger, claim: ledger.retry(
        claim, attempt(503), wait=timedelta(0), error_key="", message=""
    ),
    "bury": lambda ledger, claim: bury_claim(ledger, claim, reason=DeathReason.REJECTED),
    "release": lambda ledger, claim: ledger.release_claim(claim, None),
    "lose": lambda ledger, claim: ledger.lose(claim, "it broke", wait=timedelta(0)),
}


@pytest.mark.parametrize("settle", SETTLING)
def test_what_a_worker_is_sending_is_erased_once_it_is_settled(
    connected: CommandLine,
    person: Person,
    ledger: Ledger,
    redis_client: "redis.Redis",
    settle: str,
) -> None:
    person.post()
    claim = person.claimed()
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        assert redis_client.exists(f"relay:{{acme}}:signup:{claim.id}")
        SETTLING[settle](ledger, claim)

    connected.sleep = sleep
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 1}
    assert len(waits) == 1
    assert traces_in_redis(redis_client) == []
    ended = "delivered" if settle == "deliver" else "discarded"
    assert figures(ledger) == {**dict.fromkeys(figures(ledger), 0), "accepted": 1, ended: 1}


def test_one_that_stays_in_flight_is_told(connected: CommandLine, person: Person) -> None:
    id = person.post()
    person.claimed()
    connected.sleep = lambda seconds: None
    ran = connected("erase", EMAIL, "--yes")
    assert ran.status == 1
    assert "still being sent" in ran.err
    assert stated(connected) == {id: "delivering"}


def test_one_whose_worker_died_is_erased_when_its_claim_runs_out(
    connected: CommandLine, person: Person, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    id = person.post()
    person.claimed()

    def sleep(seconds: float) -> None:
        redis_client.zadd("relay:{acme}:due:fresh", {id: 1})

    connected.sleep = sleep
    connected("erase", EMAIL, "--yes")
    assert traces_in_redis(redis_client) == []
    assert figures(ledger)["discarded"] == 1


def test_a_worker_that_takes_it_after_that_erases_it_instead(
    connected: CommandLine, person: Person, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    """Nobody waits for the command any more when the claim runs out."""
    id = person.post()
    person.claimed()
    assert People(redis_client).erase("acme", id, "") == "sending"
    redis_client.zadd("relay:{acme}:due:fresh", {id: 1})
    other = person.post(email="bob@example.com", first_name="Bob")
    assert person.claimed().id == other
    assert traces_in_redis(redis_client) == []


def test_one_that_waits_in_a_job_leaves_it(
    connected: CommandLine, person: Person, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    mine = [person.dead() for _ in range(2)]
    other = person.post(email="bob@example.com", first_name="Bob")
    bury_claim(ledger, person.claimed())
    jobs = JobLedger(redis_client, JobPace(per_second=1, per_day=10_000))
    jobs.add("acme", "job", [*mine, other], by="ola", chosen="{}")
    assert jobs.feed("acme") == 1  # one is under way, and the others wait
    connected("erase", EMAIL, "--yes")
    [part] = jobs.parts("acme")
    assert traces_in_redis(redis_client) == []
    assert redis_client.zrange("relay:{acme}:replay:job:waiting", 0, -1) == [other]
    assert (part.total, part.waiting, part.under_way, part.skipped) == (3, 1, 0, 2)


def test_the_question_and_the_answer_say_what_is_lost_and_what_stays(
    connected: CommandLine, person: Person
) -> None:
    person.post()
    refused = connected("erase", EMAIL, stdin="n\n")
    assert "1 sign-up, with the evidence of consent" in refused.err
    assert stated(connected)
    assert connected("erase", EMAIL).status == 2
    assert stated(connected)
    out = connected("erase", EMAIL, stdin="y\n").out
    assert "1 sign-up erased." in out
    assert "The contact at Constant Contact stays" in out
    assert "append-only file" in out
    assert EMAIL.lower() not in out.lower()


def test_the_append_only_file_is_rewritten(
    connected: CommandLine, person: Person, redis_client: "redis.Redis"
) -> None:
    redis_client.config_resetstat()
    connected("erase", EMAIL, "--yes")
    assert "cmdstat_bgrewriteaof" in redis_client.info("commandstats")


def test_what_redis_noted_of_slow_calls_is_emptied(
    connected: CommandLine, person: Person, slow_log: None, redis_client: "redis.Redis"
) -> None:
    person.post()
    assert "the slow log" in traces_in_redis(redis_client)
    connected("erase", EMAIL, "--yes")
    assert traces_in_redis(redis_client) == []


def test_what_redis_may_not_forget_is_told(
    connected: CommandLine, person: Person, valkey: ValkeyServer, redis_client: "redis.Redis"
) -> None:
    rights = ("+@all", "-bgrewriteaof", "-slowlog")
    redis_client.acl_setuser(
        "relay", enabled=True, passwords=["+few"], keys=["*"], channels=["*"], commands=[*rights]
    )
    connected.set(REDIS_URL=valkey.url().replace(f":{PASSWORD}@", "relay:few@"))
    try:
        out = connected("erase", EMAIL, "--yes").out
    finally:
        redis_client.acl_deluser("relay")
    assert "Ask again with: redis-cli BGREWRITEAOF" in out
    assert "Ask again with: redis-cli SLOWLOG RESET" in out


def test_erasing_twice_or_nobody_erases_nothing(connected: CommandLine, person: Person) -> None:
    person.post()
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 1}
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 0}


def test_who_signs_up_again_later_is_kept(
    connected: CommandLine, person: Person, ledger: Ledger
) -> None:
    person.post()
    connected("erase", EMAIL, "--yes")
    id = person.post()
    assert stated(connected) == {id: "queued"}
    assert figures(ledger)["due"] == 1


# --- what waits on a web host's disk


class Away:
    """A ledger that does not answer."""

    def accept(self, submission: Submission, **details: Unpack[AcceptDetails]) -> Accepted:
        raise LedgerUnavailable("away")


@dataclass(frozen=True)
class Losing:
    """A ledger whose answers get lost."""

    ledger: Ledger

    def accept(self, submission: Submission, **details: Unpack[AcceptDetails]) -> Accepted:
        self.ledger.accept(submission, **details)
        raise LedgerUnavailable("no answer")


def without_redis(person: Person, ledger: Away | Losing) -> None:
    """Have web alone use this ledger, and nobody drain."""
    intake = services_of(person.app).intake
    change_services(person.app, intake=replace(intake, drain=lambda: None, ledger=ledger))


def test_what_is_spooled_here_is_found_and_erased(
    connected: CommandLine,
    person: Person,
    ledger: Ledger,
    redis_client: "redis.Redis",
    tmp_path: Path,
) -> None:
    without_redis(person, Away())
    mine = person.post()
    other = person.post(email="bob@example.com", first_name="Bob")
    assert stated(connected) == {mine: "spooled"}
    assert traces_in_files(tmp_path)
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 1}
    assert traces_in_files(tmp_path) == []
    assert traces_in_redis(redis_client) == []
    assert stated(connected, "bob@example.com") == {other: "spooled"}
    assert [each.figures.count for each in ledger.spools.all()] == [1]
    found = figures(ledger)
    assert (found["accepted"], found["discarded"]) == (1, 1)


def test_what_is_spooled_and_in_the_ledger_is_counted_once(
    connected: CommandLine, person: Person, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    without_redis(person, Losing(ledger))
    id = person.post()
    assert stated(connected) == {id: "queued"}
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": 1}
    found = figures(ledger)
    assert (found["accepted"], found["due"], found["discarded"]) == (1, 0, 1)
    assert traces_in_redis(redis_client) == []


# --- what retention has cleared


def cleared(person: Person, redis_client: "redis.Redis") -> list[str]:
    """Have two sign-ups of the person be cleared, and one of another account that is removed."""
    ids = [person.delivered(), person.dead()]
    person.ledger.discard("acme", ids[1])
    ids.append(person.post("club"))
    person.ledger.deliver(person.claimed("blue"), attempt(), contact_id="c", action="created")
    for state in ("delivered", "discarded"):
        redis_client.hset(keys.RETENTION, state, 1)  # switched on long ago
    keeping = RecordKeeping(redis_client, retention(delivered=timedelta(0), discarded=timedelta(0)))
    for account in ("acme", "blue"):
        assert keeping.sort_delivered(account)
        for state in ("delivered", "discarded"):
            keeping.clear(account, state)
    return ids


def test_a_cleared_sign_up_is_found_no_more_but_its_evidence_is(
    connected: CommandLine, person: Person, redis_client: "redis.Redis"
) -> None:
    ids = cleared(person, redis_client)
    assert stated(connected) == {}
    found = connected("consent", EMAIL, "--json").json
    assert [each["id"] for each in found] == ids
    assert {each["text"] for each in found} == {CONSENT}
    assert connected("failed", "show", ids[0]).status == 1


@pytest.mark.parametrize("removed", [False, True])
def test_erasing_removes_the_evidence_too_also_of_a_removed_account(
    connected: CommandLine, person: Person, redis_client: "redis.Redis", removed: bool
) -> None:
    ids = cleared(person, redis_client)
    if removed:
        connected("forms", "remove", "club", "--yes")
        assert connected("accounts", "remove", "blue", "--yes").status == 0
    before = figures(person.ledger)
    assert connected("erase", EMAIL, "--yes", "--json").json == {"erased": len(ids)}
    assert traces_in_redis(redis_client) == []
    assert connected("consent", EMAIL, "--json").json == []
    assert figures(person.ledger) == before
    assert not redis_client.exists("relay:{acme}:cleared", "relay:{blue}:cleared")


# --- consent


def test_the_evidence_has_the_text_as_it_was_shown_and_what_was_done(
    connected: CommandLine, person: Person
) -> None:
    id = person.delivered()
    [evidence] = connected("consent", EMAIL, "--json").json
    given_at = evidence.pop("given_at")
    version = evidence.pop("version")
    assert evidence == {
        "id": id,
        "account": "acme",
        "form": "news",
        "text": CONSENT,
        "box": True,
        "posted": "yes",
        "stated": False,
        "language": None,
        "address": "198.51.100.77",
        "page": None,
        "referrer": None,
    }
    assert given_at.endswith("Z")
    assert version
    out = connected("consent", EMAIL).out
    assert CONSENT in out
    assert "198.51.100.77" in out
    assert "No consent" in connected("consent", "nobody@example.com").out


def test_one_text_has_one_version_on_every_form(connected: CommandLine, person: Person) -> None:
    person.post()
    person.post("club")
    versions = {each["version"] for each in connected("consent", EMAIL, "--json").json}
    assert len(versions) == 1


def test_a_text_that_changed_since_is_shown_as_it_was(
    connected: CommandLine, person: Person
) -> None:
    person.post()
    connected(
        *("forms", "add", "news", "--account", "acme", "--list", "newsletter", "--replace"),
        *("--consent", "Another text."),
    )
    [evidence] = connected("consent", EMAIL, "--json").json
    assert evidence["text"] == CONSENT

    # The website still has the old copy.
    person.post(_consent=evidence["version"], remarks="second")
    _, second = connected("consent", EMAIL, "--json").json
    assert (second["text"], second["stated"]) == (CONSENT, True)
    out = connected("consent", EMAIL).out
    assert "the page said that it showed this text" in out
    assert "the page did not say which text it showed" in out

    now, before, *_ = connected("forms", "show", "news", "--json").json["consent_texts"]
    assert (now["text"], now["until"]) == ("Another text.", None)
    assert (before["text"], before["version"]) == (CONSENT, evidence["version"])
    assert before["until"] == now["since"]
    assert CONSENT in connected("forms", "show", "news").out


def test_the_page_is_one_file_that_loads_nothing(
    connected: CommandLine, person: Person, tmp_path: Path
) -> None:
    person.post()
    person.post(consent="<script>alert(1)</script> yes")
    file = tmp_path / "evidence.html"
    connected("consent", EMAIL, "--html", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    page = file.read_text(encoding="utf-8")
    assert page.count(CONSENT) == 2
    assert "&lt;script&gt;" in page and "<script" not in page
    assert not any(each in page for each in ("http://", "https://", "src=", "@import", "url("))
    assert page.rstrip().endswith("</html>")
