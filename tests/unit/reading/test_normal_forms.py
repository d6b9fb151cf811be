"""Marks in a row: sorting them takes the square of their number, so they are never many.

Unicode's normal forms are counted here, whoever asks for them: `urlsplit` does, too.
"""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.domain.errors import InvalidSignup
from shared.domain.form import CustomField
from shared.domain.reading.dates import read_month
from shared.domain.reading.field_checks import CheckedFields, check_fields
from shared.domain.reading.meanings import find_field
from shared.domain.reading.normal_forms import MOST_MARKS, normalized, with_joiners
from shared.domain.reading.values import clean_address, clean_name, clean_phone
from shared.domain.web_addresses import dns_name, split_address
from shared.infrastructure.email_syntax import check_email
from tests.architecture.project import ROOT
from tests.support import builders
from web.signup.form_page import form_page
from web.signup.origins import first_page, source_of
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted, read_posted
from web.signup.receipt import receipt
from web.signup.refusals import refusal_of
from web.translations.catalogues import load_translations

INTERESTS = CustomField("cf-1", "interests", "Interests")
FORM = builders.form(custom_fields=(INTERESTS,), consent_box="optional")
TRANSLATIONS = load_translations()
ENGLISH = TRANSLATIONS.choose("en")
US = "https://signup.example.com"
MARKS = "\u0301\u0323" * 750
HALF_WIDTH = "\uff9e\u0301" * 100
LIGATURES = "\ufdfa" * 3000  # eighteen characters each
Normalize = Callable[..., str]

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
NAMES = {
    "a name": (URLENCODED, "email=ada@example.com&a{}=x"),
    "a name in a path": (URLENCODED, "email=ada@example.com&x[a{}][b]=x"),
    "an old form's name": (URLENCODED, "cf_text_value--0=x&cf_text_name--0=a{}"),
    "multipart": (
        MULTIPART,
        '--b\r\nContent-Disposition: form-data; name="a{}"\r\n\r\nx\r\n--b--\r\n',
    ),
    "json": ("application/json", '{{"email": "ada@example.com", "a{}": "x"}}'),
    "a label": ("application/json", '{{"answers": [{{"label": "a{}", "value": "x"}}]}}'),
}
VALUES = (
    *("email", "phone", "birthday_month", "anniversary", "birthday", "first_name", "name", "zip"),
    *("company", "city", "interests", "comment", "consent", "_lists", "_next", "_page", "_gotcha"),
)
TYPED = ("a{}", "a{}@example.com", "ada@a{}.example", "https://a{}.example/x", "//a{}/x", "/a{}")
BODIES = {
    **NAMES,
    **{f"{name}={typed}": (URLENCODED, f"{name}={typed}") for name in VALUES for typed in TYPED},
    "an anniversary's month": (
        URLENCODED,
        "anniversary_year=2000&anniversary_day=1&anniversary_month=a{}",
    ),
}


class Sorting:
    """Stands for `unicodedata.normalize`: counts the characters that it makes, and the steps of
    sorting their marks, and makes nothing of a text that would take long."""

    def __init__(self, normalize: Normalize) -> None:
        self._normalize = normalize
        self.made = 0
        self.longest = 0

    def __call__(self, form: str, text: str) -> str:
        pieces = [self._normalize("NFKD", character) for character in text]
        self.made += sum(map(len, pieces))
        self.longest = max(self.longest, longest_run("".join(pieces)))
        return self._normalize(form, text) if self.longest < 500 else text


def longest_run(text: str) -> int:
    """Return how many marks there are in a row at most."""
    longest = run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        longest = max(longest, run)
    return longest


@pytest.fixture
def sorting(monkeypatch: pytest.MonkeyPatch) -> Sorting:
    found = Sorting(unicodedata.normalize)
    monkeypatch.setattr(unicodedata, "normalize", found)
    return found


