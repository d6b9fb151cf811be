"""What to do when calls of Constant Contact go on failing, by what the last one came to. Pure.

Each is the end of a sentence that begins with its condition, such as "If the hold stays, …".
"""

import re

API, LOGIN = "CTCT_API_URL", "CTCT_AUTH_URL"

_STATUS = re.compile(r"\bHTTP (\d{3})\b")
# Statuses by which a server says that it is not well, or has no time now.
_BUSY = (408, 425, 429)


def what_helps(cause: str, setting: str = API) -> str:
    """Return what to do about the `cause`, which names the status of the answer if one came.
    `setting` has the address that was asked."""
    status = _STATUS.search(cause)
    if status is None:
        return f"check that this host reaches Constant Contact: firewall, DNS, {setting}"
    code = int(status[1])
    if code >= 500 or code in _BUSY:
        return "ask Constant Contact's support, as the error is its own, or a proxy's on the way"
    return f"check {setting}, and any proxy on the way: the answer may be of another server"
