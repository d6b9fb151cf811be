"""What people read of states, in pages and commands. JSON, metrics and the API have the names."""

from shared.domain.signup import State

# Of a sign-up. Those after the states of the ledger are of one that is not, or no more, in it.
STATE_WORDS = {
    State.QUEUED: "waiting",
    State.DELIVERING: "being sent",
    State.RETRYING: "waiting for a retry",
    State.DELIVERED: "delivered",
    State.DEAD: "failed",
    State.DISCARDED: "discarded",
    State.QUARANTINED: "quarantined",
    "spooled": "on disk",
    "cleared": "cleared",
}
# Of the counts of invariant 2, and of kinds of records.
COUNT_WORDS = {"due": "waiting", "dead": "failed"}


def state_words(state: str) -> str:
    """Return what a sign-up in this state is."""
    return STATE_WORDS.get(state, state)


def count_words(count: str) -> str:
    """Return what sign-ups are that this count has."""
    return COUNT_WORDS.get(count, count)
