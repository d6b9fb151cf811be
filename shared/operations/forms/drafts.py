"""A form as an operator gives it, and everything that is wrong with it.

Console and command line make forms of drafts, so that both refuse the same with the same words.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from shared.accounts.account_api import AccountApi, ApiCallFailed
from shared.constant_contact.client import ContactList
from shared.domain.account import check_name
from shared.domain.colours import checked_colour
from shared.domain.errors import Refused
from shared.domain.form import (
    DEFAULT_CONSENT,
    DEFAULT_TITLE,
    LANGUAGES,
    SPAM_THRESHOLD,
    Captcha,
    ConsentBox,
    CustomField,
    Form,
    ListRef,
    SourceField,
)
from shared.domain.signup import WhenUnsubscribed
from shared.operations.forms.choices import (
    MOST_FIELDS,
    checked_origin,
    checked_redirect,
    chosen_fields,
    chosen_lists,
    chosen_sources,
    source_and_field,
)

T = TypeVar("T")

CONSENT_BOXES = ("none", "optional", "required")
CAPTCHAS = ("none", "altcha")
WHEN_UNSUBSCRIBED = ("resubscribe", "ask")
DEFAULT_SPAM_THRESHOLD = str(SPAM_THRESHOLD)
# In characters.
LONGEST_TITLE = 200
LONGEST_CONSENT = 5000
LONGEST_BUTTON = 60
LONGEST_SUCCESS = 1000
HIGHEST_SPAM_THRESHOLD = 100

_NUMBER = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDraft:
    """What an operator has typed. Lists and custom fields are names or ids. The `sources` are
    like ``utm_campaign=FIELD``."""

    name: str
    account: str
    lists: tuple[str, ...] = ()
    custom_fields: tuple[str, ...] = ()
    redirect: str | None = None
    origins: tuple[str, ...] = ()
    title: str = DEFAULT_TITLE
    consent_text: str = DEFAULT_CONSENT
    consent_box: str = "none"
    unsubscribed: str = "resubscribe"
    language: str = "auto"
    button: str = ""
    success: str = ""
    accent: str = ""
    background: str = ""
    spam_threshold: str = DEFAULT_SPAM_THRESHOLD
    captcha: str = "none"
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: Form) -> "FormDraft":
        """Return the form as somebody would type it."""
        return cls(
            name=form.name,
            account=form.account,
            lists=tuple(each.id for each in form.lists),
            custom_fields=tuple(each.id for each in form.custom_fields),
            redirect=form.redirect,
            origins=form.origins,
            title=form.title,
            consent_text=form.consent_text,
            consent_box=form.consent_box,
            unsubscribed=form.unsubscribed,
            language=form.language,
            button=form.button,
            success=form.success,
            accent=form.accent,
            background=form.background,
            spam_threshold=str(form.spam_threshold),
            captcha=form.captcha,
            sources=tuple(f"{each.source}={each.field.name}" for each in form.sources),
        )

    def moved_to(self, account: str) -> "FormDraft":
        """Return the draft for this account. Another one does not have its lists and fields."""
        if account == self.account:
            return self
        return replace(self, account=account, lists=(), custom_fields=(), sources=())


class WrongForm(Refused):
    """Some fields of the draft are wrong. `errors` has a message for each, by its name."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("\n".join(errors.values()))
        self.errors = errors


