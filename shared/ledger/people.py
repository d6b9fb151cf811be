"""A person's sign-ups over all accounts: finding them, their consent, and erasing them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import Any

import redis

from shared.domain.signup import Evidence, Signup
from shared.infrastructure.stored_records import RecordKind, read_one
from shared.ledger import keys
from shared.ledger.reading import read_records, read_signups
from shared.ledger.records import read_evidence
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.rewriting import forget_slow_calls, rewrite_append_only_file
from shared.ledger.script_library import Scripts, batches

# One script reads so many records.
_RECORDS_AT_ONCE = 100


class Erasure(StrEnum):
    """What became of one sign-up that was to be erased."""

    ERASED = "erased"
    SENDING = "sending"  #: a worker is sending it; it is erased as soon as that is settled
    GONE = "gone"  #: there is none, or not any more


class People:
    """`person` is a fingerprint. Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def ids(self, accounts: Sequence[str], person: str) -> Iterator[tuple[str, str]]:
        """Yield the account and the id of each sign-up, evidence of cleared ones included, also of
        those that were typed with the person's address and have another one since an edit."""
        for some in batches(accounts):
            yield from self._ids(some, person)

    def _ids(self, accounts: Sequence[str], person: str) -> Iterator[tuple[str, str]]:
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in accounts:
                prefix = keys.account(account)
                reads.zrange(f"{prefix}person:{person}", 0, -1)
                reads.smembers(f"{prefix}typed:{person}")
                reads.smembers(f"{prefix}email:{person}")  # before format 3
            found = reads.execute()
        for account, *of_account in zip(
            accounts, found[::3], found[1::3], found[2::3], strict=True
        ):
            for id in dict.fromkeys(chain.from_iterable(of_account)):
                yield account, str(id)

    def signups(self, accounts: Sequence[str], person: str) -> Iterator[Signup]:
        """Yield the person's sign-ups, but not those that retention has cleared."""
        for account, ids, answer in self._answers(accounts, person):
            yield from read_signups(account, ids, answer)

    def evidence(self, accounts: Sequence[str], person: str) -> Iterator[Evidence]:
        """Yield the consent of each of the person's sign-ups, of cleared ones, too."""
        for account, ids, answer in self._answers(accounts, person):
            for id, record, texts in read_records(ids, answer):
                read = partial(read_evidence, account, id, record, texts)
                if found := read_one(RecordKind.SIGNUP, id, read):
                    yield found

    def evidence_of(self, accounts: Sequence[str], id: str) -> Evidence | None:
        """Return the consent of the sign-up `id`, also of a cleared one."""
        answers = self._scripts.run_for_each(accounts, "signups/read", ids=[id])
        for account, answer in zip(accounts, answers, strict=True):
            for _, record, texts in read_records([id], answer):
                read = partial(read_evidence, account, id, record, texts)
                return read_one(RecordKind.SIGNUP, id, read)
        return None

    def _answers(
        self, accounts: Sequence[str], person: str
    ) -> Iterator[tuple[str, Sequence[str], list[Any]]]:
        """Yield each account, some ids of the person's sign-ups, and what `signups/read` found."""
        by_account: dict[str, list[str]] = defaultdict(list)
        for account, id in self.ids(accounts, person):
            by_account[account].append(id)
        for account, ids in by_account.items():
            for some in batches(ids, _RECORDS_AT_ONCE):
                yield account, some, self._scripts.run_for(account, "signups/read", ids=some)

    def note_erased(self, person: str) -> None:
        """Have all web hosts drop what their disks still have of the person."""
        self._scripts.run("people/note_erased", erased=keys.ERASED, person=person)

    def forget_traces(self) -> tuple[str | None, str | None]:
        """Have Redis rewrite its append-only file and empty its log of slow calls. Return for each
        why it does not; None if it does."""
        return rewrite_append_only_file(self._client), forget_slow_calls(self._client)

    def erase(self, account: str, id: str, person: str) -> Erasure:
        """Erase a sign-up of the person, whatever its state. Safe to repeat."""
        return Erasure(self._scripts.run_for(account, "signups/erase", id=id, person=person))
