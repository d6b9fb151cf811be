"""Making a form, as a copy of another one or anew, and changing one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.account_api import FRESH
from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.durations import minute
from shared.domain.errors import Refused
from shared.domain.form import CustomField, Form
from shared.domain.phrases import counted
from shared.operations.forms.drafts import FormDraft, FormMaker, WrongForm
from shared.operations.forms.forms import FormChanged, NameTaken
from shared.operations.forms.gone_lists import GoneLists, gone_lists, read_list_failures
from shared.operations.forms.told import CAPTCHA_NAMES, LANGUAGE_NAMES, told_fields
from shared.operations.operators import Role
from shared.operations.snippets.pasted_copies import told_copies
from web.console import bp
from web.console.accounts import SHOWN_LISTS, refused_lists
from web.console.forms import known_form
from web.console.guard import needs
from web.services import services

# More are not offered to choose from, but typed.
_MOST_OFFERED = 200
# The fields in the page's closed part: few forms change them.
_RARE = ("language", "button", "success", "accent", "background", "spam_threshold", "captcha")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What is typed, and what is wrong with it. `before` is the form that is being changed, `now`
    the one that somebody else has made of it meanwhile."""

    draft: FormDraft
    before: Form | None = None
    now: Form | None = None
    errors: dict[str, str] = field(default_factory=dict)
    find: str = ""


# --- a new form


@bp.get("/forms/-/new")
@needs(Role.OPERATOR)
def new_form() -> ResponseReturnValue:
    """Show an empty form, a copy of another one, or ask for the account."""
    if copied := request.args.get("copy"):
        form = known_form(copied)
        return _answer(_Page(draft=replace(FormDraft.of(form), name=_free_name(form.name))))
    names = services().operations.forms.registry.account_names()
    account = request.args.get("account") or (names[0] if len(names) == 1 else "")
    if account not in names:
        return render_template(
            "console/forms/account.html", names=names, most=_MOST_OFFERED, wanted=account
        )
    return _answer(_Page(draft=_first_draft(account)))


def _first_draft(account: str) -> FormDraft:
    found = services().operations.forms.registry.known_account(account)
    title = f"Sign up for {found.organization}" if found.organization else None
    draft = FormDraft(name=_free_name(account, first=True), account=account)
    return replace(draft, title=title) if title else draft


def _free_name(name: str, *, first: bool = False) -> str:
    """Return a name like this one that no form has."""
    taken = services().operations.forms.registry.form_names()
    if first and name not in taken:
        return name
    stem = name[:36]
    return next(f"{stem}-{number}" for number in range(2, 1000) if f"{stem}-{number}" not in taken)


@bp.post("/forms/-/new")
@needs(Role.OPERATOR)
def make_form() -> ResponseReturnValue:
    """Add the form that was typed in."""
    page = _typed(before=None)
    if _only_looks():
        return _answer(page)
    try:
        form = _maker().make(page.draft, max_age=FRESH)
        services().operations.forms.add(form)
    except WrongForm as error:
        return _answer(replace(page, errors=error.errors)), 422
    except NameTaken as error:
        taken = f"{error} Choose another name."
        return _answer(replace(page, errors={"name": taken})), 422
    to_do = _warning(form) or "Put it on a website, or send a test sign-up."
    flash(f"The form {form.name} is ready. {to_do}")
    return redirect(url_for("console.form", form=form.name) + "#snippet", 303)


# --- a form that exists


@bp.get("/forms/<form>/edit")
@needs(Role.OPERATOR)
def edit_form(form: str) -> ResponseReturnValue:
    """Show the form as it is, to be changed."""
    found = known_form(form)
    account = request.args.get("account", found.account)
    if account != found.account:
        services().operations.forms.registry.check_known(account)
    draft = FormDraft.of(found).moved_to(account)
    return _answer(_Page(draft=draft, before=found))


@bp.post("/forms/<form>/edit")
@needs(Role.OPERATOR)
def change_form(form: str) -> ResponseReturnValue:
    """Change the form to what was typed in."""
    before = known_form(form)
    page = _typed(before)
    if _only_looks():
        return _answer(page)
    try:
        changed = _maker().make(page.draft, before=before, max_age=FRESH)
        services().operations.forms.change(changed, request.form.get("version", ""))
    except WrongForm as error:
        return _answer(replace(page, errors=error.errors)), 422
    except FormChanged as error:
        return _answer(replace(page, now=error.now), mine=changed), 409
    to_do = _warning(changed) or _left(before, changed)
    flash(f"The form {form} is changed. Visitors get it within two seconds. {to_do}".strip())
    if copies := told_copies(before, changed):
        flash(f"{copies} “Put it on a website” below has what to paste.")
    return redirect(url_for("console.form", form=form), 303)


def _left(before: Form, changed: Form) -> str:
    """Return what to do with those that failed for a list that the form has lost now."""
    if before.lists == changed.lists or before.account != changed.account:
        return ""
    count = read_list_failures(services().operations.targets, changed).replaced
    if not count:
        return ""
    failed = f"{counted(count, 'sign-up')} failed for a list that it had before."
    return f"{failed} To retry {'it' if count == 1 else 'them'} there, use the button below."


# --- both


def _warning(form: Form) -> str:
    """Return that sign-ups failed for a list of the form, if Constant Contact did not know it."""
    refused = refused_lists(form.account, services().accounts.api.last_lists(form.account))
    names = ", ".join(each.name for each in form.lists if each.id in refused)
    if not names:
        return ""
    return (
        f"Warning: sign-ups failed for a list of this form: {names}. Constant Contact did not know"
        " it. Edit the form, read the lists again, and choose another one."
    )


def _maker() -> FormMaker:
    return FormMaker(services().accounts.api)


