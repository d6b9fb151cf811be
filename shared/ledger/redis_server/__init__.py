"""The Redis server itself: its errors, its id, and whether it keeps what it is given.

Knows no sign-up. Imported by the modules of the ledger.
"""
