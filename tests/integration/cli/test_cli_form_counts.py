"""What the commands show of a form's refusals, and of the fields that it does not send."""

from datetime import timedelta

import pytest
import redis

from shared.domain.refusal import Refusal, RefusalCode
from shared.ledger.ledger import Ledger
from shared.ledger.stores.form_counts import FormCounts, FormTally
from tests.support.builders import accept
from tests.support.command_line import CommandLine
from tests.support.refusals import kept_tally, refusal, wrong

SENTENCE = "212 of 212 sign-ups refused since"
CAUSE = "a required field was missing. These fields arrived: mail address, first_name."


@pytest.fixture
def busy(connected: CommandLine, redis_client: "redis.Redis") -> CommandLine:
    """The form `news` has accepted three sign-ups, and then refused all."""
    ledger = Ledger(redis_client)
    for _ in range(2):
        accept(ledger)
    accept(ledger, quarantine="honeypot")
    refusal = Refusal(
        code=RefusalCode.REQUIRED,
        fields=("mail address", "first_name"),
        origin="https://www.example.com",
        client="Firefox",
        wrong=(wrong("email", "required", arrived=False),),
    )
    tally = FormTally(
        form="news",
        account="acme",
        refused={"required": 212, "rate_limited": 3},
        faults=212,
        streak={"required": 212},
        streak_began_ago=timedelta(hours=2),
        streak_went_on_ago=timedelta(minutes=1),
        last=[(timedelta(minutes=minutes), refusal) for minutes in (3, 2, 1)],
        unsent={"shoe size": 7, "utm_source": 2},
    )
    FormCounts(redis_client).add("web-1", 1, [tally])
    return connected


def test_status_has_every_form_with_its_figures(busy: CommandLine) -> None:
    assert busy("forms", "add", "cakes", "--account", "acme", "--list", "newsletter").status == 0
    assert busy("status", "--json").json["forms"] == [
        {"name": "cakes", "account": "acme", "accepted": 0, "quarantined": 0, "refused": {}},
        {
            "name": "news",
            "account": "acme",
            "accepted": 3,
            "quarantined": 1,
            "refused": {"rate_limited": 3, "required": 212},
        },
    ]


def test_status_tells_people_of_forms_that_refuse(busy: CommandLine) -> None:
    out = busy("status").out
    assert f"news: {SENTENCE}" in out and CAUSE in out
    assert "What to do: compare the names of the inputs" in out
    (row,) = [line.split() for line in out.splitlines() if line.startswith("news ")]
    assert row[:5] == ["news", "acme", "3", "1", "215"]


def test_status_says_nothing_of_forms_where_there_is_nothing_to_say(connected: CommandLine) -> None:
    assert "refused" not in connected("status").out


def test_a_form_is_shown_with_its_last_refusals_and_what_it_does_not_send(
    busy: CommandLine,
) -> None:
    out = busy("forms", "show", "news").out
    assert "Sign-ups: 3 accepted, 1 of them in quarantine." in out
    assert "Refused: 215 (3 rate_limited, 212 required)." in out
    assert SENTENCE in out
    assert "Fields that arrive and are not sent" in out
    assert "--field NAME" in out
    rows = [line for line in out.splitlines() if "mail address, first_name" in line]
    assert len(rows) == 1 + 3  # the sentence, and the table
    assert all("https://www.example.com" in row and "Firefox" in row for row in rows[1:])
    assert all("no field that arrived means email" in row for row in rows[1:])


def test_a_form_is_shown_to_scripts(busy: CommandLine) -> None:
    shown = busy("forms", "show", "news", "--json").json
    assert (shown["accepted"], shown["quarantined"]) == (3, 1)
    assert shown["refused"] == {"rate_limited": 3, "required": 212}
    assert len(shown["last_refusals"]) == 3
    last = shown["last_refusals"][0]
    assert last.pop("at").endswith("Z")
    assert last == {
        "code": "required",
        "fields": ["mail address", "first_name"],
        "origin": "https://www.example.com",
        "client": "Firefox",
        "hosted": False,
        "wrong": [{"field": "email", "code": "required", "arrived": False}],
        "visitor_can_mend": False,
    }
    assert shown["fields_not_sent"] == [
        {"name": "shoe size", "count": 7},
        {"name": "utm_source", "count": 2},
    ]


def test_the_doctor_names_a_form_that_refuses_everything(busy: CommandLine) -> None:
    ended = busy("doctor", "--json")
    assert ended.status == 1
    (check,) = [check for check in ended.json["checks"] if check["name"] == "forms"]
    assert (check["verdict"], check["account"]) == ("problem", "acme")
    assert check["found"].startswith(f"news: {SENTENCE}") and check["found"].endswith(CAUSE)


def test_a_form_is_shown_with_the_websites_that_it_refuses(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    own, theirs = "https://www.example.com", "https://shop.example"
    open_to_all = connected("forms", "show", "news").out
    assert "Pages of every website may post to this form" in open_to_all
    assert "relay forms edit news --origin https://www.example.com" in open_to_all
    assert connected("forms", "edit", "news", "--origin", own).status == 0
    last = [refusal(origin=theirs), refusal(origin=own)]
    FormCounts(redis_client).add("web-1", 1, [kept_tally(*last)])
    out = connected("forms", "show", "news").out
    assert "Pages of every website" not in out
    [row] = [line for line in out.splitlines() if line.startswith(theirs)]
    assert "several networks" in row
    assert row.endswith(f"relay forms edit news --origin {own} --origin {theirs}")
    [website] = connected("forms", "show", "news", "--json").json["refused_websites"]
    assert website.pop("at").endswith("Z")
    assert website == {"origin": theirs, "from_several": True, "signups": 1}


def test_views_that_were_refused_are_told_apart_from_sign_ups(
    connected: CommandLine, redis_client: "redis.Redis"
) -> None:
    tally = kept_tally(refusal(), refusal("not_shown"), refusal("not_shown"))
    FormCounts(redis_client).add("web-1", 1, [tally])
    shown = connected("forms", "show", "news").out
    assert "Refused: 1 (1 origin)." in shown
    assert "2 times, a page of a website that may not post here wanted to show the form" in shown
    [row] = [line.split() for line in connected("status").out.splitlines() if "1 origin" in line]
    assert row == ["news", "acme", "0", "0", "1", "1", "origin", "2"]
    [of_form] = connected("status", "--json").json["forms"]
    assert of_form["refused"] == {"origin": 1, "not_shown": 2}
