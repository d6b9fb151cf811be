"""What is wrong with Redis, what it means for sign-ups, and what to do: as people read it."""

from dataclasses import dataclass

ON_DISK = (
    "Web keeps new sign-ups on its own disk while there is room. Nothing is delivered until Redis"
    " works again, and nothing that it has stored is lost."
)

_LATE = (
    "Sign-ups are delivered some seconds late, and tokens are refreshed only shortly before they"
    " expire."
)


@dataclass(frozen=True, slots=True)
class RedisProblem:
    """`what` is wrong, without a full stop; `fix` and `means` are whole sentences.

    `means` is what it means for sign-ups. None of them contains a part of a URL.
    """

    what: str
    fix: str = "Start Redis, or correct REDIS_URL."
    means: str = ON_DISK

    def of_the_broker(self) -> "RedisProblem":
        """Return the same problem with the broker's Redis, which has a setting of its own."""
        what, fix = (
            text.replace("REDIS_URL", "RELAY_BROKER_URL") for text in (self.what, self.fix)
        )
        return RedisProblem(what, fix, _LATE)

    def __str__(self) -> str:
        return f"{self.what}. {self.means} {self.fix}"
