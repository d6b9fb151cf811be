"""Checks e-mail addresses with email-validator, without DNS."""

import re

# Nearly every address has this shape. email-validator has nothing against such an address either,
# but needs twenty times as long to say so. Its doubtful cases do not match: two hyphens in a row as
# in `xn--`, a top-level domain with a digit, and the special-use domains that it refuses.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]+(-[A-Za-z0-9]+)*\.)+"
    r"(?!(?i:arpa|invalid|local|localhost|onion)\Z)[A-Za-z]{2,}"
)
# A label of the domain has at most 63 characters, and so has one in an address of this length.
_LONGEST_PLAIN = 64
# email-validator takes 254 at most, too, but brings all of it into a normal form first.
_LONGEST = 254


def check_email(address: str) -> str:
    """Return `address` in its form for comparing: NFC, lower case. Raises `ValueError` if it is no
    address.

    The form is for comparing only: the address is sent as the visitor typed it. The domain is not
    looked up, since a DNS failure must not turn away a visitor. `.test` is allowed, so that
    rehearsals need no address of a real person.
    """
    if len(address) <= _LONGEST_PLAIN and _PLAIN.fullmatch(address):
        return address.lower()
    if len(address) > _LONGEST:
        raise ValueError("it is too long")
    # Imported here: it takes 50 ms, and most commands read no address.
    from email_validator import validate_email

    checked = validate_email(address, check_deliverability=False, test_environment=True)
    if "." not in checked.ascii_domain:
        raise ValueError("the part after the @ has no dot")
    return checked.normalized.lower()