class _Checks:
    """Runs checks, and keeps what each that fails says of its field."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def run(self, field: str, check: Callable[[], T]) -> T | None:
        try:
            return check()
        except Refused as error:
            self.errors[field] = str(error)
            return None


@dataclass(frozen=True, slots=True)
class FormMaker:
    """Makes forms of drafts: looks the account up, and its lists and custom fields by name."""

    api: AccountApi

    def make(
        self, draft: FormDraft, *, before: Form | None = None, max_age: timedelta = timedelta()
    ) -> Form:
        """Return the form. Raises `WrongForm` with every error, and `LedgerUnavailable`.

        The lists may have been read up to `max_age` ago. Those of the form `before` it, if that is
        of the same account, are known even while Constant Contact cannot be asked.
        """
        checks = _Checks()
        typed = _check_typed(checks, draft)
        known = before if before and before.account == draft.account else None
        if checks.run("account", lambda: self._check_account(draft.account)):
            lists = checks.run("lists", lambda: self._lists(draft, known, max_age))
            fields = checks.run("custom_fields", lambda: self._fields(draft, known))
            sources = checks.run("sources", lambda: self._sources(draft, known, fields or ()))
        if checks.errors:
            raise WrongForm(checks.errors)
        form = _form(draft, lists or (), fields or (), typed | {"sources": sources or ()})
        return replace(form, enabled=before.enabled) if before else form

    def _check_account(self, name: str) -> bool:
        self.api.check_known(name)
        return True

    def _lists(
        self, draft: FormDraft, known: Form | None, max_age: timedelta
    ) -> tuple[ListRef, ...]:
        if not draft.lists:
            raise Refused("Choose at least one list. Sign-ups go to it.")
        try:
            there: Sequence[ContactList] = self.api.lists(draft.account, max_age=max_age).lists
        except ApiCallFailed:
            there = [ContactList(each.id, each.name, None) for each in known.lists] if known else ()
            if not there or not set(draft.lists) <= {each.id for each in there}:
                raise
        return chosen_lists(draft.lists, there)

    def _fields(self, draft: FormDraft, known: Form | None) -> tuple[CustomField, ...]:
        """Return the custom fields; asks Constant Contact only for those that are new."""
        there = known.custom_fields if known else ()
        if set(draft.custom_fields) <= {each.id for each in there}:
            return chosen_fields(draft.custom_fields, there)
        return chosen_fields(draft.custom_fields, self.api.custom_fields(draft.account))

    def _sources(
        self, draft: FormDraft, known: Form | None, fields: Sequence[CustomField]
    ) -> tuple[SourceField, ...]:
        """Return the sources; asks Constant Contact only for fields that are new."""
        names = {field for _, field in map(source_and_field, draft.sources)}
        there = [each.field for each in known.sources] if known else []
        if not names <= {each.name for each in there}:
            there = self.api.custom_fields(draft.account, of_text=True)
        sources = chosen_sources(draft.sources, there)
        if len({each.id for each in (*fields, *(each.field for each in sources))}) > MOST_FIELDS:
            raise Refused(f"A sign-up can have {MOST_FIELDS} custom fields at most, with these.")
        return sources


def _check_typed(checks: _Checks, draft: FormDraft) -> dict[str, Any]:
    """Check what needs no account; return those fields that a form has in another way."""
    checks.run("name", lambda: check_name(draft.name, "a form's"))
    if (redirect := draft.redirect) is not None:
        checks.run("redirect", lambda: checked_redirect(redirect))
    checks.run("title", lambda: _check_text(draft.title, "title", LONGEST_TITLE))
    checks.run("consent_text", lambda: _check_consent(draft))
    checks.run("consent_box", lambda: _check_choice(draft.consent_box, CONSENT_BOXES))
    checks.run("unsubscribed", lambda: _check_choice(draft.unsubscribed, WHEN_UNSUBSCRIBED))
    checks.run("language", lambda: _check_choice(draft.language, LANGUAGES))
    checks.run("captcha", lambda: _check_choice(draft.captcha, CAPTCHAS))
    checks.run("button", lambda: _check_length(draft.button, "text of the button", LONGEST_BUTTON))
    checks.run("success", lambda: _check_length(draft.success, "message", LONGEST_SUCCESS))
    clean: dict[str, Callable[[], Any]] = {
        "origins": lambda: tuple(dict.fromkeys(map(checked_origin, draft.origins))),
        "accent": lambda: checked_colour(draft.accent),
        "background": lambda: checked_colour(draft.background),
        "spam_threshold": lambda: _threshold(draft.spam_threshold),
    }
    return {field: checks.run(field, check) for field, check in clean.items()}


def _check_text(text: str, what: str, longest: int) -> None:
    if not text.strip():
        raise Refused(f"The {what} is empty. Visitors read it.")
    _check_length(text, what, longest)


def _check_length(text: str, what: str, longest: int) -> None:
    if len(text) > longest:
        raise Refused(f"The {what} can have {longest:,} characters at most.")


def _check_consent(draft: FormDraft) -> None:
    """A box needs words beside it; without one, there may be no text."""
    if draft.consent_box != "none" or draft.consent_text:
        _check_text(draft.consent_text, "consent text", LONGEST_CONSENT)


def _threshold(given: str) -> int:
    if not (_NUMBER.fullmatch(given) and int(given) <= HIGHEST_SPAM_THRESHOLD):
        raise Refused(
            f"{given!r} cannot be a spam threshold. It is a number from 0, which turns the scores"
            f" off, to {HIGHEST_SPAM_THRESHOLD}. {DEFAULT_SPAM_THRESHOLD} is usual."
        )
    return int(given)


def _check_choice(given: str, choices: Sequence[str]) -> None:
    if given not in choices:
        raise Refused(f"Choose one of {', '.join(choices)}.")


def _form(draft: FormDraft, lists: Any, fields: Any, typed: dict[str, Any]) -> Form:
    return Form(
        name=draft.name,
        account=draft.account,
        lists=lists,
        custom_fields=fields,
        redirect=draft.redirect,
        title=draft.title,
        consent_text=draft.consent_text,
        consent_box=cast(ConsentBox, draft.consent_box),
        unsubscribed=cast(WhenUnsubscribed, draft.unsubscribed),
        language=draft.language,
        captcha=cast(Captcha, draft.captcha),
        button=draft.button.strip(),
        success=draft.success.strip(),
        **typed,
    )
