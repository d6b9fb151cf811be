"""The header by which `/healthz` says which installation answers."""

import hashlib

HEADER = "Relay-Instance"


def instance_digest(instance: str) -> str:
    """Return a digest of the installation's name, because anybody can read the header."""
    return hashlib.sha256(b"signup-relay instance\0" + instance.encode()).hexdigest()[:16]
