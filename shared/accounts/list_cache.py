"""The contact lists of accounts as they were last read from the API, kept with the time."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

import redis

from shared.constant_contact.client import ContactList
from shared.domain.account import Account
from shared.domain.moments import read_moment
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger.stores import stored_texts


@dataclass(frozen=True, slots=True)
class Lists:
    """Contact lists as of `read_at`. `error` says why they could not be read again."""

    lists: tuple[ContactList, ...]
    read_at: datetime
    error: str | None = None

    def named(self, id: str) -> str:
        """Return the name of the list with this id; the id when there is no such list."""
        return next((each.name for each in self.lists if each.id == id), id)


@dataclass(frozen=True, slots=True)
class ListCache:
    """Raises `LedgerUnavailable`."""

    client: "redis.Redis"

    def read(self, account: Account) -> Lists | None:
        """Return the lists as they were last read; None if they never were, or belong to another
        account that had this name."""
        stored = stored_texts.contact_lists(self.client, account.name).read()
        if not stored:
            return None
        read = partial(_lists, stored, _identity(account))
        return read_one(RecordKind.LISTS, account.name, read)

    def write(self, account: Account, lists: Lists) -> None:
        kept = {
            "of": _identity(account),
            "read_at": lists.read_at.isoformat(),
            "lists": [asdict(each) for each in lists.lists],
        }
        stored_texts.contact_lists(self.client, account.name).write(json.dumps(kept))


def _lists(stored: str, identity: str | None) -> Lists | None:
    found = json_object(stored)
    if found.get("of") != identity:
        return None
    lists = tuple(ContactList(**each) for each in found["lists"])
    return Lists(lists, read_moment(found["read_at"]))


def _identity(account: Account) -> str | None:
    """Return what differs when the name belongs to another account than before, or may do so."""
    return account.encoded_account_id or account.connected_at
