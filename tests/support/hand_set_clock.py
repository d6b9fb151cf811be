"""Clocks that go only when a test says so."""

from datetime import UTC, datetime


class HandSetClock:
    """A monotonic one: returns `now`, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class HandSetTime:
    """One of the wall: returns the moment `at`."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at
