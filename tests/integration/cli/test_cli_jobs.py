"""`relay failed retry` of many, `replays` and `cancel`: what they print, ask and return."""

import json
from collections.abc import Callable

import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.form import ListRef
from shared.domain.job import LARGE, JobPace
from shared.domain.signup import Contact, DeathReason
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept, attempt, bury, bury_claim, claimed
from tests.support.command_line import CommandLine
from tests.support.job_steps import job_feeder, job_steps

FAST = JobPace(per_second=1_000_000, per_day=1_000_000)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def workers(redis_client: "redis.Redis", ledger: Ledger) -> Callable[[], None]:
    """Send all that may be sent now, as workers do."""

    def deliver() -> None:
        for _ in range(JobLedger(redis_client, FAST).feed("acme")):
            ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")

    return deliver


def dead_letters(ledger: Ledger, count: int) -> list[str]:
    ids = [accept(ledger, f"{number}@example.com").id for number in range(count)]
    for number in range(count):
        reason = DeathReason.GAVE_UP if number % 2 else DeathReason.REJECTED
        bury_claim(ledger, claimed(ledger), reason=reason)
    return ids


def test_a_few_are_retried_at_once(connected: CommandLine, ledger: Ledger) -> None:
    ids = dead_letters(ledger, LARGE - 1)
    retried = connected("failed", "retry", "--all", "--json").json
    assert (sorted(retried["retried"]), retried["replay"]) == (sorted(ids), None)
    assert retried["count"] == LARGE - 1
    assert ledger.figures("acme").due == LARGE - 1
    assert connected("failed", "replays", "--json").json == []
    assert "No jobs." in connected("failed", "replays").out


def test_a_hold_is_told_before_and_after(connected: CommandLine, ledger: Ledger) -> None:
    id, *ids = dead_letters(ledger, LARGE + 1)
    ledger.hold("acme", HoldReason.OUTAGE, by="answer")
    shown = connected("failed", "show", id).out
    assert (
        "acme is on hold (outage). You can mend it now: it is sent by itself when that ends."
        in shown
    )
    told = connected("failed", "retry", id).out
    assert "1 sign-up waits now, as acme is on hold (outage). It is sent when that ends." in told
    asked = connected("failed", "retry", *ids, at_terminal=True, stdin="n\n").err
    assert "acme is on hold (outage). What you retry there waits until that ends." in asked


def test_many_become_a_job_that_scripts_can_watch(
    connected: CommandLine, ledger: Ledger, workers: Callable[[], None]
) -> None:
    dead_letters(ledger, LARGE)
    started = connected("failed", "retry", "--account", "acme", "--json").json
    assert (started["count"], started["retried"]) == (LARGE, [])
    assert started["accounts"] == {"acme": LARGE}
    assert started["reasons"] == {"gave_up": 50, "rejected": 50}
    assert 9_000 < started["quota_left"] <= 9_500

    (listed,) = connected("failed", "replays", "--json").json
    expected = {"id": started["replay"], "account": "acme", "state": "running", "total": LARGE}
    expected |= {"waiting": LARGE, "done": 0, "delivered": 0, "dead": 0, "why": None}
    assert {name: listed[name] for name in expected} == expected
    assert (listed["chosen"], listed["ended_at"]) == ({"account": "acme"}, None)
    assert listed["by"]
    assert listed["started_at"].endswith("Z")
    assert listed["eta"].endswith("Z")
    assert started["replay"] in connected("failed", "replays").out

    workers()
    (listed,) = connected("failed", "replays", "--json").json
    assert (listed["state"], listed["delivered"], listed["done"]) == ("done", LARGE, LARGE)
    assert (listed["eta"], listed["ended_at"][-1]) == (None, "Z")


