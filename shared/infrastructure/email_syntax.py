"""Checks e-mail addresses with email-validator, without DNS."""


def check_email(address: str) -> str:
    """Return `address` in its form for comparing: NFC, lower case. Raises `ValueError` if it is no
    address.

    The form is for comparing only: the address is sent as the visitor typed it. The domain is not
    looked up, since a DNS failure must not turn away a visitor. `.test` is allowed, so that
    rehearsals need no address of a real person.
    """
    # Imported here: it takes 50 ms, and most commands read no address.
    from email_validator import validate_email

    checked = validate_email(address, check_deliverability=False, test_environment=True)
    if "." not in checked.ascii_domain:
        raise ValueError("the part after the @ has no dot")
    return checked.normalized.lower()
