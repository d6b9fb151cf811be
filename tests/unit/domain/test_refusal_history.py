"""When a form refuses too much: for an operator who asks, and for one who is woken up."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.form import Form
from shared.domain.refusal import BOT, KeptRefusal, RefusalCode
from shared.domain.refusal_history import (
    FOR_ALERTS,
    Blame,
    RefusalHistory,
    Streak,
    only_the_owner_can_mend,
    too_many_refused,
    worth_reporting,
)
from shared.domain.refusal_texts import allowed_beside, refused_websites
from tests.support import refusals
from tests.support.builders import form

NOW = datetime.fromisoformat("2026-03-03T20:00:00+00:00")  # a Tuesday
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SHOP = form("shop", origins=("https://www.example.com",))
CODES = list(RefusalCode)


def kept(code: str = "origin", *, at: datetime = NOW, **fields: Any) -> KeptRefusal:
    return refusals.kept(code, at=at, **fields)


def streak(
    count: int = 212, over: timedelta = 6 * HOUR, *, ago: timedelta = timedelta(), **codes: int
) -> Streak:
    of_codes = {RefusalCode(code): times for code, times in codes.items()}
    return refusals.streak(count, over, last=NOW - ago, codes=of_codes)


def history(streak: Streak | None = None, **fields: Any) -> RefusalHistory:
    return refusals.history(streak, **({"at": NOW, "last": [kept()]} | fields))


def sentence(history: RefusalHistory, form: Form = SHOP) -> str | None:
    found = too_many_refused(form, history, FOR_ALERTS)
    return found.sentence if found else None


# --- everything is refused


def test_everything_is_refused_since_a_time_for_a_cause() -> None:
    assert sentence(history(streak())) == (
        "212 of 212 sign-ups refused since 2026-03-03 14:00 UTC: www.example.org is not among the"
        " websites that may post here."
    )


@pytest.mark.parametrize(
    ("found", "alerts"),
    [
        pytest.param(streak(5, 15 * MINUTE), True, id="five over a quarter of an hour"),
        pytest.param(streak(4, HOUR), False, id="four"),
        pytest.param(streak(50, 14 * MINUTE), False, id="many at once: the last hour tells"),
        pytest.param(None, False, id="a sign-up was accepted"),
        pytest.param(streak(5, HOUR, ago=6 * DAY), True, id="the last one six days ago"),
        pytest.param(streak(5, HOUR, ago=7 * DAY), False, id="nobody has come for a week"),
    ],
)
def test_when_everything_is_refused(found: Streak | None, alerts: bool) -> None:
    assert (sentence(history(found)) is not None) == alerts


@pytest.mark.parametrize(
    ("usual", "alerts"),
    [
        pytest.param([], True, id="a new form"),
        pytest.param([0] * 13, True, id="never a refusal before"),
        pytest.param([2] * 13, True, id="people mistype"),
        pytest.param([40] * 13, False, id="robots come every day"),
        pytest.param([90] * 6 + [0] * 7, True, id="robots came on some days"),
        pytest.param([212] * 6 + [1] * 7, True, id="broken for six days"),
    ],
)
def test_a_streak_is_compared_with_the_usual_one(usual: list[int], alerts: bool) -> None:
    assert (sentence(history(streak(100), usual_streaks=usual)) is not None) == alerts


def test_who_asks_need_not_wait_and_nothing_is_compared() -> None:
    recent = history(streak(5, timedelta()), usual_streaks=[90] * 13)
    assert worth_reporting(SHOP, recent)
    assert not worth_reporting(SHOP, history(streak(4, timedelta())))


def test_a_day_long_ago_has_its_date() -> None:
    found = sentence(history(streak(9, 20 * DAY)))
    assert found and found.startswith("9 of 9 sign-ups refused since 2026-02-11 20:00 UTC: ")


# --- people mistype


@pytest.mark.parametrize(
    ("codes", "mendable", "blamed", "beyond"),
    [
        pytest.param({"origin": 5}, {}, {"origin": 5}, None, id="only the owner can mend it"),
        pytest.param({"origin": 4}, {}, None, None, id="too few"),
        pytest.param(
            {"invalid": 4, "required": 4},
            {("invalid", "email"): 4, ("required", "first_name"): 4},
            None,
            None,
            id="mistakes in several fields",
        ),
        pytest.param(
            {"invalid": 5}, {("invalid", "phone"): 5}, {"invalid": 5}, "phone", id="a field"
        ),
        pytest.param(
            {"invalid": 3, "required": 6},
            {("invalid", "email"): 3, ("required", "email"): 2, ("required", "city"): 4},
            {"invalid": 3, "required": 2},
            "email",
            id="a field, wrong or empty",
        ),
        pytest.param(
            {"invalid": 9, "malformed": 4},
            {("invalid", "email"): 4},
            {"invalid": 5, "malformed": 4},
            None,
            id="what else is left",
        ),
        pytest.param(
            {"invalid": 4, "origin": 4},
            {("invalid", "email"): 4},
            None,
            None,
            id="mistakes do not add to faults",
        ),
    ],
)
def test_what_only_the_owner_can_mend(
    codes: dict[str, int],
    mendable: dict[tuple[str, str], int],
    blamed: dict[str, int] | None,
    beyond: str | None,
) -> None:
    found = only_the_owner_can_mend(mistakes(codes, mendable), 5)
    assert found == (None if blamed is None else Blame(codes=of_codes(blamed), field=beyond))


def of_codes(counts: dict[str, int]) -> dict[RefusalCode, int]:
    return {RefusalCode(code): times for code, times in counts.items()}


def mistakes(codes: dict[str, int], mendable: dict[tuple[str, str], int]) -> Streak:
    typed = {refusals.wrong(name, code): times for (code, name), times in mendable.items()}
    return refusals.streak(last=NOW, codes=of_codes(codes), mendable=typed)


def test_a_field_that_nobody_gets_past_is_named() -> None:
    found = worth_reporting(
        SHOP, history(mistakes({"invalid": 7, "required": 2}, {("invalid", "phone"): 7}))
    )
    assert found
    assert found.sentence == (
        "9 of 9 sign-ups refused since 2026-03-03 14:00 UTC: nobody gets past the field phone."
        " Others: 2 required."
    )
    assert "as phone than visitors type" in found.to_do
    assert found.to_do.endswith("relay snippet shop")
    assert "relay" not in found.in_console and found.in_console.endswith(".")


def test_mistakes_are_no_cause_of_much_that_is_refused() -> None:
    typed = refusals.wrong("email", "invalid")
    last = [kept("origin"), *[kept("invalid", wrong=(typed,))] * 9]
    found = sentence(history(refused=40, accepted=60, last=last))
    assert found and "is not among the websites" in found and "invalid" not in found


# --- views that were refused


def test_views_are_no_sign_ups() -> None:
    last = [kept("not_shown", origin="https://www.example.org")]
    assert sentence(history(streak(origin=2, not_shown=10), last=last)) == (
        "12 of 12 requests refused since 2026-03-03 14:00 UTC: www.example.org is not among the"
        " websites that may post here, so the form was not shown. Others: 2 website not allowed."
    )
    found = sentence(history(refused=40, accepted=60, last=[*last, kept("invalid")]))
    assert found and found.startswith("40 of 100 requests refused in the last hour")
    assert [each.origin for each in refused_websites(SHOP, last)] == ["https://www.example.org"]
    mended = form("shop", origins=("https://www.example.org",))
    assert sentence(history(streak(not_shown=10), last=last), mended) is None


# --- much is refused


@pytest.mark.parametrize(
    ("refused", "accepted", "usual", "alerts"),
    [
        pytest.param(40, 60, [], True, id="one of two pages is broken"),
        pytest.param(20, 60, [], True, id="just enough"),
        pytest.param(19, 0, [], False, id="too few for a jump"),
        pytest.param(200, 9800, [2] * 13, False, id="a campaign, with the usual mistakes"),
        pytest.param(40, 60, [13] * 13, True, id="three times as many as usual"),
        pytest.param(40, 60, [14] * 13, False, id="fewer than that"),
        pytest.param(40, 60, [500] * 6 + [0] * 7, True, id="robots came on some days"),
    ],
)
def test_when_much_is_refused(refused: int, accepted: int, usual: list[int], alerts: bool) -> None:
    found = sentence(history(refused=refused, accepted=accepted, usual_hours=usual))
    assert (found is not None) == alerts


def test_much_is_refused_for_the_commonest_cause_of_the_last_hour() -> None:
    last = [
        kept("required", client=BOT),
        kept("rate_limited"),
        kept("invalid", fields=("email", "name")),
        *[kept("required", at=NOW - 2 * HOUR)] * 9,
    ]
    assert sentence(history(refused=40, accepted=60, last=last)) == (
        "40 of 100 sign-ups refused in the last hour: a field had a wrong value. These fields"
        " arrived: email, name."
    )


def test_without_a_known_cause_nothing_is_said() -> None:
    assert sentence(history(refused=40, last=[kept("rate_limited")])) is None


@pytest.mark.parametrize(
    ("refused", "accepted", "usual", "reported"),
    [
        pytest.param(5, 5, [], True, id="half of a few"),
        pytest.param(5, 6, [], False, id="people mistype"),
        pytest.param(4, 0, [], False, id="too few"),
        pytest.param(500, 100, [500] * 13, True, id="as usual, but most"),
        pytest.param(40, 60, [], True, id="what alerts"),
    ],
)
def test_when_much_is_worth_a_report(
    refused: int, accepted: int, usual: list[int], reported: bool
) -> None:
    found = worth_reporting(SHOP, history(refused=refused, accepted=accepted, usual_hours=usual))
    assert (found is not None) == reported


# --- forms that an operator has changed


def test_a_closed_form_refuses_on_purpose() -> None:
    closed = form("shop", origins=SHOP.origins, enabled=False)
    assert sentence(history(streak(), refused=40), closed) is None


def test_an_origin_that_was_added_meanwhile_ends_it() -> None:
    mended = form("shop", origins=(*SHOP.origins, "https://www.example.org"))
    assert sentence(history(streak()), mended) is None
    assert sentence(history(streak(), last=[kept(), kept(origin="https://x.example")]), mended)


# --- causes


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_a_cause_and_something_to_do(code: RefusalCode) -> None:
    nine = refusals.streak(last=NOW, codes={code: 9})
    found = worth_reporting(SHOP, history(nine, last=[kept(code)]))
    assert found
    assert found.sentence.endswith(".") and not found.sentence.endswith("..")
    assert found.to_do[0].islower()
    assert found.to_do.endswith(".") != bool(
        re.search(r"relay [a-z ]+ shop|relay doctor|--origin", found.to_do)
    )
    assert "{" not in found.to_do


@pytest.mark.parametrize(
    ("origins", "cause"),
    [
        pytest.param(["https://example.com"], "example.com is not among", id="one"),
        pytest.param(
            ["https://a.example", "https://b.example", "https://a.example"],
            "a.example and b.example are not among",
            id="two",
        ),
        pytest.param(
            [f"https://{name}.example" for name in "abcdef"],
            "a.example, b.example and c.example are not among",
            id="many",
        ),
        pytest.param(
            ["http://www.example.com"],
            "http://www.example.com is not among",
            id="only the scheme is another one",
        ),
        pytest.param(["null"], "null is not among", id="no address"),
        pytest.param([None], "the page that posts is not on one of", id="unknown"),
    ],
)
def test_the_origins_that_were_refused_are_named(origins: list[str | None], cause: str) -> None:
    found = sentence(history(streak(), last=[kept(origin=origin) for origin in origins]))
    assert found and found.partition(": ")[2] == f"{cause} the websites that may post here."


@pytest.mark.parametrize(
    ("origins", "options"),
    [
        pytest.param([("https://a.example", True)], ["https://a.example"], id="several networks"),
        pytest.param(
            [(f"https://{name}.example", True) for name in "abcd"],
            [f"https://{name}.example" for name in "abc"],
            id="many",
        ),
        pytest.param([("https://a.example", False)], ["ORIGIN"], id="one network"),
        pytest.param(
            [("https://made-up.example", False)] * 9 + [("https://a.example", True)],
            ["https://a.example"],
            id="and a stranger",
        ),
        pytest.param(
            [("https://a.example", True), ("https://a.example", False)][::-1],
            ["https://a.example"],
            id="one network later",
        ),
        pytest.param([(None, False)], ["ORIGIN"], id="unknown"),
    ],
)
def test_an_origin_is_advised_beside_the_forms_own_if_several_networks_sent_it(
    origins: list[tuple[str | None, bool]], options: list[str]
) -> None:
    last = [kept(origin=origin, from_several=several) for origin, several in origins]
    found = too_many_refused(SHOP, history(streak(), last=last), FOR_ALERTS)
    assert found
    assert re.findall(r"--origin (\S+)", found.to_do) == ["https://www.example.com", *options]
    assert ("a stranger may have made it up" in found.to_do) == (options == ["ORIGIN"])


@pytest.mark.parametrize("code", ["origin", "invalid", "malformed", "unavailable", "unknown_list"])
def test_the_console_says_where_its_pages_do_what_commands_do(code: str) -> None:
    codes = {RefusalCode(code): 9}
    refused = refusals.streak(9, 6 * HOUR, last=NOW, codes=codes)
    found = too_many_refused(SHOP, history(refused, last=[kept(code)]), FOR_ALERTS)
    assert found
    assert re.search(r"relay \w+|--origin", found.to_do)
    assert not re.search(r"relay \w+|--|[{}]", found.in_console)
    assert found.in_console.endswith(".")


def test_other_causes_are_counted() -> None:
    found = sentence(history(streak(invalid=2, origin=7, required=3)))
    assert found
    assert found.startswith("12 of 12 sign-ups refused")
    assert found.endswith("may post here. Others: 2 invalid, 3 required.")
    found = sentence(history(streak(invalid=7, origin=2)))
    assert found and found.endswith(" Others: 2 website not allowed.")


def test_of_fields_those_that_arrived_last_are_named() -> None:
    last = [
        kept("origin"),
        kept("required", fields=("mail address", "first_name")),
        kept("required", fields=("other",)),
    ]
    found = sentence(history(streak(required=9), last=last))
    assert found and found.endswith(
        "a required field was missing. These fields arrived: mail address, first_name."
    )


@pytest.mark.parametrize(
    ("last", "named"),
    [
        pytest.param([("https://a.example", False)], ["https://a.example"], id="one network"),
        pytest.param(
            [("https://a.example", False), ("https://b.example", True)],
            ["https://b.example", "https://a.example"],
            id="several networks first",
        ),
        pytest.param(
            [("https://a.example", False), ("https://a.example", True)],
            ["https://a.example"],
            id="once, however often",
        ),
        pytest.param(
            [(f"https://{name}.example", False) for name in "abcdefg"],
            [f"https://{name}.example" for name in "abcde"],
            id="the newest five",
        ),
        pytest.param([("https://www.example.com", True), (None, True)], [], id="none"),
    ],
)
def test_websites_that_are_still_refused(
    last: list[tuple[str | None, bool]], named: list[str]
) -> None:
    refused = [
        kept(origin=origin, from_several=several, at=NOW - minutes * MINUTE)
        for minutes, (origin, several) in enumerate(last)
    ]
    found = refused_websites(SHOP, [*refused, kept("invalid", origin="https://x.example")])
    assert [each.origin for each in found] == named
    assert all(each.at == NOW for each in found if each.origin == last[0][0])
    assert refused_websites(form("shop"), refused) == []


def test_the_sign_ups_of_a_refused_website_are_counted_and_its_views_are_not() -> None:
    last = [kept("not_shown"), kept(), kept("required"), kept(), kept("origin", origin=None)]
    [found] = refused_websites(SHOP, last)
    assert found.signups == 2


@pytest.mark.parametrize(
    ("origin", "is_beside"),
    [
        ("https://acme.example", True),
        ("https://shop.acme.example", True),
        ("http://www.acme.example:8080", True),
        ("https://old.shop.acme.example", True),
        ("https://notacme.example", False),
        ("https://acme.example.net", False),
        ("https://example", False),
        ("null", False),
        ("http://[made up", False),
    ],
)
def test_a_refused_website_of_the_domain_of_one_that_may_post_is_known(
    origin: str, is_beside: bool
) -> None:
    own = "https://www.acme.example"
    assert allowed_beside(form(origins=("https://www.b.example", own)), origin) == (
        own if is_beside else None
    )
    assert allowed_beside(form(), origin) is None


def test_a_website_is_named_by_several_networks_if_one_of_its_refusals_is() -> None:
    for order in ([True, False], [False, True]):
        [found] = refused_websites(SHOP, [kept(from_several=several) for several in order])
        assert (found.from_several, found.named_by) == (True, "several networks")
    [found] = refused_websites(SHOP, [kept(from_several=False)] * 2)
    assert (found.from_several, found.named_by) == (False, "one network")


@pytest.mark.parametrize(
    ("origin", "to_press"), [("https://www.example.org", "“Allow this website”"), (None, "Edit")]
)
def test_the_console_has_a_button_for_a_website_that_it_knows(
    origin: str | None, to_press: str
) -> None:
    found = worth_reporting(SHOP, history(streak(), last=[kept(origin=origin)]))
    assert found and f"press {to_press} " in found.in_console