def test_many_are_counted_by_indexes_and_not_read(
    connected: CommandLine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead_letters(ledger, LARGE)
    monkeypatch.setattr(Ledger, "dead_letters", None)
    started = connected("failed", "retry", "--since", "2020-01-01", "--json").json
    assert (started["count"], started["accounts"]) == (LARGE, {"acme": LARGE})
    assert started["reasons"] == {"gave_up": 50, "rejected": 50}


def test_a_form_is_looked_for_in_the_records(connected: CommandLine, ledger: Ledger) -> None:
    dead_letters(ledger, LARGE)
    accept(ledger, "other@example.com", form="club")
    bury_claim(ledger, claimed(ledger))
    started = connected("failed", "retry", "--form", "news", "--json").json
    assert (started["count"], started["accounts"]) == (LARGE, {"acme": LARGE})
    (listed,) = connected("failed", "replays", "--json").json
    assert (listed["total"], listed["chosen"]) == (LARGE, {"form": "news"})
    assert connected("failed", "retry", "--form", "club", "--json").json["count"] == 1


def test_a_job_whose_last_are_being_sent_takes_no_time_any_more(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    dead_letters(ledger, LARGE)
    connected("failed", "retry", "--all", "--json")
    assert JobLedger(redis_client, FAST).feed("acme") == LARGE
    row = connected("failed", "replays").out.splitlines()[-1]
    assert row.split("  ")[-1].strip() == "0 s"


def test_nobody_waits_twice(connected: CommandLine, ledger: Ledger) -> None:
    dead_letters(ledger, LARGE)
    assert connected("failed", "retry", "--all", "--json").json["count"] == LARGE
    again = connected("failed", "retry", "--all", "--json").json
    assert (again["replay"], again["count"]) == (None, 0)
    assert "in a job already" in connected("failed", "retry", "--all").out


def test_at_a_terminal_one_question_says_what_it_takes(
    connected: CommandLine, ledger: Ledger
) -> None:
    connected.set(CTCT_REQUESTS_PER_SECOND="4")
    dead_letters(ledger, LARGE)
    refused = connected("failed", "retry", "--all", at_terminal=True, stdin="n\n")
    assert refused.status == 1
    for notified in (
        "100 failed sign-ups: 100 acme",
        "50 rejected",
        "50 given up",
        "Left today: 9,",
        "50 s",
    ):
        assert notified in refused.err
    assert "Nothing was changed." in refused.err
    assert connected("failed", "replays", "--json").json == []


@pytest.mark.parametrize("count", [8, LARGE + 5])
def test_the_question_leaves_out_what_a_job_retries_already(
    connected: CommandLine, ledger: Ledger, count: int
) -> None:
    ids = dead_letters(ledger, count)
    connected("failed", "retry", "--form-lists", *ids[:3])
    asked = connected("failed", "retry", "--all", "--form-lists", at_terminal=True, stdin="n\n")
    assert "3 are being retried by a job already, and left to it." in asked.err
    assert f"They use {count - 3} requests." in asked.err
    assert asked.err.rstrip().count("Retry them?") == 1


def test_status_tells_which_dead_letters_wait_in_a_job(
    connected: CommandLine, ledger: Ledger
) -> None:
    dead_letters(ledger, LARGE + 1)
    assert "Failed: 101. See" in connected("status").out
    connected("failed", "retry", "--all", "--yes")
    assert "Failed: 101, 101 of them in a job. See" in connected("status").out


def test_it_is_followed_to_its_end(
    connected: CommandLine,
    ledger: Ledger,
    workers: Callable[[], None],
) -> None:
    dead_letters(ledger, LARGE)
    connected.sleep = lambda _: workers()
    followed = connected("failed", "retry", "--all", at_terminal=True, stdin="y\n")
    assert followed.status == 0
    assert "0 of 100 done" in followed.err
    assert "Ended: 100 of 100 done, 100 delivered" in followed.out


def test_ctrl_c_leaves_it_running_and_says_so(connected: CommandLine, ledger: Ledger) -> None:
    def press(_: float) -> None:
        raise KeyboardInterrupt

    dead_letters(ledger, LARGE)
    connected.sleep = press
    left = connected("failed", "retry", "--all", "--yes", at_terminal=True)
    assert left.status == 0
    (listed,) = connected("failed", "replays", "--json").json
    assert listed["state"] == "running"
    assert f"relay failed cancel {listed['id']}" in left.out


def test_a_job_is_cancelled(connected: CommandLine, ledger: Ledger) -> None:
    dead_letters(ledger, LARGE)
    id = connected("failed", "retry", "--all", "--json").json["replay"]
    assert "Not sent, and kept: 100" in connected("failed", "cancel", id).out
    cancelled = connected("failed", "cancel", id, "--json").json
    assert (cancelled["state"], cancelled["cancelled"], cancelled["waiting"]) == (
        "cancelled",
        LARGE,
        0,
    )
    assert ledger.figures("acme").dead == LARGE
    unknown = connected("failed", "cancel", "nonsense")
    assert (unknown.status, "relay failed jobs" in unknown.err) == (1, True)


def test_dead_letters_go_to_the_lists_that_their_form_has_now(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    ids = dead_letters(ledger, 3)
    accept(ledger, "other@example.com", form="gone")
    bury_claim(ledger, claimed(ledger))
    Registry(redis_client).save_form(builders.form(lists=(ListRef("new", "Weekly"),)))
    asked = connected("failed", "retry", "--all", "--form-lists", at_terminal=True, stdin="n\n")
    assert asked.status == 1
    for told in ("3 failed sign-ups of the form news: to Weekly.", "They use 3 requests."):
        assert told in asked.err
    assert "1 failed sign-up of the form gone: stays as it is. The form is" in asked.err
    assert ledger.figures("acme").dead == 4

    started = connected("failed", "retry", "--all", "--form-lists", "--json").json
    assert (started["retried"], started["count"], started["left_out"]) == ([], 3, 1)
    assert {(each["form"], *each["lists"]) for each in started["forms"]} == {
        ("news", "Weekly"),
        ("gone",),
    }
    (listed,) = connected("failed", "replays", "--json").json
    assert (listed["id"], listed["action"]) == (started["replay"], "retry_form_lists")
    assert listed["refused"] == 1
    assert JobLedger(redis_client, FAST).feed("acme") == 3
    found = ledger.signups_in_order([("acme", id) for id in ids])
    assert {signup.lists for signup in found} == {("new",)}
    again = connected("failed", "retry", "--all", "--form-lists")
    assert "or have no list to go to" in again.out


def test_many_are_sent_to_their_forms_lists_without_being_read(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    dead_letters(ledger, LARGE)
    Registry(redis_client).save_form(builders.form(lists=(ListRef("new", "Weekly"),)))
    started = connected("failed", "retry", "--all", "--form-lists", "--yes", "--json").json
    assert (started["count"], started["left_out"]) == (LARGE, 0)
    assert started["forms"] == [
        {
            "account": "acme",
            "form": "news",
            "count": LARGE,
            "lists": ["Weekly"],
            "names_gone_list": True,
            "refused": [],
            "gone": ["Weekly"],
        }
    ]
    id = started["replay"]
    assert connected("failed", "cancel", id, "--json").json["cancelled"] == LARGE


def test_a_job_that_waits_says_why(connected: CommandLine, ledger: Ledger) -> None:
    dead_letters(ledger, LARGE)
    connected("failed", "retry", "--all", "--yes")
    connected("hold", "acme", "--reason", "holidays")
    (listed,) = connected("failed", "replays", "--json").json
    assert (listed["state"], listed["why"], listed["eta"]) == ("waiting", "hold", None)
    assert "on hold" in connected("failed", "replays").out


def test_no_persons_address_is_kept_with_a_job(
    connected: CommandLine,
    ledger: Ledger,
    person: Callable[[str], str],
    redis_client: "redis.Redis",
) -> None:
    for _ in range(LARGE):
        bury(ledger, person=person("ada@example.com"))
    accept(ledger, person=person("ada@example.com"))  # due: no dead letter is meant by it
    id = connected("failed", "retry", "--email", "ada@example.com", "--json").json["replay"]
    stored = redis_client.hgetall(f"relay:{{acme}}:replay:{id}")
    assert json.loads(str(stored["chosen"])) == {"email": "one person", "form": "news"}
    assert "ada" not in json.dumps(stored["chosen"])


def test_fields_are_left_out_or_set_in_all_that_are_chosen(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    fields = {"email_address": "ada@example.com", "phone_number": "1", "city": "Rome"}
    accept(ledger, "ada@example.com", contact=Contact(fields=fields))
    bury_claim(ledger, claimed(ledger))
    accept(ledger, "eve@example.com", contact=Contact(fields={"email_address": "eve"}))
    bury_claim(ledger, claimed(ledger))
    typed = ("failed", "retry", "--all", "--without", "phone", "--set", "city=Ely")
    asked = connected(*typed, at_terminal=True, stdin="n\n")
    assert asked.status == 1
    for told in (
        "phone: left out.",
        "city: set to 'Ely'.",
        "Looked at: 2. With a value for this now: 1.",
        "Left as they are: 1. Please enter an e-mail address",
        "For example ada@example.com: city 'Rome' becomes 'Ely', phone '1' becomes ''.",
        "They use 1 requests.",
    ):
        assert told in asked.err
    assert ledger.figures("acme").dead == 2

    started = connected(*typed, "--json").json
    assert (started["count"], started["retried"]) == (1, [])
    assert started["edit"]["without"] == ["phone"]
    assert [each["count"] for each in started["edit"]["staying"]] == [1]
    (listed,) = connected("failed", "replays", "--json").json
    assert (listed["action"], listed["refused"]) == ("retry_edited", 1)
    assert "1 left as they were" in connected("failed", "replays").out
    assert job_feeder(job_steps(redis_client, FAST)).feed("acme") == 1
    assert "or stay as they are" in connected(*typed).out


@pytest.mark.parametrize(
    ("options", "status", "wrong"),
    [
        (("--set", "city"), 2, "FIELD=VALUE"),
        (("--set", "email=x@example.com"), 1, "cannot be changed in bulk"),
        (("--without", "phone", "--form-lists"), 2, "alone"),
    ],
)
def test_a_wrong_change_of_many_is_refused(
    connected: CommandLine, ledger: Ledger, options: tuple[str, ...], status: int, wrong: str
) -> None:
    dead_letters(ledger, 1)
    refused = connected("failed", "retry", "--all", *options)
    assert (refused.status, wrong in refused.err) == (status, True)
    assert ledger.figures("acme").dead == 1
