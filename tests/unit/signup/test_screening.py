"""Screening: which signs count, what they weigh together, and who must get through."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.signup import ALONE, Contact, CustomValue, QuarantineReason, Suspicion
from shared.domain.spam import names, signs
from shared.domain.spam.addresses import is_disposable
from shared.domain.spam.signs import SIGNS, Found
from shared.domain.spam.words import HINTS, OFFERS, spam_words_in, surely_no_telling_words
from web.signup import screening
from web.signup.screening import CLEAN, TOO_FAST, signs_in, trap

AGE = 30.0  # of a page, when nothing about its age is odd
RANDOM = "xkqjRTzpWq"


def contact(**fields: str) -> Contact:
    """Return a contact. What is no field of ours is one of the website's own."""
    email = fields.pop("email", "ada@example.com")
    ours = {"first_name", "last_name", "company_name", "job_title", "street", "city", "state"}
    return Contact(
        fields={"email_address": email} | {n: v for n, v in fields.items() if n in ours},
        other={n: v for n, v in fields.items() if n not in ours},
    )


def screen(
    person: Contact, trapped: Found | None, *, age: float | None, threshold: int
) -> Suspicion | None:
    return screening.screen(person, trapped, age=age, threshold=threshold).quarantine


def found(person: Contact, age: float | None = AGE) -> dict[str, int]:
    """Return the weight of each reason."""
    return {str(each.sign.reason): each.sign.weight for each in signs_in(person, age)}


