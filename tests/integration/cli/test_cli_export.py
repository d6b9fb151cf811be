"""`relay failed export`: the rows of `failed list` with the fields, for scripts and sheets."""

import csv
import io
import json

import pytest
import redis

from shared.domain.form import CustomField
from shared.domain.signup import Contact, CustomValue, DeathReason
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept, bury, bury_claim, claimed
from tests.support.command_line import CommandLine, Ran

CONTACT = Contact(
    fields={"email_address": "zoë@example.com", "first_name": "Zoë", "phone_number": "+44 20"},
    custom=(CustomValue("cf", "favourite_cake", "=HYPERLINK()"),),
    other={"referrer": "a friend", "days": ["mon", "tue"]},
)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


def dead(ledger: Ledger, contact: Contact = CONTACT) -> str:
    id = accept(ledger, contact=contact).id
    bury_claim(ledger, claimed(ledger), message="no such list\nreally", error_key="lists.none")
    return id


def rows(ran: Ran) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ran.out, newline="")))


def test_json_has_what_the_list_has_and_the_fields(connected: CommandLine, ledger: Ledger) -> None:
    dead(ledger)
    bury(ledger, "b@example.com")
    exported = json.loads(connected("failed", "export").out)
    fields = [
        {n: row.pop(n) for n in ("fields", "custom_fields", "other_fields")} for row in exported
    ]
    assert exported == connected("failed", "list", "--json").json
    assert fields[1] == {
        "fields": CONTACT.fields,
        "custom_fields": {"favourite_cake": "=HYPERLINK()"},
        "other_fields": CONTACT.other,
    }


def test_csv_has_a_column_for_each_field_and_no_formula(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    Registry(redis_client).save_form(builders.form())
    id = dead(ledger)
    ran = connected("failed", "export", "--format", "csv")
    assert ran.out.startswith("id,account,form,email,")  # no byte order mark: scripts read this
    (row,) = rows(ran)
    assert (row["id"], row["email"], row["first_name"]) == (id, "zoë@example.com", "Zoë")
    assert (row["phone_number"], row["last_name"]) == ("'+44 20", "")
    assert row["favourite_cake"] == "'=HYPERLINK()"
    assert json.loads(row["other_fields"]) == CONTACT.other
    assert row["message"] == "no such list\nreally"
    listed = connected("failed", "list", "--json").json[0]
    assert (row["reasons"], row["score"], listed["reasons"]) == ("", "", [])
    same = set(listed) - {"message", "reasons"}
    assert {name: row[name] for name in same} == {
        name: "" if listed[name] is None else str(listed[name]) for name in same
    }


def test_no_two_columns_have_one_name(
    connected: CommandLine, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    own = tuple(CustomField(f"cf-{name}", name, name) for name in ("state", "city", "id"))
    Registry(redis_client).save_form(builders.form(custom_fields=own))
    contact = Contact(
        fields={"email_address": "ada@example.com", "state": "Ohio", "city": "Dayton"},
        custom=tuple(CustomValue(each.id, each.name, f"own {each.name}") for each in own),
    )
    id = dead(ledger, contact)
    ran = connected("failed", "export", "--format", "csv")
    header = ran.out.splitlines()[0].split(",")
    assert len(set(header)) == len(header)
    (row,) = rows(ran)
    assert (row["id"], row["custom_id"]) == (id, "own id")
    assert (row["state"], row["field_state"], row["custom_state"]) == ("dead", "Ohio", "own state")
    assert (row["city"], row["custom_city"]) == ("Dayton", "own city")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_like_a_formula(connected: CommandLine, ledger: Ledger, start: str) -> None:
    value = f"{start}cmd"
    dead(ledger, Contact(fields={"email_address": "a@example.com", "last_name": value}))
    (row,) = rows(connected("failed", "export", "--format", "csv"))
    assert row["last_name"] == f"'{value}"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--account", "acme"], 2),
        (["--reason", "gave_up"], 1),
        (["--form", "news", "--reason", "rejected"], 1),
        (["--form", "nonsense"], 0),
        (["--since", "2099-01-01"], 0),
        (["--all"], 2),
        ([], 2),
    ],
)
@pytest.mark.parametrize("to", ["json", "csv"])
def test_the_filters_are_those_of_the_list(
    connected: CommandLine, ledger: Ledger, options: list[str], count: int, to: str
) -> None:
    bury(ledger, "a@example.com")
    bury(ledger, "b@example.com", reason=DeathReason.GAVE_UP)
    ran = connected("failed", "export", *options, "--format", to)
    assert len(json.loads(ran.out) if to == "json" else rows(ran)) == count
    assert len(connected("failed", "list", *options, "--json").json) == count


def test_one_is_exported_by_its_id(connected: CommandLine, ledger: Ledger) -> None:
    id = bury(ledger, "a@example.com")
    bury(ledger, "b@example.com")
    assert [each["id"] for each in json.loads(connected("failed", "export", id).out)] == [id]
    assert connected("failed", "export", "--format", "xml").status == 2