def _only_looks() -> bool:
    """Whether the operator looks for lists, and saves nothing yet."""
    return request.form.get("action") in ("find", "read", "fields")


def _typed(before: Form | None) -> _Page:
    given = request.form
    # A page from before an upgrade does not post what it did not know.
    stored = FormDraft.of(before) if before else FormDraft(name="", account="")
    rare = {name: _text(given.get(name, getattr(stored, name))) for name in _RARE}
    draft = FormDraft(
        name=before.name if before else given.get("name", "").strip(),
        account=given.get("account", ""),
        lists=tuple(given.getlist("lists")),
        custom_fields=tuple(given.getlist("custom_fields")),
        redirect=given.get("redirect", "").strip() or None,
        origins=tuple(_lines(given.get("origins", ""))),
        title=given.get("title", "").strip(),
        consent_text=_text(given.get("consent_text", "")),
        consent_box=given.get("consent_box", ""),
        unsubscribed=given.get("unsubscribed", ""),
        sources=tuple(_lines(given.get("sources", "\n".join(stored.sources)))),
        **rare,
    )
    return _Page(draft=draft, before=before, find=given.get("find", ""))


def _text(typed: str) -> str:
    return typed.strip().replace("\r\n", "\n")


def _lines(text: str) -> list[str]:
    return [each for line in text.splitlines() if (each := line.strip())]


def _answer(page: _Page, *, mine: Form | None = None) -> str:
    """Return the page; `mine` is the form that was refused as somebody else has changed it."""
    lists, lists_problem = _lists(page.draft.account)
    shown, folded = _offered(page, lists.lists if lists else ())
    fields, fields_problem = _custom_fields(page)
    refused = refused_lists(page.draft.account, lists)
    return render_template(
        "console/forms/edit.html",
        page=page,
        draft=page.draft,
        errors=page.errors,
        version=_version(page),
        conflicts=_conflicts(page.now, mine) if page.now and mine else [],
        lists=lists,
        lists_problem=lists_problem,
        gone=_gone_lists(page, lists, refused),
        refused=refused,
        shown_lists=shown,
        folded_lists=folded,
        fields=fields,
        fields_problem=fields_problem,
        fields_read=_reads_fields(),
        languages=list(LANGUAGE_NAMES.items()),
        captchas=list(CAPTCHA_NAMES.items()),
        rare_changes=_rare_changes(page.draft),
        rare_errors=[name for name in _RARE if name in page.errors],
        accounts=services().operations.forms.registry.account_names(),
        most_accounts=_MOST_OFFERED,
    )


def _rare_changes(draft: FormDraft) -> int:
    """Return how many of the rare fields are not as usual."""
    usual = FormDraft(name="", account="")
    return sum(getattr(draft, name) != getattr(usual, name) for name in _RARE)


def _version(page: _Page) -> str:
    """Return which version the operator has seen: after a conflict, the one of somebody else."""
    if page.now:
        return page.now.version
    return request.form.get("version") or (page.before.version if page.before else "")


def _conflicts(now: Form, mine: Form) -> list[tuple[str, str, str]]:
    """Return what differs, by its label: as it is stored now, and as this operator wants it."""
    theirs, ours = told_fields(now), told_fields(mine)
    return [(label, theirs[label], ours[label]) for label in theirs if theirs[label] != ours[label]]


def _lists(account: str) -> tuple[Lists | None, str | None]:
    """Return the account's lists, and why they are not known, or out of date."""
    max_age = timedelta() if request.form.get("action") == "read" else FRESH
    try:
        found = services().accounts.api.lists(account, max_age=max_age)
    except Refused as error:
        return None, f"{error} Nothing has changed."
    if found.error is None:
        return found, None
    of = f"The lists below were read at {minute(found.read_at)}, and may be out of date."
    return found, f"{found.error} {of} Nothing has changed."


def _gone_lists(page: _Page, there: Lists | None, refused: Collection[str]) -> GoneLists:
    """Return which lists of the form that is changed are gone at Constant Contact."""
    if page.before is None or page.before.account != page.draft.account:
        return GoneLists()
    failures = read_list_failures(services().operations.targets, page.before)
    return gone_lists(page.before, there, failures.of_kept, refused)


def _reads_fields() -> bool:
    """Whether the operator wants to choose of all custom fields of the account. Reading them takes
    a request of the day, and few forms have any."""
    return request.form.get("action") == "fields" or "fields" in request.values


def _custom_fields(page: _Page) -> tuple[list[CustomField], str | None]:
    """Return the custom fields to choose from, and why not all of them are known."""
    own = {each.id: each for each in page.before.custom_fields} if page.before else {}
    if not _reads_fields():
        return list(own.values()), None
    try:
        found = services().accounts.api.custom_fields(page.draft.account)
    except Refused as error:
        return list(own.values()), str(error)
    there = {each.id: each for each in found}
    return sorted((own | there).values(), key=lambda each: each.label.casefold()), None


def _offered(
    page: _Page, there: Sequence[ContactList]
) -> tuple[list[ContactList], list[ContactList]]:
    """Return the lists to show at once, the chosen ones first, and those to fold."""
    known = {each.id: each for each in there}
    if page.before:
        for ref in page.before.lists:
            if ref.id in page.draft.lists:
                known.setdefault(ref.id, ContactList(ref.id, ref.name, None))
    wanted, words = set(page.draft.lists), page.find.strip().casefold()
    found = [e for e in known.values() if e.id not in wanted and words in e.name.casefold()]
    chosen = [each for each in known.values() if each.id in wanted]
    by_name = sorted(found, key=lambda each: each.name.casefold())
    return chosen + by_name[:SHOWN_LISTS], by_name[SHOWN_LISTS:]
