"""The posted fields of a request: those in its body, and those in its address."""

from collections.abc import Sequence

from shared.domain.reading.posted_fields import IN_ADDRESS
from shared.domain.reading.values import clean_line
from shared.domain.texts import lazy_gettext
from web.signup.reading.body_kind import FORM, MULTIPART, ContentType, UnreadableRequest
from web.signup.reading.head import Head
from web.signup.reading.json_pairs import Pair
from web.signup.reading.pairs import pairs_in

BODY_LIMIT = 64 * 1024
# What an address has for `web.signup.answer_kind`.
_NO_FIELDS = ("format", "__amp_source_origin")

Posted = dict[str, list[str]]


def read_posted(head: Head, body: bytes) -> Posted:
    """Return the posted fields in the order given, each with all its values.

    Fields in the form's address count if the body has none: a script may have put all of them
    there. Else they are kept. Raises `UnreadableRequest`.
    """
    _check_encoding(head)
    posted = _by_name(pairs_in(body, head.content_type))
    if not head.query:
        return posted
    query = read_query(head)
    if not posted:
        return query
    return posted | {f"{IN_ADDRESS}{name}]": values for name, values in query.items()}


def _check_encoding(head: Head) -> None:
    """Raise `UnreadableRequest` for a compressed body."""
    if head.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        message = lazy_gettext(
            "The body is compressed (Content-Encoding). Please send it uncompressed."
        )
        raise UnreadableRequest(415, message)


def read_query(head: Head) -> Posted:
    """Return the fields in the request's address. Raises `UnreadableRequest`."""
    found = _by_name(pairs_in(head.query, ContentType(mimetype=FORM)))
    return {name: values for name, values in found.items() if name not in _NO_FIELDS}


def too_large(mimetype: str) -> UnreadableRequest:
    """Return the error for a body of this media type. Only a multipart body brings files."""
    message = lazy_gettext(
        "A sign-up can have at most %(limit)s KiB. This one is larger.", limit=BODY_LIMIT // 1024
    )
    return UnreadableRequest(413, message, may_have_files=mimetype == MULTIPART)


def _by_name(pairs: Sequence[Pair]) -> Posted:
    posted: Posted = {}
    for name, value in pairs:
        posted.setdefault(clean_line(name), []).append(value)
    return posted