@pytest.mark.parametrize(
    ("fields", "sign"),
    [
        # links where a name belongs
        pytest.param({"first_name": "https://win.example"}, signs.LINK_IN_NAME, id="link"),
        pytest.param({"last_name": "see www.win.example"}, signs.LINK_IN_NAME, id="www"),
        pytest.param({"first_name": "Get it at bit.ly/3x"}, signs.LINK_IN_NAME, id="shortener"),
        pytest.param({"first_name": "hot-dates.top"}, signs.LINK_IN_NAME, id="domain alone"),
        pytest.param({"city": "HTTP://X.EXAMPLE"}, signs.LINK_IN_NAME, id="in the city"),
        pytest.param({"first_name": "best-deals dot com"}, signs.LINK_IN_NAME, id="dot com"),
        pytest.param({"first_name": "deals (dot) club"}, signs.LINK_IN_NAME, id="dot in brackets"),
        pytest.param({"last_name": "deals[.]shop"}, signs.LINK_IN_NAME, id="brackets"),
        pytest.param({"last_name": "deals . com"}, signs.LINK_IN_NAME, id="blanks"),
        pytest.param({"last_name": "deals\u3002com"}, signs.LINK_IN_NAME, id="Asian full stop"),
        pytest.param({"last_name": "hxxps://deals"}, signs.LINK_IN_NAME, id="hxxp"),
        pytest.param({"last_name": "h t t p : // x"}, signs.LINK_IN_NAME, id="spaced http"),
        pytest.param({"last_name": "a.bc/offer"}, signs.LINK_IN_NAME, id="any shortener"),
        # messengers
        pytest.param({"first_name": "my tg: @anna_x"}, signs.CHAT_IN_NAME, id="a user"),
        pytest.param({"first_name": "zap 11 90000"}, signs.CHAT_IN_NAME, id="a number"),
        pytest.param({"first_name": "LINE bonus99"}, signs.CHAT_IN_NAME, id="an id"),
        pytest.param({"last_name": "微信 vip8899"}, signs.CHAT_IN_NAME, id="Chinese, no blank"),
        pytest.param({"last_name": "[url=x]y[/url]"}, signs.MARKUP_IN_NAME, id="BB code"),
        pytest.param({"last_name": "<a href=x>y</a>"}, signs.MARKUP_IN_NAME, id="HTML"),
        pytest.param({"company_name": "<b>Pills</b>"}, signs.MARKUP_IN_NAME, id="HTML in company"),
        pytest.param({"company_name": "Bell, www.bell.example"}, signs.SOME_LINKS, id="company"),
        pytest.param({"job_title": "CEO @ bell.io"}, signs.SOME_LINKS, id="job title"),
        # texts
        pytest.param({"message": "I am at https://a.example now"}, signs.SOME_LINKS, id="one link"),
        pytest.param(
            {"message": "www.a.example www.b.example http://c.example"},
            signs.MANY_LINKS,
            id="three",
        ),
        pytest.param({"message": "a [url=b]c[/url]"}, signs.MARKUP_IN_TEXT, id="BB code in a text"),
        pytest.param({"message": "Buy Viagra!"}, signs.OFFER, id="a word of spam"),
        pytest.param({"message": "SEO-services, VIAGRA"}, signs.OFFERS, id="two words"),
        pytest.param({"message": "Guest post? Click here"}, signs.HINTS, id="two hints"),
        pytest.param({"message": "Guest post? Backlinks. Act now"}, signs.OFFER, id="three hints"),
        pytest.param({"first_name": "Claim your prize"}, signs.OFFERS, id="word in a name"),
        pytest.param({"first_name": "Free-BTC"}, signs.OFFERS, id="joined by a sign"),
        pytest.param({"first_name": "Free", "last_name": "BTC"}, signs.OFFERS, id="in both names"),
        pytest.param({"first_name": "Act now"}, signs.OFFER, id="a hint in a name"),
        pytest.param({"message": "代开发票\n加微信"}, signs.OFFERS, id="Chinese, no blanks"),
        pytest.param({"message": "PRESTAMO RAPIDO hoy"}, signs.OFFER, id="without accents"),
        pytest.param({"message": "V.i.a.g.r.a today"}, signs.OFFER, id="letter by letter"),
        pytest.param({"message": "V\u200biag\u00adra today"}, signs.OFFER, id="unseen letters"),
        pytest.param({"message": "\U0001d415\U0001d422agra today"}, signs.OFFER, id="bold letters"),
        pytest.param({"message": "vi\u0430gra today"}, signs.OFFER, id="Cyrillic a"),
        # names
        pytest.param({"first_name": RANDOM}, signs.RANDOM_NAMES, id="certainly random"),
        pytest.param({"first_name": "TomuLabeK"}, signs.ODD_LETTERS, id="ends with a capital"),
        pytest.param({"first_name": "JdD4BksvRU"}, signs.ODD_LETTERS, id="capitals and a number"),
        pytest.param({"last_name": "Zqvfekl"}, signs.ODD_LETTERS, id="looks random"),
        pytest.param({"last_name": "É Zqvfekl"}, signs.ODD_LETTERS, id="beside an accent"),
        pytest.param({"first_name": RANDOM, "last_name": "Vwxgral"}, signs.RANDOM_NAMES, id="both"),
        pytest.param(
            {"last_name": "Zqvfekl", "email": "gxqzwkp@x.example"},
            signs.RANDOM_NAME,
            id="address too",
        ),
        pytest.param(
            {"last_name": "Zqvfekl", "email": "gxqzwkp77@x.example"},
            signs.RANDOM_NAME,
            id="address with numbers",
        ),
        pytest.param({"first_name": "J\u043ehn"}, signs.MIXED_SCRIPTS, id="Cyrillic o"),
        pytest.param({"first_name": "J\u200bohn"}, signs.MIXED_SCRIPTS, id="blank of no width"),
        pytest.param({"message": "J\u043ehn p\u0430id"}, signs.DISGUISED, id="two in a text"),
        pytest.param({"last_name": "Only $5"}, signs.MONEY_IN_NAME, id="price"),
        pytest.param({"last_name": "0.75 BTC"}, signs.MONEY_IN_NAME, id="coins"),
        pytest.param({"last_name": "12 eth for you"}, signs.MONEY_IN_NAME, id="words, numbers"),
        pytest.param({"last_name": "5000 рублей"}, signs.MONEY_IN_NAME, id="roubles"),
        pytest.param({"last_name": "90% off"}, signs.ODD_NAME, id="percentage"),
        pytest.param({"last_name": "\U0001d4d0\U0001d4f7n"}, signs.ODD_NAME, id="fancy font"),
        pytest.param({"last_name": "🎁🎁"}, signs.ODD_NAME, id="emojis"),
        pytest.param(
            {"first_name": "Gomtox", "last_name": "Gomtox", "city": "Gomtox"},
            signs.SAME_VALUES,
            id="the same three times",
        ),
        pytest.param(
            {"first_name": "RobertTox", "last_name": "RobertTox"},
            signs.SAME_VALUES,
            id="the same, with a capital inside",
        ),
        # addresses
        pytest.param({"email": "a@mailinator.com"}, signs.DISPOSABLE, id="disposable"),
        pytest.param(
            {"email": "a@in.Mailinator.com"}, signs.DISPOSABLE, id="below a disposable one"
        ),
        pytest.param({"email": "u.x.i.p.f4@x.example"}, signs.ODD_ADDRESS, id="many dots"),
    ],
)
def test_each_sign_is_found(fields: dict[str, str], sign: signs.Sign) -> None:
    assert found(contact(**fields)) == {str(sign.reason): sign.weight}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"first_name": "Jean.Marie", "last_name": "St.John"}, id="dots in names"),
        pytest.param({"first_name": "A.Ng", "last_name": "M.Sc./Ph.D."}, id="endings of countries"),
        pytest.param(
            {"first_name": "Anna.Best", "last_name": "Jan.De Vries"}, id="names as endings"
        ),
        pytest.param(
            {"company_name": "A<B [b] & Co", "message": "see [i], if a <b and c"}, id="signs"
        ),
        pytest.param({"first_name": "eva@example.com"}, id="the e-mail address as a name"),
        pytest.param({"company_name": "www.bell.example"}, id="a website as the company"),
        pytest.param({"company_name": "https://bell.example/about"}, id="its address"),
        pytest.param(
            {"company_name": "Booking.com", "city": "St.Gallen"}, id="a company called so"
        ),
        pytest.param(
            {"website": "https://bell.example", "page": "http://a.example?b=c"}, id="fields"
        ),
        pytest.param({"message": "https://bell.example"}, id="a website as the message"),
        pytest.param({"message": "As a specialist I socialise"}, id="cialis inside of words"),
        pytest.param({"message": "May I write a guest post?"}, id="a hint alone"),
        pytest.param({"message": "I work at the casino. SEO, Bitcoin, a loan."}, id="plain words"),
        pytest.param({"message": "Or by WhatsApp: +44 20 7946 0018"}, id="a messenger in a text"),
        pytest.param({"first_name": "Line", "last_name": "Andersen"}, id="named as a messenger"),
        pytest.param({"first_name": "Loan", "last_name": "Cash"}, id="named as an offer"),
        pytest.param({"first_name": "Linda 617-555-0142"}, id="a phone number"),
        pytest.param({"first_name": "Dot", "last_name": "Comfort"}, id="Dot Com"),
        pytest.param({"city": "St.Gallen/Zürich", "street": "c/o Dr.med. Ott"}, id="dots, slashes"),
        pytest.param({"first_name": "A.B.C.D.", "last_name": "E-F-G-H"}, id="many initials"),
        pytest.param(
            {"first_name": "Jean\u00adLuc", "last_name": "\u0646\u06cc\u200c\u0645"}, id="joiners"
        ),
        pytest.param({"first_name": "Suharto", "last_name": "Suharto"}, id="one name, twice"),
        pytest.param({"city": "Singapore", "state": "Singapore"}, id="a city that is a state"),
        pytest.param({"first_name": "Ke$ha", "last_name": "P!nk"}, id="artists"),
        pytest.param({"first_name": "Amy ❤️", "last_name": "O'Neil-McDonald"}, id="one emoji"),
        pytest.param({"first_name": "Grzegorz", "last_name": "Brzeczyszczykiewicz"}, id="Polish"),
        pytest.param({"first_name": "Myfanwy", "last_name": "Cwmystwyth"}, id="Welsh"),
        pytest.param({"first_name": "Keawe", "last_name": "Humuhumunukunukuapuaa"}, id="Hawaiian"),
        pytest.param({"first_name": "Quynh", "last_name": "Nguyen"}, id="Vietnamese"),
        pytest.param({"first_name": "Nqobile", "last_name": "Mxolisi"}, id="Zulu"),
        pytest.param({"first_name": "Asa", "last_name": "Ljungqvist"}, id="Swedish"),
        pytest.param({"first_name": "محمد", "last_name": "王小明"}, id="Arabic and Chinese"),
        pytest.param({"first_name": "Helen", "last_name": "Akyerε"}, id="Twi has an epsilon"),
        pytest.param({"first_name": "DeShawn", "last_name": "MaryJaneSmith"}, id="capitals inside"),
        pytest.param(
            {"first_name": "Xqzvkwrź", "last_name": "Éxqzvkwr"}, id="accents: not looked at"
        ),
        pytest.param({"first_name": "x" * 50, "last_name": "Q" * 50}, id="one letter, held down"),
        pytest.param({"first_name": "b1f7cb0dfc32", "last_name": "id-9xq2k7"}, id="ids of a test"),
        pytest.param({"first_name": "jOHN", "last_name": "SMITH"}, id="the wrong case"),
        pytest.param({"email": "j.r.r.tolkien@example.com"}, id="initials in the address"),
        pytest.param({"email": "xkqjrtz77@example.com"}, id="a random address alone"),
    ],
)
def test_people_show_no_sign(fields: dict[str, str]) -> None:
    assert found(contact(**fields)) == {}


