"""One claim, from its first slot until it is settled: check, send, decide, settle.

What becomes of a claim is decided in these places:

| what happens                              | what becomes of it          | decided by            |
|-------------------------------------------|-----------------------------|-----------------------|
| tried before, and older than seven days   | dead, `gave_up`             | `decide_unsent`       |
| the person unsubscribed since             | dead, `unsubscribed_since`  | `decide_subscription` |
| an answer of Constant Contact, or none    | a row of the table there    | `decide`              |
| 403                                       | sent again, dead or on hold | `decide_forbidden`    |
| 401, and there is no newer token          | on hold, `reconnect`        | `_renew_token`        |
| there is no token before sending          | on hold, `reconnect`        | `Lane`, in lane.py    |
| the API fails for three sign-ups in a row | on hold, `outage`           | `lib/outage`          |
| our code fails: the claim is lost         | due again a little later    | `Settler.lose`        |
| its worker ends or hangs: it is lost too  | due again after its lease   | `signups/claim`       |
| the third lost claim of a sign-up         | dead, `poison`              | both of the above     |
| nobody can read its record                | dead, `unreadable`          | `Ledger.claim`        |
| the person was erased while it was sent   | nothing of it is left       | `lib/settle`          |

`decide` and its kind are in shared/domain/outcome.py, `decide_subscription` is in
shared/domain/subscription_status.py, and the scripts are in shared/ledger/scripts/.
worker/delivery/settler.py writes the decision down.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol

from shared.constant_contact.client import signup_body
from shared.constant_contact.errors import ApiError
from shared.constant_contact.token_vault import Token
from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable, Refused, TokenError, TokenUnavailable
from shared.domain.outcome import (
    ApiAnswer,
    AskPrivileges,
    DeadLetter,
    Delivered,
    HoldAccount,
    RenewToken,
    SendAgain,
    Settlement,
    decide,
    decide_forbidden,
    decide_unsent,
)
from shared.domain.retry import RetryPolicy
from shared.domain.subscription_status import Ask, LookUp, SignUp, SubscriptionStatus
from shared.infrastructure.logs import log_fields
from shared.ledger.values import Attempt, Claim
from worker.delivery.settler import Settler
from worker.delivery.timing import Clock, PaceSlot
from worker.delivery.unsubscribe_check import NextCall, UnsubscribeCheck, needed_privilege

log = logging.getLogger(__name__)


class Tokens(Protocol):
    """Where lanes get tokens from. `at_hand` and `renew` raise `TokenError`."""

    def at_hand(self, account: str, version: int | None = None) -> Token:
        """Return a token with enough of its life left; of this version, if that is known to be
        the stored one's."""

    def renew(self, account: str, refused_version: int) -> Token:
        """Return a newer token than the one that was refused."""

    def worked(self, account: str, version: int) -> None:
        """Note that the API took this token, so that the one before it can go."""


class Contacts(Protocol):
    """Constant Contact, over the lane's own connection."""

    def prepare(self) -> None:
        """Open the connection; raises `ConnectionFailed`."""

    def look_up(self, access_token: str, email: str) -> tuple[ApiAnswer, SubscriptionStatus | None]:
        """Return the person's status; None when the answer does not tell."""

    def sign_up(self, access_token: str, body: Mapping[str, Any]) -> ApiAnswer: ...

    def ask(self, access_token: str, contact_id: str, lists: Sequence[str]) -> ApiAnswer:
        """Have the person asked to confirm that they want to be put back."""

    def privileges(self, access_token: str) -> frozenset[str]:
        """Return what the login may do; raises `ApiError`."""


