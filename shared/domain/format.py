"""Formats: the shape in which a version stores its data, counted up with every change of it."""

from shared.domain.errors import Refused


def newer_than_known(what: str, found: int, newest: int) -> str:
    """Return what to tell an operator if `what` has the format `found`, beyond the `newest`."""
    return (
        f"{what} has format {found}; this version of signup-relay knows formats up to {newest}."
        " A newer version has used it. Start that version, or a newer one. Nothing was changed."
    )


def check_known(what: str, found: int, newest: int) -> None:
    """Raise `Refused` if `what` has a newer format than this version knows."""
    if found > newest:
        raise Refused(newer_than_known(what, found, newest))