def read(head: Head, body: bytes) -> None:
    """Do all that web does with a request's text, whether the sign-up is taken or not."""
    posted = read_posted(head, body)
    source = first_page(source_of(head, US), posted)
    try:
        checked_of(posted)
    except InvalidSignup as invalid:
        refusal_of(FORM, head, source, 422, invalid.errors, posted)
        form_page(
            FORM, posted, ENGLISH, time_token="", page=source.website_page, errors=invalid.errors
        )
    receipt("id", FORM, posted, source=source, head=head, translations=TRANSLATIONS, public_url=US)


def checked_of(posted: Posted) -> CheckedFields:
    return check_fields(posted, FORM, check_email=check_email)


@pytest.mark.parametrize(
    "filling",
    [
        pytest.param(MARKS, id="marks"),
        pytest.param(MARKS[:150], id="a few marks"),
        pytest.param(HALF_WIDTH[:150], id="marks of half width"),
        pytest.param(LIGATURES, id="ligatures"),
    ],
)
def test_no_body_has_many_marks_sorted(sorting: Sorting, filling: str) -> None:
    for case, (mimetype, text) in BODIES.items():
        sorting.made = sorting.longest = 0
        body = text.format(filling).encode()
        read(Head({"content-type": mimetype, "host": "signup.example.com"}), body)
        # A host may have 250 in a row: `urlsplit` asks for its normal form itself.
        may = 300 if "//" in case or "_next" in case else MOST_MARKS + 3
        assert sorting.longest <= may, case
        assert sorting.made <= 4 * len(body) + 2000, case


@pytest.mark.parametrize("encode", [str, quote])
def test_no_address_has_many_marks_sorted(sorting: Sorting, encode: Callable[[str], str]) -> None:
    for name in (f"a{MARKS}", f"a[{MARKS}]", "email", "_next", "_page", "__amp_source_origin"):
        query = f"{encode(name)}={encode('https://' + MARKS)}".encode()
        read(Head({"host": "signup.example.com"}, query), b"")
    assert sorting.longest <= 30 + 3


def test_many_short_names_of_long_characters_are_bounded_together(sorting: Sorting) -> None:
    body = "&".join(f"a{n}{LIGATURES[:190]}=x" for n in range(110)).encode()
    read(Head({"content-type": URLENCODED}), body)
    assert sorting.made <= 32 * len(body)  # looked up and shown, then once more for the page


