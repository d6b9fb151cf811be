"""`relay rotate-secrets`: seal what is stored with the first key of RELAY_SECRET_KEY."""

import sys

import click

from relay.runtime import CommandRuntime, pass_runtime
from shared.ledger.sealed_values import SealedPlaces
from shared.ledger.token_store import TokenLedger
from shared.operations.secret_rotation import Kind, Rotated, Rotation

_WHAT = {
    Kind.TOKENS: "accounts' tokens",
    Kind.APPLICATIONS: "secrets of API keys",
    Kind.FINGERPRINT_KEY: "key of all fingerprints",
    Kind.KEPT_TOKENS: "tokens of connections being made",
}

_TO_BEGIN = """\
RELAY_SECRET_KEY has one key. To change it, put a new one before it, RELAY_SECRET_KEY=new,old,
for every process; restart them all; then run this again."""

_TO_FINISH = """\
Before the old key is taken out of RELAY_SECRET_KEY:

1. See that every process, on every host, was restarted with the new key first. One that was
   not still seals with the old key; so run this again then, until nothing is sealed anew.
2. Links to clients that were made with the old key stop working when it is gone. Send new ones,
   or leave the old key until they have been used.
3. Whoever signed in to the console with the old key has to sign in again then.

What was accepted stays, duplicates and people are still recognised, connections go on."""

_TO_MEND = """\
None of the keys in RELAY_SECRET_KEY opens these. Put the key back that was used before, at the
end of RELAY_SECRET_KEY, and run this again. Should it be lost: connect such accounts again with
`relay connect NAME`. Everything else is done."""


@click.command("rotate-secrets")
@pass_runtime
def rotate_secrets(runtime: CommandRuntime) -> None:
    """Seal everything that is stored with the first key of RELAY_SECRET_KEY.

    Safe while everything runs, and safe to run again. Exit status 1 when something cannot be
    opened with any of the keys.
    """
    rotation = Rotation(
        runtime.registry,
        TokenLedger(runtime.client),
        SealedPlaces(runtime.client),
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
        out.table(["sealed anew with the first key", ""], rows)
    elif not rotated.unopened:
        out.say("Everything is sealed with the first key already.")
    if rotated.unopened:
        out.say("\nNot opened:\n" + "\n".join(f"  {what}" for what in rotated.unopened))
        out.say(f"\n{_TO_MEND}")
    else:
        several = len(runtime.settings.secret_keys) > 1
        out.say(f"\n{_TO_FINISH if several else _TO_BEGIN}")
