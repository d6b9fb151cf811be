"""Test sign-ups: they go the way of a visitor's, and tell what only a contact can tell."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from shared.accounts.account_services import AccountServices
from shared.accounts.test_signups import TEST_FORM, TestSignup, TestSignups
from shared.constant_contact.client import signup_body
from shared.constant_contact.factory import make_constant_contact
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import NAME, HoldReason
from shared.domain.errors import Refused
from shared.domain.signup import DeathReason, State
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from tests.support import builders
from tests.support.connections import connect
from tests.support.sandbox_server import SandboxServer

ADDRESS = "ada@example.com"


class Clock:
    """This host's clock, which a test may set forward."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trials(tools: AccountServices, sandbox: SandboxServer, clock: Clock) -> TestSignups:
    """TestSignups of `acme`, which was just connected."""
    connect(tools.connecting, sandbox)
    tools.test_signups.now = clock
    return tools.test_signups


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


class Lane:
    """Delivers the next due sign-up as a worker would."""

    def __init__(self, settings: Settings, client: "redis.Redis", vault: TokenVault) -> None:
        self._ledger = Ledger(client)
        self._settings = settings
        self._client = client
        self._vault = vault

    def deliver(self) -> None:
        claim = builders.claimed(self._ledger)
        api = make_constant_contact(self._settings, self._client, self._settings.client_id)
        answer = api.sign_up(
            self._vault.fresh("acme").access, signup_body(claim.contact, claim.lists)
        )
        api.close()
        attempt = builders.attempt(answer.status)
        self._ledger.deliver(
            claim,
            attempt,
            contact_id=str(answer.contact_id),
            action=str(answer.action),
        )


@pytest.fixture
def lane(live_settings: Settings, redis_client: "redis.Redis", vault: TokenVault) -> Lane:
    return Lane(live_settings, redis_client, vault)


def start(trials: TestSignups, wanted: str = "Newsletter", email: str = ADDRESS) -> TestSignup:
    return trials.start("acme", email, wanted, by="grace")


def test_no_form_can_have_the_name_of_the_tests() -> None:
    assert not NAME.fullmatch(TEST_FORM)


def test_a_test_waits_its_turn_like_a_visitors(
    trials: TestSignups, ledger: Ledger, woken: list[str]
) -> None:
    trial = start(trials, email=f"  {ADDRESS} ")

    assert (trial.state, trial.email, trial.is_over) == (State.QUEUED, ADDRESS, False)
    assert trials.follow("acme", trial.id) == trial
    assert ledger.figures("acme").due == 1
    assert woken == ["acme", "acme"]  # by connecting, and by the test
    signup = ledger.find(trial.id, ["acme"])
    assert signup is not None
    assert signup.consent.text == "A test sign-up by grace."


def test_a_delivered_test_shows_its_lists_and_that_it_can_be_written_to(
    trials: TestSignups, lane: Lane
) -> None:
    trial = start(trials)
    lane.deliver()

    seen = trials.follow("acme", trial.id)

    assert (seen.state, seen.action, seen.lists) == (State.DELIVERED, "created", ("Newsletter",))
    assert seen.permission == "explicit"
    assert seen.meaning == "Confirmed Opt-in is off. The contact can receive mail at once."
    assert seen.is_over
    assert seen.removable
    assert seen.to_dict()["removable"]


def test_a_delivered_test_shows_that_confirmed_opt_in_is_on(
    trials: TestSignups, lane: Lane, sandbox: SandboxServer
) -> None:
    sandbox.control(confirmed_opt_in=True)
    trial = start(trials)
    lane.deliver()

    seen = trials.follow("acme", trial.id)

    assert seen.permission == "pending_confirmation"
    assert seen.meaning is not None
    assert "Confirmed Opt-in is on" in seen.meaning


def test_somebody_who_was_a_contact_before_does_not_tell_it_and_is_not_removed(
    trials: TestSignups, lane: Lane, sandbox: SandboxServer
) -> None:
    start(trials)
    lane.deliver()
    again = start(trials, "Weekly specials")
    lane.deliver()

    seen = trials.follow("acme", again.id)

    assert (seen.action, seen.removable) == ("updated", False)
    assert seen.lists is not None
    assert set(seen.lists) == {"Newsletter", "Weekly specials"}
    assert seen.meaning is not None
    assert "does not show" in seen.meaning
    with pytest.raises(Refused, match="was a contact before"):
        trials.remove("acme", again.id)
    assert not sandbox.contacts()[0]["deleted"]


def test_a_test_can_be_removed_again_and_again(
    trials: TestSignups, lane: Lane, sandbox: SandboxServer
) -> None:
    trial = start(trials)
    lane.deliver()
    trials.follow("acme", trial.id)

    for _ in range(2):
        seen = trials.remove("acme", trial.id)
        assert (seen.removed, seen.removable, seen.is_over) == (True, False, True)
    assert sandbox.contacts()[0]["deleted"]
    assert trials.follow("acme", trial.id).removed


