"""Another list for a form whose list is gone: which it may get, and what is retried there then."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.accounts.account_api import FRESH, AccountApi
from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.account import Account
from shared.domain.durations import short_minute
from shared.domain.errors import Refused
from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form, ListRef
from shared.domain.job import JobAction
from shared.operations.bulk_changes import BulkChanges
from shared.operations.bulk_choices import DEAD_LETTERS, BulkChoice, BulkPlan, BulkResult
from shared.operations.forms.drafts import FormDraft, FormMaker
from shared.operations.forms.forms import Forms
from shared.operations.forms.gone_lists import GoneLists, gone_lists, read_list_failures
from shared.operations.forms.refused_lists import read_refused_lists

# Somebody who chooses a list may have made it a minute ago.
_RECENT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChoice:
    """A form, the lists that are `there` in its `account`, and which of its own are gone. `refused`
    has those for which sign-ups failed since the lists were read. `cause` is what failed for a list
    that is gone, if anything did."""

    form: Form
    account: Account
    there: Lists
    gone: GoneLists
    refused: Mapping[str, datetime]
    cause: FailureGroup | None

    @property
    def lost(self) -> list[ListRef]:
        """The form's lists that are gone."""
        return [each for each in self.form.lists if each.id in self.gone.ids]

    @property
    def kept(self) -> list[ListRef]:
        """The form's other lists, which it keeps."""
        return [each for each in self.form.lists if each.id not in self.gone.ids]

    @property
    def offered(self) -> list[ContactList]:
        """The lists that the form may get, by name."""
        own = {each.id for each in self.form.lists}
        left = [e for e in self.there.lists if e.id not in own and e.id not in self.refused]
        return sorted(left, key=lambda each: each.name.casefold())

    @property
    def left_out(self) -> list[str]:
        """The names of other lists that are not offered, as sign-ups failed for them."""
        own = {each.id for each in self.form.lists}
        refused = {e.name for e in self.there.lists if e.id in self.refused and e.id not in own}
        return sorted(refused, key=str.casefold)

    def as_of(self, now: datetime) -> str:
        """Return when the account's lists were read."""
        return short_minute(self.there.read_at, now)

    @property
    def failed(self) -> BulkChoice | None:
        """What is retried on the new list."""
        cause = self.cause
        if cause is None:
            return None
        return BulkChoice(filter=replace(DEAD_LETTERS, account=cause.account, group=cause.id))


@dataclass(frozen=True, slots=True)
class AnotherList:
    """Raises `Refused`, such as `ApiCallFailed` if the lists are not known, and
    `LedgerUnavailable`."""

    api: AccountApi
    forms: Forms
    bulk: BulkChanges

    def look(self, form: Form, group: str | None = None) -> ListChoice:
        """Return what the form may get. `group` is the cause that somebody wants to mend; without
        it, that is the largest."""
        chooser = self.bulk.chooser
        there = self.api.lists(form.account, max_age=_RECENT)
        refused = read_refused_lists(chooser.lists, form.account, there)
        causes = read_list_failures(chooser.targets, form).of_kept
        named = [each for each in causes if each.id == group]
        return ListChoice(
            form=form,
            account=self.forms.registry.known_account(form.account),
            there=there,
            gone=gone_lists(form, there, causes, refused),
            refused=refused,
            cause=next(iter([*named, *causes]), None),
        )

    def plan(self, choice: ListChoice) -> BulkPlan | None:
        """Return what retrying them there would do; None if nothing failed."""
        failed = choice.failed
        return self.bulk.chooser.plan(JobAction.RETRY_FORM_LISTS, failed) if failed else None

    def give(self, choice: ListChoice, wanted: str, version: str) -> BulkResult | None:
        """Give the form the list, in place of those that are gone, and retry what failed. Raises
        `FormChanged` if the form has not this version any more."""
        if wanted not in {each.id for each in choice.offered}:
            raise Refused("Choose a list that Constant Contact has.")
        lists = (*(each.id for each in choice.kept), wanted)
        draft = replace(FormDraft.of(choice.form), lists=lists)
        changed = FormMaker(self.api).make(draft, before=choice.form, max_age=FRESH)
        self.forms.change(changed, version)
        return self.bulk.retry_form_lists(choice.failed) if choice.failed else None
