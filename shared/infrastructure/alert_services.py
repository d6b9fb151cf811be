"""Alert services: the places in RELAY_ALERTS that receive alerts.

Each is one address of the `apprise` library, such as slack://, mailto:// or json:// (a plain
webhook). The addresses contain secrets: no message, log line or `repr` shows them.
"""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import apprise

log = logging.getLogger(__name__)

# An address may contain commas. A comma that separates is followed by the next address.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][\w+.-]*://)")
_WEBHOOK = re.compile(r"(?:json|xml|form)s?://", re.IGNORECASE)
# For the whole message. A single request gets four seconds to connect, and four to answer.
SEND_WITHIN_SECONDS = 20
NONE = "none"
ARE_OFF = "Alerts are off."
SET_THEM = "Set RELAY_ALERTS for workers and beat (and for web, to test it here)."
ALERTS_OFF = f"{ARE_OFF} {SET_THEM}"


class MessageKind(StrEnum):
    """How services show a message. The values are those of apprise."""

    INFO = "info"
    WARNING = "warning"
    PROBLEM = "failure"
    OVER = "success"


class Service:
    """A place that receives alerts. `name` is its kind, such as ``slack``, and not its address."""

    def __init__(self, name: str, sender: "apprise.Apprise") -> None:
        self.name = name
        self._sender = sender

    def send(self, title: str, body: str, kind: MessageKind) -> bool:
        """Send the message now; False when that failed. Never raises."""
        try:
            return bool(self._sender.notify(body, title, kind.value, body_format="text"))
        except Exception as error:  # noqa: BLE001 - each of a hundred plugins has its own errors
            log.warning(
                "alert service failed",
                extra={"service": self.name, "cause": type(error).__name__},
            )
            return False


def make_services(addresses: Sequence[str]) -> list[Service]:
    """Return the services at `addresses`, which `read_addresses` has checked."""
    senders = [_sender(address) for address in addresses]
    seen: Counter[str] = Counter()
    services = []
    for sender in senders:
        kind = str(sender[0].schema)
        seen[kind] += 1
        services.append(Service(kind if seen[kind] == 1 else f"{kind} {seen[kind]}", sender))
    return services


def read_addresses(raw: str) -> tuple[str, ...]:
    """Return the addresses in `raw`, separated by blanks or commas; empty for `none`.

    A `ValueError` says which address belongs to no service, by its number only.
    """
    if raw == NONE:
        return ()
    addresses = tuple(_BETWEEN.split(raw.strip(" \t\r\n,")))
    for place, address in enumerate(addresses, 1):
        if re.search(r"\s", address) or not _port_fits(address) or not _sender(address):
            raise ValueError(
                f"contains an address that belongs to no alert service, number {place} of"
                f" {len(addresses)}; https://appriseit.com/services/ shows how to write each."
                " Percent-encode special characters in names and passwords: # is %23, / is %2F"
            )
    return addresses


def _port_fits(address: str) -> bool:
    """Whether the port of a webhook can be one. Other services have other things in its place."""
    if not _WEBHOOK.match(address):
        return True
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _sender(address: str) -> "apprise.Apprise":
    """Return what sends to `address`; it is empty when no service has such an address."""
    # Its log lines contain addresses.
    logging.getLogger("apprise").propagate = False
    # Imported only where alerts are set: it knows more than a hundred services.
    import apprise

    asset = apprise.AppriseAsset(
        async_mode=False,
        service_timeout=SEND_WITHIN_SECONDS,
        storage_mode="memory",  # nothing is stored on disk
        language="en",
    )
    sender = apprise.Apprise(asset=asset)
    service = apprise.Apprise.instantiate(address, asset=asset)
    if service is not None:
        sender.add(service)
    return sender