def test_what_was_not_delivered_cannot_be_removed(trials: TestSignups) -> None:
    trial = start(trials)

    with pytest.raises(Refused, match="has not been delivered"):
        trials.remove("acme", trial.id)


def test_a_refused_test_says_why(trials: TestSignups, ledger: Ledger) -> None:
    trial = start(trials)
    ledger.bury(
        builders.claimed(ledger),
        builders.attempt(400),
        reason=DeathReason.REJECTED,
        error_key="",
        message="HTTP 400: the address is refused",
        account_is_well=True,
    )

    seen = trials.follow("acme", trial.id)

    assert (seen.state, seen.cause) == (State.DEAD, "HTTP 400: the address is refused")
    assert seen.is_over


def test_a_test_on_hold_waits(trials: TestSignups, ledger: Ledger) -> None:
    ledger.hold("acme", HoldReason.PAUSED, by="test")

    trial = start(trials)

    assert not trials.follow("acme", trial.id).is_over


def test_two_tests_of_one_address_are_two(trials: TestSignups, ledger: Ledger) -> None:
    assert start(trials).id != start(trials).id
    assert ledger.figures("acme").accepted == 2


def test_a_list_is_wanted_by_its_name_or_its_id(trials: TestSignups) -> None:
    chosen = next(each for each in trials.api.lists("acme").lists if each.name == "Newsletter")

    for wanted in (chosen.id, chosen.id.upper(), " newsLETTER "):
        trial = start(trials, wanted)
        signup = trials._signup("acme", trial.id)
        assert signup.lists == (chosen.id,)


def test_an_unknown_list_names_those_that_exist(trials: TestSignups, ledger: Ledger) -> None:
    with pytest.raises(Refused, match=r"lists: .*Newsletter"):
        start(trials, "Newsleter")
    assert ledger.figures("acme").accepted == 0


@pytest.mark.parametrize("email", ["", "ada", "ada@", "ada@example"])
def test_what_is_no_address_is_not_sent(trials: TestSignups, ledger: Ledger, email: str) -> None:
    with pytest.raises(Refused, match="not an e-mail address"):
        start(trials, email=email)
    assert ledger.figures("acme").accepted == 0


def test_the_address_is_not_in_the_repr_of_a_test(trials: TestSignups) -> None:
    assert ADDRESS not in repr(start(trials))


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"body": {"contacts": "none"}},
        {"body": {"contacts": []}},
        {"quota_exceeded": True},
    ],
)
def test_a_contact_that_cannot_be_read_back_is_looked_for_again(
    trials: TestSignups, lane: Lane, sandbox: SandboxServer, clock: Clock, fault: dict[str, Any]
) -> None:
    trial = start(trials)
    lane.deliver()
    sandbox.control(path="/v3/contacts", count=1, **fault)

    troubled = trials.follow("acme", trial.id)

    assert troubled.trouble
    assert not troubled.is_over
    assert trials.follow("acme", trial.id) == troubled  # it is not asked every time
    clock.ahead += timedelta(seconds=1)
    seen = trials.follow("acme", trial.id)
    assert (seen.trouble, seen.permission) == (None, "explicit")


def test_a_page_that_stays_open_does_not_spend_the_days_requests(
    trials: TestSignups, lane: Lane, sandbox: SandboxServer, clock: Clock
) -> None:
    trial = start(trials)
    lane.deliver()
    sandbox.control(path="/v3/contacts", body={"contacts": []})
    before = sandbox.stats()["api_calls"]

    for _ in range(600):
        seen = trials.follow("acme", trial.id)
        clock.ahead += timedelta(seconds=1)

    assert seen.trouble
    assert sandbox.stats()["api_calls"] - before == 10


def test_what_was_read_back_is_not_asked_for_again(
    trials: TestSignups, lane: Lane, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    trial = start(trials)
    lane.deliver()
    seen = trials.follow("acme", trial.id)
    before = sandbox.stats()["api_calls"]

    assert trials.follow("acme", trial.id) == seen
    assert sandbox.stats()["api_calls"] == before
    [key] = list(redis_client.scan_iter("*:trial:*"))
    assert 0 < int(redis_client.ttl(key)) <= timedelta(days=1).total_seconds()
    assert ADDRESS not in str(redis_client.get(key))


def test_a_visitors_sign_up_is_no_test(trials: TestSignups, ledger: Ledger) -> None:
    visitors = builders.submission()
    ledger.accept(
        visitors,
        person="person",
        digest=visitors.id,
        idempotency_key=None,
        visitor=None,
        limit=None,
    )

    for do in (trials.follow, trials.remove):
        with pytest.raises(Refused, match="no test sign-up"):
            do("acme", visitors.id)
