"""Phrases that several alerts share."""

from shared.domain.phrases import sign_ups_wait
from worker.alerts.snapshot import AccountSnapshot


def waiting(view: AccountSnapshot) -> str:
    """Return how many of the account's sign-ups wait, as the beginning of a sentence."""
    return sign_ups_wait(view.figures.due)


def paragraphs(*texts: str) -> str:
    return "\n\n".join(texts)
