"""Alert services: where RELAY_ALERTS says that operators are to be told of troubles.

Each is one address of the `apprise` library, such as slack://, mailto:// or json:// (a plain
webhook). The addresses hold secrets: they are in no message, log line or `repr` of ours.
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apprise

log = logging.getLogger(__name__)

# An address may have commas in it; one that separates has the next address behind it.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][\w+.-]*://)")
# All in all; a single request of a service gets four seconds to connect and four to answer.
SEND_WITHIN_SECONDS = 20
NONE = "none"


class Kind(StrEnum):
    """What a message is about, as the services show it; the values are apprise's."""

    INFO = "info"
    WARNING = "warning"
    PROBLEM = "failure"
    OVER = "success"


class Service:
    """One place to which alerts go. `name` is its kind, such as ``slack``, without the address."""

    def __init__(self, name: str, sender: "apprise.Apprise") -> None:
        self.name = name
        self._sender = sender

    def send(self, title: str, body: str, kind: Kind) -> bool:
        """Send the message now; False when it did not get out. Never raises."""
        try:
            return bool(self._sender.notify(body, title, kind.value, body_format="text"))
        except Exception as error:  # noqa: BLE001 - a hundred plugins, each with its own
            log.warning(
                "alert service failed",
                extra={"service": self.name, "cause": type(error).__name__},
            )
            return False


def make_services(addresses: Sequence[str]) -> list[Service]:
    """Return the services at `addresses`, which `read_addresses` found to be right."""
    senders = [_sender(address) for address in addresses]
    seen: Counter[str] = Counter()
    services = []
    for sender in senders:
        kind = str(sender[0].schema)
        seen[kind] += 1
        services.append(Service(kind if seen[kind] == 1 else f"{kind} {seen[kind]}", sender))
    return services


def send_test(services: Sequence[Service], *, by: str, public_url: str) -> dict[str, bool]:
    """Send a test message to each service now, and return whether it got out, by their names.

    `by` says who sent it, or with what.
    """
    body = (
        f"Somebody sent this {by}\n\nTroubles of the installation at {public_url} are told of here."
    )
    title = "signup-relay: a test message"
    return {service.name: service.send(title, body, Kind.INFO) for service in services}


def read_addresses(raw: str) -> tuple[str, ...]:
    """Return the addresses in `raw`, separated by blanks or commas; empty for `none`.

    `ValueError` says which one no service can be made of, by its place and not by its words.
    """
    if raw == NONE:
        return ()
    addresses = tuple(_BETWEEN.split(raw.strip(" \t\r\n,")))
    for place, address in enumerate(addresses, 1):
        if re.search(r"\s", address) or not _sender(address):
            raise ValueError(
                f"has an address that belongs to no alert service, number {place} of"
                f" {len(addresses)}; see https://appriseit.com/services/ for how each is written"
            )
    return addresses


def _sender(address: str) -> "apprise.Apprise":
    """Return what sends to `address`, without a service in it when there is none for it."""
    # Its own log lines have addresses in them.
    logging.getLogger("apprise").propagate = False
    # Imported only where alerts are set: it knows more than a hundred services.
    import apprise

    asset = apprise.AppriseAsset(
        async_mode=False,
        service_timeout=SEND_WITHIN_SECONDS,
        storage_mode="memory",  # nothing is kept on disk
        language="en",
    )
    sender = apprise.Apprise(asset=asset)
    service = apprise.Apprise.instantiate(address, asset=asset)
    if service is not None:
        sender.add(service)
    return sender
