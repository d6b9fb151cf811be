"""The counts of each form: what it has accepted, and what is in quarantine."""

from collections.abc import Iterable
from dataclasses import dataclass

import redis

from shared.domain.form import Form
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFigures:
    """`accepted` includes the `quarantined` ones."""

    form: Form
    accepted: int
    quarantined: int


class FormCounts:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    def figures(self, forms: Iterable[Form], accounts: Iterable[str]) -> list[FormFigures]:
        """Return the figures of each form.

        A form that was moved to another account counts what it sent to each of `accounts`.
        """
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in accounts:
                reads.hgetall(keys.account(account) + "forms")
            counts = reads.execute()

        def total(name: str, form: Form) -> int:
            return sum(int(each.get(f"{name}:{form.name}", 0)) for each in counts)

        return [
            FormFigures(
                form=form,
                accepted=total("accepted", form),
                quarantined=total("quarantined", form),
            )
            for form in forms
        ]
