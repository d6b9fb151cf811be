"""The check that nobody can make up the address by which visitors are limited and known."""

from collections.abc import Sequence

from shared.doctor.deploy.visit import Seen
from shared.domain.check import Check, CheckSubject

FORWARDED_FOR = CheckSubject("forwarded_for", "Nobody can make up their address")

# Of networks that are for documents, so that no visitor has them.
MADE_UP = ("192.0.2.77", "198.51.100.77")


def forwarded_for(seen: Seen | None, trusted: int, made_up: Sequence[str] = MADE_UP) -> Check:
    """Check what web saw of a request whose X-Forwarded-For was `made_up`; `trusted` is
    RELAY_TRUSTED_PROXIES."""
    if seen is None:
        return FORWARDED_FOR.unknown(
            "Web does not tell how it sees requests.",
            "Restart web, and give it and this command the same RELAY_SECRET_KEY.",
        )
    added = len(seen.forwarded_for) - sum(each in made_up for each in seen.forwarded_for)
    if seen.visitor in made_up:
        return FORWARDED_FOR.problem(
            "A made-up X-Forwarded-For is believed. So anybody can evade the limits, and give"
            " false evidence of consent.",
            _trust(added),
        )
    if added != trusted:
        return FORWARDED_FOR.problem(
            f"The proxies name {added} of the addresses in X-Forwarded-For, but"
            f" RELAY_TRUSTED_PROXIES is {trusted}. Visitors share an address, and its limit.",
            _trust(added),
        )
    if not added:
        return FORWARDED_FOR.problem(
            "No proxy names the visitor. So all visitors share the proxy's address, and its limit.",
            "Let the proxy set X-Forwarded-For to the visitor's address, and set"
            " RELAY_TRUSTED_PROXIES=1. docs/proxies.md has examples.",
        )
    return FORWARDED_FOR.ok("A made-up X-Forwarded-For is not believed.")


def _trust(added: int) -> str:
    if added:
        return f"Set RELAY_TRUSTED_PROXIES={added} for web, and restart it."
    return (
        "Let the proxy set X-Forwarded-For to the visitor's address, rather than pass it on."
        " docs/proxies.md has examples."
    )
