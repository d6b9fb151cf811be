"""What an operator can do. Command line and console call this, and nothing else holds the logic."""

from dataclasses import dataclass

from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.audit_search import AuditSearch
from shared.operations.bulk_changes import BulkChanges
from shared.operations.bulk_choices import BulkChooser
from shared.operations.dead_letters import DeadLetters
from shared.operations.discards import Discards
from shared.operations.exports import Exports
from shared.operations.field_edits import FieldEdits
from shared.operations.form_targets import FormTargets
from shared.operations.forms.forms import Forms
from shared.operations.jobs import Jobs
from shared.operations.judging import Judging
from shared.operations.listed_signups import ListedSignups
from shared.operations.one_signup import OneSignup
from shared.operations.operator_holds import OperatorHolds
from shared.operations.overview.reader import OverviewReader
from shared.operations.quarantine import Quarantine
from shared.operations.quarantine_review import QuarantineReview
from shared.operations.retries import Retries
from shared.operations.sending_on_hold import SendingOnHold
from shared.operations.signup_lists import SignupLists
from shared.operations.system_status import SystemStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The operations, by subject."""

    status: SystemStatus
    overview: OverviewReader
    dead_letters: DeadLetters
    quarantine: Quarantine
    retries: Retries
    one_signup: OneSignup
    jobs: Jobs
    lists: SignupLists
    listed: ListedSignups
    judging: Judging
    targets: FormTargets
    edits: FieldEdits
    chooser: BulkChooser
    review: QuarantineReview
    bulk: BulkChanges
    sending: SendingOnHold
    discards: Discards
    exports: Exports
    holds: OperatorHolds
    forms: Forms
    trail: AuditTrail
    audit: AuditSearch
