"""The names by which web, beat and worker find each other through Celery.

A task name never changes. A worker discards a message with a name that it does not know, so a
renamed task would lose messages while a new version is installed.
"""

DELIVER = "relay.deliver"  #: run a lane for one account; argument: the account's name
WAKE = "relay.wake"  #: start a lane for every account with something due
REFRESH_TOKENS = "relay.refresh_tokens"  #: refresh whatever tokens are due for it
WATCH = "relay.watch"  #: look for alert conditions, and notify operators of them

DELIVER_QUEUE = "deliver"
TOKENS_QUEUE = "tokens"
UPKEEP_QUEUE = "upkeep"
ALL_QUEUES = (DELIVER_QUEUE, TOKENS_QUEUE, UPKEEP_QUEUE)

ROUTES = {
    DELIVER: {"queue": DELIVER_QUEUE},
    REFRESH_TOKENS: {"queue": TOKENS_QUEUE},
    WAKE: {"queue": UPKEEP_QUEUE},
    WATCH: {"queue": UPKEEP_QUEUE},
}
