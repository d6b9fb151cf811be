"""The header by which `/healthz` tells the doctor which installation answers."""

import hashlib

HEADER = "Relay-Instance"


def instance_digest(instance: str) -> str:
    """Return a digest of the installation's name, because every server on the way can read it."""
    return hashlib.sha256(b"signup-relay instance\0" + instance.encode()).hexdigest()[:16]
