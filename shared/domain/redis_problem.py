"""What is wrong with Redis, what it means for sign-ups, and what to do: as people read it."""

from dataclasses import dataclass

ON_DISK = (
    "Web keeps new sign-ups on its own disk while there is room. Nothing is delivered until Redis"
    " works again, and nothing that it has stored is lost."
)


@dataclass(frozen=True, slots=True)
class RedisProblem:
    """`what` is wrong, without a full stop; `fix` and `means` are whole sentences.

    `means` is what it means for sign-ups. None of them contains a part of a URL.
    """

    what: str
    fix: str = "Start Redis, or correct REDIS_URL."
    means: str = ON_DISK

    def __str__(self) -> str:
        return f"{self.what}. {self.means} {self.fix}"
