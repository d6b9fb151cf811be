"""What happens next to a sign-up, and when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.account import Hold
from shared.domain.holds_in_words import known_end
from shared.domain.phrases import counted
from shared.domain.signup import Signup, State

# Workers look at what is due within seconds. What is due for longer waits for something else.
SOON = timedelta(seconds=30)

_UNSETTLED = (State.QUEUED, State.DELIVERING, State.RETRYING)
_IN_JOB = {State.DEAD: "The job retries it", State.QUARANTINED: "The job delivers it anyway"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the ledger knows of a sign-up's future.

    `due_at` is when it is looked at next, or when its claim runs out. `before` is how many of its
    person's sign-ups are sent before it, `first_in_line` the id of the first of these. `job` is
    the id of the job that it waits in.
    """

    due_at: datetime | None = None
    before: int = 0
    first_in_line: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What happens next, in a sentence; `at` is when, where that is known."""

    sentence: str
    at: datetime | None = None


def is_settled(state: State) -> bool:
    """Whether nothing happens to it by itself."""
    return state not in _UNSETTLED


def next_step(
    signup: Signup, outlook: Outlook, holds: Sequence[Hold], now: datetime
) -> NextStep | None:
    """Return what happens next; None if nothing happens by itself. The gravest of `holds` is the
    first."""
    if outlook.job and signup.state in _IN_JOB:
        return _in_job(_IN_JOB[signup.state], holds)
    if is_settled(signup.state):
        return None
    if signup.state == State.DELIVERING:
        return _while_sending(outlook)
    if holds:
        return _while_held(holds[0])
    if outlook.before:
        return NextStep(sentence=_behind(outlook.before))
    if signup.state == State.RETRYING and outlook.due_at and outlook.due_at > now:
        attempt = signup.attempts + 1
        return NextStep(sentence=f"Attempt {attempt} follows by itself.", at=outlook.due_at)
    return _when_due(outlook.due_at, now)


def _in_job(does: str, holds: Sequence[Hold]) -> NextStep:
    if not holds:
        return NextStep(sentence=f"{does} when its turn comes.")
    ends = f"hold {holds[0].reason} ends" if len(holds) == 1 else "last hold of its account ends"
    return NextStep(sentence=f"{does} after the {ends}.", at=known_end(holds))


def _while_sending(outlook: Outlook) -> NextStep:
    return NextStep(
        sentence="A worker is sending it now. If that worker ends, another one takes it over.",
        at=outlook.due_at,
    )


def _while_held(hold: Hold) -> NextStep:
    sentence = f"It is sent when the hold {hold.reason} ends."
    if hold.until or not hold.probe_at:
        return NextStep(sentence=sentence, at=hold.until)
    return NextStep(
        sentence=f"{sentence} The next probe looks whether the cause is gone.", at=hold.probe_at
    )


def _behind(before: int) -> str:
    which = "an earlier sign-up" if before == 1 else counted(before, "earlier sign-up")
    return f"It is sent after {which} of the same person, so that they arrive in order."


def _when_due(due_at: datetime | None, now: datetime) -> NextStep:
    if due_at and due_at > now + SOON:
        return NextStep(sentence="A worker sends it.", at=due_at)
    if due_at and due_at < now - SOON:
        return NextStep(
            sentence="It can be sent. Workers send as fast as Constant Contact allows.",
            at=due_at,
        )
    return NextStep(sentence="A worker sends it within seconds.", at=due_at)
