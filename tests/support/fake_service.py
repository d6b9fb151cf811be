"""An alert service that keeps what it is sent."""

from shared.infrastructure.alert_services import MessageKind, Service


class FakeService(Service):
    """A service that keeps what it is sent; `works` says whether that gets out."""

    def __init__(self, name: str = "json") -> None:
        self.name = name
        self.sent: list[tuple[str, MessageKind]] = []
        self.works = True

    def send(self, title: str, body: str, kind: MessageKind) -> bool:
        if self.works:
            self.sent.append((title, kind))
        return self.works