@pytest.mark.parametrize(
    ("age", "reasons"),
    [
        pytest.param(0.0, {"too_fast": 4}, id="at once"),
        pytest.param(TOO_FAST - 0.01, {"too_fast": 4}, id="faster than most people"),
        pytest.param(float(TOO_FAST), {}, id="as a person"),
        pytest.param(None, {"no_time_token": 2}, id="no time token"),
    ],
)
def test_the_age_of_the_page(age: float | None, reasons: dict[str, int]) -> None:
    assert found(contact(), age) == reasons


WEAK = {"spam_words", "links", "mixed_scripts", "odd_name", "odd_address", "too_fast"}
STRONG = {signs.OFFERS, signs.DISGUISED, signs.MONEY_IN_NAME}


def test_no_weak_sign_quarantines_with_a_missing_token() -> None:
    threshold = 10
    for sign in SIGNS:
        if sign.reason in WEAK | {QuarantineReason.UNTIMED}:
            assert sign.weight < threshold or sign in STRONG
    one_odd_name = signs.ODD_LETTERS.weight + signs.NO_TOKEN.weight
    assert one_odd_name < threshold
    assert signs.TOO_FAST.weight + signs.SOME_LINKS.weight < threshold


def test_the_weights_add_up_and_the_heaviest_reason_is_first() -> None:
    spam = contact(first_name="Bob", message="Buy viagra at www.a.example now")
    assert screen(spam, None, age=None, threshold=10) == Suspicion(
        reasons=("spam_words", "links", "no_time_token"),
        score=12,
        seen={"spam_words": "viagra", "links": "Buy viagra at www.a.example now"},
    )


