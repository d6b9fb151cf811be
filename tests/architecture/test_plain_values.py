"""Values of the pure modules never change once they are made, and long ones are made by name."""

import importlib
import inspect
from dataclasses import fields, is_dataclass
from typing import Any

from tests.architecture.project import ROOT

PURE = [
    *(f"shared.domain.{path.stem}" for path in sorted((ROOT / "shared/domain").glob("[a-z]*.py"))),
    "shared.infrastructure.settings",
    "worker.alerts.conditions",
    "worker.alerts.messages",
]
# Values whose fields have an order that is plain at every call.
BY_POSITION = {
    "Actor",
    "Ask",
    "Bind",
    "CustomField",
    "CustomValue",
    "DeadLetter",
    "Delivered",
    "FieldError",
    "HoldAccount",
    "ListRef",
    "Message",
    "RedisProblem",
    "Retry",
    "Rule",
    "CheckSubject",
    "Suspicion",
    "Throttled",
    "RateLimit",
    "SourceField",
    "Why",
    "_Refusal",
}


def values() -> list[type[Any]]:
    modules = [importlib.import_module(name) for name in PURE]
    return [
        found
        for module in modules
        for _, found in inspect.getmembers(module, inspect.isclass)
        if is_dataclass(found) and found.__module__ == module.__name__
    ]


def test_a_value_never_changes_and_has_only_its_fields() -> None:
    assert values()
    for value in values():
        assert value.__dataclass_params__.frozen, value
        assert "__slots__" in vars(value), value
        by_name = all(field.kw_only for field in fields(value))
        assert by_name or value.__name__ in BY_POSITION, value
