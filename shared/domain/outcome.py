"""What each answer of Constant Contact means for the sign-up that was sent: one pure table.

This is where a failed delivery is decided. `decide` reads an `ApiAnswer` and returns what to do;
worker/delivery/delivery.py does it. The first row that matches wins. Sources:
https://developer.constantcontact.com/api_guide/glossary_responses.html and
https://developer.constantcontact.com/api_guide/rate_limits.html
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.account import HoldReason
from shared.domain.phrases import clause
from shared.domain.retry import RetryPolicy
from shared.domain.signup import DeathReason

# Constant Contact sends no Retry-After today. If it ever does, a longer one than this is a
# mistake: an hour's pause for one odd answer is enough.
LONGEST_RETRY_AFTER = timedelta(hours=1)
# "Throttled" means that there were too many requests in one second, so wait a second at least.
SHORTEST_REST = timedelta(seconds=1)
# 409: another write to the same contact runs at the same time, and ends in a moment.
CONFLICT_WAIT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """One answer, as far as it matters here; `status` is None when no answer came.

    `error_key` and `message` are Constant Contact's own words, already redacted.
    `tracking_id` is what its support asks for. `contact_id` is None unless the body had one.
    """

    status: int | None
    error_key: str | None = None
    message: str | None = None
    contact_id: str | None = None
    action: str | None = None
    retry_after: timedelta | None = None
    tracking_id: str | None = None

    @property
    def cause(self) -> str:
        """The answer in a few words for people."""
        what = f"HTTP {self.status}" if self.status else "no answer"
        why = self.message or self.error_key
        return f"{what}: {clause(why)}" if why else what


@dataclass(frozen=True, slots=True)
class Delivered:
    """The person is on the lists."""

    contact_id: str
    action: str | None


@dataclass(frozen=True, slots=True)
class RenewToken:
    """The access token was refused. Get a newer one and send again; nothing is counted."""


@dataclass(frozen=True, slots=True)
class AskPrivileges:
    """Forbidden. Ask what the login may do; `decide_forbidden` goes on from there."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Forbidden, although the login has the privilege. Send it once more; nothing is counted.

    The privilege may have come back between the refusal and the question.
    """


@dataclass(frozen=True, slots=True)
class HoldAccount:
    """The fault is the account's, not the sign-up's. The account waits; nothing is counted."""

    reason: HoldReason
    note: str


@dataclass(frozen=True, slots=True)
class QuotaSpent:
    """The API key has no requests left today: all wait for 00:00 UTC. Nothing is counted."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many requests in one second. All lanes rest; the sign-up comes again, uncounted."""

    rest: timedelta


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `wait`. `rest` makes the whole API key wait.

    `api_failed`: the API itself failed, and three such failures in a row are an outage. Not
    `counted`: it was the last attempt, and served to find out whether an outage is over.
    """

    wait: timedelta
    rest: timedelta | None = None
    api_failed: bool = True
    counted: bool = True


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Give up. An operator reads why and decides. It counts as an attempt."""

    reason: DeathReason
    message: str
    api_failed: bool = False


# What ends a claim, and what leaves it open for another request.
Settlement = Delivered | HoldAccount | QuotaSpent | Throttled | Retry | DeadLetter
Decision = Settlement | RenewToken | AskPrivileges | SendAgain

# A 429 with this key means that the day's requests are used up. With any other key it means too
# many requests in one second.
QUOTA_EXCEEDED = "quota_exceeded"

# What a login needs to send sign-ups; a "Campaign Creator" does not have it.
NEEDED_PRIVILEGE = "contacts:write"

# These 4xx mean "try later", not "never".
_PASSING_4XX = {408, 421, 425}


