"""The ledger: the only package that knows the Redis keys. Start with `ledger.py`.

Imports only `infrastructure` and `domain`.
"""
