"""Names: which field a website means by the name that it posts.

A name is a path: ``contact[email]``, ``data.email`` and ``ctl00$email`` all end in ``email``. The
last part counts, or the last two together (``birthday[month]``). Numbers and words that say nothing
(``Your``, ``No Label``, ``txt``, ``required``) are seen through.
"""

import re
import unicodedata
from collections.abc import Iterator

from shared.domain.fields import FIELDS, Field
from shared.domain.reading.normal_forms import normalized
from shared.domain.remembering import remembered

LONGEST_USUAL = 60
# Only sentences are longer. They are searched for words of consent as they were typed.
_LONGEST_NORMALIZED = 200
# One character may stand for eighteen.
_LONGEST_NORMAL_FORM = 3 * _LONGEST_NORMALIZED
_SEPARATORS = re.compile(r"[\[\].$:>|/]+")
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN = re.compile(r"csrf|captcha|turnstile|nonce|token|viewstate|timestamp", re.IGNORECASE)
_ASIDE = re.compile(r"\([^)]*\)")

# Words that pages and form tools put around a field's name.
_SAYS_NOTHING_WORDS = """
    your my the a please enter what whats is s no label field fields input txt tb edit required
    optional mandatory form contact customer client subscriber subscribe subscription newsletter
    signup member user person visitor lead work business personal primary main billing item q
    question mce et pb inf cm acf wpforms pflichtfeld erforderlich obligatoire requis obligatorio
    ihre ihr deine dein votre tu su il la le el
"""
_SAYS_NOTHING = frozenset(_SAYS_NOTHING_WORDS.split())
# Names that would mean another field if those words were left out.
_MEANS_NOTHING_HERE = {"username", "formname", "fieldname", "labelname", "itemname", "pagename"}

# Last parts that are about the value, and not another name.
_ABOUT_THE_VALUE = {"value", "values", "accepted", "checked", "given", "granted", "agreed"}
# What names of consent boxes contain, in many languages.
_CONSENT_STEMS = re.compile(
    "consent|gdpr|dsgvo|rgpd|lgpd|einwillig|zustimm|einverst|samtyk|toestemm|zgoda|accept|agree"
    "|aceit|acept|accett|souhlas|соглас|同意|optin"
)
_LAST_EFFORT = 9
_OTHER_CONSENT = re.compile("sms|cookie|text|phone|call|terms|condition|agb")

# In these languages, a form's "Name" beside a first name is the last name.
FIRST_BESIDE_NAME = {"vorname", "prenom", "voornaam", "fornamn", "fornavn"}

FULL_NAME = "full_name"
CONSENT = "consent"
LIST_CHOICE = "list_choice"
STREET_LINE = "street_line"
BIRTHDAY = "birthday"
ANNIVERSARY_PARTS = ("anniversary_year", "anniversary_month", "anniversary_day")
PHONE_AREA = "phone_area"
PHONE_PARTS = (PHONE_AREA, "phone_first", "phone_last")

# What else a name can mean besides one of `FIELDS`: several of these make one field together.
_OTHER_MEANINGS = {
    FULL_NAME: "name fullname yourname nn nameandsurname vornamenachname vorundnachname"
    " nomcomplet nombrecompleto nomecompleto 名前 お名前 氏名 姓名 이름 имя",
    CONSENT: "consent gdpr gdprconsent acceptance optin emailoptin marketingoptin marketingconsent"
    " emailconsent emailmarketing acceptsmarketing agree iagree agreement einwilligung"
    " consentement consenso consentimiento",
    LIST_CHOICE: "list lists listid listids l",
    STREET_LINE: "addressline2 addrline2 address2 addr2 street2 streetaddress2 streetline2 line2"
    " adresszusatz",
    BIRTHDAY: "birthday birthdate dateofbirth dob bday geburtstag geburtsdatum datedenaissance"
    " datenaissance fechadenacimiento datadinascita datadenascimento datanascimento geboortedatum",
    "anniversary_year": "anniversaryyear",
    "anniversary_month": "anniversarymonth",
    "anniversary_day": "anniversaryday",
    PHONE_AREA: "phonearea phonenumberarea phoneareacode areacode",
    "phone_first": "phonedetail1",
    "phone_last": "phonedetail2",
}

