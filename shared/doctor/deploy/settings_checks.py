"""The checks of the settings that matter once strangers and real accounts are there."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.domain.audit import AuditEntry
from shared.domain.check import Check, CheckSubject
from shared.domain.durations import in_words, minute
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.settings import API_URL, NEW_KEY_COMMAND, RateLimit

SANDBOX = CheckSubject("sandbox", "Sign-ups go to Constant Contact")
SANDBOX_ACCOUNTS = CheckSubject("sandbox_accounts", "No account belongs to a sandbox")
SECRET_STRENGTH = CheckSubject("secret_strength", "RELAY_SECRET_KEY cannot be guessed")
VISITOR_LIMIT = CheckSubject("visitor_limit", "Visitors are limited")
ALERTS = CheckSubject("alerts", "Alerts")
HEARTBEAT = CheckSubject("heartbeat", "Somebody notices when the whole host is down")
SECURITY_CONTACT = CheckSubject("security_contact", "Who finds a weakness knows whom to tell")
BACKUPS = CheckSubject("backups", "Backups are made")

# 32 characters of `secrets.token_hex` have 128 bits, and on average 14 different ones.
SHORTEST_KEY, FEWEST_CHARACTERS = 32, 9
ALERT_TEST_COUNTS = timedelta(days=180)
BACKUP_COUNTS = timedelta(days=8)


def sandbox(origin: TokenOrigin) -> Check:
    """Check that the API is Constant Contact's own."""
    api_url = origin.api_url
    if origin.is_sandbox:
        return SANDBOX.problem(
            f"They go to a sandbox ({api_url}), and reach nobody's list.",
            "Set CTCT_CLIENT_ID and CTCT_CLIENT_SECRET, without CTCT_API_URL and CTCT_AUTH_URL."
            " docs/operating.md says how to leave the demo.",
        )
    if api_url != API_URL:
        return SANDBOX.advice(
            f"They go to {api_url}, which is not Constant Contact's own address.",
            "Remove CTCT_API_URL, unless a server of your own stands between.",
        )
    return SANDBOX.ok(f"They go to {api_url}.")


def sandbox_accounts(origins: Mapping[str, TokenOrigin | None]) -> Check:
    """Check where the tokens of each account were got; None if that is not known."""
    names = [name for name, origin in origins.items() if origin and origin.is_sandbox]
    if not names:
        return SANDBOX_ACCOUNTS.ok("None does.")
    return SANDBOX_ACCOUNTS.problem(
        f"These do, so what their forms take reaches nobody's list: {', '.join(names)}.",
        "Remove each, or connect a real account under its name. docs/operating.md says how to leave"
        " the demo.",
    )


def secret_strength(keys: Sequence[str]) -> Check:
    weak = [key for key in keys if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS]
    if not weak:
        return SECRET_STRENGTH.ok("It is long enough.")
    which = "It" if len(keys) == 1 else f"{len(weak)} of its {len(keys)} keys"
    return SECRET_STRENGTH.problem(
        f"{which} can be guessed: less than {SHORTEST_KEY} characters, or always the same ones."
        " It opens the accounts' tokens and the console.",
        f"Make a new one with {NEW_KEY_COMMAND} and put it first, before a comma and the old one."
        " docs/settings.md has the other steps.",
    )


def visitor_limit(limit: RateLimit | None) -> Check:
    if limit:
        return VISITOR_LIMIT.ok("RELAY_VISITOR_LIMIT is on.")
    return VISITOR_LIMIT.problem(
        "RELAY_VISITOR_LIMIT is 0: one visitor can fill Redis and use up the day's quota.",
        "Remove RELAY_VISITOR_LIMIT, or raise it to what your visitors need.",
    )


def alerts(services: Sequence[str], tested: AuditEntry | None, now: datetime) -> Check:
    """Check that alerts go to services, and that the last test (`tested`) reached all of them."""
    if not services:
        return ALERTS.problem(
            "Alerts are off: nobody is told when an account stops.",
            "Set RELAY_ALERTS for every process. Then run: relay alerts test",
        )
    sent = tested.detail.get("sent", {}) if tested else {}
    failed = sorted({name for name in services if sent.get(name) is not True})
    if tested is None or now - tested.at > ALERT_TEST_COUNTS:
        return _test_alerts("Nobody has tested them for half a year.")
    if failed:
        return _test_alerts(f"The last test did not reach {', '.join(failed)}.")
    return ALERTS.ok(f"A test reached {', '.join(services)} on {minute(tested.at)}.")


def _test_alerts(found: str) -> Check:
    return ALERTS.problem(found, "Run this, and see that the message arrives: relay alerts test")


def heartbeat(url: str | None) -> Check:
    if url:
        return HEARTBEAT.ok("RELAY_HEARTBEAT_URL is pinged.")
    return HEARTBEAT.advice(
        "RELAY_HEARTBEAT_URL is not set. If this host dies, no alert can leave it.",
        "Make a check at a monitor elsewhere, such as healthchecks.io, and set its address.",
    )


def security_contact(contact: str | None) -> Check:
    if contact:
        return SECURITY_CONTACT.ok("/.well-known/security.txt tells them.")
    return SECURITY_CONTACT.advice(
        "RELAY_SECURITY_CONTACT is not set, so /.well-known/security.txt tells nobody.",
        "Set it to an address that somebody reads (docs/settings.md), and restart web.",
    )


def backups(last: AuditEntry | None, now: datetime) -> Check:
    """Check when somebody last said that a backup was made: nobody here can see where it is."""
    fix = "Have a job make one each night (docs/backup.md), and end with: relay backup-made"
    if last is None:
        return BACKUPS.problem("Nobody has said that a backup was made.", fix)
    ago = f"The last one was made {in_words(now - last.at)} ago, says {last.actor or 'somebody'}."
    return BACKUPS.problem(ago, fix) if now - last.at > BACKUP_COUNTS else BACKUPS.ok(ago)
