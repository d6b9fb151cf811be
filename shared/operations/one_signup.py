"""One sign-up: what is known of it, why it stands as it does, and what an operator can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.account import Hold
from shared.domain.errors import Refused
from shared.domain.form import Form
from shared.domain.holds_in_words import may_act_now
from shared.domain.job import JobAction
from shared.domain.reading.field_checks import editable_values
from shared.domain.signup import Signup, State
from shared.domain.signup_advice import Remedy, Why, why
from shared.domain.signup_outlook import NextStep, Outlook, next_step
from shared.domain.state_words import state_words
from shared.operations.dead_letters import DeadLetters
from shared.operations.job_progress import Job
from shared.operations.judging import Judged, Judging
from shared.operations.quarantine import Quarantine
from shared.operations.retries import Retries
from shared.operations.selection import SignupFinder, UnreadableSignup
from shared.operations.sending_on_hold import SendingOnHold
from shared.operations.signup_timeline import ShownAttempt, TimelineEvent, attempts, timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupDetails:
    """A sign-up with all that is known of it at the moment `at`. `holds` are its account's, the
    gravest first. `history` is as it is stored; `events` and `attempts` are made from it. `form` is
    None if nobody knows it any more. `job` is the one in which it waits for its turn."""

    at: datetime
    signup: Signup
    why: Why
    outlook: Outlook
    holds: tuple[Hold, ...]
    next_step: NextStep | None
    history: list[dict[str, Any]]
    events: list[TimelineEvent]
    attempts: list[ShownAttempt]
    form: Form | None
    judged: Judged | None
    job: Job | None

    @property
    def would_wait(self) -> str | None:
        """Return that it would wait if an operator sent it now; None if it would not, cannot be
        sent, or waits in a job that sends it."""
        if self.signup.state not in _KEPT or not self.holds or self.outlook.job:
            return None
        verb = "mend it" if self.why.remedy in _MENDING else "decide"
        return may_act_now(self.signup.account, self.holds, self.at, verb)

    @property
    def goes_to(self) -> list[str]:
        """Return the names of the lists to which its job sends it; empty if these are its own."""
        if self.job is None or self.job.action != JobAction.RETRY_FORM_LISTS:
            return []
        return self.job.lists or self.form_lists

    @property
    def form_lists(self) -> list[str]:
        """Return the names of the lists that its form has now, if it goes to others."""
        lists = self.form.lists_for(self.signup.account) if self.form else ()
        now = {each.id: each.name for each in lists}
        return list(now.values()) if set(now) != set(self.signup.lists) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSignup:
    """Ids are long or short. Raises `Refused` for what cannot be done, such as `NoSuchSignup` and
    `UnreadableRecord`, and `LedgerUnavailable`."""

    finder: SignupFinder
    dead_letters: DeadLetters
    quarantine: Quarantine
    retries: Retries
    judging: Judging
    sending: SendingOnHold
    now: Callable[[], datetime]

    def look(self, id: str) -> SignupDetails:
        """Return all that is known of the sign-up."""
        signup, history = self.dead_letters.show(id)
        ledger = self.finder.ledger
        outlook, at = ledger.outlook(signup), self.now()
        holds = ledger.figures(signup.account).holds
        return SignupDetails(
            at=at,
            signup=signup,
            why=why(signup, outlook, holds),
            outlook=outlook,
            holds=holds,
            next_step=next_step(signup, outlook, holds, at),
            history=history,
            events=timeline(signup, history),
            attempts=attempts(history),
            form=self.finder.form(signup.form),
            judged=self.judging.one(signup),
            job=self._job(signup, outlook),
        )

    def _job(self, signup: Signup, outlook: Outlook) -> Job | None:
        jobs = self.retries.jobs.going_on(signup.account) if outlook.job else []
        return next((each for each in jobs if each.id == outlook.job), None)

    def retry(self, id: str) -> str:
        """Make a dead letter due again at once. Return what becomes of it now."""
        signup = self._in(State.DEAD, id)
        if not self.retries.retry_at_once([signup]):
            raise _changed()
        return self.sending.of_one(signup.account, "It is retried now.")

    def deliver(self, id: str) -> str:
        """Make a quarantined sign-up due. Return what becomes of it now."""
        signup = self._in(State.QUARANTINED, id)
        refused = self.quarantine.deliver([signup]).refused
        if refused:
            raise Refused(f"It stays in quarantine. {refused[signup.id]}")
        return self.sending.of_one(signup.account, "It is sent now.")

    def send(self, id: str) -> str:
        """Make a dead letter or a quarantined sign-up due. Return what becomes of it now."""
        if self.finder.one(id).state == State.QUARANTINED:
            return self.deliver(id)
        return self.retry(id)

    def discard(self, id: str, note: str) -> None:
        """Discard a dead letter, also one that nobody can read, or a quarantined sign-up."""
        chosen: list[Signup | UnreadableSignup] = [*self.finder.unreadable([id])]
        chosen = chosen or [self._in_one_of(_KEPT, id)]
        if not self.dead_letters.discard(chosen, note=note):
            raise _changed()

    def undo_discard(self, id: str) -> None:
        """Make it again what it was before it was discarded."""
        signup = self._in(State.DISCARDED, id)
        if not self.dead_letters.undo_discard([signup.id]):
            raise Refused("Nothing was done: this discard cannot be undone any more.")

    def save(
        self, id: str, values: Mapping[str, str], *, edits: int, form_lists: bool = False
    ) -> bool:
        """Correct a dead letter or quarantined sign-up; return whether anything was changed.

        `values` may have unchanged ones, too.
        `edits` is how often it had been edited when the operator read it. With `form_lists`, it
        goes to the lists that its form has now. Raises `InvalidSignup`.
        """
        signup = self._in_one_of(_KEPT, id)
        before = editable_values(signup.contact)
        changes = {name: new for name, new in values.items() if new != before.get(name, "")}
        edited = self.dead_letters.edit(signup.id, changes, edits=edits, form_lists=form_lists)
        return edited.edits > signup.edits

    def _in(self, state: State, id: str) -> Signup:
        return self._in_one_of((state,), id)

    def _in_one_of(self, states: tuple[State, ...], id: str) -> Signup:
        signup = self.finder.one(id)
        if signup.state not in states:
            raise Refused(
                f"Nothing was done: the sign-up is {state_words(signup.state)} now. A worker or"
                " somebody else was faster."
            )
        return signup


_KEPT = (State.DEAD, State.QUARANTINED)
_MENDING = (Remedy.EDIT, Remedy.LISTS, Remedy.RETRY)


def _changed() -> Refused:
    return Refused("Nothing was done: somebody else has changed it just now. Look at it again.")
