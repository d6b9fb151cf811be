"""Phrases that several alerts share."""

from worker.alerts.snapshot import AccountView


def waiting(view: AccountView) -> str:
    """Return how many of the account's sign-ups wait, as the beginning of a sentence."""
    return sign_ups_wait(view.figures.due)


def sign_ups_wait(count: int) -> str:
    return {0: "No sign-up waits", 1: "1 sign-up waits"}.get(count, f"{count:,} sign-ups wait")


def paragraphs(*texts: str) -> str:
    return "\n\n".join(texts)
