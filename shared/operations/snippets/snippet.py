"""The snippet of a form, with the form's own fields, lists and consent."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.domain.fields import EMAIL, FIELDS
from shared.domain.form import Form
from shared.domain.reading.meanings import CONSENT
from shared.domain.reading.posted_fields import LISTS


class SnippetKind(StrEnum):
    """How a website sends its sign-ups."""

    FORM = "form"  #: a plain form
    FETCH = "fetch"  #: a form and a script that posts it
    CURL = "curl"  #: a command, for servers and for a try


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One labelled input. `id` is unique on the website's page, unless the form is there twice."""

    id: str
    name: str
    label: str
    example: str
    type: str = "text"
    autocomplete: str | None = None
    required: bool = False


_EXAMPLES = {"email": "you@example.com", "first_name": "Ada", "last_name": "Lovelace"}


def form_address(form: Form, public_url: str) -> str:
    """Return the address to which the form posts, and under which it has a page."""
    return f"{public_url}/f/{form.name}"


def make_snippet(form: Form, url: str, kind: SnippetKind = SnippetKind.FORM) -> str:
    """Return what to paste; `url` is the address to which the form posts."""
    if kind == SnippetKind.CURL:
        return _curl(form, url)
    templates = Environment(
        loader=PackageLoader("shared.operations.snippets", "."),
        autoescape=True,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    template = templates.get_template(f"{kind}.html")
    return template.render(
        form=form, url=url, inputs=list(_inputs(form)), captcha_module=_captcha_module(url)
    )


def _captcha_module(url: str) -> str:
    """Return the address of the script that does the form's proof of work."""
    return f"{url.rpartition('/f/')[0]}/static/captcha.js"


def _inputs(form: Form) -> Iterator[Input]:
    for field in FIELDS:
        if field.always_shown:
            yield Input(
                id=f"{form.name}-{field.name}",
                name=field.name,
                label=str(field.label),
                example=_EXAMPLES.get(field.name, "Example"),
                type=field.input_type,
                autocomplete=field.autocomplete,
                required=field is EMAIL,
            )
    for number, custom in enumerate(form.custom_fields, start=1):
        yield Input(
            # A name may have characters that an id may not.
            id=f"{form.name}-custom-{number}",
            name=custom.name,
            label=custom.label,
            example="Example",
        )


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
