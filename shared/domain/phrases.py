"""Phrases for people: numbers of things, and sentences that end with one full stop."""

import re
from collections.abc import Sequence

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def counted(count: int, noun: str) -> str:
    """Return such as ``1 sign-up`` or ``1,200 sign-ups``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def first_of(names: Sequence[str], most: int) -> str:
    """Return the first of the names, `most` at most, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def sign_ups_wait(count: int) -> str:
    """Return how many sign-ups wait, as the beginning of a sentence."""
    return {0: "No sign-up waits", 1: "1 sign-up waits"}.get(count, f"{count:,} sign-ups wait")


def shortened(text: str, most: int = 80) -> str:
    """Return the beginning of what a stranger sent, so that an answer stays small."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def without_ids(text: str) -> str:
    """Return what an API said for a list, where nobody reads ids of 36 characters."""
    return _ID.sub("…", text)


def clause(text: str) -> str:
    """Return somebody else's sentence without its end, so that ours can go on after it."""
    return text.rstrip().rstrip(".")


def in_a_sentence(text: str) -> str:
    """Return the beginning of a sentence as it is inside of one."""
    return text if text.startswith("Constant Contact") else text[:1].lower() + text[1:]


def sentence(text: str) -> str:
    """Return the text with a full stop, unless it ends like a sentence already."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
