"""Late sign-ups, and forms that ask: lanes with a Constant Contact that answers as each test wants,
then whole lanes against the sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import requests

from shared.constant_contact.errors import Forbidden
from shared.domain.account import HoldReason
from shared.domain.outcome import ApiAnswer
from shared.domain.signup import Signup, State, WhenUnsubscribed
from shared.domain.subscription_status import SubscriptionStatus
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from tests.support.builders import LIST_ID, accept, claimed
from tests.support.command_line import CommandLine
from tests.support.lane_rig import CREATED, FORBIDDEN, UNAUTHORIZED, UNAVAILABLE, LaneRig
from tests.support.records import receive_earlier
from tests.support.sandbox_server import SandboxServer
from worker.runtime import WorkerRuntime
from worker.task_events import Silent

EMAIL = "ada@example.com"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATE = timedelta(hours=25)
ANSWERED = ApiAnswer(status=200, contact_id="c-1", action="asked")
CONFLICT = ApiAnswer(status=409, message="asked already")


def status(opted_out_at: datetime | None, permission: str = "unsubscribed") -> SubscriptionStatus:
    return SubscriptionStatus(contact_id="c-1", permission=permission, opted_out_at=opted_out_at)


LEFT_SINCE = status(datetime.now(UTC))
LEFT_BEFORE = status(LONG_AGO)
SUBSCRIBED = status(None, "explicit")


def age(client: "redis.Redis", id: str, by: timedelta = LATE) -> None:
    """Have the sign-up be received longer ago."""
    receive_earlier(client, f"{keys.account('acme')}signup:{id}", by)


def late_signup(rig: LaneRig, unsubscribed: WhenUnsubscribed = "resubscribe") -> str:
    id = accept(rig.ledger, unsubscribed=unsubscribed).id
    age(rig.client, id)
    return id


# --- looking


def test_a_signup_in_time_is_sent_without_a_look(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    age(rig.client, id, timedelta(hours=23))
    assert rig.run(standings=[LEFT_SINCE]) == {"delivered": 1, "stopped": "nothing due"}
    assert rig.contacts.looked == []


def test_a_late_signup_of_someone_who_left_since_is_dead_and_not_sent(rig: LaneRig) -> None:
    id = late_signup(rig)
    assert rig.run(standings=[LEFT_SINCE]) == {
        "looked_up": 1,
        "dead": 1,
        "stopped": "nothing due",
    }
    assert rig.contacts.sent == []
    signup = rig.signup(id)
    assert (signup.reason, signup.error_key, signup.attempts) == ("unsubscribed_since", None, 0)
    assert signup.message is not None
    assert EMAIL not in signup.message


@pytest.mark.parametrize("found", [SubscriptionStatus(), SUBSCRIBED, LEFT_BEFORE])
def test_a_late_signup_of_anyone_else_is_sent_after_one_look(
    rig: LaneRig, found: SubscriptionStatus
) -> None:
    id = late_signup(rig)
    assert rig.run(standings=[found]) == {
        "looked_up": 1,
        "delivered": 1,
        "stopped": "nothing due",
    }
    assert rig.contacts.looked == [("token-1", EMAIL)]
    assert rig.contacts.sent == [("token-1", EMAIL)]
    assert rig.signup(id).attempts == 1


def test_a_late_one_from_the_quarantine_is_looked_at_like_any_other(rig: LaneRig) -> None:
    id = accept(rig.ledger, quarantine="honeypot").id
    age(rig.client, id)
    assert rig.ledger.deliver_anyway(rig.signup(id))
    assert rig.run(standings=[LEFT_SINCE])["dead"] == 1
    assert rig.contacts.sent == []
    assert rig.signup(id).reason == "unsubscribed_since"


def test_time_on_hold_counts_for_being_late(rig: LaneRig) -> None:
    id = accept(rig.ledger).id
    thirty_hours = timedelta(hours=30) // timedelta(milliseconds=1)
    age(rig.client, id, timedelta(hours=30))
    rig.client.hset(f"{keys.account('acme')}clock", "held", str(thirty_hours))
    claim = claimed(rig.ledger, lane="lane")  # which the rig's lane goes on with
    assert claim.age < timedelta(hours=1)
    assert claim.waited > timedelta(hours=29)
    assert rig.run(standings=[LEFT_SINCE])["dead"] == 1


def test_a_dead_letter_that_is_retried_is_looked_at_again(rig: LaneRig) -> None:
    id = late_signup(rig)
    rig.run(standings=[LEFT_SINCE])
    assert rig.ledger.requeue("acme", id)
    assert rig.run(standings=[LEFT_SINCE])["dead"] == 1
    assert rig.ledger.requeue("acme", id)
    assert rig.run(standings=[SUBSCRIBED])["delivered"] == 1


def test_the_look_and_the_sending_have_a_lease_each(rig: LaneRig) -> None:
    late_signup(rig)
    looked = claimed(rig.ledger, lane="lane")
    rig.make_due(looked.id, "fresh")  # as if its lease were nearly over
    rig.client.pexpire(f"{keys.account('acme')}lane:lane", 20_000)
    sending = claimed(rig.ledger, lane="lane")
    assert sending.number == looked.number
    until = float(str(rig.client.zscore(f"{keys.account('acme')}due:fresh", looked.id)))
    assert until / 1000 - rig.client.time()[0] > 30
    assert rig.client.pttl(f"{keys.account('acme')}lane:lane") > 30_000


def test_the_look_and_the_sending_are_each_counted(rig: LaneRig) -> None:
    late_signup(rig)
    rig.run()
    assert rig.ledger.pace.used_today("test-key") == 2
    assert rig.slots_back == 0


def test_a_dead_letter_costs_the_look_alone(rig: LaneRig) -> None:
    late_signup(rig)
    rig.run(standings=[LEFT_SINCE])
    assert rig.ledger.pace.used_today("test-key") - rig.slots_back == 1


def test_what_one_look_found_is_not_taken_for_another_signup(rig: LaneRig) -> None:
    first = late_signup(rig)
    second = accept(rig.ledger, "bob@example.com").id
    age(rig.client, second)
    rig.run(standings=[SUBSCRIBED, LEFT_SINCE])
    assert (rig.signup(first).state, rig.signup(second).state) == (State.DELIVERED, State.DEAD)
    assert [email for _, email in rig.contacts.looked] == [EMAIL, "bob@example.com"]


# --- a look that fails is judged as a delivery that fails; nobody is put back


@pytest.mark.parametrize(
    "failure",
    [
        UNAVAILABLE,
        ApiAnswer(status=None, message="timed out"),
        ApiAnswer(status=200, message="the answer makes no sense"),
        ApiAnswer(status=202),
        ApiAnswer(status=302),
        ApiAnswer(status=409),
    ],
)
def test_a_look_that_may_work_later_is_a_counted_retry(rig: LaneRig, failure: ApiAnswer) -> None:
    id = late_signup(rig)
    assert rig.run(standings=[failure])["retried"] == 1
    assert rig.contacts.sent == []
    assert (rig.signup(id).state, rig.signup(id).attempts) == (State.RETRYING, 1)
    rig.make_due(id)
    assert rig.run(standings=[LEFT_SINCE])["dead"] == 1


def test_a_refused_token_is_renewed_for_the_look(rig: LaneRig) -> None:
    id = late_signup(rig)
    assert rig.run(standings=[UNAUTHORIZED, SUBSCRIBED])["delivered"] == 1
    assert [token for token, _ in rig.contacts.looked] == ["token-1", "token-2"]
    assert rig.signup(id).attempts == 1


def test_a_look_with_a_new_token_refused_too_holds_the_account(rig: LaneRig) -> None:
    id = late_signup(rig)
    assert rig.run(standings=[UNAUTHORIZED])["stopped"] == "on hold: reconnect"
    assert (rig.signup(id).state, rig.contacts.sent) == (State.QUEUED, [])


def test_a_login_that_may_not_read_contacts_holds_the_account(rig: LaneRig) -> None:
    id = late_signup(rig)
    rig.run(standings=[FORBIDDEN], may=frozenset({"contacts:write"}))
    [hold] = rig.ledger.figures("acme").holds
    assert hold.reason == HoldReason.FORBIDDEN
    assert hold.note == "the login that connected it lacks contacts:read"
    assert (rig.signup(id).state, rig.contacts.sent) == (State.QUEUED, [])


def test_privileges_that_cannot_be_had_hold_the_account(rig: LaneRig) -> None:
    late_signup(rig)
    rig.run(standings=[FORBIDDEN], may=Forbidden("the privileges", FORBIDDEN))
    assert rig.holds() == [HoldReason.FORBIDDEN]


@pytest.mark.parametrize("error_key", ["throttled", "quota_exceeded"])
def test_a_look_over_the_limit_gives_the_signup_back(rig: LaneRig, error_key: str) -> None:
    id = late_signup(rig)
    refused = ApiAnswer(status=429, error_key=error_key)
    rig.run(standings=[refused, LEFT_SINCE])
    signup = rig.signup(id)
    assert rig.contacts.sent == []
    assert (signup.attempts, signup.state in (State.QUEUED, State.DEAD)) == (0, True)
    assert rig.holds() == ([HoldReason.QUOTA] if error_key == "quota_exceeded" else [])


# --- forms that ask


def test_a_form_that_asks_looks_before_every_signup(rig: LaneRig) -> None:
    accept(rig.ledger, unsubscribed="ask")
    assert rig.run() == {"looked_up": 1, "delivered": 1, "stopped": "nothing due"}
    assert rig.contacts.asked == []
    assert len(rig.contacts.sent) == 1


def test_whoever_had_unsubscribed_is_asked_in_place_of_signed_up(rig: LaneRig) -> None:
    id = accept(rig.ledger, unsubscribed="ask").id
    rig.run(ANSWERED, standings=[LEFT_BEFORE])
    assert rig.contacts.asked == [("c-1", (LIST_ID,))]
    assert rig.contacts.sent == []
    signup = rig.signup(id)
    assert (signup.state, signup.action, signup.contact_id) == (State.DELIVERED, "asked", "c-1")


def test_whoever_left_since_is_not_asked(rig: LaneRig) -> None:
    id = accept(rig.ledger, unsubscribed="ask").id
    rig.run(standings=[status(datetime.now(UTC) + timedelta(minutes=5))])
    assert (rig.contacts.asked, rig.contacts.sent) == ([], [])
    assert rig.signup(id).reason == "unsubscribed_since"


def test_asking_that_fails_is_tried_again_after_another_look(rig: LaneRig) -> None:
    id = accept(rig.ledger, unsubscribed="ask").id
    assert rig.run(UNAVAILABLE, standings=[LEFT_BEFORE])["retried"] == 1
    rig.make_due(id)
    assert rig.run(CREATED, standings=[SUBSCRIBED])["delivered"] == 1
    assert rig.contacts.asked == []
    assert len(rig.contacts.sent) == 1


def test_asking_someone_again_who_was_asked_is_a_dead_letter_that_says_so(rig: LaneRig) -> None:
    id = accept(rig.ledger, unsubscribed="ask").id
    assert rig.run(CONFLICT, standings=[LEFT_BEFORE])["retried"] == 1
    rig.make_due(id)
    assert rig.run(CONFLICT, standings=[LEFT_BEFORE])["dead"] == 1
    signup = rig.signup(id)
    assert signup.reason == "rejected"
    assert "asked only once" in str(signup.message)


# --- against the sandbox


@dataclass
class Site:
    """An account of the sandbox with a worker, and a visitor."""

    runtime: WorkerRuntime
    sandbox: SandboxServer
    command_line: CommandLine

    @property
    def ledger(self) -> Ledger:
        return self.runtime.ledger

    def sign_up(self, unsubscribed: WhenUnsubscribed = "resubscribe", email: str = EMAIL) -> str:
        form = self.command_line("forms", "show", "news", "--json").json
        lists = (str(form["lists"][0]["id"]),)
        return accept(self.ledger, email, lists=lists, unsubscribed=unsubscribed).id

    def is_contact(self) -> None:
        """The visitor is a contact from long ago."""
        self.sign_up()
        self.runtime.lanes.run("acme")

    def unsubscribes(self, ago: timedelta) -> None:
        at = (datetime.now(UTC) - ago).timestamp()
        self.sandbox.control(unsubscribe={"email": EMAIL, "at": at})

    def delivered(self, id: str) -> Signup:
        """Run a lane; return what became of the sign-up."""
        self.runtime.lanes.run("acme")
        found = self.ledger.find(id, ["acme"])
        assert found is not None
        return found

    def contact(self) -> dict[str, Any]:
        contacts = self.sandbox.contacts()
        [found] = [each for each in contacts if each["email"] == EMAIL]
        return dict(found)


@pytest.fixture
def site(connected: CommandLine, live_settings: Settings, sandbox: SandboxServer) -> Iterator[Site]:
    runtime = WorkerRuntime("relay-1@here", live_settings, Silent())
    yield Site(runtime, sandbox, connected)
    runtime.connections.close()
    runtime.client.close()


def test_a_late_signup_does_not_put_back_who_unsubscribed_since(site: Site) -> None:
    site.is_contact()
    id = site.sign_up()
    age(site.runtime.client, id)
    site.unsubscribes(ago=timedelta(hours=1))
    signup = site.delivered(id)
    assert (signup.state, signup.reason) == (State.DEAD, "unsubscribed_since")
    assert site.contact()["permission"] == "unsubscribed"


def test_who_unsubscribed_since_and_was_deleted_then_is_not_put_back_either(site: Site) -> None:
    site.is_contact()
    id = site.sign_up()
    age(site.runtime.client, id)
    site.unsubscribes(ago=timedelta(hours=1))
    delete = f"{site.sandbox.url}/sandbox/contacts/{site.contact()['contact_id']}/delete"
    assert requests.post(delete, timeout=30, allow_redirects=False).status_code == 303
    assert site.delivered(id).reason == "unsubscribed_since"


def test_a_late_signup_puts_back_who_had_unsubscribed_before(site: Site) -> None:
    site.is_contact()
    site.unsubscribes(ago=timedelta(hours=30))
    id = site.sign_up()
    age(site.runtime.client, id)
    assert site.delivered(id).state == State.DELIVERED
    assert site.contact()["permission"] == "explicit"


def test_a_late_signup_of_someone_new_arrives(site: Site) -> None:
    id = site.sign_up()
    age(site.runtime.client, id)
    assert site.delivered(id).action == "created"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"html": True, "status": 200},
        {"empty": True},
        {"body": {"contacts": [{"contact_id": "c-1"}]}},
        {"body": {"contact_id": "c-1", "action": "created"}},
        {"reset": True},
        {"truncated": True},
        {"redirect": "http://127.0.0.1:9/"},
    ],
)
def test_a_look_that_fails_puts_nobody_back(site: Site, fault: dict[str, Any]) -> None:
    site.is_contact()
    id = site.sign_up()
    age(site.runtime.client, id)
    site.unsubscribes(ago=timedelta(hours=1))
    site.sandbox.control(path="/v3/contacts", count=1, **fault)
    assert site.delivered(id).state == State.RETRYING
    assert site.contact()["permission"] == "unsubscribed"
    site.runtime.client.zadd(f"{keys.account('acme')}due:retry", {id: 1}, xx=True)
    assert site.delivered(id).reason == "unsubscribed_since"


def test_a_login_that_may_not_look_holds_the_account_until_it_may(site: Site) -> None:
    id = site.sign_up()
    age(site.runtime.client, id)
    site.sandbox.control(privileges={"remove": ["contacts:read"]})
    assert site.delivered(id).state == State.QUEUED
    [hold] = site.ledger.figures("acme").holds
    assert "contacts:read" in hold.note
    site.sandbox.control(privileges="restore")
    site.ledger.release("acme")
    assert site.delivered(id).state == State.DELIVERED
    assert site.ledger.figures("acme").holds == ()


def test_who_is_asked_is_put_back_onto_the_lists_only_when_they_confirm(site: Site) -> None:
    site.is_contact()
    site.unsubscribes(ago=timedelta(hours=1))
    id = site.sign_up("ask")
    signup = site.delivered(id)
    assert (signup.state, signup.action) == (State.DELIVERED, "asked")
    contact = site.contact()
    assert signup.contact_id == contact["contact_id"]
    assert (contact["permission"], contact["lists"]) == ("unsubscribed", [])
    assert site.sandbox.stats(deliveries=False)["confirmation_mails"] == 1
    site.sandbox.control(confirm=EMAIL)
    contact = site.contact()
    assert (contact["permission"], contact["lists"]) == ("explicit", ["Newsletter"])


def test_a_form_that_asks_signs_up_everybody_else(site: Site) -> None:
    assert site.delivered(site.sign_up("ask")).action == "created"
    assert site.delivered(site.sign_up("ask")).action == "updated"
    assert site.sandbox.stats(deliveries=False)["confirmation_mails"] == 0
