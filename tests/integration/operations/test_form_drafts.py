"""Forms are made of drafts: every error at once, the same for console and command line."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.accounts.account_api import FRESH
from shared.accounts.account_services import AccountServices
from shared.domain.form import Form
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.forms.consent_texts import consent_periods
from shared.operations.forms.drafts import FormDraft, FormMaker, WrongForm
from shared.operations.forms.forms import FormChanged, FormGone, Forms, NameTaken
from tests.support import builders
from tests.support.builders import NOON
from tests.support.command_line import CommandLine
from tests.support.sandbox_server import SandboxServer
from tests.support.wrong_forms import RIGHT, WRONG, Wrong

# What could never be right, whatever the account has.
WRONG_USE = ("name", "redirect", "button", "success", "accent", "background", "spam_threshold")


@pytest.fixture
def maker(tools: AccountServices, sandbox: SandboxServer) -> FormMaker:
    tools.connecting.tokens.connect("acme", sandbox.connect(), by="ada")
    return FormMaker(tools.api)


@pytest.fixture
def forms(registry: Registry, redis_client: "redis.Redis") -> Forms:
    return Forms(registry, AuditTrail(redis_client), utc_now)


def stored(forms: Forms) -> Form:
    found = forms.registry.form("cakes")
    assert found is not None
    return found


def draft(**changed: Any) -> FormDraft:
    return FormDraft(**{**RIGHT, **changed})


# --- drafts


@pytest.mark.parametrize("wrong", [pytest.param(each, id=name) for name, each in WRONG.items()])
def test_each_error_names_its_field(maker: FormMaker, wrong: Wrong) -> None:
    with pytest.raises(WrongForm) as refused:
        maker.make(draft(**wrong.changed))
    assert set(refused.value.errors) == {wrong.about}
    assert wrong.says in refused.value.errors[wrong.about]


@pytest.mark.parametrize(
    "wrong", [pytest.param(each, id=name) for name, each in WRONG.items() if each.options]
)
def test_the_command_line_says_the_same(connected: CommandLine, wrong: Wrong) -> None:
    options = wrong.options or []
    name = "no name" if options == ["NAME"] else "cakes"
    usual = {"--account": "acme", "--list": "Newsletter"}
    rest = [] if options == ["NAME"] else options
    missing = [
        word for option, value in usual.items() if option not in rest for word in (option, value)
    ]
    ended = connected("forms", "add", name, *missing, *rest)
    assert ended.status == (2 if wrong.about in WRONG_USE else 1)
    assert wrong.says in " ".join(ended.err.split())
    assert [form["name"] for form in connected("forms", "list", "--json").json] == ["news"]


def test_all_errors_are_told_at_once(maker: FormMaker) -> None:
    with pytest.raises(WrongForm) as refused:
        maker.make(draft(name="a b", lists=("Nowhere",), redirect="x", origins=("y",), title=""))
    assert set(refused.value.errors) == {"name", "lists", "redirect", "origins", "title"}


def test_a_right_draft_becomes_a_form_and_back(maker: FormMaker) -> None:
    form = maker.make(
        draft(
            custom_fields=("Favourite cake",),
            origins=("https://Example.com/",),
            redirect=None,
            sources=("UTM_Campaign = Found us by", "page=birthday_note"),
        )
    )
    assert [(each.source, each.field.name) for each in form.sources] == [
        ("utm_campaign", "found_us_by"),
        ("page", "birthday_note"),
    ]
    assert [each.name for each in form.lists] == ["Newsletter"]
    assert [each.name for each in form.custom_fields] == ["favourite_cake"]
    assert form.origins == ("https://example.com",)
    assert maker.make(FormDraft.of(form)) == form


def test_texts_colours_and_the_threshold_become_a_form_and_back(maker: FormMaker) -> None:
    form = maker.make(
        draft(
            language="de",
            button=" Anmelden ",
            success="Danke!\nBis bald.",
            accent="C2185B",
            background=" #FE8 ",
            spam_threshold="007",
        )
    )
    assert (form.language, form.button, form.success) == ("de", "Anmelden", "Danke!\nBis bald.")
    assert (form.accent, form.background, form.spam_threshold) == ("#c2185b", "#ffee88", 7)
    assert maker.make(FormDraft.of(form)) == form


def test_a_form_is_changed_while_constant_contact_cannot_be_asked(
    maker: FormMaker, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    form = maker.make(draft(custom_fields=("favourite_cake",), sources=("page=found_us_by",)))
    redis_client.delete("relay:{acme}:lists")
    sandbox.control(path="/v3/contact_lists", status=503)
    sandbox.control(path="/v3/contact_custom_fields", status=503)

    changed = maker.make(replace(FormDraft.of(form), title="Cakes for all"), before=form)

    assert (changed.title, changed.lists) == ("Cakes for all", form.lists)
    assert (changed.custom_fields, changed.sources) == (form.custom_fields, form.sources)
    with pytest.raises(WrongForm) as refused:
        maker.make(draft(lists=("Baking classes",)), before=form)
    assert set(refused.value.errors) == {"lists"}


def test_lists_that_were_read_lately_are_not_read_again(
    maker: FormMaker, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    maker.api.lists("acme", max_age=FRESH)
    sandbox.control(path="/v3/contact_lists", status=503)
    assert maker.make(draft(), max_age=FRESH).lists
    redis_client.delete("relay:{acme}:lists")
    with pytest.raises(WrongForm):
        maker.make(draft(), max_age=FRESH)


def test_a_form_that_was_closed_stays_closed_when_it_is_changed(maker: FormMaker) -> None:
    before = builders.form("cakes", enabled=False)
    assert maker.make(draft(), before=before).enabled is False


# --- changes


def test_a_name_is_given_once(forms: Forms, registry: Registry) -> None:
    forms.add(builders.form("cakes", title="First"))
    with pytest.raises(NameTaken):
        forms.add(builders.form("cakes", title="Second"))
    assert stored(forms).title == "First"


def test_a_change_of_somebody_else_is_not_overwritten(forms: Forms) -> None:
    mine = builders.form("cakes")
    forms.add(mine)
    forms.change(builders.form("cakes", title="Theirs"), mine.version)
    with pytest.raises(FormChanged) as refused:
        forms.change(builders.form("cakes", title="Mine"), mine.version)
    assert refused.value.now.title == "Theirs"
    forms.change(builders.form("cakes", title="Mine"), refused.value.now.version)
    assert stored(forms).title == "Mine"
    newest, *_ = forms.trail.entries()
    assert (newest.action, newest.detail) == ("replace_form", {"changed": ["title"]})


def test_earlier_texts_of_consent_stay_known(forms: Forms) -> None:
    days = iter([NOON + timedelta(days=day) for day in range(4)])
    forms = replace(forms, now=lambda: next(days))
    first, other = (builders.form("cakes", consent_text=text) for text in ("Write to me.", "Yes."))
    forms.add(first)
    forms.change(other, first.version)
    forms.save(replace(other, title="Cakes"))
    forms.save(first)
    found = [(each.text, each.since, each.until) for each in consent_periods(stored(forms))]
    day = [NOON + timedelta(days=day) for day in range(4)]
    assert found == [
        ("Write to me.", day[3], None),
        ("Yes.", day[1], day[3]),
        ("Write to me.", day[0], day[1]),
    ]
    assert forms.switch(stored(forms), enabled=False).earlier_consents


def test_a_change_between_the_look_and_the_write_is_not_overwritten(
    forms: Forms, registry: Registry
) -> None:
    before = builders.form("cakes")
    forms.add(before)
    registry.save_form(builders.form("cakes", title="Theirs"))
    assert not registry.swap_form(builders.form("cakes", title="Mine"), before=before)
    assert not registry.swap_form(builders.form("cakes", title="Mine"), before=None)
    assert not registry.swap_form(builders.form("other"), before=before)
    assert registry.form("cakes") == builders.form("cakes", title="Theirs")
    assert registry.form("other") is None


def test_a_form_that_is_gone_is_not_made_again_by_a_change(forms: Forms) -> None:
    form = builders.form("cakes")
    with pytest.raises(FormGone):
        forms.change(form, form.version)
    with pytest.raises(FormGone):
        forms.switch(form, enabled=False)


def test_closing_keeps_what_somebody_else_has_changed_meanwhile(forms: Forms) -> None:
    forms.add(builders.form("cakes", title="Old"))
    forms.save(builders.form("cakes", title="New"))
    closed = forms.switch(builders.form("cakes", title="Old"), enabled=False)
    assert (closed.title, closed.enabled) == ("New", False)
