"""Under which name a page posted a field: its script shows the field's error there."""

from collections.abc import Iterable
from itertools import islice

from shared.domain.fields import Field
from shared.domain.form import Form
from shared.domain.reading import meanings
from shared.domain.reading.posted_fields import LISTS

# Forms have fewer. A robot may post thousands, and each costs a look.
_MOST = 50
# Besides the field itself: what a page may have posted it in, or in parts.
_POSTED_AS = {
    "first_name": (meanings.FULL_NAME,),
    "last_name": (meanings.FULL_NAME,),
    "street": (meanings.STREET_LINE,),
    "birthday_month": (meanings.BIRTHDAY,),
    "birthday_day": (meanings.BIRTHDAY,),
    "anniversary": meanings.ANNIVERSARY_PARTS,
    "phone": meanings.PHONE_PARTS,
    LISTS: (meanings.LIST_CHOICE,),
}


def posted_name(field: str, posted: Iterable[str], form: Form) -> str | None:
    """Return which of the `posted` names means `field`, as errors call it; None if none does."""
    ranks = {name: _rank(name, field, form) for name in islice(posted, _MOST)}
    found = {name: rank for name, rank in ranks.items() if rank is not None}
    return min(found, key=found.__getitem__, default=None)


def _rank(name: str, field: str, form: Form) -> int | None:
    """Return how far from it `name` means `field`, 0 for the very name; None if it does not."""
    if name == field:
        return 0
    custom = form.custom_by_key.get(meanings.match_key((meanings.path_of(name) or (name,))[-1]))
    if custom:
        return 0 if custom.name == field else None
    meaning, effort = meanings.meaning_of(name) or (None, 0)
    means = meaning.name if isinstance(meaning, Field) else meaning
    if means == field:
        return effort + 1
    return effort + 100 if means in _POSTED_AS.get(field, ()) else None
