"""What is known of an account's lists without asking for them: their names, and which are gone, by
the last reading and by what failed since."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from shared.accounts.list_cache import ListCache, Lists
from shared.domain.errors import Refused
from shared.domain.form import Form
from shared.domain.signup import Signup, State
from shared.domain.signup_advice import is_about_lists
from shared.operations.signup_lists import SignupFilter, SignupLists

# So many causes are looked into, the last ones first, and so many records of each.
_CAUSES = 10
_RECORDS = 20


def read_refused_lists(lists: SignupLists, account: str, there: Lists) -> dict[str, datetime]:
    """Return by id which lists Constant Contact did not know when sign-ups of any form were sent,
    and when the last one failed.

    A list of a later reading is there: only failures after `there` was read count. Reads some
    records of the last causes. Raises `LedgerUnavailable`.
    """
    causes = [
        each
        for each in lists.groups(account=account)
        if each.last_at > there.read_at and is_about_lists(each)
    ]
    found: dict[str, datetime] = {}
    for cause in sorted(causes, key=lambda each: each.last_at, reverse=True)[:_CAUSES]:
        chosen = SignupFilter(states=frozenset({State.DEAD}), account=account, group=cause.id)
        for signup in lists.page(chosen, limit=_RECORDS).signups:
            if (at := signup.settled_at) and at > there.read_at:
                found |= {id: max(at, found.get(id, at)) for id in refused_by(signup)}
    return found


def refused_by(signup: Signup) -> Iterator[str]:
    """Yield those of its lists that the answer names, or its only one."""
    message = (signup.message or "").lower()
    return (id for id in signup.lists if id in message or len(signup.lists) == 1)


@dataclass(frozen=True, slots=True)
class KnownLists:
    """Asks Constant Contact for nothing. Raises `LedgerUnavailable`."""

    lists: SignupLists
    cache: ListCache

    def there(self, account: str) -> frozenset[str] | None:
        """Return by id which lists the account has, as far as is known; None if nothing is. Raises
        `Refused` for an unknown account."""
        last = self._last_read(account)
        if last is None:
            return None
        refused = read_refused_lists(self.lists, account, last)
        return frozenset({each.id for each in last.lists}.difference(refused))

    def names_for(self, signup: Signup, form: Form | None) -> list[str]:
        """Return the names of a sign-up's lists; the id of one that nobody knows any more. `form`
        is the one by which it came, if that is still there."""
        names = {each.id: each.name for each in form.lists} if form else {}
        if not names.keys() >= set(signup.lists):
            names = self._all_names(signup.account) | names
        return [names.get(id, id) for id in signup.lists]

    def _all_names(self, account: str) -> dict[str, str]:
        """Return the names by id of the account's lists, and of those that only its forms have."""
        forms = self.lists.finder.registry.forms()
        own = (form for form in forms if form.account == account)
        names = {each.id: each.name for form in own for each in form.lists}
        with suppress(Refused):  # the account is removed
            if last := self._last_read(account):
                names |= {each.id: each.name for each in last.lists}
        return names

    def _last_read(self, account: str) -> Lists | None:
        return self.cache.read(self.lists.finder.registry.known_account(account))
