"""A monotonic clock that goes only when a test says so."""


class HandSetClock:
    """Returns `now`, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