def decide(
    answer: ApiAnswer,
    *,
    attempt: int,
    policy: RetryPolicy,
    jitter: float,
    probes_outage: bool = False,
    token_renewed: bool = False,
    asks_to_confirm: bool = False,
) -> Decision:
    """Return what `answer` to attempt number `attempt` (from 1) means.

    `jitter` in [0, 1) spreads the waits. `probes_outage`: it was sent to see whether an outage
    is over, and no sign-up dies of that. `token_renewed`: an older token was refused for the same
    claim. `asks_to_confirm`: the call was for a confirmation mail, which Constant Contact sends
    to each contact only once.
    """
    match answer.status:
        case 200 | 201 if answer.contact_id:
            return Delivered(answer.contact_id, answer.action)
        case 401 if token_renewed:
            return HoldAccount(HoldReason.RECONNECT, "a newly issued token was refused")
        case 401:
            return RenewToken()
        case 403:
            return AskPrivileges()
        case 409 if asks_to_confirm and attempt > 1:
            return rejected(answer, " (each contact is asked only once to confirm)")
        case 409:
            return _conflict(answer, attempt, policy, jitter)
        case 429 if means_spent_day(answer):
            return QuotaSpent()
        case 429:
            return Throttled(_rest(answer))
        case int(status) if 400 <= status < 500 and status not in _PASSING_4XX:
            return rejected(answer)
        case _:
            return _failure(answer, attempt, policy, jitter, probes_outage)


def means_spent_day(answer: ApiAnswer) -> bool:
    """Whether the API key has no requests left today, rather than too many in one second."""
    return answer.status == 429 and answer.error_key == QUOTA_EXCEEDED


def decide_forbidden(
    answer: ApiAnswer, privileges: frozenset[str], needed: str = NEEDED_PRIVILEGE, *, again: bool
) -> SendAgain | DeadLetter | HoldAccount:
    """Return whose fault a 403 is, now that the login's privileges are known.

    `again`: the same claim met a 403 before that the privileges did not explain.
    """
    if needed not in privileges:
        return HoldAccount(HoldReason.FORBIDDEN, f"the login that connected it lacks {needed}")
    return rejected(answer) if again else SendAgain()


def decide_unsent(attempts: int, age: timedelta, policy: RetryPolicy) -> DeadLetter | None:
    """Return the dead letter of a sign-up that has been tried and grown too old; else None.

    One that was never tried is sent however old.
    """
    if not attempts or age <= policy.max_age:
        return None
    return DeadLetter(DeathReason.GAVE_UP, f"gave up: still not delivered after {age.days} days")


def rest_after(answer: ApiAnswer) -> timedelta | None:
    """Return how long the API key must rest after `answer`; None when it need not."""
    throttled = answer.status == 429 and not means_spent_day(answer)
    return _rest(answer) if throttled else None


def rejected(answer: ApiAnswer, note: str = "") -> DeadLetter:
    """Return the dead letter for an answer that would be the same every time."""
    return DeadLetter(DeathReason.REJECTED, answer.cause + note)


def _conflict(answer: ApiAnswer, attempt: int, policy: RetryPolicy, jitter: float) -> Decision:
    if attempt >= policy.max_attempts:
        return _gave_up(answer, attempt, api_failed=False)
    wait = CONFLICT_WAIT * (0.25 + jitter)
    return Retry(max(wait, _retry_after(answer) or wait), api_failed=False)


def _failure(
    answer: ApiAnswer, attempt: int, policy: RetryPolicy, jitter: float, probes_outage: bool
) -> Decision:
    last = attempt >= policy.max_attempts
    if last and not probes_outage:
        return _gave_up(answer, attempt, api_failed=True)
    asked = _retry_after(answer)
    wait = policy.delay(attempt, jitter)
    rest = asked if answer.status == 503 else None
    return Retry(max(wait, asked or wait), rest, counted=not last)


def _gave_up(answer: ApiAnswer, attempt: int, *, api_failed: bool) -> DeadLetter:
    message = f"gave up after {attempt} attempts: {answer.cause}"
    return DeadLetter(DeathReason.GAVE_UP, message, api_failed)


def _rest(answer: ApiAnswer) -> timedelta:
    return max(SHORTEST_REST, _retry_after(answer) or SHORTEST_REST)


def _retry_after(answer: ApiAnswer) -> timedelta | None:
    if answer.retry_after is None:
        return None
    return min(answer.retry_after, LONGEST_RETRY_AFTER)
