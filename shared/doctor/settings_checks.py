"""The checks of the settings: their values, the secret key, alerts, and web's disk."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.domain.check import Check, CheckSubject
from shared.infrastructure.alert_services import ARE_OFF, SET_THEM
from shared.ledger.spools import damaged_ones
from shared.operations.secret_rotation import Survey

SETTINGS = CheckSubject("settings", "The settings")
SECRET_KEY = CheckSubject("secret_key", "RELAY_SECRET_KEY decrypts what is stored")
ALERTS = CheckSubject("alerts", "Alerts")
SPOOL = CheckSubject("spool", "Web's disk stands in for Redis")


def settings(advice: Callable[[], Sequence[str]]) -> Check:
    """Check the settings; `advice` returns a sentence for each one that could be better."""
    sentences = advice()
    if not sentences:
        return SETTINGS.ok("All settings are in order.")
    return SETTINGS.advice(
        "The settings work, but could be better.",
        " ".join(f"{sentence}." for sentence in sentences),
    )


def secret_key(read: Callable[[], Survey], *, several: bool) -> Check:
    """Check the encrypted values; `several`: RELAY_SECRET_KEY has more than one key."""
    survey = read()
    if survey.unopened:
        return SECRET_KEY.problem(
            f"It does not decrypt {', '.join(survey.unopened)}.",
            "Add the previous key to RELAY_SECRET_KEY, after the new key and a comma. Then restart"
            " every process.",
        )
    if survey.with_later:
        return SECRET_KEY.advice(
            f"{survey.with_later} of {survey.with_first + survey.with_later} secrets are still"
            " encrypted with an older key.",
            "When all processes run with the new key first, run: relay rotate-secrets",
        )
    if several:
        return SECRET_KEY.advice(
            "Everything is encrypted with its first key.",
            "When all processes run with that key first, remove the others.",
        )
    return SECRET_KEY.ok("It decrypts all." if survey.with_first else "Nothing is encrypted yet.")


def alerts(services: int) -> Check:
    if services:
        return ALERTS.ok(f"They go to {services} service{'' if services == 1 else 's'}.")
    return ALERTS.advice(ARE_OFF, f"{SET_THEM} Try it with: relay alerts test")


def spool(folder: Path, *, wanted: bool) -> Check:
    """Check where web on this host keeps sign-ups while Redis is away; `wanted`: it is on."""
    if damaged := damaged_ones(folder):
        return SPOOL.problem(
            f"Sign-ups were in a file that is damaged: {', '.join(map(str, damaged))}.",
            "Save them with sqlite3 sign-ups.sqlite3 .recover, then move the folder elsewhere.",
        )
    if not wanted:
        return SPOOL.ok("It is off: while Redis is away, visitors get 503.")
    if not _may_write(folder):
        return SPOOL.advice(
            f"This process cannot write to {folder}. If web cannot either, visitors get 503 while"
            " Redis is away.",
            "Where web runs, let its user write to RELAY_DATA_DIR.",
        )
    return SPOOL.ok(f"The folder is {folder}.")


def _may_write(folder: Path) -> bool:
    """Return whether this process could write to `folder`, or create it."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
