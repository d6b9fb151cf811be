"""Which copies on websites a change of a form makes old, and why.

The snippets themselves tell which: a copy is old if it would be printed otherwise today.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.domain.form import Form
from shared.domain.reading.sources import CAMPAIGN
from shared.operations.snippets.advice import TITLES
from shared.operations.snippets.snippet import SnippetKind, form_address, make_snippet

# A command is nothing that stands on a website.
_KINDS = tuple(kind for kind in SnippetKind if kind != SnippetKind.CURL)
_BOXES = {
    "none": "there is no box to tick any more",
    "optional": "visitors may now tick a box",
    "required": "visitors must now tick a box",
}
# Why a copy is old, by what has changed. Those that stop or hold sign-ups come first.
_WHYS: Mapping[str, Callable[[Form], str]] = {
    "consent_box": lambda now: _BOXES[now.consent_box],
    "captcha": lambda now: (
        "the box “I'm not a robot” is no longer needed"
        if now.captcha == "none"
        else "without the box “I'm not a robot” a sign-up now waits in quarantine"
    ),
    "lists": lambda _: "the lists to choose from are others",
    "custom_fields": lambda _: "the form has other fields",
    "language": lambda _: "the language of the texts is another one",
    "redirect": lambda now: (
        "visitors now go to another page" if now.redirect else "visitors now stay on the page"
    ),
    "sources": lambda now: (
        "sign-ups now tell their campaign"
        if any(each.source in CAMPAIGN for each in now.sources)
        else "sign-ups tell no campaign any more"
    ),
    "consent_text": lambda _: "the consent text is another one",
    "title": lambda _: "the title is another one",
    "button": lambda _: "the button says something else",
}


def copies_to_replace(before: Form, now: Form) -> dict[SnippetKind, tuple[str, ...]]:
    """Return for each kind of copy why it must be pasted again: for nothing, if it is up to date by
    itself."""
    changed = [name for name in _WHYS if getattr(before, name) != getattr(now, name)]
    return {
        kind: tuple(_WHYS[name](now) for name in changed if _is_in(kind, name, before, now))
        for kind in _KINDS
    }


def _is_in(kind: SnippetKind, name: str, before: Form, now: Form) -> bool:
    """Whether a copy of this kind has what has changed."""
    change: dict[str, Any] = {name: getattr(now, name)}
    return _copy(before, kind) != _copy(replace(before, **change), kind)


def _copy(form: Form, kind: SnippetKind) -> str:
    language = "" if form.language == "auto" else form.language
    return make_snippet(form, form_address(form, ""), kind, language=language)


def told_copies(before: Form, now: Form) -> str:
    """Return what to paste again and why, or "" if no copy is old."""
    titles: dict[tuple[str, ...], list[str]] = {}
    for kind, whys in copies_to_replace(before, now).items():
        titles.setdefault(whys, []).append(TITLES[kind])
    up_to_date = titles.pop((), [])
    if not titles:
        return ""
    told = [
        f"Copies of {_listed(found)}: paste them again, as {_listed(whys)}."
        for whys, found in titles.items()
    ]
    rest = [f"{_listed(up_to_date)} are up to date by themselves."] if up_to_date else []
    return " ".join((*told, *rest))


def _listed(texts: Sequence[str]) -> str:
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last
