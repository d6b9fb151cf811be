"""The verdict as a table: what is so, and what is said of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.accounts.account_summary import ConnectionStatus
from shared.domain.account import Hold, HoldReason
from shared.domain.connection_end import ConnectionEnd, EndCause
from shared.domain.counts import Counts
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.quota_forecast import QuotaForecast
from shared.domain.refusal_history import TooManyRefused
from shared.domain.refusal_texts import RefusedWebsite
from shared.domain.requests_today import RequestsToday
from shared.domain.signup import DeathReason
from shared.domain.totals import Totals
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.token_store import Replacement
from shared.operations.form_targets import Cause, FormTarget
from shared.operations.overview.facts import Overview, QuotaUse
from shared.operations.overview.verdict import Gravity, Place, verdict
from shared.operations.system_status import Pulse
from tests.support import few_failures
from tests.support.builders import NOON, form
from tests.support.overviews import ALIVE, overview, spool, view

NINE_TWELVE = NOON.replace(hour=9, minute=12)
HOUR = timedelta(hours=1)


def hold(reason: HoldReason, **fields: Any) -> Hold:
    return Hold(reason=reason, since=NINE_TWELVE, **fields)


def refused(since: datetime | None, sentence: str) -> TooManyRefused:
    return TooManyRefused(since=since, sentence=sentence, to_do="run: it", in_console="do this")


GONE = FormTarget(
    account="acme", form="news", count=9, lists=("News",), names_gone_list=False, refused=("News",)
)


def cause(
    count: int, message: str = "", target: FormTarget | None = None, form: str | None = "news"
) -> Cause:
    return Cause(few_failures.cause(count, message, id="abc", form=form), target)


@pytest.mark.parametrize(
    ("today", "due", "said"),
    [
        (Counts(), 0, "no sign-up has come today."),
        (Counts(accepted=1, delivered=1), 0, "1 sign-up today, delivered."),
        (Counts(accepted=2, delivered=2), 0, "2 sign-ups today, all delivered."),
        (Counts(accepted=1204, delivered=1204), 0, "1,204 sign-ups today, all delivered."),
        (Counts(accepted=9, delivered=5), 4, "9 sign-ups today, 5 delivered, 4 wait."),
        (Counts(), 1, "0 sign-ups today, 0 delivered, 1 waits."),
    ],
)
def test_a_good_day(today: Counts, due: int, said: str) -> None:
    found = verdict(overview(view(today=today, due=due)))
    assert found.sentence == f"Healthy: {said}"
    assert found.gravity == Gravity.KNOW
    assert found.reasons == ()


def test_a_good_day_says_what_is_left_and_not_what_was_mended_meanwhile() -> None:
    today = Counts(accepted=3000, delivered=1990, quarantined=1009, dead=5)
    busy = view(today=today, quarantined=1008, dead={DeathReason.REJECTED: 2}, in_jobs=2)
    assert verdict(overview(busy)).sentence == (
        "Healthy: 3,000 sign-ups today, 1,990 delivered, 1,008 in quarantine, 2 failed."
    )
    mended = verdict(overview(view(today=today))).sentence
    assert mended == "Healthy: 3,000 sign-ups today, 1,990 delivered."


@pytest.mark.parametrize(
    ("facts", "sentence", "place", "name"),
    [
        pytest.param(
            overview(
                view(status=ConnectionStatus.REVOKED, holds=(hold(HoldReason.RECONNECT),), due=1212)
            ),
            "Acme must be reconnected: revoked at 09:12 UTC; 1,212 wait, none is lost.",
            Place.ACCOUNT,
            "acme",
            id="revoked",
        ),
        pytest.param(
            overview(view(status=ConnectionStatus.REVOKED)),
            "Acme must be reconnected: revoked; nothing waits.",
            Place.ACCOUNT,
            "acme",
            id="revoked, nobody knows when",
        ),
        pytest.param(
            overview(
                view(
                    status=ConnectionStatus.DISCONNECTED,
                    disconnected_at="2026-01-01",
                    due=1,
                    oldest_due=2 * HOUR,
                )
            ),
            "Acme is disconnected; 1 waits, none is lost.",
            Place.ACCOUNT,
            "acme",
            id="disconnected while something waits",
        ),
        pytest.param(
            overview(view(holds=(hold(HoldReason.FORBIDDEN),))),
            "Acme is on hold since 09:12 UTC: its login may not write contacts; nothing waits.",
            Place.ACCOUNT,
            "acme",
            id="forbidden",
        ),
        pytest.param(
            overview(view(end=ConnectionEnd(at=NOON + HOUR, cause=EndCause.REFUSED), due=5)),
            "Acme works until 2026-03-01 13:00 UTC: reconnect it before.",
            Place.ACCOUNT,
            "acme",
            id="its connection will end",
        ),
        pytest.param(
            overview(view(due=5, oldest_due=2 * HOUR, last_delivery=NOON - 2 * HOUR)),
            "Acme has delivered nothing for an hour; 5 wait, none is lost.",
            Place.DOCTOR,
            "acme",
            id="stalled",
        ),
        pytest.param(
            overview(view(dead={DeathReason.GAVE_UP: 2, DeathReason.REJECTED: 9})),
            "Acme: 11 sign-ups failed.",
            Place.FAILED,
            "acme",
            id="dead letters",
        ),
        pytest.param(
            overview(view(dead={DeathReason.REJECTED: 9}, in_jobs=8)),
            "Acme: 1 sign-up failed; 8 more are being retried.",
            Place.FAILED,
            "acme",
            id="dead letters, of which some are being retried",
        ),
        pytest.param(
            overview(view(dead={DeathReason.REJECTED: 9}, causes=[cause(9, target=GONE)])),
            "Acme: 9 sign-ups of the form news failed: the list “News” does not exist any more.",
            Place.FAILED,
            "acme",
            id="dead letters of one cause",
        ),
        pytest.param(
            overview(view(due=3), pulse=Pulse({}, ALIVE.beats_seen)),
            "No worker is alive, so nothing is delivered; 3 wait, none is lost.",
            Place.DOCTOR,
            None,
            id="no worker",
        ),
        pytest.param(
            overview(view(totals=Totals(accepted=2)), view("blue", totals=Totals(accepted=1))),
            "The counts of acme, blue do not add up.",
            Place.ACCOUNT,
            "acme",
            id="counts that do not add up",
        ),
        pytest.param(
            overview(view(), writes_refused="Redis is full. Web keeps new sign-ups on its disk."),
            "Redis is full. Web keeps new sign-ups on its disk.",
            Place.DOCTOR,
            None,
            id="Redis takes no writes",
        ),
        pytest.param(
            overview(view(), memory=MemoryForecast(used=95, limit=100, limited=True)),
            "Redis is nearly full.",
            Place.DOCTOR,
            None,
            id="Redis is nearly full",
        ),
        pytest.param(
            overview(view(), spools=[spool(seen=HOUR)]),
            "They do not reach Redis: 3 sign-ups on web-1, seen 1 h ago.",
            Place.DOCTOR,
            None,
            id="a host that hands nothing over",
        ),
        pytest.param(
            overview(
                view(),
                refusing=[(form(), refused(NINE_TWELVE, "12 of 12 refused."))],
            ),
            "news: 12 of 12 refused.",
            Place.FORM,
            "news",
            id="a form that refuses everything",
        ),
        pytest.param(
            overview(view(), known_accounts=900, others_in_trouble=11),
            "11 more accounts need a look.",
            Place.ACCOUNTS,
            None,
            id="accounts that are not shown",
        ),
    ],
)
def test_one_thing_that_needs_somebody_is_the_verdict(
    facts: Overview, sentence: str, place: Place, name: str | None
) -> None:
    found = verdict(facts)
    assert found.sentence == sentence
    assert found.gravity == Gravity.ACT
    (reason,) = found.reasons
    assert (reason.place, reason.name) == (place, name)
    assert reason.to_do is None or reason.to_do[0].isupper()


@pytest.mark.parametrize(
    ("facts", "gravity", "sentence", "place"),
    [
        pytest.param(
            overview(view(holds=(hold(HoldReason.PAUSED, by="ada"),), due=3)),
            Gravity.KNOW,
            "Acme was paused at 09:12 UTC; 3 wait, none is lost.",
            Place.ACCOUNT,
            id="paused",
        ),
        pytest.param(
            overview(view(status=ConnectionStatus.FAILING, due=3)),
            Gravity.KNOW,
            "Acme could not refresh its tokens, and tries again by itself.",
            Place.ACCOUNT,
            id="refreshing fails",
        ),
        pytest.param(
            overview(view(status=ConnectionStatus.DISCONNECTED, disconnected_at="2026-01-01")),
            Gravity.KNOW,
            "Acme is disconnected; nothing waits.",
            Place.ACCOUNT,
            id="disconnected on purpose",
        ),
        pytest.param(
            overview(view(quarantined=1)),
            Gravity.LOOK,
            "Acme: 1 quarantined sign-up needs a look.",
            Place.QUARANTINE,
            id="one in quarantine",
        ),
        pytest.param(
            overview(view(quarantined=2)),
            Gravity.LOOK,
            "Acme: 2 quarantined sign-ups need a look.",
            Place.QUARANTINE,
            id="quarantine",
        ),
        pytest.param(
            overview(view(replacement=Replacement("olga", "Old", NOON - HOUR))),
            Gravity.LOOK,
            "acme is another account since 11:00 UTC, by olga.",
            Place.ACCOUNT,
            id="another account took the name",
        ),
        pytest.param(
            overview(view(), pulse=Pulse(ALIVE.workers_seen, {"beat": HOUR})),
            Gravity.LOOK,
            "Beat last ticked 1 h ago, so nothing refreshes the tokens of quiet accounts.",
            Place.DOCTOR,
            id="no beat",
        ),
        pytest.param(
            overview(view(), spools=[spool()]),
            Gravity.KNOW,
            "Web is moving them to Redis: 3 sign-ups on web-1, seen 2 s ago.",
            Place.DOCTOR,
            id="a disk that empties itself",
        ),
        pytest.param(
            overview(
                view(), memory=MemoryForecast(used=1, limit=9, limited=True, full_in=20 * 24 * HOUR)
            ),
            Gravity.LOOK,
            "At this pace Redis is full in 20 days.",
            Place.DOCTOR,
            id="Redis will be full",
        ),
        pytest.param(
            overview(view(), refusing=[(form(), refused(None, "20 of 50 refused."))]),
            Gravity.LOOK,
            "news: 20 of 50 refused.",
            Place.FORM,
            id="a form that refuses much",
        ),
        pytest.param(
            overview(
                view(),
                quota=QuotaUse(
                    today=RequestsToday(made=9),
                    limit=10,
                    forecast=QuotaForecast(runs_out_at=NOON + HOUR, waiting=3200),
                ),
            ),
            Gravity.LOOK,
            "At this pace today's requests run out at 13:00 UTC; about 3,200 will wait until 00:00"
            " UTC.",
            Place.WAITING,
            id="today's requests run out",
        ),
        pytest.param(
            overview(view(), alerts=0), Gravity.KNOW, "Alerts are off.", Place.DOCTOR, id="alerts"
        ),
    ],
)
def test_what_needs_nobody_now_leaves_it_healthy(
    facts: Overview, gravity: Gravity, sentence: str, place: Place
) -> None:
    found = verdict(facts)
    assert found.sentence.startswith("Healthy: ")
    (reason,) = found.reasons
    assert (reason.gravity, reason.sentence, reason.place) == (gravity, sentence, place)
    named = {Place.ACCOUNT: "acme", Place.QUARANTINE: "acme", Place.FORM: "news"}
    assert reason.name == named.get(place)
    assert (reason.group, reason.form, reason.website) == (None, None, None)


OUTAGE = (hold(HoldReason.OUTAGE),)
SPENT = (hold(HoldReason.QUOTA),)
RECONNECT: dict[str, Any] = {
    "status": ConnectionStatus.REVOKED,
    "holds": (hold(HoldReason.RECONNECT),),
}


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        pytest.param(
            overview(view(holds=OUTAGE, due=2)),
            "Acme is on hold since 09:12 UTC: its sign-ups could not be sent, 3 or more in a row; 2"
            " wait, none is lost.",
            id="an outage",
        ),
        pytest.param(
            overview(view(holds=(hold(HoldReason.OUTAGE, note="HTTP 503: {down}."),), due=2)),
            "Acme is on hold since 09:12 UTC: its sign-ups could not be sent: HTTP 503: {down}, 3"
            " or more in a row; 2 wait, none is lost.",
            id="an outage of which the answer is known",
        ),
        pytest.param(
            overview(view(holds=SPENT, due=3)),
            "Acme is on hold until 00:00 UTC: today's requests are used up; 3 wait, none is lost.",
            id="the quota is spent",
        ),
        pytest.param(
            overview(view(), known_accounts=900, others_waiting=1),
            "1 more account waits for Constant Contact.",
            id="an account that is not shown",
        ),
        pytest.param(
            overview(view(), known_accounts=900, others_waiting=2),
            "2 more accounts wait for Constant Contact.",
            id="accounts that are not shown",
        ),
        pytest.param(
            overview(view(holds=OUTAGE), view("books", holds=OUTAGE), view("cafe", quarantined=1)),
            "Nothing needs you. 2 end by themselves. 1 needs a look.",
            id="several",
        ),
    ],
)
def test_what_ends_by_itself_needs_nobody_and_is_not_healthy(
    facts: Overview, sentence: str
) -> None:
    found = verdict(facts)
    assert found.sentence == sentence
    assert found.gravity == Gravity.WAIT


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        pytest.param(
            overview(view(holds=OUTAGE), view("cafe", holds=SPENT), view("books", **RECONNECT)),
            "1 needs you. 2 end by themselves.",
            id="one and two",
        ),
        pytest.param(
            overview(
                view(holds=OUTAGE),
                view("books", **RECONNECT),
                view("cafe", dead={DeathReason.REJECTED: 1}),
            ),
            "2 need you. 1 ends by itself.",
            id="two and one",
        ),
    ],
)
def test_those_that_need_a_person_come_first_and_are_counted_alone(
    facts: Overview, sentence: str
) -> None:
    found = verdict(facts)
    assert found.sentence == sentence
    assert found.reasons[0].gravity == Gravity.ACT
    assert found.reasons[0].name in ("books", "cafe")


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (0, "None"),
        (1, "1 request was refused today; it is stored nowhere."),
        (1204, "1,204 requests were refused today; they are stored nowhere."),
    ],
)
def test_refused_requests_are_told_beside_the_balance(refused: int, said: str) -> None:
    """They are outside of its sum."""
    facts = overview(view(today=Counts(refused=refused)))
    assert str(facts.refused_in_words).startswith(said)
    assert verdict(facts).gravity == Gravity.KNOW  # visitors mistype


def test_the_three_forms_that_refused_the_most_are_named() -> None:
    def of(name: str, **refused: int) -> FormFigures:
        return FormFigures(form=form(name), accepted=0, quarantined=0, refused=refused)

    acme = replace(view(), forms=[of("a", origin=2, invalid=2), of("b", origin=1)])
    blue = replace(view("blue"), forms=[of("c", origin=3), of("d", origin=2, not_shown=9)])
    assert overview(acme, blue).refused_most == ["a", "c", "d"]


def test_several_are_counted_and_the_gravest_come_first() -> None:
    facts = overview(
        view(quarantined=1),
        view("books", organization="Books", dead={DeathReason.REJECTED: 1}),
        view("cafe", organization="Café", status=ConnectionStatus.UNUSABLE),
        pulse=Pulse({}, {}),
        alerts=0,
    )
    found = verdict(facts)
    assert found.sentence == "3 need you. 2 need a look."
    gravities = [reason.gravity for reason in found.reasons]
    assert gravities == [Gravity.ACT] * 3 + [Gravity.LOOK] * 2 + [Gravity.KNOW]


def test_each_large_cause_of_what_failed_is_told_for_itself() -> None:
    causes = [cause(7, "HTTP 400: bad email", form=None), cause(2, target=GONE)]
    facts = overview(view(dead={DeathReason.REJECTED: 1013}, in_jobs=1003, causes=causes))
    found = verdict(facts)
    assert found.sentence == "3 need you."
    address = "Constant Contact does not accept the e-mail address"
    assert [(reason.sentence, reason.form) for reason in found.reasons] == [
        (
            f"Acme: 7 sign-ups failed: {address}; 1,003 more are being retried.",
            None,
        ),
        (
            "Acme: 2 sign-ups of the form news failed: the list “News” does not exist any more.",
            "news",
        ),
        ("Acme: 1 more sign-up failed.", None),
    ]
    assert [reason.group for reason in found.reasons] == ["abc", "abc", None]


def website(signups: int = 4, *, several: bool = True, ago: timedelta = HOUR) -> RefusedWebsite:
    return RefusedWebsite(
        origin="https://old.example", at=NOON - ago, from_several=several, signups=signups
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param(website(), "4 were sign-ups", id="today"),
        pytest.param(website(1), "1 was a sign-up", id="one"),
        pytest.param(website(ago=6 * 24 * HOUR), "4 were sign-ups", id="this week"),
        pytest.param(website(ago=7 * 24 * HOUR), None, id="before"),
        pytest.param(website(1204, several=False), "1,204 were sign-ups", id="one network"),
        pytest.param(website(several=False, ago=24 * HOUR), None, id="one network, before"),
    ],
)
def test_a_website_whose_sign_ups_were_refused_is_told_and_can_be_allowed(
    found: RefusedWebsite, told: str | None
) -> None:
    reasons = verdict(overview(view(), refused_websites=[(form(), found)])).reasons
    said = (
        f"Of the last refusals of news, {told} from https://old.example, which may not post to it."
        " Nothing of them is stored."
    )
    assert [reason.sentence for reason in reasons] == ([said] if told else [])
    for reason in reasons:
        assert (reason.gravity, reason.place, reason.name) == (Gravity.LOOK, Place.FORM, "news")
        assert reason.website == "https://old.example"


def test_what_is_in_quarantine_is_told_after_what_is_lost() -> None:
    facts = overview(view(quarantined=3), refused_websites=[(form(), website())])
    places = [(reason.place, reason.name) for reason in verdict(facts).reasons]
    assert places == [(Place.FORM, "news"), (Place.QUARANTINE, "acme")]


def test_a_form_that_refuses_too_much_is_told_once() -> None:
    facts = overview(
        view(),
        refusing=[(form(), refused(NINE_TWELVE, "12 of 12 refused."))],
        refused_websites=[(form(), website())],
    )
    assert verdict(facts).sentence == "news: 12 of 12 refused."
    assert len(verdict(facts).reasons) == 1


def test_a_closed_form_refuses_no_website_any_more() -> None:
    closed = overview(view(), refused_websites=[(form(enabled=False), website())])
    assert verdict(closed).reasons == ()


@pytest.mark.parametrize(
    ("facts", "to_do"),
    [
        (overview(view(), pulse=Pulse({}, ALIVE.beats_seen)), "Start one with: relay worker"),
        (overview(view(), pulse=Pulse(ALIVE.workers_seen, {})), "Start it with: relay beat"),
        (overview(view(), spools=[spool(seen=HOUR)]), "Start web on that host with its"),
        (
            overview(view(), memory=MemoryForecast(used=95, limit=100, limited=True)),
            "Give the host",
        ),
        (overview(view(totals=Totals(accepted=2))), "That proves no loss: "),
        (overview(view(), refusing=[(form(), refused(None, "20 refused."))]), "Do this."),
        (overview(view(), refused_websites=[(form(), website())]), "If it is yours"),
        (overview(view(), alerts=0), "Set RELAY_ALERTS for "),
        (
            overview(view(dead={DeathReason.REJECTED: 9}, causes=[cause(9, target=GONE)])),
            "Give the form another list, and retry them there.",
        ),
        (overview(view(dead={DeathReason.REJECTED: 9})), "None"),
        (overview(view(quarantined=1)), "None"),
    ],
)
def test_something_to_do_is_said_with_it(facts: Overview, to_do: str) -> None:
    (reason,) = verdict(facts).reasons
    assert str(reason.to_do).startswith(to_do)


def test_a_hold_of_another_day_has_its_date() -> None:
    since = NOON - timedelta(days=2)
    facts = overview(view(holds=(Hold(reason=HoldReason.PAUSED, since=since),)))
    (reason,) = verdict(facts).reasons
    assert reason.sentence == "Acme was paused at 2026-02-27 12:00 UTC; nothing waits."


@pytest.mark.parametrize("at", [None, NOON - 24 * HOUR], ids=["nobody knows when", "before"])
def test_another_account_is_news_for_a_day(at: datetime | None) -> None:
    found = verdict(overview(view(replacement=Replacement("olga", "Old", at))))
    assert found.reasons == ()


def test_what_can_go_on_for_long_is_no_reason() -> None:
    lasting = QuotaUse(today=RequestsToday(made=9), limit=99, forecast=QuotaForecast(left=50))
    memory = MemoryForecast(used=1, limit=9, limited=True)
    assert verdict(overview(view(), quota=lasting, memory=memory)).reasons == ()


def test_the_requests_of_a_key_of_its_own_are_told_with_the_account() -> None:
    used_up = QuotaForecast(runs_out_at=NOON + HOUR, waiting=3200)
    quota = QuotaUse(today=RequestsToday(made=9), limit=10, forecast=used_up)
    (reason,) = verdict(overview(replace(view(), quota=quota))).reasons
    assert reason.sentence == f"Acme: {used_up.sentence}"


def test_a_hold_explains_what_waits() -> None:
    """Time on hold is no stall."""
    facts = overview(view(holds=(hold(HoldReason.PAUSED),), due=5, oldest_due=9 * HOUR))
    assert all("delivered nothing" not in reason.sentence for reason in verdict(facts).reasons)


def test_one_that_waits_long_while_others_are_delivered_is_no_stall() -> None:
    facts = overview(view(due=5, oldest_due=9 * HOUR, last_delivery=NOON - HOUR / 2))
    assert verdict(facts).reasons == ()


def test_without_accounts_it_says_so() -> None:
    assert verdict(overview()).sentence == "No account is connected yet."
