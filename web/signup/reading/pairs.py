"""From a body to pairs of names and values, in the order posted."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from shared.domain.texts import lazy_gettext
from web.signup.reading import json_pairs
from web.signup.reading.body_kind import (
    BodyKind,
    ContentType,
    UnreadableRequest,
    boundary_in,
    kind_of,
    malformed_json,
)
from web.signup.reading.charset import is_plain, to_text, without_utf_16
from web.signup.reading.json_pairs import NotAForm, Pair

# Browsers put the name of the charset that they used into a hidden field of this name.
CHARSET_FIELD = b"_charset_"

# Fields in which form tools such as Jotform and Unbounce post all their answers as JSON.
JSON_FIELDS = {
    *("rawrequest", "formdata", "payload", "data", "data.json", "json", "body", "fields"),
    "answers",
}

_TITLE = "[title]"
_FILE_NOTE = "(file {}, not kept)"
_USUAL_PART = re.compile(
    rb'Content-Disposition: form-data; name="([\w.\[\]-]+)"\r\n\r\n(.*)', re.DOTALL
)
_PART = re.compile(r"\w+")

# Browsers encode the @. Who does not, does not mean a blank by the plus in ada+news@example.org.
_ADDRESS_AS_IT_IS = re.compile(rb"[^@%]+@[^@%+]+")

RawPair = tuple[bytes, bytes, str | None]  # a name, its value, and the value's own charset


def pairs_in(body: bytes, header: ContentType) -> list[Pair]:
    """Return the fields of `body`. Raises `UnreadableRequest`."""
    body, charset = without_utf_16(body, header.charset)
    if not body.strip():
        return []
    match kind_of(body, header):
        case BodyKind.JSON:
            return _from_json(to_text(body, [charset]), header)
        case BodyKind.MULTIPART:
            found = _multipart(body, boundary_in(body, header) or b"")
            return _unpacked(_decoded(found, charset))
        case BodyKind.LINES:
            return _decoded(_lines(body), charset)
        case BodyKind.URLENCODED:
            return _unpacked(_decoded(_urlencoded(body), charset))


def _decoded(raw: list[RawPair], declared: str | None) -> list[Pair]:
    if is_plain(b"".join([part for name, value, _ in raw for part in (name, value)])):
        return [(name.decode(), value.decode()) for name, value, _ in raw]
    charset_field = next((to_text(value) for name, value, _ in raw if name == CHARSET_FIELD), None)
    charsets = (declared, charset_field)
    return [
        (to_text(name, charsets), to_text(value, (own, *charsets) if own else charsets))
        for name, value, own in raw
    ]


def _urlencoded(body: bytes) -> list[RawPair]:
    found: list[RawPair] = []
    for part in filter(None, body.strip(b"\r\n").split(b"&")):
        name, _, value = part.partition(b"=")
        if b"+" in part:
            name = name.replace(b"+", b" ")
            if not _ADDRESS_AS_IT_IS.fullmatch(value):
                value = value.replace(b"+", b" ")
        if b"%" in part:  # seldom in the name
            name = unquote_to_bytes(name) if b"%" in name else name
            value = unquote_to_bytes(value)
        found.append((name, value, None))
    return found


def _lines(body: bytes) -> list[RawPair]:
    """Return a field for each line. A line without ``=`` belongs to the value before it."""
    found: list[RawPair] = []
    for line in body.splitlines():
        name, equals, value = line.partition(b"=")
        if equals:
            found.append((name, value, None))
        elif found and line.strip():
            before, text, _ = found[-1]
            found[-1] = (before, text + b"\n" + line, None)
    return found


def _multipart(body: bytes, boundary: bytes) -> list[RawPair]:
    """Return the fields of a multipart body. Of a file, the value is a note with its name."""
    if usual := _usual_parts(body, boundary):
        return usual
    try:
        try:
            return _parts(_events(body, boundary))
        except UnicodeDecodeError:
            # A name that is not UTF-8: the page is written in windows-1252, with its values.
            return _parts(_events(to_text(body, ["windows-1252"]).encode(), boundary))
    except ValueError as error:
        message = lazy_gettext("The request is not a valid multipart form.")
        raise UnreadableRequest(400, message) from error


def _usual_parts(body: bytes, boundary: bytes) -> list[RawPair]:
    """Return the fields of a body without files as every browser writes it; none of another body.

    Most bodies are so, and Werkzeug, which reads all others, takes ten times as long.
    """
    line = b"--" + boundary
    begin, end = line + b"\r\n", b"\r\n" + line + b"--\r\n"
    if not (body.startswith(begin) and body.endswith(end)):
        return []
    parts = body[len(begin) : -len(end)].split(b"\r\n" + begin)
    found = [_USUAL_PART.fullmatch(part) for part in parts]
    # A boundary anywhere else has other blanks or line breaks around it.
    if body.count(line) != len(parts) + 1 or not all(found):
        return []
    return [(part[1], part[2], None) for part in found if part]


def _events(body: bytes, boundary: bytes) -> Iterable[Event]:
    decoder = MultipartDecoder(boundary)
    decoder.receive_data(body)
    decoder.receive_data(None)
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        yield event


def _parts(events: Iterable[Event]) -> list[RawPair]:
    found: list[RawPair] = []
    is_file = False
    for event in events:
        match event:
            case Field():
                is_file = False
                found.append((_name_of(event), b"", _charset_of(event)))
            case File():
                is_file = True
                note = _FILE_NOTE.format(event.filename) if event.filename else ""
                found.append((_name_of(event), note.encode(), "utf-8"))
            case Data() if not is_file and found:
                name, text, own = found[-1]
                found[-1] = (name, text + event.data, own)
    return found


def is_file_note(value: str) -> bool:
    """Whether the value stands for a file."""
    before, after = _FILE_NOTE.split("{}")
    return value.startswith(before) and value.endswith(after)


def _name_of(part: Field | File) -> bytes:
    """Return the name, which may be empty. RFC 7578, 4.2, has no part without one."""
    name: str | None = part.name
    if name is None:
        raise ValueError("a part has no name")
    return name.encode()


def _charset_of(part: Field) -> str | None:
    _, _, charset = part.headers.get("content-type", "").lower().partition("charset=")
    return charset.partition(";")[0].strip(" \"'") or None


def _from_json(text: str, header: ContentType) -> list[Pair]:
    try:
        return json_pairs.pairs_of(json_pairs.parse(text))
    except NotAForm as error:
        raise UnreadableRequest(400, error.message) from error
    except (ValueError, RecursionError) as error:
        raise malformed_json(header) from error


def _unpacked(pairs: list[Pair]) -> list[Pair]:
    """Return `pairs` with the fields that form tools have packed into names and values."""
    pairs = _by_titles(pairs)
    if not any(map(_may_hold_fields, pairs)):
        return pairs
    return [each for pair in pairs for each in _fields_in(pair)]


def _by_titles(pairs: list[Pair]) -> list[Pair]:
    """Call ``fields[a1b2][value]`` by its title, ``fields[a1b2][title]``, as Elementor posts it."""
    titles = {name[: -len(_TITLE)]: title for name, title in pairs if name.endswith(_TITLE)}
    return [(_titled(name, titles), value) for name, value in pairs] if titles else pairs


def _titled(name: str, titles: Mapping[str, str]) -> str:
    field = name.removesuffix("[value]")
    title = titles.get(field, "") if field != name else ""
    return f"{field.partition('[')[0]}[{title}]" if title.strip() else name


def _may_hold_fields(pair: Pair) -> bool:
    _, value = pair
    return " = " in value or value.startswith("{")


def _fields_in(pair: Pair) -> list[Pair]:
    name, value = pair
    lines = value.split("\n")
    parts = list(filter(None, map(_part_in, lines)))
    if len(parts) == len(lines):  # Formstack's `Name`: "first = Ada", "last = Lovelace"
        return [(f"{name}[{part}]", text) for part, text in parts]
    if name.lower() not in JSON_FIELDS or not value.startswith("{"):
        return [pair]
    try:
        return json_pairs.pairs_of({name: json_pairs.parse(value)})
    except (ValueError, RecursionError):
        return [pair]


def _part_in(line: str) -> Pair | None:
    """Return the name and the text of a line such as "first = Ada"."""
    name, equals, text = line.partition(" = ")
    return (name.lstrip(), text.rstrip()) if equals and _PART.fullmatch(name.lstrip()) else None
