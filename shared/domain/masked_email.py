"""E-mail addresses as viewers see them: enough to tell two apart, too little to write to one."""


def masked_email(address: str) -> str:
    """Return the address with the first letter of each part alone, such as ``a…@e….org``."""
    name, at, host = address.rpartition("@")
    if not at:
        return _masked(address)
    first, dot, rest = host.rpartition(".")
    return (
        f"{_masked(name)}@{_masked(first)}{dot}{rest}"
        if dot
        else f"{_masked(name)}@{_masked(host)}"
    )


def _masked(part: str) -> str:
    return f"{part[:1]}…"
