"""Signs of spam in an e-mail address.

The domains are those of https://github.com/disposable-email-domains/disposable-email-domains, as
the package of that name has them. Services that forward mail, such as Apple's Hide My Email, are
none of them: their users can be reached.
"""

import re
from collections.abc import Iterable

from disposable_email_domains import blocklist

from shared.domain.spam import signs
from shared.domain.spam.signs import Found

# Such as `u.x.i.p.4@…`: robots put dots into one mailbox's address, which then looks like many.
# J. R. R. Tolkien has three.
_SCATTERED = re.compile(r"(?:^|(?<=\.))\w(?=\.|$)")
_MANY_SINGLE = 4
_LONGEST_DOMAIN = 253


def signs_in_address(email: str) -> Iterable[Found]:
    """Return the signs in an address, if it is one."""
    local, _, domain = email.lower().rpartition("@")
    found = []
    if is_disposable(domain):
        found.append(Found(signs.DISPOSABLE, domain))
    if local.count(".") >= _MANY_SINGLE - 1 and len(_SCATTERED.findall(local)) >= _MANY_SINGLE:
        found.append(Found(signs.ODD_ADDRESS, local))
    return found


def is_disposable(domain: str) -> bool:
    """Whether mail to this domain, in lower case, lives for minutes; also to one below it."""
    domain = domain[-_LONGEST_DOMAIN:]  # a robot may post any text
    while "." in domain:
        if domain in blocklist:
            return True
        domain = domain.partition(".")[2]
    return False