def test_of_many_addresses_few_domains_are_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a millisecond."""
    encoded: list[str] = []

    def encode(host: str) -> str:
        encoded.append(host)
        return host

    monkeypatch.setattr("shared.domain.reading.values.dns_name", encode)
    address = "email{0}=a@{0}\u00fc.example"
    read(Head({"content-type": URLENCODED}), "&".join(map(address.format, range(500))).encode())
    same = "&".join(f"email=a@{n}\u00fc.example" for n in range(500))
    read(Head({"content-type": URLENCODED}), same.encode())
    assert 1 <= len(set(encoded)) <= 20


@pytest.mark.parametrize("form", ["NFC", "NFKC", "NFKD"])
@pytest.mark.parametrize("unit", ["\u0301\u0323", "\uff9e\u0323", "\u0344\u0323", "\u0302\u0c4d"])
def test_marks_are_sorted_a_few_at_a_time(form: str, unit: str) -> None:
    text = f"a{unit * 500}b"
    bounded = with_joiners(text)
    assert longest_run(unicodedata.normalize("NFKD", bounded)) <= 2 * MOST_MARKS
    assert bounded.replace("\u034f", "") == text
    assert unicodedata.normalize("NFKD", normalized(form, text)).startswith("a")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Nguyễn Thị Ánh",
            "ỗ" * 200,
            "हिन्दी में नाम",
            "שָׁלוֹם עֲלֵיכֶם",
            "\uff25\uff0d\uff2d\uff41\uff49\uff4c",
            "ﾊﾟﾋﾞ",
            "각" * 99,
        ),
        *("-" * 500, " " * 99 + "e\u0301", "Z" + "\u0301\u0323" * 14, "e\u0323\u0301\u0302"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("form", ["NFC", "NFKC", "NFKD"])
def test_honest_text_gets_the_form_that_unicode_gives_it(form: str, text: str) -> None:
    for each in (text, unicodedata.normalize("NFD", text)):
        assert normalized(form, each) == unicodedata.normalize(form, each)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "Nguyễn Thị Ánh",
            "Nguye\u0302\u0303n",
            "हिन्दी",
            "שָׁלוֹם עֲלֵיכֶם",
            "Z\u0301\u0323\u0302\u0316a\u0301l",
        ),
        "Z" + "\u0301\u0323" * 20,
    ],
    ids=ascii,
)
def test_names_are_kept_as_typed(typed: str) -> None:
    checked = checked_of({"email": ["ada@example.com"], "first_name": [typed], "x": [typed * 3]})
    assert checked.contact.fields["first_name"] == clean_name(typed) == typed
    assert checked.contact.other["x"] == typed * 3


def test_a_long_free_text_with_thousands_of_marks_is_kept_as_typed() -> None:
    text = f"Zalgo{MARKS}"
    checked = checked_of({"email": ["ada@example.com"], "message": [text]})
    assert checked.contact.other["message"] == text


@pytest.mark.parametrize("marks", [0, 10, 40, 90])
def test_a_name_means_the_same_with_marks(marks: int) -> None:
    field = find_field("Pre" + "\u0301\u0323" * marks + "nom")
    assert field is not None
    assert field.name == "first_name"


def test_a_long_sentence_still_asks_for_consent() -> None:
    posted = {"email": ["ada@example.com"], f"{'Ü' * 300} I agree to receive e-mails": ["yes"]}
    assert checked_of(posted).box is True


def test_what_is_too_long_for_its_field_stays_as_typed() -> None:
    assert clean_address(f"{MARKS}@example.com") == f"{MARKS}@example.com"
    assert clean_phone(MARKS, 25) == MARKS
    assert read_month(f"m{MARKS}") is None


def test_a_host_that_is_too_long_is_no_address() -> None:
    with pytest.raises(ValueError, match="so long"):
        split_address(f"https://{MARKS[:300]}/")
    with pytest.raises(UnicodeError):
        dns_name("\u00fc" * 254)


@pytest.mark.parametrize(
    "address",
    [
        f"https://example.com/{'ü' * 500}?{'ü' * 500}#{'ü' * 500}",
        f"/{'ü' * 500}/x",
        "https://bücher.example/",
        f"https://{'a' * 500}/",
    ],
    ids=lambda address: ascii(address)[:30],
)
def test_other_addresses_are_read(address: str) -> None:
    assert split_address(address).geturl() == address


OWN_PLACES = {
    "unicodedata.normalize(": {"shared/domain/reading/normal_forms.py"},
    'encode("idna")': {"shared/domain/web_addresses.py", "web/server/flask_threads.py"},
    "import validate_email": {"shared/infrastructure/email_syntax.py"},
}


@pytest.mark.parametrize("call", OWN_PLACES)
def test_costly_calls_have_one_place(call: str) -> None:
    folders = ("shared", "web", "worker", "relay", "sandbox")
    modules = (module for folder in folders for module in (ROOT / folder).rglob("*.py"))
    found = {str(module.relative_to(ROOT)) for module in modules if call in text_of(module)}
    assert found == OWN_PLACES[call]


def text_of(module: Path) -> str:
    return module.read_text(encoding="utf-8")


def test_a_document_of_nested_names_is_read(sorting: Sorting) -> None:
    document = {"email": "ada@example.com", "data": {f"a{MARKS}": {MARKS: "x"}}}
    body = json.dumps(document, ensure_ascii=False).encode()
    read(Head({"content-type": "application/json"}), body)
    assert sorting.longest <= 30 + 3
