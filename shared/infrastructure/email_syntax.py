"""Whether something is an e-mail address, as email-validator sees it; nobody is asked over DNS."""


def check_email(address: str) -> str:
    """Return `address` in its form for comparing: NFC, lower case; `ValueError` if it is none.

    A form for comparing only: what is sent is what the visitor typed. The domain is not
    looked up, since a DNS failure must not turn away a visitor, and `.test` is let through,
    so that rehearsals need no address of a real person.
    """
    # Imported here: it takes 50 ms, and most commands read no address.
    from email_validator import validate_email

    checked = validate_email(address, check_deliverability=False, test_environment=True)
    if "." not in checked.ascii_domain:
        raise ValueError("the part after the @ has no dot")
    return checked.normalized.lower()