def test_of_several_signs_with_one_reason_the_heaviest_counts() -> None:
    spam = contact(first_name="www.a.example", last_name="<b>x</b>", company_name="b www.c.example")
    suspected = screen(spam, None, age=AGE, threshold=10)
    assert suspected and (suspected.reasons, suspected.score) == (("links_in_name", "links"), 13)


@pytest.mark.parametrize(("threshold", "is_caught"), [(1, True), (8, True), (9, False), (0, False)])
def test_the_forms_threshold_decides(threshold: int, is_caught: bool) -> None:
    odd = contact(first_name="Zqvfekl")
    assert (screen(odd, None, age=None, threshold=threshold) is not None) == is_caught


@pytest.mark.parametrize("threshold", [0, 10, 100])
def test_the_trap_counts_at_any_threshold(threshold: int) -> None:
    trapped = trap({"email": ["a@example.com"], "_gotcha": ["", " http://x.example "]})
    suspected = screen(contact(), trapped, age=AGE, threshold=threshold)
    assert suspected == Suspicion(("honeypot",), ALONE, {"honeypot": ",  http://x.example "})


def test_what_was_trapped_is_told_all_its_reasons() -> None:
    trapped = Found(signs.HONEYPOT, "x")
    suspected = screen(contact(email="a@mailinator.com"), trapped, age=None, threshold=10)
    assert suspected and suspected.reasons == ("honeypot", "disposable")


def test_a_text_that_shows_a_sign_is_cut() -> None:
    spam = contact(message="viagra cialis levitra https://a.example " + "x" * 5000)
    suspected = screen(spam, None, age=AGE, threshold=10)
    assert suspected and len(suspected.seen["links"]) == 200


def test_of_several_texts_with_one_sign_the_first_is_told() -> None:
    spam = contact(first_name="www.a.example", last_name="www.b.example", city="www.c.example")
    suspected = screen(spam, None, age=AGE, threshold=10)
    assert suspected and suspected.seen == {"links_in_name": "www.a.example"}


