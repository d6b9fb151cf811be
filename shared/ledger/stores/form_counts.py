"""The counts of each form: what it has accepted, refused and kept unsent, and its last refusals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import redis

from shared.domain.form import Form
from shared.domain.refusal import KeptRefusal, Refusal, RefusalCode
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import from_milliseconds, in_milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFigures:
    """`accepted` includes the `quarantined` ones. `refused` has the codes that occurred."""

    form: Form
    accepted: int
    quarantined: int
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTally:
    """What one web process has counted for a form since its last flush.

    `faults` are the refusals that may mean that the form is broken; the times say how long ago the
    first and the last of them were. `last` are the newest refusals, the oldest of them first.
    """

    form: str
    account: str
    refused: Mapping[str, int]
    faults: Mapping[str, int]
    first_fault_ago: timedelta
    last_fault_ago: timedelta
    last: Sequence[tuple[timedelta, Refusal]]
    unsent: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "account": keys.account(self.account),
            "refused": self.refused,
            "faults": self.faults,
            "fault_count": sum(self.faults.values()),
            "first_fault_ago": in_milliseconds(self.first_fault_ago),
            "last_fault_ago": in_milliseconds(self.last_fault_ago),
            "last": [
                (in_milliseconds(ago), json.dumps(asdict(refusal))) for ago, refusal in self.last
            ],
            "unsent": self.unsent,
        }


class FormCounts:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def add(self, process: str, number: int, tallies: Sequence[FormTally]) -> None:
        """Add what `process` has counted, once for each `number`, which rises with each flush."""
        self._scripts.run(
            "forms/add_tallies",
            forms=keys.FORMS,
            refusals=keys.REFUSALS,
            unsent=keys.UNSENT_FIELDS,
            flushed=keys.FLUSHED + process,
            number=number,
            tallies=[tally.to_dict() for tally in tallies],
        )

    def figures(self, forms: Sequence[Form], accounts: Sequence[str]) -> list[FormFigures]:
        """Return the figures of each form.

        A form that was moved to another account counts what it sent to each of `accounts`.
        """
        read = self._hashes(
            *(keys.account(account) + "forms" for account in accounts),
            *(keys.REFUSALS + form.name for form in forms),
        )
        counts, refused = read[: len(accounts)], read[len(accounts) :]

        def total(name: str, form: Form) -> int:
            return sum(int(each.get(f"{name}:{form.name}", 0)) for each in counts)

        return [
            FormFigures(
                form=form,
                accepted=total("accepted", form),
                quarantined=total("quarantined", form),
                refused={code: int(codes[code]) for code in RefusalCode if code in codes},
            )
            for form, codes in zip(forms, refused, strict=True)
        ]

    def last_refusals(self, form: str) -> list[KeptRefusal]:
        """Return the form's last refusals, the newest first."""
        with redis_errors_translated():
            stored = self._client.lrange(f"{keys.REFUSALS}{form}:last", 0, -1)
        return sorted(map(_kept, stored), key=lambda kept: kept.at, reverse=True)

    def unsent_fields(self, form: str) -> dict[str, int]:
        """Return the fields that arrived and were not sent, the commonest first."""
        (stored,) = self._hashes(keys.UNSENT_FIELDS + form)
        counts = {name: int(times) for name, times in stored.items()}
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    def _hashes(self, *names: str) -> list[dict[str, str]]:
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for name in names:
                reads.hgetall(name)
            return list(reads.execute())


def _kept(stored: Any) -> KeptRefusal:
    at, _, refusal = str(stored).partition(" ")
    found: dict[str, Any] = json.loads(refusal)
    return KeptRefusal(
        at=from_milliseconds(at),
        refusal=Refusal(
            code=RefusalCode(found["code"]),
            fields=tuple(found["fields"]),
            origin=found["origin"],
            client=found["client"],
        ),
    )
