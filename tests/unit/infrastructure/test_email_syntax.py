"""The short way for usual addresses gives what email-validator gives."""

from itertools import product

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email
from hypothesis import given
from hypothesis import strategies as st

from shared.infrastructure.email_syntax import check_email

# Near every rule of email-validator: dots, hyphens, digits, Punycode, quotes, lengths, and domains
# that are not for mail. The Kelvin sign and the long s become ASCII letters in a domain.
LOCAL = [
    *("ada", "Ada.L", "a.b.c", "a+b", "_", "-", "1", "Sales", "INFO", "o'neill", "a=b", "a/b"),
    *(
        "",
        ".a",
        "a.",
        "a..b",
        "a b",
        '"a b"',
        '"a"',
        "a@b",
        "é",
        "\u212a",
        "\u017f",
        "Ada <a",
        "a\n",
    ),
    *("a" * 50, "a" * 64, "a" * 65, "a." * 30 + "b"),
]
LABELS = [
    *(
        "example",
        "EXAMPLE",
        "a",
        "1",
        "x-1",
        "a-b-c",
        "a--b",
        "-",
        "-x",
        "x-",
        "ab--c",
        "a.b",
        "a..b",
    ),
    *("xn--bcher-kva", "XN--BCHER-KVA", "xn--", "xn--a", "ü", "\u017f", "\u212a", "_", "a b", ""),
    *("a" * 50, "a" * 63, "a" * 64, "a." * 40 + "b", "a." * 120 + "b"),
]
TOP = [
    *("com", "ORG", "museum", "test", "Test", "c", "1", "c0m", "com1", "1com", "a-b", "xn--p1ai"),
    *("\u212aom", "com\n", "com.", "", "locals", "sonion"),
    *(spelled for name in SPECIAL_USE_DOMAIN_NAMES for spelled in (name, name.upper())),
]


def by_email_validator(address: str) -> str | None:
    try:
        checked = validate_email(address, check_deliverability=False, test_environment=True)
    except ValueError:
        return None
    return checked.normalized.lower() if "." in checked.ascii_domain else None


def compared(address: str) -> str | None:
    try:
        return check_email(address)
    except ValueError:
        return None


def test_every_address_gets_the_verdict_of_email_validator() -> None:
    addresses = [
        *(f"{local}@{label}.com" for local, label in product(LOCAL, LABELS)),
        *(f"{local}@example.{top}" for local, top in product(LOCAL, TOP)),
        *(f"ada@{label}.{top}" for label, top in product(LABELS, TOP)),
    ]
    wrong = [each for each in addresses if compared(each) != by_email_validator(each)]
    assert wrong == []


@given(st.text("aA1.-+_@\u212a\n", max_size=12) | st.emails())
def test_so_does_any_text(address: str) -> None:
    assert compared(address) == by_email_validator(address)


@pytest.mark.parametrize("name", SPECIAL_USE_DOMAIN_NAMES)
def test_domains_that_are_not_for_mail_are_refused_but_for_test(name: str) -> None:
    verdicts = [compared(f"ada@{domain}") for domain in (f"a.{name}", f"A.{name.upper()}")]
    assert verdicts == (["ada@a.test"] * 2 if name == "test" else [None, None])


def test_an_address_that_is_too_long_is_refused_before_anything_is_made_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A quarantined sign-up may have one of 8 KiB, which commands compare."""
    asked: list[str] = []
    monkeypatch.setattr(
        "email_validator.validate_email", lambda address, **_: asked.append(address)
    )
    with pytest.raises(ValueError, match="too long"):
        check_email("\u0301\u0323" * 4000 + "@example.com")
    assert not asked