class Reporter(Protocol):
    """Hears of every sign-up as it is sent, for monitors such as Flower."""

    def started(self, claim: Claim) -> None: ...

    def ended(self, claim: Claim, decision: Settlement, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTools:
    """What all deliveries of one lane use. `uncount_request` takes back the count of a request
    that was not made."""

    tokens: Tokens
    contacts: Contacts
    settler: Settler
    reporter: Reporter
    policy: RetryPolicy
    uncount_request: Callable[[], None]
    clock: Clock


class StillOpen(Enum):
    """Why a claim is still open after its slot. It goes on with the next slot."""

    SLOT_MISSED = auto()
    LOOKED_UP = auto()
    TOKEN_RENEWED = auto()
    FORBIDDEN_ONCE = auto()


@dataclass(frozen=True, slots=True)
class Settled:
    """The claim is settled, in this way."""

    settlement: Settlement


SlotResult = StillOpen | Settled
# A decision, once the login's privileges are known.
FinalDecision = Settlement | RenewToken | SendAgain


class ClaimStage(Enum):
    """How far a claim has come."""

    OPEN = auto()
    SETTLING = auto()  # it was sent, and the ledger may not know yet
    CLOSED = auto()


class Delivery:
    """What is known of one claim, and what becomes of it. Lives as long as its claim."""

    def __init__(self, claim: Claim, tools: DeliveryTools) -> None:
        self.claim = claim
        self.stage = ClaimStage.OPEN
        self._tools = tools
        self._check = UnsubscribeCheck()
        self._refused_version: int | None = None  # of the token that was refused last
        self._forbidden = False  # once, although the login has the privilege
        self._reported = False

    def reopen(self, claim: Claim) -> None:
        """Go on with the same claim, whose lease the ledger has renewed."""
        self.claim = replace(claim, took=self.claim.took)
        self.stage = ClaimStage.OPEN

    def send_in(self, slot: PaceSlot) -> SlotResult:
        """Make the claim's next request in `slot`, and do what its answer means.

        Raises `TokenError` or `Refused` when no token is available. The claim is open then.
        """
        with log_fields(**self.claim.log_fields):
            return self._send_in(slot)

    def _send_in(self, slot: PaceSlot) -> SlotResult:
        # Waiting for the claim may have taken a while, and others may have renewed the token
        # meanwhile.
        token = self._fresh_token()
        call = self._next_call()
        if isinstance(call, DeadLetter):
            return self._bury_unsent(call)
        self._report_started()
        body = signup_body(self.claim.contact, self.claim.lists)
        if not slot.wait(self._tools.clock):
            return self._miss_slot()
        answer, attempt = self._send(call, body, token)
        if isinstance(call, LookUp) and self._check.found is not None:
            self._tools.settler.tally["looked_up"] += 1
            return StillOpen.LOOKED_UP
        return self._carry_out(self._decide(answer, call, token), attempt, token)

    # --- check

    def _fresh_token(self) -> Token:
        try:
            return self._tools.tokens.at_hand(self.claim.account, self.claim.token_version)
        except TokenError:
            self._tools.uncount_request()
            raise

    def _next_call(self) -> NextCall | DeadLetter:
        too_old = decide_unsent(self.claim.attempts, self.claim.age, self._tools.policy)
        return too_old or self._check.next_call(self.claim)

    def _report_started(self) -> None:
        if not self._reported:
            self._reported = True
            self._tools.reporter.started(self.claim)

    def _miss_slot(self) -> StillOpen:
        self._tools.settler.tally["slots_missed"] += 1
        self._tools.uncount_request()
        return StillOpen.SLOT_MISSED

    # --- send

    def _send(
        self, call: NextCall, body: Mapping[str, Any], token: Token
    ) -> tuple[ApiAnswer, Attempt]:
        clock = self._tools.clock
        at, started = clock.now(), clock.monotonic()
        answer = self._answer_to(call, body, token.access)
        seconds = clock.monotonic() - started
        self.claim = replace(self.claim, took=(*self.claim.took, seconds))
        _log_answer(call, answer, self.claim.attempts + 1, seconds)
        return answer, Attempt.of(answer, at=at, seconds=seconds)

    def _answer_to(self, call: NextCall, body: Mapping[str, Any], access: str) -> ApiAnswer:
        match call:
            case LookUp():
                return self._look_up(access)
            case Ask(contact_id):
                return self._tools.contacts.ask(access, contact_id, self.claim.lists)
            case SignUp():
                return self._tools.contacts.sign_up(access, body)

    def _look_up(self, access: str) -> ApiAnswer:
        answer, status = self._tools.contacts.look_up(access, self.claim.contact.email)
        if status is not None:
            self._check.note(self.claim, status)
        return answer

    # --- decide

    def _decide(self, answer: ApiAnswer, call: NextCall, token: Token) -> FinalDecision:
        decision = decide(
            answer,
            attempt=self.claim.attempts + 1,
            policy=self._tools.policy,
            jitter=self._tools.clock.jitter(),
            probes_outage=HoldReason.OUTAGE in self.claim.probes,
            token_renewed=self._refused_version is not None
            and self._refused_version < token.version,
            asks_to_confirm=isinstance(call, Ask),
        )
        match decision:
            case RenewToken():
                return self._renew_token(token)
            case AskPrivileges():
                return self._decide_forbidden(answer, needed_privilege(call), token)
        return decision

    def _renew_token(self, refused: Token) -> RenewToken | HoldAccount:
        self._refused_version = refused.version
        try:
            self._tools.tokens.renew(self.claim.account, refused.version)
        except TokenUnavailable as error:
            # Sending on with a refused token would only spend the day's requests.
            return HoldAccount(HoldReason.RECONNECT, f"token refused; {error}")
        return RenewToken()

    def _decide_forbidden(self, answer: ApiAnswer, needed: str, token: Token) -> FinalDecision:
        try:
            privileges = self._tools.contacts.privileges(token.access)
        except (ApiError, Refused) as error:
            # Nothing is known, so it is not held against the sign-up; a probe will ask again.
            return HoldAccount(HoldReason.FORBIDDEN, f"{answer.cause}; {error}")
        decision = decide_forbidden(answer, privileges, needed, again=self._forbidden)
        self._forbidden = self._forbidden or isinstance(decision, SendAgain)
        return decision

    # --- settle

    def _carry_out(self, decision: FinalDecision, attempt: Attempt, token: Token) -> SlotResult:
        match decision:
            case RenewToken():
                return StillOpen.TOKEN_RENEWED
            case SendAgain():
                return StillOpen.FORBIDDEN_ONCE
        self._settle(decision, attempt)
        self._tools.reporter.ended(self.claim, decision, attempt.seconds)
        if isinstance(decision, Delivered):
            with suppress(LedgerUnavailable):  # a later sign-up will note it
                self._tools.tokens.worked(self.claim.account, token.version)
        return Settled(decision)

    def _settle(self, decision: Settlement, attempt: Attempt) -> None:
        self.stage = ClaimStage.SETTLING
        self._tools.settler.carry_out(decision, self.claim, attempt)
        self.stage = ClaimStage.CLOSED

    def _bury_unsent(self, letter: DeadLetter) -> SlotResult:
        self._tools.uncount_request()
        self._tools.settler.bury(self.claim, letter)
        self.stage = ClaimStage.CLOSED
        return Settled(letter)


def _log_answer(call: NextCall, answer: ApiAnswer, attempt: int, seconds: float) -> None:
    """Log each call, so that a request can be followed to it. The API's tracking id is what
    Constant Contact can look up."""
    log.info(
        "Constant Contact answered" if answer.status else "Constant Contact did not answer",
        extra={
            "call": _CALLED[type(call)],
            "attempt": attempt,
            "status": answer.status,
            "seconds": round(seconds, 3),
            "tracking_id": answer.tracking_id,
        },
    )


_CALLED = {LookUp: "look up", Ask: "ask to confirm", SignUp: "sign up"}
