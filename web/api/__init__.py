"""The API: what operators do, as JSON for scripts. docs/api.md describes it for its users.

Each route is a view under `endpoint`, which declares its role, its schemas and its refusals. The
OpenAPI document is made of these declarations.
"""

from flask import Blueprint

PREFIX = "/api/v1"
bp = Blueprint("api", __name__, url_prefix=PREFIX)
