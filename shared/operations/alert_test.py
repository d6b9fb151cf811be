"""A test message to every alert service."""

from collections.abc import Sequence

from shared.domain.audit import Action
from shared.infrastructure.alert_services import MessageKind, Service
from shared.ledger.stores.audit_trail import AuditTrail


def send_test_alert(
    services: Sequence[Service], trail: AuditTrail, *, by: str, public_url: str
) -> dict[str, bool]:
    """Send a test message to each service now. Return by service name whether it was sent.

    `by` says who sent it, or with what.
    """
    body = f"Somebody sent this {by}.\n\nAlerts of the installation at {public_url} arrive here."
    title = "signup-relay: a test message"
    sent = {service.name: service.send(title, body, MessageKind.INFO) for service in services}
    trail.add(Action.TEST_ALERTS, sent=sent)
    return sent
