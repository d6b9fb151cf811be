"""From JSON to pairs, whatever its shape: flat, nested, or a form tool's webhook.

A nested value gets the name ``data[contact][email]``, as a form would post it. Many form tools send
a list of questions and answers, such as ``{"label": "Your e-mail", "value": "…"}``: the label
becomes the name, in place of the list's.
"""

import json
from functools import cached_property
from typing import Any

from shared.domain.reading.posted_fields import HIDDEN, was_known_before
from shared.domain.texts import Text, lazy_gettext, lazy_ngettext

Pair = tuple[str, str]
Path = tuple[str, ...]

MOST_LEVELS = 20

_LABELS = (
    *("label", "title", "question", "name", "field", "column_name", "key", "id", "ref", "q"),
)
_VALUES = ("value", "values", "answer", "response", "string_value", "a")
# What else describes a question, and is no answer.
_ABOUT_IT = {
    *(*_LABELS, "type", "required", "raw_value", "options", "position"),
    *("versions", "objectTypeId", "column_id"),
}


# `json.loads` would make a new decoder each time.
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


class NotAForm(ValueError):
    """The document holds no fields. `message` says what it should be."""

    def __init__(self, message: Text) -> None:
        super().__init__(str(message))
        self.message = message


def _too_deep() -> Text:
    return lazy_ngettext(
        "The JSON has more than %(count)s level.",
        "The JSON has more than %(count)s levels.",
        MOST_LEVELS,
    )


def parse(text: str) -> Any:
    """Return the document in `text`. JSON inside a JSON text is read, too. Raises `ValueError`.

    NaN and Infinity, which some languages write, count as nothing.
    """
    document = _DECODER.decode(text)
    return json.loads(document) if isinstance(document, str) else document


def pairs_of(document: Any) -> list[Pair]:
    """Return the fields in `document`. Raises `NotAForm`."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if isinstance(document, list):
        raise NotAForm(lazy_gettext("The JSON must be one sign-up, not a list of several."))
    if not isinstance(document, dict):
        raise NotAForm(lazy_gettext('The JSON must be an object, such as {"email": "…"}.'))
    walk = _Walk(document)
    walk.read((), document)
    return walk.found


class _Walk:
    """Walks through a document, and collects the fields that it finds."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.found: list[Pair] = []

    @cached_property
    def _titles(self) -> dict[str, str]:
        """The questions of answers that only name an id."""
        return _titles(self._document)

    def read(self, path: Path, value: Any) -> None:
        """Collect the fields in `value`, which is at `path`. Raises `NotAForm`."""
        if len(path) > MOST_LEVELS:
            raise NotAForm(_too_deep())
        match value:
            case dict() if path and (answer := _answer_key(value)):
                self._read_answer(path, value, answer)
            case dict():
                for key, each in value.items():
                    self.read((*path, key), each)
            case list():
                for each in value:
                    self.read(path, each)
            case _:
                self.found.append((_whole(_name(path)), _whole(_text(value))))

    def _read_answer(self, path: Path, question: dict[str, Any], key: str) -> None:
        named = self._named(path, question)
        self.read(named, _chosen(question, question[key]))
        for other, value in question.items():
            if other != key and other not in _ABOUT_IT:
                self.read((*named, other), value)

    def _named(self, path: Path, question: dict[str, Any]) -> Path:
        """Return the name of the answer: what the question is about, or its label."""
        kind = str(question.get("type", "")).lower()
        if "email" in kind:
            return (*path[:-1], "email")  # whatever the question is called
        label = self._label(question)
        named = (*path[:-1], label) if label else path
        # The label has taken the place of the list's name, which may have said so.
        return (HIDDEN, *named) if HIDDEN in kind or was_known_before(path) else named

    def _label(self, question: dict[str, Any]) -> str:
        """Return the question's text, or what else names it; empty if nothing does."""
        for key in _LABELS:
            label = question.get(key)
            if isinstance(label, dict):
                label = self._titles.get(str(label.get("id"))) or self._label(label)
            if isinstance(label, str) and label.strip():
                return label
        return ""


def _answer_key(value: dict[str, Any]) -> str | None:
    """Return the key of the answer if `value` is a question with its answer."""
    if not any(label in value for label in (*_LABELS, "type", "versions")):
        return "value" if set(value) == {"value"} else None
    kind = value.get("type")  # {"type": "email", "email": "…", "field": …}
    own = (kind,) if isinstance(kind, str) and "field" in value else ()
    key = next((key for key in (*_VALUES, *own) if key in value), None)
    # A person's record may have a `name` and an `answer`, too. It also has an address.
    is_person = any("mail" in other.lower() for other in value if other != key)
    return None if is_person else key


def _chosen(question: dict[str, Any], answer: Any) -> Any:
    """Return the texts of the chosen options where the answer has their ids."""
    options = question.get("options")
    if not isinstance(options, list):
        return answer
    texts = {each.get("id"): each.get("text") for each in options if isinstance(each, dict)}
    answers = answer if isinstance(answer, list) else [answer]
    return [(isinstance(each, str) and texts.get(each)) or each for each in answers]


def _titles(value: Any) -> dict[str, str]:
    """Return all titles in the document by the id beside them."""
    if isinstance(value, list):
        return {id: title for each in value for id, title in _titles(each).items()}
    if not isinstance(value, dict):
        return {}
    found = _titles(list(value.values()))
    if isinstance(value.get("id"), str) and isinstance(value.get("title"), str):
        found[value["id"]] = value["title"]
    return found


def _name(path: Path) -> str:
    return path[0] + "".join([f"[{part}]" for part in path[1:]]) if path else ""


def _whole(text: str) -> str:
    """Return `text` with half a character, which a cut-off emoji leaves, marked as unreadable."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(value: str | float | bool | None) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return json.dumps(value)
    return str(int(value))
