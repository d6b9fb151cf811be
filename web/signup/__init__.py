"""The form routes, and the way of a sign-up from the request to the ledger or to this host's disk.

`routes` is the entrance. Imports nothing of `web.console`.
"""
