"""The snippet of a form, with the form's own fields, lists and consent."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from shared.domain.consent_texts import text_version
from shared.domain.fields import EMAIL, FIELDS
from shared.domain.form import Form
from shared.domain.reading.meanings import CONSENT
from shared.domain.reading.posted_fields import LANGUAGE, LISTS
from shared.domain.reading.sources import CAMPAIGN
from shared.domain.texts import Say, lazy_gettext


class SnippetKind(StrEnum):
    """How a website gets the form."""

    FORM = "form"  #: a plain form
    JS = "js"  #: embed.js draws it in place
    POPUP = "popup"  #: embed.js opens it over the page
    FETCH = "fetch"  #: a form and a script that posts it
    REACT = "react"  #: a component
    IFRAME = "iframe"  #: a frame with the hosted form
    CURL = "curl"  #: a command, for servers and for a try


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetInput:
    """One labelled input. It has no id, as a page may have the form twice."""

    name: str
    label: str
    example: str
    type: str = "text"
    autocomplete: str | None = None
    required: bool = False


_CHOOSE = lazy_gettext("Sign me up for")
_LEAVE_EMPTY = lazy_gettext("Leave this empty")
_CHECK = lazy_gettext("Please check the form.")
_NOT_SENT = lazy_gettext("Your sign-up could not be sent. Please try again.")
_EXAMPLES = {"email": "you@example.com", "first_name": "Ada", "last_name": "Lovelace"}


def form_address(form: Form, public_url: str) -> str:
    """Return the address to which the form posts, and under which it has a page."""
    return f"{public_url}/f/{form.name}"


def make_snippet(
    form: Form,
    url: str,
    kind: SnippetKind = SnippetKind.FORM,
    *,
    say: Say = str,
    language: str = "",
) -> str:
    """Return what to paste; `url` is the address to which the form posts.

    `say` says our texts in the language of the website's page, which is `language` if it is known.
    """
    if kind == SnippetKind.CURL:
        return _curl(form, url)
    consent_text = say(form.shown_consent)
    template = _templates().get_template(_TEMPLATES.get(kind, f"{kind}.html"))
    return template.render(
        form=form,
        url=url,
        page=_page(form, url, language),
        script=f"{relay_of(url)}/embed.js",
        captcha_module=f"{relay_of(url)}/static/captcha.js",
        inputs=list(_inputs(form, say)),
        title=say(form.shown_title),
        consent_text=consent_text,
        consent_version=text_version(consent_text),
        language=language,
        button=say(form.shown_button),
        choose=say(_CHOOSE),
        leave_empty=say(_LEAVE_EMPTY),
        check=say(_CHECK),
        not_sent=say(_NOT_SENT),
        component=_component(form.name),
        has_campaign=any(each.source in CAMPAIGN for each in form.sources),
    )


def _page(form: Form, url: str, language: str) -> str:
    """Return the address of the form's page in the language of the website's page. A form with a
    language of its own needs no word of it, and may get another one later."""
    return f"{url}?{LANGUAGE}={language}" if language and form.language == "auto" else url


_READABLE: dict[str, Any] = {"ensure_ascii": False}  # people change what they paste
_TEMPLATES = {SnippetKind.REACT: "react.jsx"}


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("shared.operations.snippets", "."),
        autoescape=True,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    templates.policies["json.dumps_kwargs"] = _READABLE
    templates.filters["braced"] = _braced
    return templates


def _braced(text: str) -> Markup:
    """Return the text as JSX has it, whatever characters it has."""
    return Markup("{%s}") % htmlsafe_json_dumps(text, **_READABLE)


def _component(name: str) -> str:
    """Return a name for the form's component. It must begin with a capital letter."""
    words = "".join(word.capitalize() for word in re.findall("[A-Za-z0-9]+", name))
    return f"{words}Form" if words[:1].isalpha() else f"Form{words}"


def relay_of(url: str) -> str:
    """Return the address of this relay, without a slash at its end."""
    return url.rpartition("/f/")[0]


def _inputs(form: Form, say: Say = str) -> Iterator[SnippetInput]:
    for field in FIELDS:
        if field.always_shown:
            yield SnippetInput(
                name=field.name,
                label=say(field.label),
                example=_EXAMPLES.get(field.name, "Example"),
                type=field.input_type,
                autocomplete=field.autocomplete,
                required=field is EMAIL,
            )
    for custom in form.custom_fields:
        yield SnippetInput(name=custom.name, label=custom.label, example="Example")


def _curl(form: Form, url: str) -> str:
    """Return a command for a shell. curl encodes the values, and takes the names as they are."""
    fields = [(each.name, each.example) for each in _inputs(form)]
    if len(form.lists) > 1:
        fields += [(LISTS, ref.id) for ref in form.lists]
    if form.consent_box != "none":
        fields.append((CONSENT, "yes"))
    data = [f"--data-urlencode {shlex.quote(f'{quote(name)}={value}')}" for name, value in fields]
    lines = [f"curl -sS {shlex.quote(url)}", "-H 'Accept: application/json'", *data]
    return (_NO_WORK if form.captcha != "none" else "") + " \\\n  ".join(lines) + "\n"


_NO_WORK = (
    "# The form asks browsers for a proof of work. A command has none, so this sign-up waits in"
    " quarantine.\n"
)
