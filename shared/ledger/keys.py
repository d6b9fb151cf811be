"""The Redis keys that belong to no account or API key, and the prefixes of the others.

docs/internals/ledger-keys.md says what each key holds. The scripts build theirs from the two
prefixes.
"""

import hashlib

PREFIX = "relay:"  # of every key, so that a Redis user needs the right to no others
NO_KEY = "relay:none"  # for a script that gets no key in this place; nothing is stored there

FORMAT = "relay:format"
ACCOUNTS = "relay:accounts"
REMOVED_ACCOUNTS = "relay:removed-accounts"
BUSY = "relay:busy"
CALLS = "relay:calls"
FORMS = "relay:forms"
FINGERPRINT_KEY = "relay:fingerprint-key"
WORKERS = "relay:workers"
IN_FLIGHT = "relay:workers:in-flight"
BEATS = "relay:beats"
DOCTOR = "relay:doctor"
RETENTION = "relay:retention"
MEMORY = "relay:memory"
SPOOLS = "relay:spools"
ROLL_UP = "relay:stats:roll-up"
OF_MINUTES = "relay:stats:minutes"
OF_QUARTERS = "relay:stats:quarters"
OF_DAYS = "relay:stats:days"
ERASED = "relay:erased"
FORWARDING = "relay:forwarding"
ALERTS = "relay:alerts"
DEAD_LETTER_ALERTS = "relay:alerts:dead-letters"
REFUSALS = "relay:refusals:"  # + form, alone or before ":last", ":streak" and ":recent"
ARRIVALS = "relay:arrivals:"  # + form, alone or before ":days"
UNSENT_FIELDS = "relay:unsent-fields:"  # + form
LAST_ACCEPTED = "relay:last-accepted"
FLUSHED = "relay:flushed:"  # + web process
VISITORS = "relay:visitors:"  # + fingerprint of a network
CONNECTING = "relay:connecting:"  # + kind, ":" and id
OPERATORS = "relay:operators"
OPERATOR_KEYS = "relay:operator-keys"
LAST_SEEN = "relay:last-seen"
SESSIONS = "relay:sessions:"  # + operator
SIGN_IN_TRIES = "relay:sign-in:"  # + digest of a name or an address
SECOND_FACTORS = "relay:second-factors"
SECOND_FACTOR_SETUPS = "relay:second-factor-setup:"  # + digest of a session's id
SECOND_STEPS = "relay:second-step:"  # + digest of a random id
LINKS = "relay:links"
AUDIT = "relay:audit"
AUDIT_REFUSED = "relay:audit-refused"
AUDIT_REFUSED_CODES = "relay:audit-refused-codes"
APPLICATIONS = "relay:applications"
TOKEN_PACE = "relay:token-pace"  # noqa: S105 - no password


def account(name: str) -> str:
    """Return the prefix of all keys of an account."""
    return f"relay:{{{name}}}:"


def account_of(prefix: str) -> str:
    """Return the name of the account whose keys have this prefix."""
    return prefix.removeprefix("relay:{").removesuffix("}:")


def api_key(client_id: str) -> str:
    """Return the prefix of all keys that belong to an API key, which do not show its id."""
    return f"relay:{{{hashlib.sha256(client_id.encode()).hexdigest()[:16]}}}:"


def of_form(name: str) -> tuple[str, ...]:
    """Return the keys with what web has counted for a form."""
    refusals = REFUSALS + name
    parts = (f"{refusals}:last", f"{refusals}:streak", f"{refusals}:recent")
    arrivals = (ARRIVALS + name, f"{ARRIVALS}{name}:days")
    return (refusals, *parts, *arrivals, UNSENT_FIELDS + name)
