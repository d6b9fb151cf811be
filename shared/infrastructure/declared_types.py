"""Compares the values of a dataclass with the types that its fields declare."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

Fits = Callable[[Any], bool]


def check_types(record: Any) -> None:
    """Raise `TypeError` if a field of the dataclass has a value of another type than declared."""
    for name, fits in _fields_of(record):
        if not fits(getattr(record, name)):
            raise TypeError(f"{name} has another type")


def _fields_of(record: Any) -> tuple[tuple[str, Fits], ...]:
    return _fields(cast(Hashable, type(record)))  # mypy takes no class for hashable


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Fits], ...]:
    hints = get_type_hints(kind)
    return tuple((each.name, _fits(hints[each.name])) for each in fields(kind))


def _fits(hint: Any) -> Fits:
    """Return whether a value is of the type that `hint` names, as a function."""
    arguments = get_args(hint)
    match get_origin(hint):
        case None:
            return _fits_type(hint)
        case origin if origin in (Union, UnionType):
            each = [_fits(argument) for argument in arguments]
            return lambda value: any(fits(value) for fits in each)
        case origin if origin is Literal:
            return lambda value: value in arguments
        case origin if isinstance(origin, type) and issubclass(origin, Mapping):
            key, item = map(_fits, arguments)
            return lambda value: (
                isinstance(value, Mapping) and all(key(k) and item(v) for k, v in value.items())
            )
        case origin:
            item = _fits(arguments[0])
            return lambda value: isinstance(value, origin) and all(map(item, value))


def _fits_type(hint: Any) -> Fits:
    if hint is Any:
        return lambda value: True
    if hint is None or hint is NoneType:
        return lambda value: value is None
    if is_dataclass(hint):
        kind: Any = hint
        return lambda value: isinstance(value, kind) and _all_fit(value)
    if hint in (int, float):
        known = int if hint is int else (int, float)
        return lambda value: isinstance(value, known) and not isinstance(value, bool)
    return lambda value: isinstance(value, hint)


def _all_fit(record: Any) -> bool:
    return all(fits(getattr(record, name)) for name, fits in _fields_of(record))