def test_custom_fields_are_texts_too() -> None:
    custom = CustomValue("id", "wish", "buy backlinks")
    spam = Contact(fields={"email_address": "a@example.com"}, custom=(custom,))
    assert [each.sign for each in signs_in(spam, AGE)] == [signs.OFFER]


@pytest.mark.parametrize("domain", ["", "com", "example.com", "mailinator.com.example", "."])
def test_other_domains_are_not_disposable(domain: str) -> None:
    assert not is_disposable(domain)


def test_forwarding_services_are_not_disposable() -> None:
    services = ("privaterelay.appleid.com", "duck.com", "mozmail.com", "simplelogin.com")
    assert not any(map(is_disposable, services))


# --- a busy network


def if_busy(person: Contact, age: float | None = AGE, threshold: int = 10) -> Suspicion | None:
    return screening.screen(person, None, age=age, threshold=threshold).if_busy


def test_a_busy_network_adds_to_a_sign_in_what_was_typed() -> None:
    odd = contact(first_name="J\u043ehn")
    assert if_busy(odd) == Suspicion(
        ("mixed_scripts", "busy_network"), 10, {"mixed_scripts": "J\u043ehn"}
    )
    assert if_busy(odd, age=None) == Suspicion(
        ("mixed_scripts", "busy_network", "no_time_token"), 12, {"mixed_scripts": "J\u043ehn"}
    )
    assert if_busy(odd, threshold=11) is None
    assert screen(odd, None, age=AGE, threshold=10) is None


@pytest.mark.parametrize("age", [None, 0.5, AGE])
@pytest.mark.parametrize("threshold", [0, 1, 3, 5, 6, 8, 10])
def test_a_busy_network_alone_quarantines_nobody(age: float | None, threshold: int) -> None:
    """A class signs up at once: with autofill, on a website's own form, or neither."""
    assert if_busy(contact(first_name="Ada"), age, threshold) is None


def test_what_is_quarantined_anyway_needs_no_busy_network() -> None:
    spam = screening.screen(contact(email="a@mailinator.com"), None, age=AGE, threshold=10)
    assert spam.quarantine and spam.if_busy is None
    assert screening.screen(contact(), None, age=AGE, threshold=10) is CLEAN


def test_what_was_too_fast_says_how_fast() -> None:
    [sign] = signs_in(contact(), 0.42)
    assert sign.seen == "0.4 s"


# Words and numbers of people, and of robots that no sign between them gives away.
_PIECES = (
    *("Ada", "MCDONALD", "12", "4b", "1xbet", "Xkqjrtzp", "Ngqvbx7", "page", "1", "of google"),
    *("no deposit bonus", "$5", "50%", "-", "!", "deals dot com", "tg @anna", "5 eth"),
    *("zap 11 90000", "RobertTox", "JdD4BksvRU"),
)
_PLAIN = st.lists(st.sampled_from(_PIECES), max_size=5)


@given(_PLAIN.map(" ".join), _PLAIN.map(" ".join), _PLAIN.map("".join))
@example("Ada 1", "Lovelace", "12 Main Street")
@example("page-1-of-google", "", "")
@example("", "x7", "page 1 of google")
def test_the_quick_look_at_names_and_numbers_leaves_out_no_sign(
    first: str, last: str, street: str
) -> None:
    fields = contact(first_name=first, last_name=last, street=street).fields
    every = list(names._signs(fields, f"{first}\n{last}\n{street}"))
    assert list(names.signs_in_names(fields)) == every


_SPAM = st.sampled_from([*OFFERS, *HINTS]) | st.sampled_from(
    ["v_i_a_g_r_a", "c.i.a.l.i.s", "a*b.c_d"]
)
_SEPARATORS = st.sampled_from([*string.punctuation, *string.whitespace, "", "\x00", "\x7f"])


@given(st.lists(_SPAM | st.text(st.characters(codec="ascii"), max_size=6), max_size=5), st.data())
@example(["free-btc"], None)
@example(["x", "v.i.a.g.r.a"], None)
def test_the_quick_look_at_words_leaves_out_none(words: list[str], data: st.DataObject) -> None:
    text = ""
    for word in words:
        blank = data.draw(_SEPARATORS) if data else " "
        text += blank + word.replace(" ", data.draw(_SEPARATORS) or " " if data else " ")
    if text.isascii() and surely_no_telling_words(text):
        assert spam_words_in(text) == []
