"""Links and markup, as people and robots write them."""

# ruff: noqa: RUF001 - letters that look like others are meant

import re

from shared.domain.spam.words import MESSENGERS

# A domain counts without `https://` only if it ends so: Jean.Marie, St.John and M.Sc are none. Its
# first part has three characters, as J.Co and A.Ng are names.
_ENDINGS = "com|net|org|info|biz|xyz"
# These only in lower case, as people are called Anna.Best and Jan.De Vries.
_ENDINGS_LIKE_NAMES = (
    "top|online|site|website|shop|club|store|icu|vip|live|link|click|space|pro|app|dev|win|bet|bid"
    "|date|loan|gift|best|buzz|cfd|sbs|bond|io|cc|ru|cn|su|tk|ml|ga|cf|gq|pw|de|uk|fr|nl|eu"
)
# Full stops of Asian keyboards, and what looks like one.
_DOTS = "。｡．․•"
_MAY_BE_LINK = re.compile(f"[.:{_DOTS}]|dot", re.IGNORECASE)
# Not what follows an @, as people type their e-mail address into any field.
_START = r"(?<![\w@.-])"
# `example dot com` and `example . com`.
_ODD_DOT = rf"\sdot\s|\s\.\s?|[{_DOTS}]"
_LINK = re.compile(
    r"h\s?(?:t\s?t|xx)\s?p\s?s?\s?:\s?[/\\]"
    rf"|{_START}www\s?\.[\w-]"
    rf"|{_START}[\w-]{{3,}}(?:\.[\w-]+){{0,3}}\.(?:{_ENDINGS}|(?-i:{_ENDINGS_LIKE_NAMES}))(?![\w@-])"
    rf"|{_START}[\w-]{{3,}}(?:{_ODD_DOT})(?:{_ENDINGS})(?![\w@-])"
    r"|\w\s?[(\[{]\s?(?:dot|\.)\s?[)\]}]"
    # Those that shorten addresses have endings of two letters, and a path: `t.me/x`, `bit.ly/x`.
    rf"|{_START}[\w-]+(?-i:\.[a-z]{{2}}|\.ph)/[\w-]{{2,}}",
    re.IGNORECASE,
)
# A messenger and whom to find there. Those of few letters are names or words, too.
_CHAT = re.compile(
    rf"(?:\b(?:{'|'.join(MESSENGERS)})\b|微信|威信)\W{{0,4}}(?:@\w{{3}}|\+?\d{{2}}|\w{{2,}}\d{{2}})",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d\d")
# `[b]` alone, and `a <b and c`, are none.
_MARKUP = re.compile(
    r"\[(?:url|img)\b[^\[\]]{0,100}\]|\[/(?:url|img|link|b|i)\]"
    r"|</?(?:a|b|p|h\d|div|img|svg|script|iframe|font)(?:\s[^<>]{0,100})?/?>|\bhref\s{0,9}=",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(r"https?://(?:www\.)?|(?<![\w./])www\.", re.IGNORECASE)


def has_link(text: str) -> bool:
    """Whether the text has a link, also one that is written in an odd way."""
    return _MAY_BE_LINK.search(text) is not None and _LINK.search(text) is not None


def has_chat(text: str) -> bool:
    """Whether the text says whom to find in a messenger."""
    may_be = "@" in text or _NUMBER.search(text) is not None
    return may_be and _CHAT.search(text) is not None


def is_one_link(text: str) -> bool:
    """Whether the text is the address of a website, and nothing else."""
    return "." in text and "@" not in text and len(text.split()) == 1


def has_markup(text: str) -> bool:
    """Whether the text has HTML or BB code."""
    return ("[" in text or "<" in text or "=" in text) and _MARKUP.search(text) is not None


def links_in(text: str) -> int:
    """Return how many links a longer text has."""
    return len(_IN_TEXT.findall(text))
