"""A stand-in for the Constant Contact V3 API, for newcomers, rehearsals and tests.

It behaves as the published API does, and is as strict. It imports nothing of the product.
docs/sandbox.md describes its routes, its faults on demand and what it leaves out.
"""

from sandbox.config import Clock, SandboxConfig
from sandbox.granian_server import serve
from sandbox.wsgi import create_app

__all__ = ["Clock", "SandboxConfig", "create_app", "serve"]
