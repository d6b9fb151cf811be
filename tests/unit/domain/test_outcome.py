"""What each answer means: every row of the table, the first match first."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.account import HoldReason
from shared.domain.outcome import (
    ApiAnswer,
    AskPrivileges,
    DeadLetter,
    Decision,
    Delivered,
    HoldAccount,
    QuotaSpent,
    RenewToken,
    Retry,
    SendAgain,
    Throttled,
    decide,
    decide_forbidden,
    decide_unsent,
    rest_after,
)
from shared.domain.retry import RetryPolicy
from shared.domain.signup import DeathReason

POLICY = RetryPolicy(max_attempts=3, base=timedelta(seconds=10))
FIRST_WAIT = timedelta(seconds=5)  # half the base, as the jitter is 0


def decision(
    status: int | None,
    *,
    attempt: int = 1,
    jitter: float = 0.0,
    probes_outage: bool = False,
    token_renewed: bool = False,
    asks_to_confirm: bool = False,
    **fields: Any,
) -> Decision:
    return decide(
        ApiAnswer(status=status, **fields),
        attempt=attempt,
        policy=POLICY,
        jitter=jitter,
        probes_outage=probes_outage,
        token_renewed=token_renewed,
        asks_to_confirm=asks_to_confirm,
    )


# --- delivered


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_with_a_contact_id_is_delivered(status: int) -> None:
    assert decision(status, contact_id="c1", action="created") == Delivered("c1", "created")


def test_a_success_on_the_last_attempt_is_one_too() -> None:
    assert decision(201, contact_id="c1", attempt=3) == Delivered("c1", None)


# --- not the sign-up's fault: nothing is counted, however many attempts there were


@pytest.mark.parametrize("attempt", [1, 3, 99])
@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        pytest.param(401, {}, RenewToken(), id="token refused"),
        pytest.param(401, {"error_key": "quota_exceeded"}, RenewToken(), id="401, odd key"),
        pytest.param(403, {}, AskPrivileges(), id="forbidden"),
        pytest.param(429, {"error_key": "quota_exceeded"}, QuotaSpent(), id="day is spent"),
        pytest.param(
            429,
            {"error_key": "quota_exceeded", "retry_after": timedelta(seconds=1)},
            QuotaSpent(),
            id="day is spent, whatever Retry-After says",
        ),
        pytest.param(
            429, {"error_key": "throttled"}, Throttled(timedelta(seconds=1)), id="second too full"
        ),
        pytest.param(429, {}, Throttled(timedelta(seconds=1)), id="429 without a key"),
    ],
)
def test_not_counted(status: int, fields: dict[str, Any], expected: Decision, attempt: int) -> None:
    assert decision(status, attempt=attempt, **fields) == expected


def test_a_renewed_token_that_is_refused_too_is_the_accounts_fault() -> None:
    assert decision(401, attempt=99, token_renewed=True) == HoldAccount(
        HoldReason.RECONNECT, "a newly issued token was refused"
    )


@pytest.mark.parametrize(
    ("asked", "rest"),
    [
        pytest.param(timedelta(0), timedelta(seconds=1), id="a second at least"),
        pytest.param(timedelta(seconds=30), timedelta(seconds=30), id="honoured"),
        pytest.param(timedelta(days=2), timedelta(hours=1), id="an hour at most"),
    ],
)
def test_retry_after_of_a_throttled_answer_rests_the_key(asked: timedelta, rest: timedelta) -> None:
    assert decision(429, retry_after=asked) == Throttled(rest)


# --- the sign-up's own fault


@pytest.mark.parametrize(
    "status", [400, 402, 404, 405, 406, 410, 411, 413, 415, 418, 422, 428, 431, 451, 499]
)
def test_other_4xx_are_rejected_at_once(status: int) -> None:
    assert decision(status, error_key="contacts.api.invalid", message="no such list") == DeadLetter(
        DeathReason.REJECTED, f"HTTP {status}: no such list"
    )


def test_a_rejection_says_nothing_about_an_outage() -> None:
    letter = decision(400)
    assert isinstance(letter, DeadLetter)
    assert letter.api_failed is False


def test_forbidden_is_the_sign_ups_fault_when_the_login_may_write() -> None:
    answer = ApiAnswer(status=403, message="not here")
    privileges = frozenset({"contacts:write", "contacts:read"})
    assert decide_forbidden(answer, privileges, again=True) == DeadLetter(
        DeathReason.REJECTED, "HTTP 403: not here"
    )
    assert decide_forbidden(answer, privileges, again=False) == SendAgain()


@pytest.mark.parametrize("privileges", [frozenset(), frozenset({"contacts:read"})])
def test_forbidden_is_the_logins_fault_when_it_may_not(privileges: frozenset[str]) -> None:
    for again in (False, True):
        assert decide_forbidden(ApiAnswer(status=403), privileges, again=again) == HoldAccount(
            HoldReason.FORBIDDEN, "the login that connected it lacks contacts:write"
        )


def test_a_look_needs_a_privilege_of_its_own() -> None:
    answer, may_write = ApiAnswer(status=403), frozenset({"contacts:write"})
    assert decide_forbidden(answer, may_write, "contacts:read", again=True) == HoldAccount(
        HoldReason.FORBIDDEN, "the login that connected it lacks contacts:read"
    )


# --- passing trouble: tried again, counted


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        pytest.param(408, {}, id="request timeout"),
        pytest.param(421, {}, id="misdirected"),
        pytest.param(425, {}, id="too early"),
        pytest.param(500, {}, id="server error"),
        pytest.param(502, {}, id="bad gateway"),
        pytest.param(503, {}, id="unavailable"),
        pytest.param(599, {}, id="any 5xx"),
        pytest.param(399, {}, id="any 3xx"),
        pytest.param(301, {}, id="moved: redirects are not followed"),
        pytest.param(304, {}, id="not modified"),
        pytest.param(202, {"contact_id": "c1"}, id="another 2xx, even with an id"),
        pytest.param(204, {}, id="no content"),
        pytest.param(200, {}, id="success without a contact_id"),
        pytest.param(201, {"contact_id": ""}, id="success with an empty contact_id"),
        pytest.param(200, {"message": "the answer has no contact_id"}, id="unreadable body"),
        pytest.param(None, {"message": "timed out"}, id="no answer"),
    ],
)
def test_passing_trouble_is_tried_again(status: int | None, fields: dict[str, Any]) -> None:
    assert decision(status, **fields) == Retry(FIRST_WAIT)
    assert decision(status, attempt=2, **fields) == Retry(2 * FIRST_WAIT)


def test_a_failure_of_the_api_is_counted_for_the_signup_and_for_an_outage() -> None:
    failure, conflict = decision(500), decision(409)
    assert isinstance(failure, Retry) and isinstance(conflict, Retry)
    assert (failure.counted, failure.api_failed) == (True, True)
    assert (conflict.counted, conflict.api_failed) == (True, False)


@pytest.mark.parametrize(
    ("jitter", "seconds"),
    [pytest.param(0.0, 0.5, id="at least"), pytest.param(1.0, 2.5, id="at most")],
)
def test_a_conflict_is_tried_again_soon(jitter: float, seconds: float) -> None:
    for attempt in (1, 2):
        assert decision(409, attempt=attempt, jitter=jitter) == Retry(
            timedelta(seconds=seconds), api_failed=False
        )


@pytest.mark.parametrize(
    ("status", "asked", "expected"),
    [
        pytest.param(500, 60, Retry(timedelta(seconds=60)), id="waits as long as asked"),
        pytest.param(500, 1, Retry(FIRST_WAIT), id="but no shorter than the backoff"),
        pytest.param(500, 86_400, Retry(timedelta(hours=1)), id="and no longer than an hour"),
        pytest.param(
            503,
            60,
            Retry(timedelta(seconds=60), rest=timedelta(seconds=60)),
            id="503 rests the whole key",
        ),
        pytest.param(
            503, 1, Retry(FIRST_WAIT, rest=timedelta(seconds=1)), id="the key only as asked"
        ),
        pytest.param(409, 60, Retry(timedelta(seconds=60), api_failed=False), id="a conflict too"),
    ],
)
def test_retry_after(status: int, asked: int, expected: Retry) -> None:
    assert decision(status, retry_after=timedelta(seconds=asked)) == expected


# --- given up


@pytest.mark.parametrize(
    ("status", "fields", "cause"),
    [
        pytest.param(503, {}, "HTTP 503", id="server error"),
        pytest.param(409, {"error_key": "conflict"}, "HTTP 409: conflict", id="conflict"),
        pytest.param(None, {"message": "timed out"}, "no answer: timed out", id="no answer"),
        pytest.param(None, {}, "no answer", id="no answer, no words"),
        pytest.param(
            500, {"error_key": "boom", "message": "it broke"}, "HTTP 500: it broke", id="words win"
        ),
        pytest.param(
            503, {"retry_after": timedelta(seconds=60)}, "HTTP 503", id="whatever it asks for"
        ),
    ],
)
def test_the_last_attempt_is_given_up_with_its_cause(
    status: int | None, fields: dict[str, Any], cause: str
) -> None:
    assert isinstance(decision(status, attempt=2, **fields), Retry)
    assert decision(status, attempt=3, **fields) == DeadLetter(
        DeathReason.GAVE_UP, f"gave up after 3 attempts: {cause}", api_failed=status != 409
    )


def test_nobody_dies_of_finding_out_whether_an_outage_is_over() -> None:
    probe = decision(503, attempt=3, probes_outage=True)
    assert probe == Retry(4 * FIRST_WAIT, counted=False)
    earlier = decision(503, attempt=2, probes_outage=True)
    assert earlier == Retry(2 * FIRST_WAIT)


def test_a_conflict_says_nothing_about_an_outage() -> None:
    assert isinstance(decision(409, attempt=3, probes_outage=True), DeadLetter)


def test_being_asked_twice_is_a_refusal_and_a_first_conflict_is_none() -> None:
    first = decision(409, message="asked already", asks_to_confirm=True)
    assert isinstance(first, Retry)
    unknown = decision(404, attempt=2, asks_to_confirm=True)
    assert unknown == DeadLetter(DeathReason.REJECTED, "HTTP 404")
    letter = decision(409, attempt=2, message="asked already", asks_to_confirm=True)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == DeathReason.REJECTED
    assert "asked already" in letter.message
    assert "asked only once" in letter.message


@pytest.mark.parametrize(
    ("status", "attempt", "expected"),
    [
        pytest.param(401, 1, RenewToken(), id="not with a renewed token"),
        pytest.param(409, 2, Retry(FIRST_WAIT / 10, api_failed=False), id="not to confirm"),
        pytest.param(
            503,
            3,
            DeadLetter(DeathReason.GAVE_UP, "gave up after 3 attempts: HTTP 503", api_failed=True),
            id="not to see whether an outage is over",
        ),
    ],
)
def test_a_request_is_an_ordinary_one_unless_said_otherwise(
    status: int, attempt: int, expected: Decision
) -> None:
    assert decide(ApiAnswer(status=status), attempt=attempt, policy=POLICY, jitter=0.0) == expected


@pytest.mark.parametrize(
    ("attempts", "age", "message"),
    [
        pytest.param(0, timedelta(days=400), None, id="never tried"),
        pytest.param(1, timedelta(days=7), None, id="just old enough"),
        pytest.param(
            1,
            timedelta(days=7, microseconds=1),
            "gave up: still not delivered after 7 days",
            id="too old",
        ),
        pytest.param(
            9, timedelta(days=8), "gave up: still not delivered after 8 days", id="far too old"
        ),
    ],
)
def test_a_signup_that_was_tried_is_given_up_when_it_is_too_old(
    attempts: int, age: timedelta, message: str | None
) -> None:
    letter = decide_unsent(attempts, age, RetryPolicy())
    assert letter == (None if message is None else DeadLetter(DeathReason.GAVE_UP, message))


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        pytest.param(ApiAnswer(status=429), timedelta(seconds=1), id="throttled"),
        pytest.param(
            ApiAnswer(status=429, retry_after=timedelta(seconds=5)),
            timedelta(seconds=5),
            id="throttled, as long as asked",
        ),
        pytest.param(ApiAnswer(status=429, error_key="quota_exceeded"), None, id="day is spent"),
        pytest.param(ApiAnswer(status=503), None, id="server error"),
        pytest.param(ApiAnswer(status=200), None, id="success"),
    ],
)
def test_after_a_question_the_key_rests_only_when_it_is_throttled(
    answer: ApiAnswer, rest: timedelta | None
) -> None:
    assert rest_after(answer) == rest
