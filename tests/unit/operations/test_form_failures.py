"""What failed of forms by the counts of their causes."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.domain.failure_group import FailureGroup
from shared.domain.signup import DeathReason
from shared.operations.forms.failures import FormFailures, failures_by_form
from tests.support import builders

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIST_GONE = "HTTP 400: The list_memberships do not exist."


def group(count: int = 1, message: str = LIST_GONE, **given: Any) -> FailureGroup:
    usual: dict[str, Any] = {
        "id": f"{count}",
        "account": "acme",
        "reason": DeathReason.REJECTED,
        "form": "news",
        "error_key": "contacts.api.validation",
        "first_at": NOW,
        "last_at": NOW,
    }
    return FailureGroup(count=count, message=message, **{**usual, **given})


def test_a_form_has_the_causes_of_its_name_and_account() -> None:
    gone, other = group(12), group(3, "HTTP 400: The e-mail address is invalid.")
    strangers = [group(7, account="blue"), group(5, form="shop"), group(9, form=None)]
    forms = [builders.form(), replace(builders.form(), name="quiet")]
    found = failures_by_form(forms, [other, *strangers, group(2), gone])
    assert found == {"news": FormFailures(17, gone), "quiet": FormFailures()}
    assert found["news"].trouble == "A list is gone: 12 failed"
    assert found["news"].in_words == "17 (a list is gone)"
    assert FormFailures(3).trouble is None and FormFailures(3).in_words == "3"
