"""The console's navigation: its pages by subject, and which of them a request belongs to."""

from dataclasses import dataclass

from flask import request, url_for

from shared.operations.operators import Operator, Role


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation. `icon` is a name in icons.html."""

    endpoint: str
    label: str
    icon: str
    role: Role = Role.VIEWER

    @property
    def url(self) -> str:
        return url_for(self.endpoint)


_GROUPS = (
    (None, (Entry("console.overview", "Overview", "overview"),)),
    (
        "Sign-ups",
        (
            Entry("console.failed", "Failed", "failed"),
            Entry("console.waiting", "Waiting", "waiting"),
            Entry("console.quarantine", "Quarantine", "quarantine"),
            Entry("console.delivered", "Delivered", "delivered"),
        ),
    ),
    (
        "Set-up",
        (
            Entry("console.forms", "Forms", "form"),
            Entry("console.accounts", "Accounts", "account"),
            Entry("console.doctor", "Doctor", "doctor"),
        ),
    ),
    (
        "People",
        (
            Entry("console.operators", "Operators", "operators", Role.ADMIN),
            Entry("console.audit", "Audit", "audit", Role.OPERATOR),
        ),
    ),
)
# The pages for connecting belong to the accounts, though their address does not say so.
_CONNECTING = "/console/connect"


def groups(operator: Operator) -> list[tuple[str | None, list[Entry]]]:
    """Return the entries that this operator may open, by the heading above them."""
    allowed = (
        (heading, [entry for entry in entries if operator.role.may(entry.role)])
        for heading, entries in _GROUPS
    )
    return [(heading, entries) for heading, entries in allowed if entries]


def is_current(entry: Entry) -> bool:
    """Whether the page of this request is the entry's, or lies below it."""
    if entry.endpoint == "console.overview":
        return request.endpoint == entry.endpoint
    if request.path.startswith(_CONNECTING):
        return entry.endpoint == "console.accounts"
    return f"{request.script_root}{request.path}/".startswith(f"{entry.url}/")
