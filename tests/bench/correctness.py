"""What fails a run: a figure counts only if nothing was lost on the way."""


class LostSignups(Exception):
    """Some sign-up was answered and is not where it should be, or was answered wrongly."""


def expect(what: str, found: object, wanted: object) -> None:
    """Raise `LostSignups` unless `found` is what was wanted."""
    if found != wanted:
        raise LostSignups(f"{what}: {found}, not {wanted}")
