"""`relay rotate-secrets`: encrypt all stored secrets with the first key of RELAY_SECRET_KEY."""

import sys

import click

from relay.runtime import CommandRuntime, pass_runtime
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.sealed_values import SealedPlaces
from shared.ledger.stores.token_store import TokenLedger
from shared.operations.secret_rotation import Rotated, Rotation, SecretKind

_WHAT = {
    SecretKind.TOKENS: "tokens of accounts",
    SecretKind.APPLICATIONS: "secrets of API keys",
    SecretKind.FINGERPRINT_KEY: "key of the fingerprints",
    SecretKind.KEPT_TOKENS: "tokens of unfinished connections",
    SecretKind.SECOND_FACTORS: "second factors of operators",
}

_TO_BEGIN = """\
RELAY_SECRET_KEY has one key. To change it:

1. Put a new key before it for every process: RELAY_SECRET_KEY=new,old
2. Restart every process.
3. Run this command again."""

_TO_FINISH = """\
Before you remove the old key from RELAY_SECRET_KEY:

1. Restart every process on every host with the new key first. A process that was not restarted
   still encrypts with the old key. Run this command again until it finds nothing to encrypt.
2. Links for clients that were made with the old key stop working when it is removed. Send new
   links, or keep the old key until the links have been used.
3. People who signed in to the console with the old key must sign in again then.

Sign-ups and connections are kept, and duplicates are still recognised."""

_TO_FIX = """\
No key in RELAY_SECRET_KEY opens these. Add the key that was used before at the end of
RELAY_SECRET_KEY, and run this command again. If that key is lost, connect these accounts again
with `relay connect NAME`, and for a second factor run `relay operator reset-second-factor NAME`.
Everything else is done."""


@click.command("rotate-secrets")
@pass_runtime
def rotate_secrets(runtime: CommandRuntime) -> None:
    """Encrypt all stored secrets with the first key.

    The keys are those of RELAY_SECRET_KEY. This is safe while everything runs, and safe to
    repeat. The exit status is 1 if no key opens one of the secrets.
    """
    rotation = Rotation(
        runtime.registry,
        TokenLedger(runtime.client),
        SealedPlaces(runtime.client),
        AuditTrail(runtime.client),
        runtime.settings.secret_keys,
    )
    rotated = rotation.run()
    runtime.output.json({"resealed": rotated.resealed, "unopened": list(rotated.unopened)})
    _print(runtime, rotated)
    if rotated.unopened:
        sys.exit(1)


def _print(runtime: CommandRuntime, rotated: Rotated) -> None:
    out = runtime.output
    if any(rotated.resealed.values()):
        rows = [[_WHAT[kind], count] for kind, count in rotated.resealed.items() if count]
        out.table(["encrypted with the first key now", ""], rows)
    elif not rotated.unopened:
        out.say("Everything is encrypted with the first key already.")
    if rotated.unopened:
        out.say("\nNot opened:\n" + "\n".join(f"  {what}" for what in rotated.unopened))
        out.say(f"\n{_TO_FIX}")
    else:
        several = len(runtime.settings.secret_keys) > 1
        out.say(f"\n{_TO_FINISH if several else _TO_BEGIN}")
