"""What `/metrics` answers, read by Prometheus' own Python parser."""

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def samples(text: str) -> list[Sample]:
    return [each for family in text_string_to_metric_families(text) for each in family.samples]


def values(text: str) -> dict[str, float]:
    """Return the value of each series, by its name as Prometheus writes it."""
    found = {series(each.name, **each.labels): each.value for each in samples(text)}
    assert len(found) == len(samples(text)), "a series comes twice"
    return found


def series(name: str, **labels: str) -> str:
    inner = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name


def counters(found: dict[str, float]) -> dict[str, float]:
    """Return those of the series that must never fall."""
    return {name: value for name, value in found.items() if _never_falls(name.partition("{")[0])}


def _never_falls(name: str) -> bool:
    return name.endswith(("_total", "_bucket", "_count", "_sum"))


def names(found: Iterable[str]) -> set[str]:
    return {each.partition("{")[0] for each in found}
