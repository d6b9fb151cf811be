"""Identity: by what an installation is told from another when it answers over the network."""

import hashlib

HEADER = "Relay-Instance"


def mark_of(instance: str) -> str:
    """Return a mark of the installation's name, which may not be for everyone to read."""
    return hashlib.sha256(b"signup-relay instance\0" + instance.encode()).hexdigest()[:16]
