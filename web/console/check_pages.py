"""Which page of the console does what the doctor advises by a command."""

import re
from dataclasses import dataclass
from typing import Any

from flask import request, url_for

from shared.domain.check import Check
from shared.operations.operators import Role

_COMMAND = re.compile(r"(?<![\w-])relay ([a-z]+)\b")


@dataclass(frozen=True, slots=True)
class _Page:
    """`of_account`: it can show what belongs to the checked account alone."""

    label: str
    endpoint: str
    of_account: bool = False
    role: Role = Role.VIEWER


_ACCOUNTS = _Page("Accounts", "console.accounts")
_PAGES = {
    **dict.fromkeys(("accounts", "connect", "disconnect", "hold", "release"), _ACCOUNTS),
    "forms": _Page("Forms", "console.forms"),
    "failed": _Page("Failed", "console.failed", of_account=True),
    "quarantine": _Page("Quarantine", "console.quarantine", of_account=True),
    "doctor": _Page("Doctor", "console.doctor", of_account=True),
    "operator": _Page("Operators", "console.operators", role=Role.ADMIN),
}


def page_for(check: Check, role: Role) -> tuple[str, str] | None:
    """Return the label and the address of the page that does what the check advises; None if only
    a command does, the page is not for this role, or the reader is on it."""
    found = _COMMAND.search(check.fix or "")
    page = _PAGES.get(found[1]) if found else None
    if page is None or not role.may(page.role) or page.endpoint == request.endpoint:
        return None
    if page is _ACCOUNTS and check.account:
        return f"The account {check.account}", url_for("console.account", name=check.account)
    values: dict[str, Any] = {"account": check.account} if page.of_account else {}
    return page.label, url_for(page.endpoint, **values)
