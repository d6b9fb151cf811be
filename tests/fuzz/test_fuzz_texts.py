"""What visitors and proxies write: no text breaks what reads it."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.durations import in_words, read_duration
from shared.domain.field_names import LONGEST_NAME, MASKED, plain_name
from shared.domain.reading.check_boxes import is_no, is_nothing, is_ticked, is_yes
from shared.domain.reading.dates import read_date, read_month
from shared.domain.reading.meanings import find_field, is_token, match_key, meaning_of, path_of
from shared.domain.reading.values import (
    clean_address,
    clean_line,
    clean_name,
    clean_phone,
    clean_text,
    looks_like_address,
)
from shared.domain.web_addresses import host_of, origin_of
from shared.infrastructure.addresses import client_network, plain_address
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.logs import redact, redacted_start
from tests.fuzz.effort import fuzzed, json_values
from tests.support import builders
from web.signup.altcha_challenges import AltchaChallenges
from web.signup.client_kind import client_kind
from web.signup.form_page import MOST_SHOWN
from web.signup.origins import source_of, web_origin
from web.signup.reading.head import Head
from web.signup.refusals import shown_origin
from web.signup.typed_values import MOST_SHOWN_VALUES, as_it_came, typed_values
from web.translations.catalogues import load_translations

pytestmark = pytest.mark.slow

TRANSLATIONS = load_translations()

# Signs that mean something to one parser or another, beside any text at all.
_PIECES = st.sampled_from(
    [
        *(
            "@",
            ".",
            "..",
            "://",
            "//",
            "\\",
            "/",
            "?",
            "#",
            ":",
            "%",
            "%00",
            "%zz",
            "[",
            "]",
            "[::1]",
        ),
        *("\n", "\r\n", "\t", "\x00", "\x7f", "\u202e", "\u200b", "\ufeff", "\ud800", "\U000e0100"),
        *("1", "31", "2026", "29.02.2023", "May", "Mai", "13/13/2026", "T", "Z", "٣", "²", "½"),
        *(
            "&#",
            ";",
            "&#x110000;",
            "&amp;",
            "{{",
            "}}",
            "*|",
            "|*",
            "(",
            ")",
            "email",
            "fields[",
            "]",
        ),
        *(
            "http",
            "https",
            "javascript",
            "data",
            "example.com",
            "xn--",
            "ß",
            "İ",
            "a",
            "=",
            "+49",
            "e",
        ),
        *(
            "127.0.0.1",
            "::ffff:1.2.3.4",
            "fe80::1%eth0",
            ":65536",
            "64:ff9b::",
            "," * 3,
            '"',
            "'",
            "-1",
        ),
    ]
)
texts = st.text() | st.lists(_PIECES, max_size=12).map("".join)


@fuzzed
@given(texts)
@example("&#" + "1" * 5000 + ";")
def test_values_are_cleaned_once_and_for_all(text: str) -> None:
    for clean in (clean_text, clean_line, clean_name, clean_address):
        cleaned = clean(text)
        assert isinstance(cleaned, str)
        assert "\x00" not in cleaned or clean is clean_address
    clean_text(text).encode()
    assert "\n" not in clean_line(text)
    assert len(clean_phone(text, 25)) <= 5 * len(text) + 25
    looks_like_address(text)
    is_nothing(text)
    assert is_ticked([text]) in (True, False)
    assert is_yes(text) in (True, False)
    assert is_no(text) in (True, False)


@fuzzed
@given(texts)
@example("a@" + "ä." * 100 + "cc")
def test_an_address_is_one_or_a_value_error(text: str) -> None:
    try:
        compared = check_email(text)
    except ValueError:
        return
    assert compared == compared.lower()
    assert compared.count("@") >= 1
    assert check_email(compared) == compared


@fuzzed
@given(texts)
@example("٣/٣/2026")
@example("0/0/0000")
def test_a_date_is_one_of_the_calendar_or_none(text: str) -> None:
    found = read_date(text)
    if found is not None:
        datetime(found.year or 2000, found.month, found.day, tzinfo=UTC)
    assert read_month(text) in (None, *range(1, 13))


@fuzzed
@given(texts)
def test_the_name_of_a_field_means_one_thing_or_nothing(text: str) -> None:
    path_of(text)
    meaning_of(text)
    find_field(text)
    is_token(text)
    assert match_key(match_key(text)) == match_key(text)
    shown = plain_name(text)
    assert shown == MASKED or len(shown) <= LONGEST_NAME
    assert shown.isprintable()


@fuzzed
@given(texts, texts, st.booleans())
@example("http://[", "http://[", False)
@example("//example.com:99999999999", "https://example.com", True)
def test_the_next_page_is_on_the_website_that_posted_or_the_forms_own(
    wanted: str, page: str, restricted: bool
) -> None:
    origins = ("https://www.example.com",) if restricted else ()
    form = builders.form(origins=origins, redirect="https://www.example.com/thanks")
    source = source_of(Head({"referer": page}), "https://relay.example")
    chosen = form.next_page(wanted, posted_from=source.website_page)
    if chosen != form.redirect:
        assert chosen is not None
        allowed = {host_of(each) for each in (*origins, source.website_page or "") if each}
        assert host_of(chosen) in allowed
        assert urlsplit(chosen).scheme in ("http", "https")
        assert not set(chosen) & set("\r\n\t\\")


@fuzzed
@given(texts, texts, texts)
@example("http://[", "", "")
@example("http://a:b", "http://a:99999", "a:b:c")
def test_where_a_request_comes_from_is_told_or_not(origin: str, referer: str, host: str) -> None:
    head = Head({"origin": origin, "referer": referer, "host": host})
    source = source_of(head, "https://relay.example")
    source.may_post(builders.form(origins=("https://www.example.com",)))
    for text in (origin, referer):
        web_origin(text)
        shown_origin(text)
        client_kind(text)
    assert source.page is None or source.page.startswith(("http://", "https://"))
    if source.page:
        origin_of(source.page)


@fuzzed
@given(texts)
def test_a_network_address_is_plain_or_none(text: str) -> None:
    found = plain_address(text)
    if found is not None:
        assert plain_address(found) == found
        assert len(found) <= 45
    client_network(text)


@fuzzed
@given(texts)
def test_a_duration_is_one_or_a_value_error(text: str) -> None:
    try:
        found = read_duration(text)
    except ValueError:
        return
    assert in_words(found)


@fuzzed
@given(texts, st.integers(1, 200))
def test_redacting_leaves_no_address(text: str, longest: int) -> None:
    hidden = f"{text} ada@example.com {text}"
    assert "ada@example.com" not in redact(hidden)
    assert len(redacted_start(hidden, longest)) <= longest


@fuzzed
@given(texts)
def test_a_solution_of_a_captcha_is_no_text(text: str) -> None:
    assert challenges.solved("news", {"altcha": [text]}) is None


@fuzzed
@given(st.dictionaries(st.sampled_from(["parameters", "signature", "x"]), json_values), json_values)
@example({"parameters": []}, {})
@example({"parameters": {"algorithm": {}, "nonce": [], "salt": 1, "cost": "x"}}, {"counter": []})
def test_a_solution_of_a_captcha_is_no_document_that_nobody_signed(
    challenge: dict[str, Any], solution: Any
) -> None:
    document = json.dumps({"challenge": challenge, "solution": solution})
    posted = base64.b64encode(document.encode()).decode()
    assert challenges.solved("news", {"altcha": [posted]}) is None


challenges = AltchaChallenges(("a key for tests",), clock=lambda: 0.0)


@fuzzed
@given(texts, texts)
@example("de;q=" + "9" * 5000, "*" * 5000)
@example("zh-\u0131", "de_")
def test_any_wish_for_a_language_gets_one_that_is_there(page: str, browser: str) -> None:
    assert TRANSLATIONS.choose("auto", page, browser).language in ("de", "en", "es", "fr")
    assert TRANSLATIONS.choose(browser, page).language in ("de", "en", "es", "fr")


@fuzzed
@given(st.dictionaries(texts, st.lists(texts, max_size=4), max_size=8), texts)
def test_any_fields_are_shown_to_copy_within_bounds(
    posted: dict[str, list[str]], body: str
) -> None:
    say = TRANSLATIONS.choose("de").say
    shown = typed_values(posted, builders.form(), say)
    assert len(shown) <= MOST_SHOWN_VALUES
    assert all(each.label and each.value and 1 <= each.lines <= 8 for each in shown)
    for each in as_it_came(body.encode(errors="surrogatepass"), say):
        assert len(each.value) <= MOST_SHOWN
