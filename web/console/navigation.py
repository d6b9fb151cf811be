"""The console's navigation: its pages by subject, and which of them a request belongs to."""

from dataclasses import dataclass

from flask import request, url_for

from shared.operations.operators import Operator, Role


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A page of the navigation. `icon` is a name in icons.html."""

    endpoint: str
    label: str
    icon: str
    role: Role = Role.VIEWER

    @property
    def url(self) -> str:
        return url_for(self.endpoint)


_GROUPS = (
    (None, (NavigationEntry("console.overview", "Overview", "overview"),)),
    (
        "Sign-ups",
        (
            NavigationEntry("console.failed", "Failed", "failed"),
            NavigationEntry("console.waiting", "Waiting", "waiting"),
            NavigationEntry("console.quarantine", "Quarantine", "quarantine"),
            NavigationEntry("console.delivered", "Delivered", "delivered"),
        ),
    ),
    (
        "Set-up",
        (
            NavigationEntry("console.forms", "Forms", "form"),
            NavigationEntry("console.accounts", "Accounts", "account"),
            NavigationEntry("console.doctor", "Doctor", "doctor"),
        ),
    ),
    (
        "People",
        (
            NavigationEntry("console.operators", "Operators", "operators", Role.ADMIN),
            NavigationEntry("console.audit", "Audit", "audit", Role.OPERATOR),
        ),
    ),
)
# The pages for connecting belong to the accounts, though their address does not say so.
_CONNECTING = "/console/connect"


def groups(operator: Operator) -> list[tuple[str | None, list[NavigationEntry]]]:
    """Return the entries that this operator may open, by the heading above them."""
    allowed = (
        (heading, [entry for entry in entries if operator.role.may(entry.role)])
        for heading, entries in _GROUPS
    )
    return [(heading, entries) for heading, entries in allowed if entries]


def is_current(entry: NavigationEntry) -> bool:
    """Whether the page of this request is the entry's, or lies below it."""
    if entry.endpoint == "console.overview":
        return request.endpoint == entry.endpoint
    if request.path.startswith(_CONNECTING):
        return entry.endpoint == "console.accounts"
    return f"{request.script_root}{request.path}/".startswith(f"{entry.url}/")
