"""All routes of the API."""

from web.api import accounts, bp, guard, openapi, replays, signups, status

__all__ = ["accounts", "bp", "guard", "openapi", "replays", "signups", "status"]
