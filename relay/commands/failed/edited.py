"""What `relay failed retry --without` and `--set` ask for, and what they say before it is done."""

from collections.abc import Iterable
from typing import Any

import click

from shared.domain.field_change import FieldChange
from shared.operations.field_edits import EditExample, EditPreview


def typed_change(without: Iterable[str], values: Iterable[str]) -> FieldChange:
    """Return the change that the options ask for."""
    return FieldChange.chosen(without, typed_values(values))


def typed_values(values: Iterable[str]) -> list[tuple[str, str]]:
    """Return the fields and values of options `FIELD=VALUE`."""
    pairs = [value.partition("=") for value in values]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"--set takes FIELD=VALUE, not {wrong[0]!r}.")
    return [(name.strip(), value) for name, _, value in pairs]


def edit_text(preview: EditPreview) -> str:
    """Return what the change would do, for people."""
    change = preview.change
    lines = [
        *(f"{name}: left out." for name in change.without),
        *(f"{name}: set to {change.values[name]!r}." for name in change.set),
        f"Looked at: {preview.read:,}. With a value for this now: {preview.having:,}.",
        f"These change and are sent: {preview.changed:,}.",
        *(f"Left as they are: {count:,}. {why}" for why, count in preview.staying.most_common()),
        *map(_example_text, preview.examples),
    ]
    return "\n".join(lines)


def _example_text(example: EditExample) -> str:
    values = [f"{name} {old!r} becomes {new!r}" for name, old, new in example.values]
    return f"For example {example.signup.contact.email}: {', '.join(values)}."


def edit_document(preview: EditPreview) -> dict[str, Any]:
    """Return the same for scripts."""
    names = {"without": preview.change.without, "set": preview.change.set}
    staying = [{"count": count, "why": why} for why, count in preview.staying.most_common()]
    looked_at = {"looked_at": preview.read, "having": preview.having, "changing": preview.changed}
    return {"edit": names | looked_at | {"staying": staying}}
