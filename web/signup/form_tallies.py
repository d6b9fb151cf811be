"""What this web process has counted for each form, and not yet flushed to the ledger.

A thread flushes the counts every second, so that no visitor waits for it. While Redis is away they
stay here: a few numbers for each form, whatever strangers send.
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.domain.field_names import plain_name
from shared.domain.form import Form
from shared.domain.refusal import Refusal
from shared.ledger.limits import MOST_KEPT_REFUSALS
from shared.ledger.stores.form_counts import FormTally
from web.signup.witnesses import Witnesses

log = logging.getLogger(__name__)

# `relay status` may lag five seconds.
FLUSH_EVERY = timedelta(seconds=1)
# While Redis is away, or a form is broken, every flush would log the same message.
LOG_EVERY = timedelta(minutes=1)
# Of one form, between two flushes. A field of the page comes again with the next sign-up.
MOST_NAMES_AT_ONCE = 100
# The ending process does not wait for longer until a flush that is under way has ended.
_END_WAITS = timedelta(seconds=2)

Flush = Callable[[int, Sequence[FormTally]], None]


@dataclass(slots=True)
class _Counts:
    """The counts of one form. Times are those of the clock, in seconds."""

    account: str
    refused: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    streak: Counter[str] = field(default_factory=Counter)
    mendable: Counter[str] = field(default_factory=Counter)
    streak_began_at: float = 0.0
    streak_went_on_at: float = 0.0
    last: deque[tuple[float, Refusal]] = field(
        default_factory=lambda: deque(maxlen=MOST_KEPT_REFUSALS)
    )
    unsent: Counter[str] = field(default_factory=Counter)
    accepted_at: float | None = None
    passed: int = 0
    screened: int = 0

    def keep(self, refusal: Refusal, at: float) -> None:
        self.last.append((at, refusal))
        self.faults += refusal.is_a_fault
        if refusal.may_be_a_fault:
            self.streak_began_at = self.streak_began_at if self.streak else at
            self.streak_went_on_at = at
            self.streak[refusal.code] += 1
            if refusal.visitor_can_mend:
                self.mendable[f"{refusal.code}:{refusal.wrong[0].field}"] += 1

    def end_streak(self) -> None:
        self.streak.clear()
        self.mendable.clear()

    def tally(self, form: str, now: float) -> FormTally:
        unsent: Counter[str] = Counter()
        for name, times in self.unsent.items():
            unsent[plain_name(name)] += times
        return FormTally(
            form=form,
            account=self.account,
            refused=self.refused,
            faults=self.faults,
            streak=self.streak,
            mendable=self.mendable,
            streak_began_ago=timedelta(seconds=now - self.streak_began_at),
            streak_went_on_ago=timedelta(seconds=now - self.streak_went_on_at),
            last=[(timedelta(seconds=now - at), refusal) for at, refusal in self.last],
            unsent=unsent,
            accepted_ago=(
                None if self.accepted_at is None else timedelta(seconds=now - self.accepted_at)
            ),
            passed=self.passed,
            screened=self.screened,
        )


class FormTallies:
    """Counts, and flushes on a thread of its own. `clock` is monotonic, in seconds.

    `flush` gets the number of the flush. One that fails is tried again with the same number and
    counts, as it may have done its work, and must not count twice.
    """

    def __init__(self, flush: Flush, *, clock: Callable[[], float]) -> None:
        self._flush = flush
        self._clock = clock
        self._witnesses = Witnesses(clock=clock)
        self._logged_at: dict[tuple[str, ...], float] = {}
        self._changed = threading.Condition()
        self._counted: dict[str, _Counts] = {}
        self._closed = False
        self._thread: threading.Thread | None = None
        # What the flush of this number has, until it has succeeded.
        self._flushing = threading.Lock()
        self._number = 0
        self._pending: dict[str, _Counts] = {}

    def refused(
        self, form: Form, refusal: Refusal, *, address: str, by_itself: bool = False
    ) -> None:
        """Count a refusal for the form; `address` is the visitor's. Returns at once, never fails.

        `by_itself` says that the browser asked, and nobody has sent a sign-up.

        Each one counts. Of one network, few are kept and mean something for the form.
        """
        with self._changed:
            counts = self._counts_of(form)
            counts.refused[refusal.code] += 1
            if self._witnesses.hear(form.name, address, by_itself=by_itself):
                sent, of = refusal.origin, form.name
                several = sent is not None and self._witnesses.from_several(of, sent, address)
                counts.keep(replace(refusal, from_several=several), self._clock())

    def accepted(self, form: Form, not_sent: Collection[str]) -> None:
        """Note that the form has accepted a sign-up, and count the names of fields that were kept,
        but are not sent."""
        with self._changed:
            counts = self._counts_of(form)
            counts.accepted_at = self._clock()
            counts.passed += 1
            counts.end_streak()
            for name in not_sent:
                if name in counts.unsent or len(counts.unsent) < MOST_NAMES_AT_ONCE:
                    counts.unsent[name] += 1

    def screened(self, form: Form) -> None:
        """Note that the form has accepted a sign-up that looks like spam."""
        with self._changed:
            self._counts_of(form).screened += 1

    def close(self) -> None:
        """Flush what is left, as the process ends. Waits for two seconds at most for its turn."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._flushing.acquire(timeout=_END_WAITS.total_seconds()):
            try:
                self._flush_both()
            finally:
                self._flushing.release()

    def _counts_of(self, form: Form) -> _Counts:
        counts = self._counted.get(form.name)
        if counts is None:
            counts = self._counted[form.name] = _Counts(form.account)
            self._changed.notify()
        if self._thread is None:
            # Not made before, so that it is made in the process that serves visitors.
            self._thread = threading.Thread(target=self._run, name="form-tallies", daemon=True)
            self._thread.start()
        return counts

    def _run(self) -> None:
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._counted or self._pending or self._closed)
                self._changed.wait_for(lambda: self._closed, FLUSH_EVERY.total_seconds())
            with self._flushing:
                self._flush_both()

    def _flush_both(self) -> None:
        """Flush what the last flush could not, then what was counted since."""
        if self._flush_pending():
            with self._changed:
                self._pending, self._counted = self._counted, {}
            self._number += 1
            self._log_refusals()
            self._flush_pending()

    def _flush_pending(self) -> bool:
        """Flush, and return whether nothing is pending any more. Never fails."""
        now = self._clock()
        if self._pending:
            try:
                tallies = [counts.tally(form, now) for form, counts in self._pending.items()]
                self._flush(self._number, tallies)
            except Exception as error:  # noqa: BLE001 - any error: the counts stay here
                self._log_failure(error)
                return False
            self._pending = {}
        return True

    def _log_refusals(self) -> None:
        for form, counts in self._pending.items():
            for code in counts.refused:
                if self._may_log(form, code):
                    extra = {"form": form, "code": code}
                    log.warning("sign-ups refused, see: relay forms show", extra=extra)

    def _log_failure(self, error: Exception) -> None:
        if self._may_log():
            log.warning("counts of forms not flushed", extra={"cause": type(error).__name__})

    def _may_log(self, *about: str) -> bool:
        """Whether nothing was logged about it in the last minute."""
        now = self._clock()
        may = now - self._logged_at.get(about, float("-inf")) >= LOG_EVERY.total_seconds()
        if may:
            self._logged_at[about] = now
        return may
