"""All forms with what came to them, a form's page, and its life: opened, closed, removed."""

from functools import partial

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shared.accounts.advice import for_account
from shared.domain.account import told_name
from shared.domain.errors import Refused
from shared.domain.form import LANGUAGES, Form
from shared.domain.signup_advice import why_failed
from shared.infrastructure.timestamps import utc_now
from shared.operations.forms.activity import FormActivity, form_page, read_activity
from shared.operations.forms.consent_texts import ConsentPeriod, consent_periods, translated
from shared.operations.forms.failures import read_failures
from shared.operations.forms.told import (
    LANGUAGE_NAMES,
    captcha_advice,
    command_to_allow,
    open_to_all,
    rare_fields,
    usual_fields,
)
from shared.operations.operators import Role
from shared.operations.signup_lists import DUE, SignupFilter
from shared.operations.snippets.advice import Snippet, all_snippets
from shared.operations.snippets.snippet import form_address
from web.console import bp
from web.console.connection_advice import how_to_act
from web.console.guard import needs
from web.services import services


@bp.get("/forms")
@needs(Role.VIEWER)
def forms() -> ResponseReturnValue:
    """Show all forms, those that refuse too much first."""
    words, number = request.args.get("name", ""), request.args.get("page", 1, type=int)
    operations = services().operations
    page = form_page(operations.status, words, number)
    return render_template(
        "console/forms/list.html",
        page=page,
        failures=read_failures(operations.targets, [row.form for row in page.rows]),
        words=words,
    )


@bp.get("/forms/<form>")
@needs(Role.VIEWER)
def form(form: str) -> ResponseReturnValue:
    """Show everything about a form."""
    return form_answer(known_form(form))


def form_answer(found: Form, *, test_errors: dict[str, str] | None = None) -> str:
    """Return the form's page; `test_errors` are of the test sign-up that was typed on it."""
    g.frames_own_pages = True
    url = form_address(found, services().settings.public_url)
    failures = services().operations.lists.groups(account=found.account, form=found.name)
    undecided = [(each, why_failed(each)) for each in failures if each.undecided]
    return render_template(
        "console/forms/form.html",
        form=found,
        activity=activity_of(found),
        undecided=undecided,
        failed=read_failures(services().operations.targets, [found])[found.name],
        waits=_why_it_waits(found),
        jobs=services().operations.jobs.going_on(found.account, found.name),
        targets=services().operations.targets.of_causes([group for group, _ in undecided[:3]]),
        url=url,
        snippets=_snippets(found, url),
        languages=LANGUAGE_NAMES,
        captcha_advice=captcha_advice(found),
        open_to_all=open_to_all(found),
        command_to_allow=partial(command_to_allow, found),
        usual=usual_fields(found),
        rare=rare_fields(found),
        consents=_consents(found),
        consent_text=services().intake.our_consents.of_today(found),
        test_errors=test_errors or {},
        email=request.form.get("email", ""),
    )


def _why_it_waits(form: Form) -> list[tuple[str, bool]]:
    """Return why the form's sign-ups wait, each in a sentence, and whether somebody must act. For a
    closed form it is nothing, unless some wait."""
    if not form.enabled and not _some_wait(form):
        return []
    summary, now = services().accounts.summaries.summary(form.account), utc_now()
    wrong = for_account(form.account, summary.holds, summary, how_to_act())
    return [
        (f"{summary.account.called} {advice.briefly(now)}.", advice.urgent)
        for advice in wrong
        if advice.waits
    ]


def _some_wait(form: Form) -> bool:
    """Whether sign-ups of the form wait, or may: the first page of a long list may have none."""
    of_form = SignupFilter(states=DUE, account=form.account, form=form.name)
    page = services().operations.lists.page(of_form, limit=1)
    return bool(page.signups or page.next)


def _consents(form: Form) -> list[ConsentPeriod]:
    """Return the form's texts of consent, and ours in each language in which it shows them."""
    ours = services().intake.our_consents.by_language
    return [each for period in consent_periods(form) for each in translated(period, form, ours)]


def _snippets(form: Form, url: str) -> list[Snippet]:
    """Return what to paste, in the form's language, or in the one that was asked for."""
    asked = request.args.get("language", "")
    language = asked if form.language == "auto" and asked in LANGUAGES else form.language
    known = "" if language == "auto" else language
    say = services().translations.choose(known).say
    return all_snippets(form, url, say=say, language=known)


@bp.get("/forms/<form>/close")
@needs(Role.OPERATOR)
def ask_to_close(form: str) -> ResponseReturnValue:
    """Ask before a form is closed."""
    return render_template("console/forms/close.html", form=known_form(form))


@bp.post("/forms/<form>/close")
@needs(Role.OPERATOR)
def close_form(form: str) -> ResponseReturnValue:
    """Close a form: it takes no sign-ups for now."""
    services().operations.forms.switch(known_form(form), enabled=False)
    flash(f"The form {form} is closed. It takes no sign-ups until somebody opens it.")
    return redirect(url_for("console.form", form=form), 303)


@bp.post("/forms/<form>/open")
@needs(Role.OPERATOR)
def open_form(form: str) -> ResponseReturnValue:
    """Open a form again."""
    services().operations.forms.switch(known_form(form), enabled=True)
    flash(f"The form {form} is open. It takes sign-ups again.")
    return redirect(url_for("console.form", form=form), 303)


@bp.get("/forms/<form>/remove")
@needs(Role.OPERATOR)
def ask_to_remove_form(form: str) -> ResponseReturnValue:
    """Ask before a form is removed."""
    found = known_form(form)
    return render_template("console/forms/remove.html", form=found, activity=activity_of(found))


@bp.post("/forms/<form>/remove")
@needs(Role.OPERATOR)
def remove_form(form: str) -> ResponseReturnValue:
    """Remove a form. Sign-ups that it has taken are still delivered."""
    services().operations.forms.remove(known_form(form))
    flash(f"The form {form} is removed. Sign-ups that it has taken are still delivered.")
    return redirect(url_for("console.forms"), 303)


def activity_of(form: Form) -> FormActivity:
    """Return what came to the form."""
    status = services().operations.status
    return read_activity(status.form_counts, status.registry.account_names(), form)


def known_form(name: str) -> Form:
    """Return the form; raises `Refused` if there is none."""
    found = services().operations.forms.registry.form(name)
    if found is None:
        raise Refused(f"There is no form {told_name(name)}. It may have been removed.")
    return found
