"""From bytes to text. Every byte has a meaning, so nobody is refused for a page's character set.

What a body declares counts first, then UTF-8, then windows-1252, as browsers have it.
"""

from collections.abc import Iterable

import webencodings

_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# ISO-2022-JP writes Japanese in ASCII bytes, after an escape sequence.
_ESCAPE = b"\x1b"


def to_text(raw: bytes, declared: Iterable[str | None] = ()) -> str:
    """Return `raw` as text, by the first of the `declared` charsets that is known and fits.

    Labels are read as browsers read them: ISO-8859-1 means windows-1252. Unknown ones are ignored.
    """
    if is_plain(raw):
        return raw.decode()
    for codec in (*filter(None, map(_codec, declared)), "utf-8"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return _windows_1252(raw)


def is_plain(raw: bytes) -> bool:
    """Whether it is the same text in every charset, as nearly all is."""
    return raw.isascii() and _ESCAPE not in raw


def without_utf_16(body: bytes, declared: str | None) -> tuple[bytes, str | None]:
    """Return `body` without its byte order mark, and its charset.

    UTF-16 becomes UTF-8, so that ``&`` and line breaks are single bytes in every body.
    """
    if body.startswith(tuple(_BYTE_ORDER_MARKS)):
        mark = next(filter(body.startswith, _BYTE_ORDER_MARKS))
        return _to_utf_8(body[len(mark) :], _BYTE_ORDER_MARKS[mark]), "utf-8"
    codec = _codec(declared)
    if codec and codec.startswith("utf-16"):
        return _to_utf_8(body, codec), "utf-8"
    return body, declared


def _codec(label: str | None) -> str | None:
    """Return Python's name of the charset that `label` means; None for an unknown label."""
    found = webencodings.lookup(label) if label else None
    # "x-user-defined" is for scripts that want to read bytes. No page is written in it.
    if found is None or found.name == "x-user-defined":
        return None
    return str(found.codec_info.name)


def _to_utf_8(body: bytes, codec: str) -> bytes:
    return body.decode(codec, errors="replace").encode()


def _windows_1252(raw: bytes) -> str:
    # Python's windows-1252 refuses five bytes. As ISO-8859-1 they are control characters, as
    # browsers have them; `shared.domain.reading.values` reads the others as windows-1252.
    return raw.decode("iso-8859-1")
