"""The form page: its inputs, their values, and their errors.

The same page serves an empty form, and one that keeps what the visitor typed after an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from shared.domain.consent_texts import text_version
from shared.domain.errors import FieldError
from shared.domain.fields import FIELDS, Field
from shared.domain.form import CUSTOM_LIMIT, Form
from shared.domain.reading.check_boxes import is_ticked
from shared.domain.reading.meanings import CONSENT
from shared.domain.reading.posted_fields import (
    CONSENT_SHOWN,
    LANGUAGE,
    LISTS,
    SHOWN_AT,
    SortedFields,
    instruction,
    sort_fields,
)
from shared.domain.texts import Say, lazy_gettext
from web.signup.consent_evidence import version_shown
from web.signup.origins import PAGE, REFERRER, referrer_of
from web.translations.catalogues import Translation

# Of posted texts that are too long or that no input shows, as HTML has them: three times as much as
# a sign-up keeps of them. A robot may post 64 KiB of quotation marks, which take six bytes each.
MOST_SHOWN = 24 * 1024
_UNKNOWN_LIST = lazy_gettext("This form does not have one of the lists that were chosen.")
_TAG = 50  # bytes of a hidden input, besides its name and value


@dataclass(slots=True)
class Room:
    """Room on a page for what strangers have posted."""

    left: int = MOST_SHOWN

    def fits(self, *texts: str) -> bool:
        if self.left < _TAG:
            return False
        size = _TAG + sum(len(escape(text).encode(errors="replace")) for text in texts)
        if size <= self.left:
            self.left -= size
            return True
        return False

    def shown(self, value: str, limit: int) -> str:
        """Return the value, or its beginning, which is still too long to be signed up with."""
        return value if len(value) <= limit or self.fits(value) else value[: limit + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormInput:
    """One labelled input. It has no maxlength, which would silently cut off pasted text."""

    name: str
    label: str
    value: str
    type: str = "text"
    autocomplete: str = "on"
    error: str | None = None

    @property
    def id(self) -> str:
        return f"field-{self.name}"

    @property
    def required(self) -> bool:
        return self.name == "email"

    @property
    def multiline(self) -> bool:
        return "\n" in self.value


@dataclass(frozen=True, slots=True)
class ListBox:
    """A check box of a list."""

    id: str
    name: str
    ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage:
    """All that the template needs, in the visitor's language. `hidden` holds posted values that no
    input shows."""

    form: Form
    language: str
    title: str
    button: str
    consent_text: str
    inputs: tuple[FormInput, ...]
    choices: tuple[ListBox, ...]
    consented: bool
    hidden: tuple[tuple[str, str], ...]
    errors: tuple[FieldError, ...]

    def error(self, field: str) -> str | None:
        """Return the error of `field`, if it has one."""
        return next((error.message for error in self.errors if error.field == field), None)

    def anchor(self, field: str) -> str | None:
        """Return the id of the input that has the error; None if the page has no such input."""
        if field == CONSENT or (field == LISTS and self.choices):
            return f"field-{field}"
        return next((each.id for each in self.inputs if each.name == field), None)


def form_page(
    form: Form,
    posted: Mapping[str, list[str]],
    translation: Translation,
    *,
    time_token: str,
    page: str | None = None,
    referrer: str | None = None,
    errors: Sequence[FieldError] = (),
) -> FormPage:
    """Return the form's page with the `posted` values; `page` is the page that posted first,
    `referrer` the one that led here.

    All that was typed is kept, as far as it fits into `MOST_SHOWN`. The consent box stays ticked
    only beside the text for which it was ticked.
    """
    given, room, say = sort_fields(posted, form), Room(), translation.say
    inputs = tuple(_inputs(form, given, errors, room, say))
    consent_text = say(form.shown_consent)
    version = text_version(consent_text)
    hidden = _hidden(form, posted, given, page, referrer, version)
    return FormPage(
        form=form,
        language=translation.language,
        title=say(form.shown_title),
        button=say(form.shown_button),
        consent_text=consent_text,
        inputs=inputs,
        choices=_choices(form, posted),
        consented=is_ticked(given.consent) and version_shown(posted) in ("", version),
        hidden=(
            (SHOWN_AT, time_token),
            (LANGUAGE, translation.language),
            *(each for each in hidden if room.fits(*each)),
        ),
        errors=_shown(errors, say),
    )


def _shown(errors: Sequence[FieldError], say: Say) -> tuple[FieldError, ...]:
    """Return the errors in the visitor's language, without names of lists.

    Any page can post any text as such a name, and ours must not say it.
    """
    texts = (_UNKNOWN_LIST if each.code == "unknown_list" else each.text for each in errors)
    shown = (replace(each, text=say(text)) for each, text in zip(errors, texts, strict=True))
    return tuple(dict.fromkeys(shown))


def _inputs(
    form: Form, given: SortedFields, errors: Sequence[FieldError], room: Room, say: Say
) -> Iterator[FormInput]:
    wrong = {error.field: say(error.text) for error in errors}
    for field in FIELDS:
        if field.always_shown or field.name in given.fields or field.name in wrong:
            value = room.shown(given.fields.get(field.name, ""), field.limit)
            yield _contact_input(field, say(field.label), value, wrong)
    for custom in form.custom_fields:
        value = room.shown(given.custom.get(custom.id, ""), CUSTOM_LIMIT)
        yield FormInput(
            name=custom.name, label=custom.label, value=value, error=wrong.get(custom.name)
        )


def _contact_input(field: Field, label: str, value: str, wrong: Mapping[str, str]) -> FormInput:
    return FormInput(
        name=field.name,
        label=label,
        value=value,
        type=field.input_type,
        autocomplete=field.autocomplete,
        error=wrong.get(field.name),
    )


def _choices(form: Form, posted: Mapping[str, list[str]]) -> tuple[ListBox, ...]:
    if len(form.lists) < 2:
        return ()
    wanted = {name.lower() for name in instruction(posted, LISTS)}
    return tuple(
        ListBox(ref.id, ref.name, not wanted or bool(wanted & {ref.id.lower(), ref.name.lower()}))
        for ref in form.lists
    )


def _hidden(
    form: Form,
    posted: Mapping[str, list[str]],
    given: SortedFields,
    page: str | None,
    referrer: str | None,
    version: str,
) -> Iterator[tuple[str, str]]:
    # While Redis is away, an unknown form's page shows no text. So what the first page said counts.
    if shown := version if form.lists else version_shown(posted):
        yield CONSENT_SHOWN, shown
    for name, kept in given.other.items():
        for value in [kept] if isinstance(kept, str) else kept:
            yield name, value
    for value in instruction(posted, "_next"):
        yield "_next", value
    if len(form.lists) > 1:
        # Tells "no list was ticked" apart from "the page offers no choice".
        yield LISTS, ""
    if not form.lists:
        # While Redis is away, the lists of an unknown form are unknown, too.
        for value in instruction(posted, LISTS):
            yield LISTS, value
    if page:
        yield PAGE, page
    if came_from := referrer or referrer_of(posted):
        yield REFERRER, came_from
