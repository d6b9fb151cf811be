"""Every Redis key of the ledger, named in one place; docs/internals.md says what each holds.

`{A}` is an account's name and `{key}` a digest of an API key, both as hash tags.
The scripts build their keys from these two prefixes.
"""

import hashlib

FORMAT = "relay:format"  # hash: format, and how far upgrading to it has come
ACCOUNTS = "relay:accounts"  # hash: account name -> JSON
FORMS = "relay:forms"  # hash: form name -> JSON
FINGERPRINT_KEY = "relay:fingerprint-key"  # string: sealed
WORKERS = "relay:workers"  # zset: worker name -> last seen, ms
BEATS = "relay:beats"  # zset: beat name -> last tick, ms
DOCTOR = "relay:doctor"  # string: written to see whether that is allowed, a second
SPOOLS = "relay:spools"  # hash: id of a spool on a web host's disk -> JSON
ALERTS = "relay:alerts"  # hash: key of a trouble -> JSON: who was told of it, and when
DEAD_LETTER_ALERTS = "relay:alerts:dead-letters"  # hash: "dead:" + account -> JSON, likewise
VISITORS = "relay:visitor:"  # + fingerprint, string: sign-ups in this window
CONNECTING = "relay:connecting:"  # + what it is, and its id, string: short-lived
OPERATORS = "relay:operators"  # hash: name -> JSON
SIGN_IN_TRIES = "relay:sign-in:"  # + digest of name or address, string: tries in this window
LINKS = "relay:links"  # hash: id of a client's link -> JSON
APPLICATIONS = "relay:applications"  # hash: API key -> sealed secret
TOKEN_PACE = "relay:token-pace"  # noqa: S105 - string: when the endpoint is free again, ms


def account(name: str) -> str:
    """Return the prefix of all keys of an account."""
    return f"relay:{{{name}}}:"


def api_key(client_id: str) -> str:
    """Return the prefix of all keys that belong to an API key, whose id stays unnamed."""
    return f"relay:{{{hashlib.sha256(client_id.encode()).hexdigest()[:16]}}}:"
