"""The checks of what is stored of an account: its connection, its tokens, its holds, its queue."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import redis

from shared.accounts import checks
from shared.accounts.account_state import account_state
from shared.accounts.account_summary import AccountSummaries, AccountSummary, ConnectionStatus
from shared.accounts.advice import on_hold
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import Account, Hold, HoldReason
from shared.domain.check import Check, CheckSubject
from shared.domain.durations import in_words, minute, times
from shared.domain.errors import TokenError
from shared.domain.failure_group import FailureGroup, are_retried
from shared.domain.form import Form
from shared.domain.lasting_failures import LOGIN, what_helps
from shared.domain.phrases import counted
from shared.domain.signup import QuarantineReason
from shared.domain.signup_advice import is_about_lists, why_failed
from shared.infrastructure.logs import redact
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.server_inspection import OverdueSignups, find_overdue
from shared.ledger.signup_index import SignupIndex

# Beat looks every minute, and with many accounts each waits a second for the one before it.
REFRESH_MAY_BE_LATE = timedelta(minutes=10)
# Workers look every three seconds; a retry of another sign-up, or a turn, takes less than this.
MAY_WAIT = timedelta(minutes=5)

CONNECTION = CheckSubject("connection", "The connection")
_TOKENS = CheckSubject("tokens", "Its tokens are kept fresh")
_HOLDS = CheckSubject("holds", "Holds")
_WAITING = CheckSubject("waiting", "Sign-ups flow")
_REPEATED_ADDRESSES = CheckSubject("repeated_addresses", "Nobody is kept out by RELAY_PERSON_LIMIT")
_FAILED = CheckSubject("failed", "Sign-ups do not fail")
# Causes of failures, the largest first. The console's failed page has all.
_MOST_CAUSES = 3
_FAILED_LATELY = timedelta(days=1)
# Of the quarantined ones, which robots may make millions of.
_LATEST = 1000

_CONNECTED = (ConnectionStatus.CONNECTED, ConnectionStatus.FAILING)

_CONNECT_AGAIN = "Reconnect it in the console, or with: relay connect {account}"
# What was found, and what to do.
_NOT_CONNECTED = {
    ConnectionStatus.DISCONNECTED: (
        "An operator disconnected it, but sign-ups still come from {forms}.",
        _CONNECT_AGAIN,
    ),
    ConnectionStatus.UNUSABLE: (
        "It has no tokens, or the secret of its API key {key} is not known.",
        f"Put the former CTCT_CLIENT_ID and CTCT_CLIENT_SECRET back. Otherwise: {_CONNECT_AGAIN}",
    ),
    ConnectionStatus.REVOKED: (
        "Constant Contact has revoked its refresh token, so sign-ups wait.",
        _CONNECT_AGAIN,
    ),
    ConnectionStatus.ELSEWHERE: (
        (
            "Its tokens are from {origin}. CTCT_API_URL and CTCT_AUTH_URL name other addresses now."
            " The tokens are sent to no other server, so sign-ups wait."
        ),
        (
            "Put the former addresses back, or connect it again: relay connect {account}. If"
            " Constant Contact has moved, run: relay accounts move-tokens {account}. If the account"
            " was for trying out, remove it: relay accounts remove {account}"
        ),
    ),
    ConnectionStatus.FOREIGN: (
        "Another installation ({owner}) refreshes its tokens. This ledger looks like a copy.",
        "On a copy, connect another account. After a move, run: relay accounts take-over {account}",
    ),
}
# While the access token of a revoked pair still works.
_LAST_TOKEN = (
    (
        "It works until {until}: Constant Contact refuses its refresh token, so there will be no"
        " other access token. Sign-ups are delivered until then, and wait afterwards."
    ),
    "Reconnect it before, in the console or with: relay connect {account}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccountChecks:
    """`client` is of the ledger."""

    client: "redis.Redis"
    vault: TokenVault
    summaries: AccountSummaries
    now: Callable[[], datetime]

    def run(self, name: str, forms: Sequence[Form], accounts: Sequence[Account]) -> Iterator[Check]:
        """Check the account `name` of all `accounts`; `forms` send sign-ups to it."""
        summary = self.summaries.summary(name)
        now = self.now()
        yield connection(summary, forms)
        for check in checks.one_name(summary.account, accounts):
            yield replace(check, account=name)
        yield from tokens(summary, *self._failures(name), now)
        for each in summary.holds:
            yield hold(each, summary, now)
        if not summary.holds:
            yield _HOLDS.of(name).ok("No hold is active.")
        yield waiting(partial(find_overdue, self.client, name), summary.holds, account=name)
        yield from failed(list(SignupIndex(self.client).groups([name])), now, account=name)
        yield repeated_addresses(self._beyond_the_persons_limit(name), account=name)

    def _beyond_the_persons_limit(self, name: str) -> list[datetime]:
        """Return when those of the latest quarantined sign-ups were received."""
        latest = islice(Ledger(self.client).quarantined(name), _LATEST)
        reason = QuarantineReason.REPEATED_ADDRESS
        return [signup.received_at for signup in latest if signup.reason == reason]

    def _failures(self, name: str) -> tuple[int, str | None]:
        """Return how many refreshes have failed in a row, and the cause of the last failure."""
        try:
            stored = self.vault.stored(name)
        except TokenError:
            return 0, None
        return stored.failures, stored.failure


def connection(summary: AccountSummary, forms: Sequence[Form]) -> Check:
    """Check that the account is connected; `forms` are those that send sign-ups to it."""
    account = summary.account.name
    subject = CONNECTION.of(account)
    if summary.status in _CONNECTED:
        whose = summary.account.organization or "an account whose name is not known"
        return subject.ok(f"Connected to {whose}.")
    if summary.status == ConnectionStatus.DISCONNECTED and not forms:
        return subject.ok("An operator disconnected it, and no form uses it.")
    found, fix = _LAST_TOKEN if summary.end else _NOT_CONNECTED[summary.status]
    facts = {"key": summary.key_tail, "owner": summary.owner, "forms": _named(forms)}
    facts["origin"] = summary.origin_told
    facts["until"] = minute(summary.end.at) if summary.end else None
    named = replace(subject, title=f"{subject.title}: {account_state(summary).words}")
    return named.problem(found.format(**facts), fix.format(account=account))


def failed(groups: Sequence[FailureGroup], now: datetime, *, account: str) -> list[Check]:
    """Return a check of each cause of which sign-ups failed in the last day; one if none did.

    This needs no answer of Constant Contact. So it tells of a list that is gone also while Constant
    Contact is away.
    """
    lately = [each for each in groups if each.count and now - each.last_at < _FAILED_LATELY]
    undecided = [each for each in lately if each.undecided]
    largest = sorted(undecided, key=lambda each: -each.undecided)[:_MOST_CAUSES]
    subject, in_jobs = _FAILED.of(account), sum(each.in_jobs for each in lately)
    none = f"{are_retried(in_jobs)}." if in_jobs else "None failed in the last day."
    return [_failed_for(each, subject) for each in largest] or [subject.ok(none)]


def _failed_for(group: FailureGroup, subject: CheckSubject) -> Check:
    of, why = f"{group.form}: " if group.form else "", why_failed(group)
    others = f" {are_retried(group.in_jobs, 'more')}." if group.in_jobs else ""
    judge = subject.problem if is_about_lists(group) else subject.advice
    return judge(
        f"{of}{counted(group.undecided, 'sign-up')} failed, the last at {minute(group.last_at)}."
        f" {why.sentence}{others}",
        f"{why.to_do} See them with: relay failed list --account {group.account}",
    )


def repeated_addresses(received: Sequence[datetime], *, account: str) -> Check:
    """Check the quarantined sign-ups of people who had sent as many as a person may."""
    subject = _REPEATED_ADDRESSES.of(account)
    if not received:
        return subject.ok("No sign-up waits in quarantine for that reason.")
    return subject.advice(
        f"{len(received):,} of the latest quarantined sign-ups are there since their e-mail address"
        f" was signed up too often, the oldest since {minute(min(received))}. Some may be from"
        " people whom a stranger signed up before. None is sent by itself.",
        f"Look at them: relay quarantine list --account {account} --reason repeated_address. Have"
        " those sent that look right: relay quarantine deliver ID",
    )


def tokens(
    summary: AccountSummary, failures: int, cause: str | None, now: datetime
) -> Iterator[Check]:
    """Check the tokens: refreshing has failed `failures` times in a row, the last for `cause`.

    Yields nothing unless the account is connected: the check of the connection says enough.
    """
    if summary.status in _CONNECTED:
        yield _fresh(summary, failures, cause, now)
        yield replace(checks.scopes_granted(summary.scopes), account=summary.account.name)


def _fresh(summary: AccountSummary, failures: int, cause: str | None, now: datetime) -> Check:
    account = summary.account.name
    subject, until = _TOKENS.of(account), _until(summary.expires_at, now)
    if failures:
        helps = what_helps(cause or "", LOGIN)
        last = f", the last time: {cause.removesuffix('.')}" if cause else ""
        return subject.problem(
            f"Refreshing them has failed {times(failures)} in a row{last}. {until}",
            checks.what_helps_refreshing(cause or "", own_key=summary.own_key)
            or f"It is retried automatically. If it goes on failing, {helps}. If that is not it,"
            f" run: relay connect {account}",
        )
    if summary.end:
        return subject.problem(
            "They have not been refreshed for months. Constant Contact ends a refresh token after"
            f" 180 days without use: this one on {minute(summary.end.at)}.",
            "Start beat and a worker, which refresh it. If that fails, run:"
            f" relay connect {account}",
        )
    if summary.next_refresh_at and now - summary.next_refresh_at > REFRESH_MAY_BE_LATE:
        late = in_words(now - summary.next_refresh_at)
        return subject.problem(
            f"They were due to be refreshed {late} ago. {until}",
            "Check that beat and a worker run, and read their logs.",
        )
    return subject.ok(f"{_refreshes(summary, now)} {until}")


def hold(each: Hold, summary: AccountSummary, now: datetime) -> Check:
    account = summary.account.name
    subject = CheckSubject(_HOLDS.name, f"On hold: {each.reason}", account)
    note = redact(each.note).rstrip(".")
    since = in_words(now - each.since)
    found = f"Sign-ups have been on hold for {since}{f': {note}' if note else ''}."
    fix = on_hold(each, account)
    if each.reason == HoldReason.RECONNECT and summary.status == ConnectionStatus.DISCONNECTED:
        return subject.ok(found)  # somebody wants that; the forms that still use it are a problem
    if each.reason == HoldReason.RECONNECT and summary.status not in _CONNECTED:
        # Above all with FOREIGN: connecting again here would take the account away.
        fix = "Do what the check of the connection says. That ends this hold, too."
    judge = subject.advice if each.reason.is_harmless else subject.problem
    return judge(found, fix)


def waiting(read: Callable[[], OverdueSignups], holds: Sequence[Hold], *, account: str) -> Check:
    """Check whether a sign-up waits without a reason."""
    subject, overdue = _WAITING.of(account), read()
    if overdue.since is None:
        return subject.ok("No sign-up waits that could be sent now.")
    waits = f"A sign-up waits for {in_words(overdue.since)}"
    if holds:
        reasons = ", ".join(each.reason for each in holds)
        return subject.ok(f"{waits}. It is sent when the hold ({reasons}) ends.")
    if overdue.rest > timedelta():
        rest = in_words(overdue.rest)
        return subject.ok(f"{waits}. Rate limited by Constant Contact; the next try is in {rest}.")
    if overdue.since < MAY_WAIT or (overdue.delivered is not None and overdue.delivered < MAY_WAIT):
        return subject.ok(f"{waits}. Others are being sent.")
    return subject.problem(
        f"{waits}. No hold explains it, and nothing has been sent in the meantime.",
        "Check that a worker runs, and read its log. Nothing is lost: a worker sends it.",
    )


def _refreshes(summary: AccountSummary, now: datetime) -> str:
    last, due = summary.refreshed_at, summary.next_refresh_at
    found = f"They were refreshed {in_words(now - last)} ago." if last else "They are new."
    if due is None:
        return found
    return (
        f"{found} The next refresh is {'due now' if due <= now else f'in {in_words(due - now)}'}."
    )


def _until(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None or expires_at <= now:
        return "The access token has expired, so sign-ups wait."
    return f"The access token is valid for {in_words(expires_at - now)} more."


def _named(forms: Sequence[Form]) -> str:
    names = ", ".join(form.name for form in forms)
    return f"the form {names}" if len(forms) == 1 else f"the forms {names}"
