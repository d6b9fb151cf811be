"""Taking sign-ups: from the request (`routes`) to the ledger, or to this host's disk.

Imports nothing of `web.console`.
"""
