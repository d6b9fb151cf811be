"""The check of what is stored: which records nobody can read, and what to do with each."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

import redis

from shared.accounts.client_links import read_links
from shared.domain.check import Check, CheckSubject
from shared.domain.errors import Refused
from shared.domain.phrases import first_of, sentence
from shared.infrastructure.stored_records import RecordKind, Unreadable, collecting
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.stores import documents
from shared.ledger.stores.alert_log import accounts_on_record
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import TokenLedger
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operators import Operators
from shared.operations.second_factors import SecondFactors
from shared.operations.sessions import Sessions

RECORDS = CheckSubject("records", "Stored records can be read")

# Of what may be millions, the latest of each account.
_LATEST = 1000
_MOST_NAMED = 10

# What to do. `{name}` is the record's; of what belongs to something, that is named first.
_FIX = {
    RecordKind.ACCOUNT: "Its sign-ups wait. Connect it again with: relay connect {name} --replace",
    RecordKind.OPERATOR_KEY: "It does not work. Make a new one with: relay operator key {name}",
    RecordKind.FORM: (
        "Web goes on with the form as it last read it. Make it anew with: relay forms add {name}"
        " --replace, and its account and lists"
    ),
    RecordKind.HOLD: "Deliveries wait for it. When they may go on, run: relay release {of}",
    RecordKind.OPERATOR: (
        "They cannot sign in. Remove them with: relay operator remove {name}. Then add them anew"
        " with: relay operator add {name} --role ROLE"
    ),
    RecordKind.SECOND_FACTOR: (
        "They cannot sign in. Switch it off with: relay operator reset-second-factor {name}"
    ),
    RecordKind.SESSION: "It has ended, and its operator signs in again.",
    RecordKind.SIGNUP: (
        "It is not sent. Once it has failed, discard it with: relay failed discard {name}."
        " A backup of Redis may still have its record"
    ),
    RecordKind.TOKENS: "Nothing can be sent. Connect the account again with: relay connect {name}",
    RecordKind.TOTALS: (
        "Sign-ups go on, but are not counted. Set the right number in Redis: HSET"
        " relay:{{{of}}}:totals {name} NUMBER"
    ),
    RecordKind.LINK: "It no longer works. Make another one with: relay connect ACCOUNT --link",
}
_NO_MATTER = "No sign-up is affected. It is passed over, and nothing else depends on it"


@dataclass(frozen=True, slots=True)
class StoredRecordChecks:
    """Reads all that operators have made, and the latest of what visitors have."""

    client: "redis.Redis"
    ledger: Ledger
    registry: Registry
    operators: Operators
    second_factors: SecondFactors
    sessions: Sessions
    operator_keys: OperatorKeys
    job_ledger: JobLedger

    def run(self) -> list[Check]:
        with collecting() as unreadable:
            self._read_everything()
        return records(sorted(unreadable | set(self._set_aside())))

    def _read_everything(self) -> None:
        names = self.registry.account_names()
        accounts, forms = self.registry.accounts(), self.registry.forms()
        list(self.ledger.figures_of(names))
        for name in names:
            self.ledger.holds(name)
        list(TokenLedger(self.client).read_all(names))
        counts = FormCounts(self.client)
        counts.figures(forms, [account.name for account in accounts])
        counts.histories(forms)
        self.operator_keys.all()
        self.sessions.last_seen()
        for operator in self.operators.all():
            self.sessions.all(operator)
            with suppress(Refused):  # what no key opens is another check's business
                self.second_factors.find(operator.name)
        read_links(documents.links(self.client).all())
        self.ledger.last_successes(names)
        self.job_ledger.parts(*names)
        accounts_on_record(self.client)
        self.ledger.spools.all()
        ServerMemory(self.client).forecast()
        for latest in self._latest(names):
            list(islice(latest, _LATEST))

    def _latest(self, names: list[str]) -> Iterator[Iterator[object]]:
        yield AuditTrail(self.client).entries(_LATEST)
        for name in names:
            yield self.ledger.dead_letters(name)
            yield self.ledger.quarantined(name)

    def _set_aside(self) -> Iterator[Unreadable]:
        """Yield the dead letters that are dead as nobody can read them."""
        for account in self.registry.account_names():
            for id in self.ledger.unreadable.latest(account, _LATEST):
                yield Unreadable(RecordKind.SIGNUP, id)


def records(unreadable: list[Unreadable]) -> list[Check]:
    """Return a check of each kind of which nobody can read some; one for all if there is none."""
    kinds = dict.fromkeys(each.kind for each in unreadable)
    found = [_of_kind([each for each in unreadable if each.kind == kind]) for kind in kinds]
    return found or [RECORDS.ok("They can.")]


def _of_kind(unreadable: list[Unreadable]) -> Check:
    first = unreadable[0]
    names = first_of([each.name for each in unreadable], _MOST_NAMED)
    of, _, name = first.name.rpartition(": ")
    fix = _FIX.get(first.kind, _NO_MATTER).format(name=name, of=of)
    # A name of its own, as one check of each name is shown.
    return replace(RECORDS, name=f"{RECORDS.name}_{first.kind.name.lower()}").problem(
        f"These records cannot be read, and are left as they are: {first.kind} {names}.",
        sentence(fix),
    )
