"""A masked address tells two people apart, and nobody can write to it."""

import pytest

from shared.domain.masked_email import masked_email


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("ada@example.org", "a…@e….org"),
        ("ada.lovelace@mail.example.co.uk", "a…@m….uk"),
        ('"a@b"@example.org', '"…@e….org'),
        ("ada@localhost", "a…@l…"),
        ("no address", "n…"),
        ("@example.org", "…@e….org"),
        ("", "…"),
    ],
)
def test_an_address_is_masked(address: str, masked: str) -> None:
    assert masked_email(address) == masked
