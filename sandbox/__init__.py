"""A stand-in for the Constant Contact V3 API, for newcomers, rehearsals and tests.

It behaves as the published API does, and is strict where that is strict. See
docs/sandbox.md for its routes, its faults on demand and what it leaves out.
"""

from sandbox.app import create_app
from sandbox.config import Clock, SandboxConfig
from sandbox.server import serve

__all__ = ["Clock", "SandboxConfig", "create_app", "serve"]
