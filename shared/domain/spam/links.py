"""Links and markup, as people and robots write them."""

import re

# A domain counts without `https://` only if it ends so: Jean.Marie, St.John and M.Sc are none. Its
# first part has three characters, as J.Co and A.Ng are names.
_ENDINGS = "com|net|org|info|biz|xyz"
# These only in lower case, as people are called Anna.Best and Jan.De Vries.
_ENDINGS_LIKE_NAMES = (
    "top|online|site|website|shop|club|store|icu|vip|live|link|click|space|pro|app|dev|win|bet|bid"
    "|date|loan|gift|best|buzz|cfd|sbs|bond|io|cc|ru|cn|su|tk|ml|ga|cf|gq|pw|de|uk|fr|nl|eu"
)
_SHORTENERS = (
    r"(?:t|wa)\.me|telegra\.ph|bit\.ly|goo\.gl|is\.gd|cutt\.ly|clck\.ru|vk\.cc|u\.to|rb\.gy"
)
# Not what follows an @, as people type their e-mail address into any field.
_START = r"(?<![\w@.-])"
_LINK = re.compile(
    rf"https?:/|{_START}www\.[\w-]|{_START}(?:{_SHORTENERS})/"
    rf"|{_START}[\w-]{{3,}}(?:\.[\w-]+){{0,3}}\.(?:{_ENDINGS}|(?-i:{_ENDINGS_LIKE_NAMES}))(?![\w@-])",
    re.IGNORECASE,
)
# `[b]` alone, and `a <b and c`, are none.
_MARKUP = re.compile(
    r"\[(?:url|img)\b[^\[\]]{0,100}\]|\[/(?:url|img|link|b|i)\]"
    r"|</?(?:a|b|p|h\d|div|img|svg|script|iframe|font)(?:\s[^<>]{0,100})?/?>|\bhref\s{0,9}=",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(r"https?://(?:www\.)?|(?<![\w./])www\.", re.IGNORECASE)


def has_link(text: str) -> bool:
    return _LINK.search(text) is not None


def is_one_link(text: str) -> bool:
    """Whether the text is the address of a website, and nothing else."""
    return "." in text and "@" not in text and len(text.split()) == 1


def has_markup(text: str) -> bool:
    """Whether the text has HTML or BB code."""
    return ("[" in text or "<" in text or "=" in text) and _MARKUP.search(text) is not None


def links_in(text: str) -> int:
    """Return how many links a longer text has."""
    return len(_IN_TEXT.findall(text))