Meaning = Field | str


def path_of(name: str) -> tuple[str, ...]:
    """Return the parts of `name`, without empty ones, and without numbers that only count."""
    if not _SEPARATORS.search(name):
        return (name,) if name.strip() else ()
    parts = [part for part in _SEPARATORS.split(name) if part.strip()]
    named = [part for part in parts if not part.isdigit()] or parts
    # `fields[email][value]` and `{"consent": {"given": true}}` are about `email` and `consent`.
    if len(named) > 1 and named[-1].lower() in _ABOUT_THE_VALUE:
        named.pop()
    return tuple(named)


def meaning_of(name: str) -> tuple[Meaning, int] | None:
    """Return what a page means by `name`, and how far the name had to be simplified for that.

    None if it means nothing that this product knows. 0 is the field's own name.
    """
    path = path_of(name)
    if not path:
        return None
    last = path[-1]
    if match_key(last) in _MEANS_NOTHING_HERE or (len(path) > 1 and last[0] == "_"):
        return None
    simplified = _simplified(last)
    for effort, key in enumerate(_keys(name, path, simplified), start=1):
        if key in _BY_KEY:
            return _BY_KEY[key], 0 if key in _OWN_NAMES else effort
    if _CONSENT_STEMS.search(simplified) and not _OTHER_CONSENT.search(name.lower()):
        return CONSENT, _LAST_EFFORT
    return None


def find_field(name: str) -> Field | None:
    """Return the contact's field that a page means by `name`; None if it means another thing."""
    found = meaning_of(name)
    return found[0] if found and isinstance(found[0], Field) else None


def is_of_several_fields(name: str) -> bool:
    """Whether `name` means something that is sent in several fields, such as a birthday."""
    found = meaning_of(name)
    return found is not None and not isinstance(found[0], Field)


@remembered(longest=_LONGEST_NORMALIZED)  # asked several times for each name
def match_key(name: str) -> str:
    """Return `name` without case, accents, blanks and signs: such names mean the same."""
    return "".join(_words(name))


@remembered(longest=LONGEST_USUAL, most=4096)
def is_token(name: str) -> bool:
    """Whether `name` has a new value each time that a page is sent, such as a captcha's answer."""
    return _TOKEN.search(name) is not None


def _keys(name: str, path: tuple[str, ...], simplified: str) -> Iterator[str]:
    """Yield what to look up, the most literal first. `simplified` is the last part."""
    yield match_key(name)
    last = path[-1]
    if len(path) > 1:
        yield match_key(path[-2]) + match_key(last)
        yield match_key(last)
    yield simplified
    if len(path) > 1:
        yield _simplified(path[-2]) + simplified


def _simplified(part: str) -> str:
    head, closing, tail = part.rpartition(")")
    words = _words(_ASIDE.sub(" ", head + closing) + tail if closing else part)
    return "".join(word for word in words if not word.isdigit() and word not in _SAYS_NOTHING)


def _words(text: str) -> list[str]:
    if not text.isascii() and len(text) <= _LONGEST_NORMALIZED:
        # `Prénom` is looked up as `prenom`. Scripts without case or accents stay as they are.
        text = normalized("NFKD", text)[:_LONGEST_NORMAL_FORM]
        text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf"))
        text = normalized("NFC", text)
    if not text.islower():
        text = _CAMEL.sub(" ", text)
    return [word.casefold() for word in _WORDS.findall(text)]


_BY_KEY: dict[str, Meaning] = {
    match_key(word): meaning for meaning, names in _OTHER_MEANINGS.items() for word in names.split()
} | {match_key(word): field for field in FIELDS for word in (field.name, *field.synonyms)}
_OWN_NAMES = frozenset(map(match_key, [*_OTHER_MEANINGS, *(field.name for field in FIELDS)]))
